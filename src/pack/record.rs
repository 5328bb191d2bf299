//! One record: blobs of one kind that were compressed together, or one alone.

use crate::blob_store::BlobKind;
use crate::chunk::Codec;
use crate::chunk::CodecError;
use crate::chunk::apply;
use crate::chunk::decompress;
use crate::ident::BlobId;
use crate::pack::layout::BASE_BYTES;
use crate::pack::layout::ITEM_BYTES;
use crate::pack::layout::RECORD_CHECKED_BYTES;
use crate::pack::layout::RECORD_FIXED_BYTES;
use crate::pack::layout::RECORD_MAGIC;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::RECORD_BASES_MAX;
use crate::wire::limits::RECORD_ITEMS_MAX;
use crate::wire::limits::RECORD_RAW_BYTES_MAX;
use crate::wire::limits::RECORD_STORED_BYTES_MAX;

/// What a dataset is in this registry, whatever its manifest says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flags {
    /// Kept from everybody else.
    pub private: bool,
    /// It was not made here: it came by archive or from a peer.
    pub foreign: bool,
    /// Somebody here said that it may be given to peers, whatever else would be decided.
    pub shared: bool,
}

impl Flags {
    /// As bits: 0 private, 1 foreign, 2 shared.
    pub const fn bits(self) -> u8 {
        self.private as u8 | (self.foreign as u8) << 1 | (self.shared as u8) << 2
    }

    /// From bits; `None` when there are others.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits > 7 {
            return None;
        }
        Some(Self {
            private: bits & 1 != 0,
            foreign: bits & 2 != 0,
            shared: bits & 4 != 0,
        })
    }
}

/// One blob inside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// BLAKE3 of the blob.
    pub id: BlobId,
    /// Its length before compression.
    pub raw_bytes: u32,
}

/// A record that is about to be appended.
#[derive(Clone, Debug)]
pub struct Record {
    /// What all its blobs are.
    pub kind: BlobKind,
    /// How the payload is coded.
    pub codec: Codec,
    /// On an envelope: what its dataset is here.
    pub flags: Flags,
    /// Orders envelopes and tombstones across packs; 0 for the other kinds.
    pub sequence: u64,
    /// The blobs, in the order of their bytes.
    pub items: Vec<Item>,
    /// Blobs of the same kind that the payload is a delta against; else none.
    pub bases: Vec<BlobId>,
    /// The coded bytes.
    pub payload: Vec<u8>,
}

impl Record {
    /// The record's bytes in a pack.
    pub fn encode(&self) -> Vec<u8> {
        let raw: u64 = self.items.iter().map(|i| u64::from(i.raw_bytes)).sum();
        let mut w = Writer::new();
        w.bytes(&RECORD_MAGIC)
            .u8(self.kind.number())
            .u8(self.codec.number());
        w.u16(u16::from(self.flags.bits()));
        // Writers keep to the limits, all far below 2^32.
        w.u32(self.items.len() as u32)
            .u32(self.bases.len() as u32)
            .u32(raw as u32)
            .u32(self.payload.len() as u32);
        w.u64(self.sequence).bytes(&payload_check(&self.payload));
        let mut tail = Writer::new();
        for item in &self.items {
            tail.bytes(item.id.as_bytes()).u32(item.raw_bytes);
        }
        for base in &self.bases {
            tail.bytes(base.as_bytes());
        }
        let check = header_check(w.as_bytes(), tail.as_bytes());
        w.bytes(&check).bytes(tail.as_bytes()).bytes(&self.payload);
        w.into_bytes()
    }
}

/// The part of a record before its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// What all its blobs are; `None` for a kind this program does not know.
    pub kind: Option<BlobKind>,
    /// How the payload is coded; `None` for a codec this program does not know.
    pub codec: Option<Codec>,
    /// On an envelope: what its dataset is here.
    pub flags: Flags,
    /// Orders envelopes and tombstones across packs.
    pub sequence: u64,
    /// The blobs.
    pub items: Vec<Item>,
    /// What the payload is a delta against; empty unless it is one.
    pub bases: Vec<BlobId>,
    /// Length of the payload when decoded.
    pub raw_bytes: usize,
    /// Length of the payload.
    pub stored_bytes: usize,
    check: [u8; 16],
}

impl RecordHeader {
    /// How many bytes the items and bases take, from the first [`RECORD_FIXED_BYTES`] bytes.
    ///
    /// # Errors
    /// [`DecodeError`] when these are not the start of a record or break a limit.
    pub fn tail_bytes(fixed: &[u8]) -> Result<usize, DecodeError> {
        let mut r = Reader::new(fixed);
        if r.array::<4>()? != RECORD_MAGIC {
            return Err(DecodeError::Magic("record"));
        }
        r.bytes(4)?;
        let items = limited("record items", r.u32()?, RECORD_ITEMS_MAX)?;
        let bases = limited("record bases", r.u32()?, RECORD_BASES_MAX)?;
        Ok(items * ITEM_BYTES + bases * BASE_BYTES)
    }

