//! A node that says what it likes: what it knows to be true it asks of an honest one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quinn::Connection;
use quinn::Endpoint;
use quinn::RecvStream;
use quinn::SendStream;

use crate::asker::Asker;
use crate::quic;
use crate::quic::runtime;
use crate::wire;
use crate::wire::Frame;

/// The answer that goes over the wire.
pub enum Say {
    /// The answer of the honest node.
    Truth,
    /// These frames.
    Frames(Vec<Frame>),
    /// These bytes, and then the end.
    Bytes(Vec<u8>),
    /// These bytes again and again.
    Endless(Vec<u8>),
    /// These bytes, one a second.
    Drip(Vec<u8>),
    /// Nothing, ever.
    Mute,
}

/// From a request and the true answer to what is said.
pub type Tell = dyn Fn(&Frame, &[Frame]) -> Say + Send + Sync;

pub struct Host {
    endpoint: Endpoint,
    pub address: SocketAddr,
    number: u64,
    lies: Arc<AtomicU64>,
}

struct Mouth {
    truth: Option<Asker>,
    tell: Box<Tell>,
    lies: Arc<AtomicU64>,
}

impl Host {
    /// Serves with the key of a number, at any port.
    pub fn serve(truth: Option<SocketAddr>, number: u64, tell: Box<Tell>) -> Self {
        Self::serve_at(0, truth, number, tell)
    }

    pub fn serve_at(port: u16, truth: Option<SocketAddr>, number: u64, tell: Box<Tell>) -> Self {
        let endpoint = quic::server(number, port);
        let address = endpoint.local_addr().expect("an address");
        let lies = Arc::new(AtomicU64::new(0));
        let accepting = endpoint.clone();
        let counted = lies.clone();
        runtime().spawn(async move {
            let truth = match truth {
                Some(at) => Asker::greeted(at, 900 + number).await.ok(),
                None => None,
            };
            let mouth = Arc::new(Mouth {
                truth,
                tell,
                lies: counted,
            });
            while let Some(incoming) = accepting.accept().await {
                let mouth = mouth.clone();
                tokio::spawn(async move {
                    let Ok(connection) = incoming.await else {
                        return;
                    };
                    while let Ok((out, asked)) = connection.accept_bi().await {
                        tokio::spawn(mouth.clone().answer(connection.clone(), out, asked));
                    }
                });
            }
        });
        Self {
            endpoint,
            address,
            number,
            lies,
        }
    }

    /// Returns the name of this node for `--peer`.
    pub fn peer(&self) -> String {
        format!("{}@{}", self.id(), self.address)
    }

    pub fn id(&self) -> String {
        quic::id(self.number)
    }

    /// Returns the number of answers that were not the truth.
    pub fn lies(&self) -> u64 {
        self.lies.load(Ordering::Relaxed)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.endpoint.close(0_u32.into(), b"done");
    }
}

impl Mouth {
    async fn answer(
        self: Arc<Self>,
        _connection: Connection,
        mut out: SendStream,
        mut asked: RecvStream,
    ) {
        let Ok(bytes) = asked.read_to_end(16 << 20).await else {
            return;
        };
        let Some(request) = wire::frames(&bytes).and_then(|all| all.into_iter().next()) else {
            return;
        };
        let truth = match &self.truth {
            Some(asker) => asker.ask(&request).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let said = (self.tell)(&request, &truth);
        if !matches!(said, Say::Truth) {
            self.lies.fetch_add(1, Ordering::Relaxed);
        }
        // The other side may be gone at any moment.
        let _ = match said {
            Say::Truth => out.write_all(&wire::encoded(&truth)).await,
            Say::Frames(frames) => out.write_all(&wire::encoded(&frames)).await,
            Say::Bytes(bytes) => out.write_all(&bytes).await,
            Say::Endless(bytes) => {
                let many = bytes.repeat((1 << 18) / bytes.len().max(1) + 1);
                while out.write_all(&many).await.is_ok() {}
                return;
            }
            Say::Drip(bytes) => {
                for byte in bytes {
                    if out.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                return;
            }
            Say::Mute => return std::future::pending().await,
        };
        let _ = out.finish();
    }
}
