//! What nodes say of themselves first.

use crate::chunk::Codec;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::AGENT_BYTES_MAX;
use crate::wire::limits::HELLO_CODECS_MAX;

/// What TLS is told that this is.
pub const ALPN: &[u8] = b"alimentar/1";

/// The highest version of the protocol that this program speaks.
pub const PROTOCOL_VERSION: u64 = 1;

/// Who is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Whoever asks.
    #[default]
    Open,
    /// Who stands on a list. What comes from such a node is not passed on.
    Listed,
}

/// The first message of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The highest version that the sender speaks.
    pub version: u64,
    /// Numbers of codecs that it reads; some may be unknown here.
    pub codecs: Vec<u8>,
    /// Numbers of codecs of deltas that it reads.
    pub bases: Vec<u8>,
    /// Whom it serves.
    pub access: Access,
    /// Its program, for logs.
    pub agent: String,
    /// Where it serves, if it does: the UDP port at the address that it asks from.
    pub port: Option<u16>,
}

impl Hello {
    /// What this program says.
    pub fn own(access: Access) -> Self {
        Self {
            version: PROTOCOL_VERSION,
            codecs: vec![Codec::Raw.number(), Codec::Zstd.number()],
            bases: vec![Codec::Delta.number()],
            access,
            agent: concat!("alimentar/", env!("CARGO_PKG_VERSION")).to_owned(),
            port: None,
        }
    }

    /// The body's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.varint(self.version)
            .counted(&self.codecs)
            .counted(&self.bases);
        w.u8(u8::from(self.access == Access::Listed));
        w.counted(self.agent.as_bytes());
        if let Some(port) = self.port {
            w.varint(u64::from(port));
        }
        w.into_bytes()
    }

    /// Reads a body. Bytes behind what this version knows are a later version's.
    ///
    /// # Errors
    /// [`DecodeError`] when a field is malformed or too long.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(body);
        let version = r.varint()?;
        if version == 0 {
            return Err(DecodeError::Invalid("protocol version"));
        }
        let codecs = r.counted("codecs", HELLO_CODECS_MAX)?.to_vec();
        let bases = r.counted("base codecs", HELLO_CODECS_MAX)?.to_vec();
        let access = match r.u8()? & 1 {
            0 => Access::Open,
            _ => Access::Listed,
        };
        let agent = r.counted("agent", AGENT_BYTES_MAX)?;
        let agent = String::from_utf8(agent.to_vec()).map_err(|_| DecodeError::Invalid("agent"))?;
        // The first programs ended here.
        let port = match r.remaining() {
            0 => 0,
            _ => r.varint()?,
        };
        let port = u16::try_from(port).map_err(|_| DecodeError::Invalid("port"))?;
        Ok(Self {
            version,
            codecs,
            bases,
            access,
            agent,
            port: Some(port).filter(|port| *port != 0),
        })
    }

    /// Whether the sender reads records of a codec; of deltas, where they are asked for.
    pub fn reads(&self, codec: Codec) -> bool {
        match codec {
            Codec::Delta => self.bases.contains(&codec.number()),
            _ => self.codecs.contains(&codec.number()),
        }
    }
}
