//! What a node says of itself on its LAN: the TXT record of DNS-SD (RFC 6763, section 6).
//! Normative: `spec/discovery.md`. A sighting is a claim: whoever made the packet made it up or not.

#[cfg(test)]
mod tests;

use crate::ident::NodeId;
use crate::ident::from_hex;
use crate::ident::to_hex;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::FRAME_BYTES_MAX;
use crate::wire::limits::SIGHTING_BYTES_MAX;
use crate::wire::limits::SIGHTING_PIECE_BYTES_MAX;
use crate::wire::limits::SIGHTING_PIECES_MAX;

/// The type of service that nodes announce.
pub const SERVICE: &str = "_alimentar._udp.local.";

/// What one node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRecord {
    /// Who it claims to be.
    pub node: NodeId,
    /// The highest version of the protocol that it speaks; at least 1.
    pub version: u64,
    /// What it shows everybody; `None` where it serves a list of nodes only, or says it badly.
    pub shown: Option<SharedSummary>,
}

/// What a node that serves everybody says of its datasets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedSummary {
    /// How many they are.
    pub datasets: u64,
    /// The digest of its filter: as long as it stays, nothing new is there.
    pub filter_digest: [u8; 8],
    /// Bytes of the encoded filter.
    pub filter_bytes: u64,
    /// The encoded filter, where it is small enough to be said.
    pub filter: Option<Vec<u8>>,
}

impl ServiceRecord {
    /// The properties, in the order in which they are written. A filter that does not fit, or that
    /// is not of the length said, is left out.
    pub fn encode(&self) -> Vec<(String, Vec<u8>)> {
        let text = |key: &str, value: String| (key.to_owned(), value.into_bytes());
        let mut properties = vec![
            text("v", self.version.to_string()),
            text("id", self.node.to_hex()),
        ];
        let Some(shown) = &self.shown else {
            return properties;
        };
        properties.extend([
            text("n", shown.datasets.to_string()),
            text("fh", to_hex(&shown.filter_digest)),
            text("fb", shown.filter_bytes.to_string()),
        ]);
        let fits = |filter: &&Vec<u8>| {
            filter.len() <= SIGHTING_PIECE_BYTES_MAX * SIGHTING_PIECES_MAX
                && filter.len() as u64 == shown.filter_bytes
        };
        if let Some(filter) = shown.filter.as_ref().filter(fits) {
            let pieces = filter.chunks(SIGHTING_PIECE_BYTES_MAX).enumerate();
            properties.extend(pieces.map(|(n, piece)| (format!("f{n}"), piece.to_vec())));
        }
        properties
    }

    /// Reads properties as they were found, in their order.
    ///
    /// # Errors
    /// [`DecodeError`] when they are too long together, or version or node id are not there or
    /// not understood. What else is doubtful is left out.
    pub fn decode<K, V>(properties: &[(K, V)]) -> Result<Self, DecodeError>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        let bytes = properties.iter().fold(0_usize, |sum, (key, value)| {
            sum.saturating_add(key.as_ref().len())
                .saturating_add(value.as_ref().len())
                .saturating_add(2)
        });
        within(bytes)?;
        Self::read(properties)
    }

    fn read<K, V>(properties: &[(K, V)]) -> Result<Self, DecodeError>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        let find = |name: &str| {
            let named = |(key, _): &&(K, V)| key.as_ref().eq_ignore_ascii_case(name);
            properties.iter().find(named).map(|(_, v)| v.as_ref())
        };
        let version = find("v").and_then(number).filter(|v| *v > 0);
        let node = find("id").and_then(|id| NodeId::parse_hex(std::str::from_utf8(id).ok()?));
        Ok(Self {
            node: node.ok_or(DecodeError::Invalid("node id"))?,
            version: version.ok_or(DecodeError::Invalid("protocol version"))?,
            shown: SharedSummary::find(find),
        })
    }

    /// The TXT record's bytes: each property behind its length.
    pub fn to_txt(&self) -> Vec<u8> {
        let mut w = Writer::new();
        for (key, value) in self.encode() {
            let bytes = key.len() + 1 + value.len();
            // Values are at most a piece long, keys two bytes.
            w.u8(u8::try_from(bytes).unwrap_or(u8::MAX));
            w.bytes(key.as_bytes()).bytes(b"=").bytes(&value);
        }
        w.into_bytes()
    }

    /// Reads a TXT record.
    ///
    /// # Errors
    /// As [`ServiceRecord::decode`], and when the record ends in the middle of a string.
    pub fn from_txt(txt: &[u8]) -> Result<Self, DecodeError> {
        within(txt.len())?;
        let mut r = Reader::new(txt);
        let mut properties = Vec::new();
        while r.remaining() > 0 {
            let bytes = usize::from(r.u8()?);
            let mut halves = r.bytes(bytes)?.splitn(2, |b| *b == b'=');
            let key = halves.next().and_then(|key| std::str::from_utf8(key).ok());
            if let Some(key) = key.filter(|key| !key.is_empty()) {
                properties.push((key, halves.next().unwrap_or_default()));
            }
        }
        Self::read(&properties)
    }
}

impl SharedSummary {
    fn find<'a>(find: impl Fn(&str) -> Option<&'a [u8]>) -> Option<Self> {
        let digest = std::str::from_utf8(find("fh")?).ok()?;
        let mut shown = Self {
            datasets: number(find("n")?)?,
            filter_digest: from_hex(digest)?,
            filter_bytes: number(find("fb")?).filter(|n| *n <= FRAME_BYTES_MAX as u64)?,
            filter: None,
        };
        shown.filter = pieces(find).filter(|f| f.len() as u64 == shown.filter_bytes);
        Some(shown)
    }
}

/// The pieces of a filter, where they are as a writer makes them.
fn pieces<'a>(find: impl Fn(&str) -> Option<&'a [u8]>) -> Option<Vec<u8>> {
    let mut filter = Vec::new();
    let mut is_ended = false;
    for n in 0..SIGHTING_PIECES_MAX {
        match find(&format!("f{n}")) {
            Some(_) if is_ended => return None,
            Some(piece) => {
                if piece.is_empty() || piece.len() > SIGHTING_PIECE_BYTES_MAX {
                    return None;
                }
                is_ended = piece.len() < SIGHTING_PIECE_BYTES_MAX;
                filter.extend_from_slice(piece);
            }
            None => is_ended = true,
        }
    }
    (!filter.is_empty()).then_some(filter)
}

/// A decimal number in its only form.
fn number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let is_only_form =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_only_form)
}

fn within(bytes: usize) -> Result<(), DecodeError> {
    match bytes <= SIGHTING_BYTES_MAX {
        true => Ok(()),
        false => Err(DecodeError::Limit {
            field: "bytes of a sighting",
            value: bytes as u64,
            limit: SIGHTING_BYTES_MAX as u64,
        }),
    }
}
