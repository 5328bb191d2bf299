//! The program under test: homes, runs and serving nodes, and what they take.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use ed25519_dalek::SigningKey;

use crate::forge::hex;
use crate::quic;

/// A run that takes longer than this is ended, and a fault.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most memory that one process may take, in KiB.
pub const MEMORY_KIB_MAX: u64 = 400 << 10;

/// The result of a run: exit code, output, peak memory and duration.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    pub memory_kib: u64,
    pub seconds: f64,
}

/// The honest node, its dataset, and whom everybody trusts: its publisher, and one who lies.
pub struct Lab {
    program: PathBuf,
    pub dir: PathBuf,
    pub corpus: Vec<u8>,
    /// The later version of `edited`.
    pub edited: Vec<u8>,
    trust: String,
    next: AtomicU64,
    pub honest: Node,
    pub worst_kib: AtomicU64,
}

/// A publisher that everybody here trusts in full.
pub fn turncoat() -> SigningKey {
    quic::key(77)
}

/// The text of a member of an object in JSON on one line, or of its first.
pub fn member(json: &str, name: &str) -> Option<String> {
    let at = json.find(&format!("\"{name}\":"))? + name.len() + 3;
    let rest = json[at..].trim_start();
    Some(match rest.strip_prefix('"') {
        Some(text) => text[..text.find('"')?].to_owned(),
        None => rest[..rest.find([',', '}', ']'])?].trim().to_owned(),
    })
}

/// Deterministic lines that do not repeat.
pub fn lines(count: usize, seed: u64) -> Vec<u8> {
    let noise = crate::forge::noise(seed, count * 60);
    let rows = noise.chunks(60).enumerate();
    rows.flat_map(|(n, b)| format!("{{\"n\":{n},\"text\":\"{}\"}}\n", hex(b)).into_bytes())
        .collect()
}

fn memory_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM"));
    let number = line.and_then(|l| l.split_whitespace().nth(1));
    number.and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// Runs to its end, looking what it takes.
