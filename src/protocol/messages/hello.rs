//! The hello: the first message of each side of a connection.

use crate::chunk::Codec;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::AGENT_BYTES_MAX;
use crate::wire::limits::HELLO_CODECS_MAX;

/// The protocol name in TLS (ALPN).
pub const ALPN: &[u8] = b"alimentar/1";

/// The highest protocol version of this program.
pub const PROTOCOL_VERSION: u64 = 1;

/// The group of nodes that a node serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// All nodes.
    #[default]
    Open,
    /// The nodes on a list. Their peers do not forward such a node's data.
    Listed,
}

/// The first message of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The highest protocol version of the sender.
    pub version: u64,
    /// Numbers of the codecs that the sender reads. Some may be unknown here.
    pub codecs: Vec<u8>,
    /// Numbers of the delta codecs that the sender reads.
    pub bases: Vec<u8>,
    /// The group of nodes that the sender serves.
    pub access: Access,
    /// The sender's program, for logs.
    pub agent: String,
    /// The UDP port of the sender's server, if it has one, at the address of the connection.
    pub port: Option<u16>,
}

impl Hello {
    /// Returns the hello of this program.
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

    /// Encodes the body.
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

    /// Decodes a body. It ignores further bytes, which belong to a later version.
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
        // The hello of the first programs ends here.
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

    /// Returns true if the sender reads records of a codec. For deltas, that means where
    /// it requests them.
    pub fn reads(&self, codec: Codec) -> bool {
        match codec {
            Codec::Delta => self.bases.contains(&codec.number()),
            _ => self.codecs.contains(&codec.number()),
        }
    }
}
