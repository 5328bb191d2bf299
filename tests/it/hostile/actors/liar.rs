//! A node that knows the truth and tells what it likes.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use alimentar::LocalRegistry;
use alimentar::ident::NodeId;
use alimentar::net::crypto::endpoint_config;
use alimentar::net::crypto::server_config;
use alimentar::protocol::ALPN;
use alimentar::protocol::Access;
use alimentar::protocol::FrameReader;
use alimentar::protocol::Hello;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::registry::peers::RequestContext;
use alimentar::registry::peers::Showing;
use quinn::Endpoint;
use quinn::Incoming;
use tokio::runtime::Runtime;

use crate::hostile::actors::asker::key;

/// The answer that goes over the wire in the place of the truth.
pub enum Told {
    /// The truth.
    Truth,
    /// These answers.
    Answers(Vec<Response>),
    /// These bytes, and then the end of the answer.
    Bytes(Vec<u8>),
    /// These bytes again and again.
    Endless(Vec<u8>),
    /// These bytes, and then the stream is reset.
    Reset(Vec<u8>),
    /// These bytes, and then the connection is closed.
    Close(Vec<u8>),
    /// Nothing for three seconds, and then the connection is closed.
    Silence,
    /// Nothing, ever.
    Mute,
}

impl Told {
    /// Checks whether the network may be at fault as well.
    /// A pull does not name a peer for such an answer while other peers give the data.
    fn is_break(&self) -> bool {
        matches!(self, Self::Close(_) | Self::Silence | Self::Mute)
    }
}

/// Makes an answer from a request and the truth.
pub type Tell = dyn Fn(&Request, &[Response]) -> Told + Send + Sync;

pub struct Liar {
    endpoint: Endpoint,
    pub address: SocketAddr,
    pub id: NodeId,
    pub lies: Arc<AtomicU64>,
    breaks: Arc<AtomicU64>,
    _runtime: Runtime,
}

struct Mouth {
    registry: LocalRegistry,
    tell: Box<Tell>,
    lies: Arc<AtomicU64>,
    breaks: Arc<AtomicU64>,
}

pub fn encoded(answers: &[Response]) -> Vec<u8> {
    answers.iter().flat_map(Response::encode).collect()
}

/// Somebody asks who may see what all may.
pub fn asking() -> RequestContext {
    RequestContext {
        peer: NodeId::new([9; 32]),
        hello: Hello::own(Access::Open),
        showing: Showing::default(),
        access: Access::Open,
    }
}

impl Liar {
    /// Serves a registry in this process.
    pub fn serve(registry: &LocalRegistry, tell: Box<Tell>) -> Self {
        Self::serve_at(registry, 0, 1000, tell)
    }

    /// The same at a port, with the key of a number.
    pub fn serve_at(registry: &LocalRegistry, port: u16, number: u64, tell: Box<Tell>) -> Self {
        let runtime = Runtime::new().unwrap();
        let _inside = runtime.enter();
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let address = socket.local_addr().unwrap();
        let key = key(number);
        let config = server_config(&key, &[ALPN]).unwrap();
        let quinn = Arc::new(quinn::TokioRuntime);
        let endpoint = Endpoint::new(endpoint_config().unwrap(), Some(config), socket, quinn);
        let endpoint = endpoint.unwrap();
        let lies = Arc::new(AtomicU64::new(0));
        let breaks = Arc::new(AtomicU64::new(0));
        let mouth = Arc::new(Mouth {
            registry: registry.clone(),
            tell,
            lies: lies.clone(),
            breaks: breaks.clone(),
        });
        let accepting = endpoint.clone();
        runtime.spawn(async move {
            while let Some(incoming) = accepting.accept().await {
                tokio::spawn(mouth.clone().meet(incoming));
            }
        });
        Self {
            endpoint,
            address,
            id: NodeId::new(key.verifying_key().to_bytes()),
            lies,
            breaks,
            _runtime: runtime,
        }
    }

    /// Returns the name of this node for `--peer`.
    pub fn peer(&self) -> String {
        format!("{}@{}", self.id, self.address)
    }

    /// Returns the number of lies since the last call, and how many of them only broke off.
    pub fn lies(&self) -> (u64, u64) {
        let breaks = self.breaks.swap(0, Ordering::Relaxed);
        (self.lies.swap(0, Ordering::Relaxed), breaks)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.endpoint.close(0_u32.into(), b"done");
    }
}

impl Mouth {
    async fn meet(self: Arc<Self>, incoming: Incoming) {
        let Ok(connection) = incoming.await else {
            return;
        };
        while let Ok((out, asked)) = connection.accept_bi().await {
            tokio::spawn(self.clone().answer(connection.clone(), out, asked));
        }
    }

    async fn answer(
        self: Arc<Self>,
        connection: quinn::Connection,
        mut out: quinn::SendStream,
        mut asked: quinn::RecvStream,
    ) {
        let Ok(bytes) = asked.read_to_end(16 << 20).await else {
            return;
        };
        let mut reader = FrameReader::new(Request::body_limit);
        let frame = reader.read(&mut bytes.as_slice()).unwrap().unwrap();
        let request = Request::decode(&frame).unwrap().unwrap();
        let told = tokio::task::block_in_place(|| {
            let truth: Vec<Response> = self.registry.peers().answer(&request, &asking()).collect();
            match (self.tell)(&request, &truth) {
                Told::Truth => Err(encoded(&truth)),
                told => Ok(told),
            }
        });
        let is_lie = told.is_ok();
        let is_break = told.as_ref().is_ok_and(Told::is_break);
        self.lies.fetch_add(u64::from(is_lie), Ordering::Relaxed);
        self.breaks
            .fetch_add(u64::from(is_break), Ordering::Relaxed);
        // The other side may be gone at any moment.
        let _ = match told {
            Err(bytes) | Ok(Told::Bytes(bytes)) => out.write_all(&bytes).await,
            Ok(Told::Answers(answers)) => out.write_all(&encoded(&answers)).await,
            Ok(Told::Endless(bytes)) => {
                let many = bytes.repeat((1 << 16) / bytes.len().max(1) + 1);
                while out.write_all(&many).await.is_ok() {}
                return;
            }
            Ok(Told::Reset(bytes)) => {
                let _ = out.write_all(&bytes).await;
                let _ = out.reset(9_u32.into());
                return;
            }
            Ok(Told::Close(bytes)) => {
                let _ = out.write_all(&bytes).await;
                return connection.close(9_u32.into(), b"bye\x1b[2J");
            }
            Ok(Told::Silence) => {
                tokio::time::sleep(Duration::from_secs(3)).await;
                return connection.close(9_u32.into(), b"");
            }
            Ok(Told::Mute) => return std::future::pending().await,
            Ok(Told::Truth) => return,
        };
        let _ = out.finish();
    }
}
