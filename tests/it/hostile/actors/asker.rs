//! A client that says what it likes.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use alimentar::net::crypto::client_config;
use alimentar::net::crypto::endpoint_config;
use alimentar::protocol::ALPN;
use alimentar::protocol::Access;
use alimentar::protocol::FrameReader;
use alimentar::protocol::Hello;
use alimentar::protocol::RefusalCode;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use ed25519_dalek::SigningKey;
use quinn::Connection;
use quinn::ConnectionError;
use quinn::Endpoint;
use quinn::RecvStream;
use quinn::SendStream;
use quinn::TransportConfig;

/// No answer here is longer.
const ANSWER_BYTES_MAX: usize = 64 << 20;

pub struct Asker {
    endpoint: Endpoint,
    pub connection: Connection,
}

/// The secret of a peer, by number.
pub fn key(number: u64) -> SigningKey {
    SigningKey::from_bytes(blake3::hash(&number.to_le_bytes()).as_bytes())
}

/// A socket of a peer, with other settings of the transport where there are some.
pub fn endpoint(number: u64, transport: Option<TransportConfig>) -> Endpoint {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let runtime = Arc::new(quinn::TokioRuntime);
    let mut endpoint = Endpoint::new(endpoint_config().unwrap(), None, socket, runtime).unwrap();
    let mut config = client_config(&key(number), &[ALPN]).unwrap();
    let mut transport = transport.unwrap_or_default();
    // As every client does.
    transport.keep_alive_interval(Some(Duration::from_secs(1)));
    config.transport_config(Arc::new(transport));
    endpoint.set_default_client_config(config);
    endpoint
}

impl Asker {
    /// Connects and says nothing.
    pub async fn silent(at: SocketAddr, number: u64) -> Result<Self, ConnectionError> {
        Self::with(at, endpoint(number, None)).await
    }

    pub async fn with(at: SocketAddr, endpoint: Endpoint) -> Result<Self, ConnectionError> {
        let connection = endpoint.connect(at, "node.invalid").unwrap().await?;
        Ok(Self {
            endpoint,
            connection,
        })
    }

    /// The node id of a peer, by number, as it is written.
    pub fn id(number: u64) -> String {
        alimentar::ident::to_hex(key(number).verifying_key().as_bytes())
    }

    /// Connects and greets.
    pub async fn greeted(at: SocketAddr, number: u64) -> Self {
        let asker = Self::silent(at, number).await.unwrap();
        asker.greet().await;
        asker
    }

    pub async fn greet(&self) {
        let answers = self.ask(&hello()).await;
        assert!(matches!(answers.as_slice(), [Response::Hello(_)]));
    }

    /// A stream on which these bytes went, and no end.
    pub async fn begin(&self, bytes: &[u8]) -> (SendStream, RecvStream) {
        let (mut out, answer) = self.connection.open_bi().await.unwrap();
        // The node may close the connection before the end of the request.
        let _ = out.write_all(bytes).await;
        (out, answer)
    }

    /// Sends bytes as a request; what came, if its end did.
    pub async fn send(&self, bytes: &[u8]) -> Option<Vec<Response>> {
        let (mut out, answer) = self.connection.open_bi().await.ok()?;
        let _ = out.write_all(bytes).await;
        let _ = out.finish();
        read(answer).await
    }

    /// Asks; there has to be an answer.
    pub async fn ask(&self, request: &Request) -> Vec<Response> {
        self.send(&request.encode()).await.unwrap()
    }

    /// Asks for what is refused; how.
    pub async fn refused(&self, request: &Request) -> RefusalCode {
        let answers = self.ask(request).await;
        code(&answers).unwrap_or_else(|| panic!("{request:?}: {answers:?}"))
    }

    /// With which code the other side closes.
    pub async fn closed(&self) -> u64 {
        closed(&self.connection.closed().await)
    }

    pub async fn leave(self) {
        self.connection.close(0_u32.into(), b"done");
        self.endpoint.wait_idle().await;
    }
}

/// The application's code in the end of a connection.
pub fn closed(error: &ConnectionError) -> u64 {
    match error {
        ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
        other => panic!("{other}"),
    }
}

pub fn hello() -> Request {
    Request::Hello(Hello::own(Access::Open))
}

/// The frames of an answer, if it came to its end.
pub async fn read(mut answer: RecvStream) -> Option<Vec<Response>> {
    let bytes = answer.read_to_end(ANSWER_BYTES_MAX).await.ok()?;
    let mut reader = FrameReader::new(Response::body_limit);
    let mut piece = bytes.as_slice();
    let mut answers = Vec::new();
    while let Some(frame) = reader.read(&mut piece).unwrap() {
        answers.push(Response::decode(frame).unwrap());
    }
    reader.end().unwrap();
    Some(answers)
}

/// The code of a refusal that is all there is.
pub fn code(answers: &[Response]) -> Option<RefusalCode> {
    match answers {
        [Response::Refusal(refusal)] => Some(refusal.code),
        _ => None,
    }
}
