//! A web server that answers as a test says, and that may lie.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its number among all requests, from 0.
    pub number: usize,
    /// Path and query.
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Asked {
    /// A header of the request.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The bytes of a whole of this length that are asked for.
    pub fn range(&self, whole: usize) -> Option<std::ops::Range<usize>> {
        let range = self.header("range")?.strip_prefix("bytes=")?;
        let (from, to) = range.split_once('-')?;
        if from.is_empty() {
            return Some(whole.saturating_sub(to.parse().ok()?)..whole);
        }
        let from: usize = from.parse().ok()?;
        let to = to.parse().map_or(whole, |last: usize| last + 1).min(whole);
        Some(from..to)
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Bytes of the body that are sent.
    sent: usize,
    after: After,
}

/// Behaviour of the server after the sent bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Close,
    Stall,
    EndlessHeaders,
}

impl Reply {
    /// An answer with its length.
    pub fn new(status: u16, body: &[u8]) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_vec(),
            sent: body.len(),
            after: After::Close,
        }
        .with("Content-Length", &body.len().to_string())
    }

    /// The response of an honest server about these bytes.
    pub fn honest(asked: &Asked, bytes: &[u8], etag: &str) -> Self {
        let reply = match asked.range(bytes.len()) {
            Some(range) if range.start >= bytes.len() => {
                Self::new(416, b"").with("Content-Range", &format!("bytes */{}", bytes.len()))
            }
            Some(range) => Self::new(206, &bytes[range.clone()]).with(
                "Content-Range",
                &format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len()),
            ),
            None => Self::new(200, bytes),
        };
        let etag = format!("\"{etag}\"");
        if asked
            .header("if-match")
            .is_some_and(|wanted| wanted != etag)
        {
            return Self::new(412, b"");
        }
        reply.with("ETag", &etag).with("Accept-Ranges", "bytes")
    }

    /// The same with a header, in place of one of that name.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without a header.
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self
    }

    /// The same with another body of the same length.
    pub fn map_body(mut self, change: impl FnOnce(&mut [u8])) -> Self {
        change(&mut self.body);
        self
    }

    /// The same, whose connection ends after so many bytes of the body.
    pub fn cut(mut self, sent: usize) -> Self {
        self.sent = sent;
        self
    }

    /// The same, after so many bytes of which nothing comes.
    pub fn stalled(mut self, sent: usize) -> Self {
        (self.sent, self.after) = (sent, After::Stall);
        self
    }

    /// Headers without end.
    pub fn endless_headers() -> Self {
        let mut reply = Self::new(206, b"");
        reply.after = After::EndlessHeaders;
        reply
    }

    fn write(&self, to: &mut TcpStream, is_over: &AtomicBool) -> std::io::Result<()> {
        write!(to, "HTTP/1.1 {} X\r\nConnection: close\r\n", self.status)?;
        for (name, value) in &self.headers {
            write!(to, "{name}: {value}\r\n")?;
        }
        if self.after == After::EndlessHeaders {
            while !is_over.load(Ordering::Relaxed) {
                write!(to, "X-Filler: {}\r\n", "x".repeat(1000))?;
            }
            return Ok(());
        }
        to.write_all(b"\r\n")?;
        to.write_all(&self.body[..self.sent.min(self.body.len())])?;
        to.flush()?;
        while self.after == After::Stall && !is_over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

type Handler = dyn Fn(&Asked) -> Reply + Send + Sync;

/// A web server on a port of this machine.
pub struct Server {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    is_over: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server.
    pub fn start(handler: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let (log, over) = (Arc::clone(&asked), Arc::clone(&is_over));
        let handler: Arc<Handler> = Arc::new(handler);
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (log, over, handler) =
                    (Arc::clone(&log), Arc::clone(&over), Arc::clone(&handler));
                let stream = stream.unwrap();
                std::thread::spawn(move || answer(stream, &log, &*handler, &over));
            }
        });
        Self {
            address,
            asked,
            is_over,
            accepting: Some(accepting),
        }
    }

    /// An honest server of one file.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self::start(move |asked| Reply::honest(asked, &bytes, "v1"))
    }

    /// A URL of the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests until now.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(&self.address);
        if let Some(accepting) = self.accepting.take() {
            accepting.join().unwrap();
        }
    }
}

/// Answers one request. A client that goes away is no fault.
fn answer(stream: TcpStream, log: &Mutex<Vec<Asked>>, handler: &Handler, is_over: &AtomicBool) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    for line in lines.map_while(Result::ok) {
        match line.split_once(':') {
            Some((name, value)) => {
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            None => break,
        }
    }
    let asked = {
        let mut log = log.lock().unwrap();
        let asked = Asked {
            number: log.len(),
            path,
            headers,
        };
        log.push(asked.clone());
        asked
    };
    let mut stream = stream;
    if handler(&asked).write(&mut stream, is_over).is_ok() {
        let _ = stream.shutdown(std::net::Shutdown::Write);
        // Reading to the end keeps a reset from overtaking the answer.
        let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
        let _ = stream.read(&mut [0]);
    }
}