fn run(mut command: Command) -> Ran {
    let begun = Instant::now();
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program");
    let read = |from: Option<Box<dyn Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            from.map(|mut from| from.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let out = read(child.stdout.take().map(|s| Box::new(s) as _));
    let err = read(child.stderr.take().map(|s| Box::new(s) as _));
    let mut worst = 0;
    let code = loop {
        worst = worst.max(memory_kib(child.id()));
        if let Ok(Some(status)) = child.try_wait() {
            break status.code();
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Ran {
        code,
        out: out.join().unwrap_or_default(),
        err: err.join().unwrap_or_default(),
        memory_kib: worst,
        seconds: begun.elapsed().as_secs_f64(),
    }
}

impl Lab {
    /// With a large dataset beside the others, or without.
    pub fn new(program: PathBuf, large: bool) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("alimentar-hostile-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).expect("a directory");
        let served = dir.join("served");
        let corpus = lines(6_000, 1);
        std::fs::write(dir.join("corpus.jsonl"), &corpus).expect("a file");
        let ask = |words: &[&str]| {
            let mut command = Command::new(&program);
            command.arg("--home").arg(&served).arg("--json");
            command.args(words).env("ALIMENTAR_PASSPHRASE", "pass");
            let ran = run(command);
            assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.err);
            ran.out
        };
        let made = ask(&["registry", "keygen", "--name", "lab"]);
        let key = member(&made, "public_key").expect("a public key");
        let path = dir.join("corpus.jsonl");
        ask(&["registry", "index", &path.to_string_lossy(), "--sign"]);
        let mut edited = lines(4_000, 2);
        let path = dir.join("edited.jsonl");
        for version in ["1.0.0", "1.1.0"] {
            std::fs::write(&path, &edited).expect("a file");
            let words = ["registry", "index", &path.to_string_lossy(), "--sign"];
            ask(&[&words[..], &["--version", version]].concat());
            if version == "1.0.0" {
                // A row in a hundred is another.
                for at in (0..edited.len() - 200).step_by(20_000) {
                    edited[at + 50..at + 60].fill(b'7');
                }
            }
        }
        let path = dir.join("large.jsonl");
        if large {
            std::fs::write(&path, lines(250_000, 3)).expect("a file");
            ask(&["registry", "index", &path.to_string_lossy(), "--sign"]);
        } else {
            // More than is asked for at once, so that it is asked where records end.
            let path = dir.join("windows.jsonl");
            std::fs::write(&path, lines(65_000, 4)).expect("a file");
            ask(&["registry", "index", &path.to_string_lossy(), "--sign"]);
        }
        let trust = format!(
            "version = 1\n\n[publisher.lab]\nkey = \"{key}\"\nlevel = \"full\"\n\n[publisher.turncoat]\nkey = \"{}\"\nlevel = \"full\"\n",
            hex(turncoat().verifying_key().as_bytes())
        );
        let honest = Node::serve(&program, &served, &["--no-mdns"]);
        Self {
            program,
            dir,
            corpus,
            edited,
            trust,
            next: AtomicU64::new(0),
            honest,
            worst_kib: AtomicU64::new(0),
        }
    }

    /// A home with nothing in it that trusts both publishers.
    pub fn home(&self) -> PathBuf {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let home = self.dir.join(format!("home{n}"));
        std::fs::create_dir(&home).expect("a home");
        std::fs::write(home.join("trust.toml"), &self.trust).expect("trust");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&home, private).expect("a mode");
        home
    }

    /// Runs the program on a home; memory is looked at, and is no more than it may be.
    pub fn run(&self, home: &Path, words: &[&str]) -> Result<Ran, String> {
        let mut command = Command::new(&self.program);
        command.arg("--home").arg(home).arg("--json").args(words);
        command.env("ALIMENTAR_PASSPHRASE", "pass");
        let ran = run(command);
        self.worst_kib.fetch_max(ran.memory_kib, Ordering::Relaxed);
        match ran.code {
            None => Err(format!("{words:?} did not end, or crashed: {}", ran.err)),
            Some(_) if ran.memory_kib > MEMORY_KIB_MAX => {
                Err(format!("{words:?} took {} KiB", ran.memory_kib))
            }
            Some(_) if ran.err.contains("panicked") => Err(format!("it panicked: {}", ran.err)),
            Some(_) => Ok(ran),
        }
    }

    pub fn pull(&self, home: &Path, peer: &str, name: &str) -> Result<Ran, String> {
        self.run(home, &["registry", "pull", name, "--peer", peer])
    }

    /// A child that goes on meanwhile.
    pub fn begin(&self, home: &Path, words: &[&str]) -> Child {
        let mut command = Command::new(&self.program);
        command.arg("--home").arg(home).args(words);
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program")
    }

    pub fn serve(&self, home: &Path, words: &[&str]) -> Node {
        Node::serve(&self.program, home, words)
    }

    /// Nothing can be seen in a home.
    pub fn is_empty(&self, home: &Path) -> Result<(), String> {
        let ran = self.run(home, &["registry", "list", "--all"])?;
        match ran.out.contains("\"content_id\"") {
            true => Err(format!("something is to be seen: {}", ran.out)),
            false => Ok(()),
        }
    }

    /// `fsck` finds nothing in a home.
    pub fn is_sound(&self, home: &Path) -> Result<(), String> {
        let ran = self.run(home, &["registry", "fsck"])?;
        match ran.code {
            Some(0) => Ok(()),
            _ => Err(format!("fsck: {}{}", ran.out, ran.err)),
        }
    }

    /// An honest peer gets all of it from the honest node, and the node never failed.
    pub fn serves(&self, home: &Path) -> Result<(), String> {
        let ran = self.pull(home, &self.honest.peer(), "corpus")?;
        if ran.code != Some(0) {
            return Err(format!("an honest peer gets nothing: {}", ran.err));
        }
        let copy = home.join("copy.jsonl");
        let words = ["registry", "checkout", "corpus", &copy.to_string_lossy()];
        self.run(home, &words)?;
        if std::fs::read(&copy).ok().as_ref() != Some(&self.corpus) {
            return Err("an honest peer got other bytes".to_owned());
        }
        let _ = std::fs::remove_file(&copy);
        self.is_sound(home)?;
        self.honest.is_well()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A serving node.
pub struct Node {
    child: Mutex<Child>,
    pid: u32,
    pub address: SocketAddr,
    pub id: String,
    said: Arc<Mutex<Vec<String>>>,
}

impl Node {
    fn serve(program: &Path, home: &Path, words: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.arg("--home").arg(home).args(["registry", "serve"]);
        command.args(["--bind", "127.0.0.1", "--port", "0"]);
        command.args(words).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().expect("the program");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let ready = lines.next().and_then(Result::ok).unwrap_or_default();
        let address = member(&ready, "addr").and_then(|at| at.parse().ok());
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = said.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.lock().expect("a lock").push(line);
            }
        });
        Self {
            pid: child.id(),
            child: Mutex::new(child),
            address: address.unwrap_or_else(|| panic!("no ready line: {ready}")),
            id: member(&ready, "node_id").unwrap_or_default(),
            said,
        }
    }

    /// Returns the name of this node for `--peer`.
    pub fn peer(&self) -> String {
        format!("{}@{}", self.id, self.address)
    }

    /// Returns the lines that it has printed since it was ready.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().expect("a lock").clone()
    }

    pub fn memory_kib(&self) -> u64 {
        memory_kib(self.pid)
    }

    /// It runs, never failed at a request, and never took much memory.
    pub fn is_well(&self) -> Result<(), String> {
        let ended = self.child.lock().expect("a lock").try_wait();
        if !matches!(ended, Ok(None)) {
            return Err(format!("the node ended: {ended:?}"));
        }
        let failed = self.said().into_iter().find(|l| l.contains("\"failed\""));
        match (failed, self.memory_kib()) {
            (Some(line), _) => Err(format!("the node failed: {line}")),
            (None, kib) if kib > MEMORY_KIB_MAX => Err(format!("the node took {kib} KiB")),
            _ => Ok(()),
        }
    }

    /// Asks it to end; whether it did so, and well.
    pub fn stop(self) -> Result<(), String> {
        self.is_well()?;
        self.signal("-TERM");
        let begun = Instant::now();
        loop {
            let ended = self.child.lock().expect("a lock").try_wait();
            match ended {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(None) if begun.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                other => return Err(format!("it does not end well: {other:?}")),
            }
        }
    }

    pub fn signal(&self, which: &str) {
        signal(which, self.pid);
    }
}

pub fn signal(which: &str, pid: u32) {
    let _ = Command::new("kill")
        .args([which, &pid.to_string()])
        .status();
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Ok(mut child) = self.child.lock() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
