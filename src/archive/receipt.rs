//! A receipt: what a registry holds, for whoever exports to it next.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::ident::PublisherKey;
use crate::ident::Signature;
use crate::ident::TreeId;
use crate::ident::to_hex;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::RECEIPT_BYTES_MAX;

/// A receipt as it came: whether its signature holds is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The signed JSON.
    pub body: Vec<u8>,
    /// By the key of the node that made it.
    pub signature: Signature,
}

#[derive(Serialize, Deserialize)]
struct Body {
    version: u32,
    datasets: Vec<String>,
    /// Receipts of the first versions say nothing of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    known: Vec<String>,
}

impl Receipt {
    /// The first bytes of every receipt.
    pub const MAGIC: [u8; 5] = *b"ALRC\x01";

    /// The JSON for trees of chunks that are held.
    pub fn body_of(roots: Vec<TreeId>) -> Vec<u8> {
        Self::body_with(roots, &BTreeSet::new())
    }

    /// The same, with the ids of revisions of datasets, and of statements, that are held.
    pub fn body_with(mut roots: Vec<TreeId>, known: &BTreeSet<[u8; 32]>) -> Vec<u8> {
        roots.sort();
        roots.dedup();
        let body = Body {
            version: 1,
            datasets: roots.iter().map(TreeId::to_hex).collect(),
            known: known.iter().map(|id| to_hex(id)).collect(),
        };
        // Texts and numbers: this does not fail.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The bytes of the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.bytes(&Self::MAGIC).counted(&self.body);
        w.bytes(self.signature.key.as_bytes())
            .bytes(&self.signature.bytes);
        w.into_bytes()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`DecodeError`] when it is no receipt.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.array::<5>()? != Self::MAGIC {
            return Err(DecodeError::Magic("receipt"));
        }
        let body = r.counted("receipt bytes", RECEIPT_BYTES_MAX)?.to_vec();
        let signature = Signature {
            key: PublisherKey::new(r.array()?),
            bytes: r.array()?,
        };
        r.end()?;
        Ok(Self { body, signature })
    }

    /// The trees that it lists.
    ///
    /// # Errors
    /// [`DecodeError`] when the JSON is none of a receipt.
    pub fn roots(&self) -> Result<Vec<TreeId>, DecodeError> {
        let bad = DecodeError::Invalid("receipt");
        let body = self.read_body()?;
        let roots = body.datasets.iter().map(|hex| TreeId::parse_hex(hex));
        roots.collect::<Option<Vec<_>>>().ok_or(bad)
    }

    /// The revisions of datasets, and the statements, that it lists.
    ///
    /// # Errors
    /// As [`Receipt::roots`].
    pub fn known(&self) -> Result<BTreeSet<[u8; 32]>, DecodeError> {
        let bad = DecodeError::Invalid("receipt");
        let body = self.read_body()?;
        // Any id of 32 bytes is written as one of a tree is.
        let known = body.known.iter().map(|hex| TreeId::parse_hex(hex));
        let known = known.map(|id| id.map(|id| *id.as_bytes()));
        known.collect::<Option<BTreeSet<_>>>().ok_or(bad)
    }

    fn read_body(&self) -> Result<Body, DecodeError> {
        let bad = DecodeError::Invalid("receipt");
        let body: Body = serde_json::from_slice(&self.body).map_err(|_| bad)?;
        match body.version {
            1 => Ok(body),
            version => Err(DecodeError::Version(version)),
        }
    }
}
