//! A client that says what it likes.

use std::net::SocketAddr;
use std::time::Duration;

use quinn::Connection;
use quinn::ConnectionError;
use quinn::Endpoint;
use quinn::RecvStream;
use quinn::SendStream;
use quinn::TransportConfig;

use crate::quic;
use crate::wire;
use crate::wire::Frame;

/// Longer than any answer here takes.
pub const PATIENCE: Duration = Duration::from_secs(40);

#[derive(Clone)]
pub struct Asker {
    _endpoint: Endpoint,
    pub connection: Connection,
}

impl Asker {
    /// Connects and says nothing.
    pub async fn silent(at: SocketAddr, number: u64) -> Result<Self, String> {
        Self::with(at, number, quic::transport()).await
    }

    pub async fn with(
        at: SocketAddr,
        number: u64,
        transport: TransportConfig,
    ) -> Result<Self, String> {
        let endpoint = quic::client(number, transport);
        let connecting = endpoint.connect(at, "node.invalid");
        let connecting = connecting.map_err(|e| e.to_string())?;
        let connected = tokio::time::timeout(PATIENCE, connecting).await;
        let connection = connected.map_err(|_| "no handshake")?;
        let connection = connection.map_err(|e| e.to_string())?;
        Ok(Self {
            _endpoint: endpoint,
            connection,
        })
    }

    /// Connects and greets; it reads records that are not compressed, and no deltas.
    pub async fn greeted(at: SocketAddr, number: u64) -> Result<Self, String> {
        let asker = Self::silent(at, number).await?;
        asker.greet().await?;
        Ok(asker)
    }

    pub async fn greet(&self) -> Result<(), String> {
        let answer = self.ask(&wire::hello(wire::HELLO, &[0], false)).await?;
        match answer.as_slice() {
            [hello] if hello.kind == 0x81 => Ok(()),
            other => Err(format!("no hello but {other:?}")),
        }
    }

    /// A stream on which these bytes went, and no end.
    pub async fn begin(&self, bytes: &[u8]) -> Result<(SendStream, RecvStream), String> {
        let opened = self.connection.open_bi().await;
        let (mut out, answer) = opened.map_err(|e| e.to_string())?;
        // The node may close the connection before the end of the request.
        let _ = out.write_all(bytes).await;
        Ok((out, answer))
    }

    /// Sends bytes as a request; the frames of the whole answer.
    pub async fn send(&self, bytes: &[u8]) -> Result<Vec<Frame>, String> {
        let (mut out, answer) = self.begin(bytes).await?;
        let _ = out.finish();
        read(answer).await
    }

    pub async fn ask(&self, request: &Frame) -> Result<Vec<Frame>, String> {
        self.send(&request.encode()).await
    }

    /// The application's code with which the other side closes, if it does.
    pub async fn closed(&self) -> Result<u64, String> {
        let closed = tokio::time::timeout(PATIENCE, self.connection.closed());
        match closed.await {
            Ok(ConnectionError::ApplicationClosed(close)) => Ok(close.error_code.into_inner()),
            Ok(other) => Err(format!("the connection ended otherwise: {other}")),
            Err(_) => Err("the connection goes on".to_owned()),
        }
    }

    pub fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    pub fn leave(self) {
        self.connection.close(0_u32.into(), b"done");
    }
}

pub async fn read(mut answer: RecvStream) -> Result<Vec<Frame>, String> {
    let read = tokio::time::timeout(PATIENCE, answer.read_to_end(64 << 20)).await;
    let bytes = read.map_err(|_| "no end of the answer")?;
    let bytes = bytes.map_err(|e| e.to_string())?;
    wire::frames(&bytes).ok_or_else(|| "half a frame".to_owned())
}