    /// Reads and checks the header at the front of `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`] when it is cut short, breaks a limit or fails its check.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let tail_bytes = Self::tail_bytes(bytes)?;
        let mut r = Reader::new(bytes);
        let checked = r.bytes(RECORD_CHECKED_BYTES)?;
        let check: [u8; 8] = r.array()?;
        let tail = r.bytes(tail_bytes)?;
        if header_check(checked, tail) != check {
            return Err(DecodeError::Checksum("a record header"));
        }
        Self::fields(checked, tail)
    }

    fn fields(checked: &[u8], tail: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(checked);
        r.bytes(4)?;
        let (kind, codec) = (r.u8()?, r.u8()?);
        let flags = u8::try_from(r.u16()?).ok().and_then(Flags::from_bits);
        let flags = flags.ok_or(DecodeError::Invalid("record flags"))?;
        let (items, bases) = (r.u32()?, r.u32()?);
        let raw_bytes = limited("record bytes", r.u32()?, RECORD_RAW_BYTES_MAX)?;
        let stored_bytes = limited("stored bytes", r.u32()?, RECORD_STORED_BYTES_MAX)?;
        let (sequence, check) = (r.u64()?, r.array()?);
        let mut r = Reader::new(tail);
        let items = (0..items)
            .map(|_| {
                Ok(Item {
                    id: BlobId::new(r.array()?),
                    raw_bytes: r.u32()?,
                })
            })
            .collect::<Result<Vec<_>, DecodeError>>()?;
        let bases = (0..bases)
            .map(|_| r.array().map(BlobId::new))
            .collect::<Result<Vec<_>, DecodeError>>()?;
        r.end()?;
        let sum: u64 = items.iter().map(|i| u64::from(i.raw_bytes)).sum();
        if sum != raw_bytes as u64 {
            return Err(DecodeError::Invalid("sum of item lengths"));
        }
        let (kind, codec) = (BlobKind::from_number(kind), Codec::from_number(codec));
        // A codec that is not known may do with them what it likes.
        let needs_bases = codec == Some(Codec::Delta);
        if codec.is_some() && needs_bases == bases.is_empty() {
            return Err(DecodeError::Invalid("record bases"));
        }
        Ok(Self {
            kind,
            codec,
            flags,
            sequence,
            items,
            bases,
            raw_bytes,
            stored_bytes,
            check,
        })
    }

    /// Length of the header.
    pub fn header_bytes(&self) -> usize {
        RECORD_FIXED_BYTES + self.items.len() * ITEM_BYTES + self.bases.len() * BASE_BYTES
    }

    /// Length of the whole record.
    pub fn record_bytes(&self) -> usize {
        self.header_bytes() + self.stored_bytes
    }

    /// Whether these are the payload's bytes.
    pub fn payload_matches(&self, payload: &[u8]) -> bool {
        payload.len() == self.stored_bytes && payload_check(payload) == self.check
    }
}

/// A whole record in memory, its header checked.
#[derive(Clone, Debug)]
pub struct RecordView<'a> {
    /// The header.
    pub header: RecordHeader,
    payload: &'a [u8],
}

impl<'a> RecordView<'a> {
    /// Reads a record that fills `bytes` exactly.
    ///
    /// # Errors
    /// [`DecodeError`] when the header is bad or the length is another.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let header = RecordHeader::decode(bytes)?;
        let mut r = Reader::new(bytes);
        r.bytes(header.header_bytes())?;
        let payload = r.bytes(header.stored_bytes)?;
        r.end()?;
        Ok(Self { header, payload })
    }

    /// Whether the payload is what was written.
    pub fn payload_is_whole(&self) -> bool {
        self.header.payload_matches(self.payload)
    }

    /// The payload's raw bytes; the blobs one after the other. Not yet checked against hashes.
    ///
    /// # Errors
    /// [`CodecError`] when the payload is damaged or a delta, or the codec unknown.
    pub fn unpack(&self) -> Result<Vec<u8>, CodecError> {
        let codec = self.header.codec.ok_or(CodecError::Damaged)?;
        decompress(codec, self.payload, self.header.raw_bytes)
    }

    /// The same of a delta, with the bytes of its bases, one after the other.
    ///
    /// # Errors
    /// [`CodecError`] when the payload is damaged or no delta.
    pub fn unpack_on(&self, bases: Vec<u8>) -> Result<Vec<u8>, CodecError> {
        match self.header.codec {
            Some(Codec::Delta) => apply(self.payload, bases, self.header.raw_bytes),
            _ => Err(CodecError::Damaged),
        }
    }
}

fn limited(field: &'static str, value: u32, limit: usize) -> Result<usize, DecodeError> {
    match usize::try_from(value) {
        Ok(n) if n <= limit => Ok(n),
        _ => Err(DecodeError::Limit {
            field,
            value: u64::from(value),
            limit: limit as u64,
        }),
    }
}

fn payload_check(payload: &[u8]) -> [u8; 16] {
    first_bytes(&blake3::hash(payload))
}

fn header_check(checked: &[u8], tail: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(checked).update(tail);
    first_bytes(&hasher.finalize())
}

fn first_bytes<const N: usize>(hash: &blake3::Hash) -> [u8; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(hash.as_bytes()) {
        *to = *from;
    }
    out
}
