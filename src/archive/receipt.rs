//! Receipts: a signed list of the data that a registry holds, for a later export to it.

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

/// A receipt with an unverified signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The signed JSON.
    pub body: Vec<u8>,
    /// The signature by the key of the node that made it.
    pub signature: Signature,
}

#[derive(Serialize, Deserialize)]
struct Body {
    version: u32,
    datasets: Vec<String>,
    /// Ids of revisions and statements; absent in receipts of the first versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    known: Vec<String>,
}

impl Receipt {
    /// The first bytes of a receipt.
    pub const MAGIC: [u8; 5] = *b"ALRC\x01";

    /// Encodes the JSON for a list of held chunk trees.
    pub fn body_of(roots: Vec<TreeId>) -> Vec<u8> {
        Self::body_with(roots, &BTreeSet::new())
    }

    /// Encodes the JSON for held chunk trees, revisions of datasets and statements.
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

    /// Encodes the file.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.bytes(&Self::MAGIC).counted(&self.body);
        w.bytes(self.signature.key.as_bytes())
            .bytes(&self.signature.bytes);
        w.into_bytes()
    }

    /// Decodes a file.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not a receipt.
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

    /// Returns the listed trees.
    ///
    /// # Errors
    /// [`DecodeError`] when the JSON is not that of a receipt.
    pub fn roots(&self) -> Result<Vec<TreeId>, DecodeError> {
        let bad = DecodeError::Invalid("receipt");
        let body = self.read_body()?;
        let roots = body.datasets.iter().map(|hex| TreeId::parse_hex(hex));
        roots.collect::<Option<Vec<_>>>().ok_or(bad)
    }

    /// Returns the listed revisions of datasets and statements.
    ///
    /// # Errors
    /// As [`Receipt::roots`].
    pub fn known(&self) -> Result<BTreeSet<[u8; 32]>, DecodeError> {
        let bad = DecodeError::Invalid("receipt");
        let body = self.read_body()?;
        // The text form of any id of 32 bytes is that of a tree id.
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
