//! The side log `alimentar.log`: deletions, and what is known about the other files.

use crate::documents::format::IndexForm;
use crate::documents::format::limits::RECORD_BYTES_MAX;
use crate::wire::DecodeError;
use crate::wire::Reader;

/// First bytes of the side log.
pub const SIDE_LOG_MAGIC: [u8; 8] = *b"ALIMDOC1";

/// Fingerprint of the log up to a length. It tells whether the bytes before it are still the same ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mark {
    /// Length in bytes.
    pub length: u64,
    /// Offset of the last line before it.
    pub last_line: u64,
    /// BLAKE3 of [`Mark::head`] and [`Mark::tail`], cut to 16 bytes; zeros for an empty log.
    pub hash: [u8; 16],
}

impl Mark {
    /// Number of bytes of the begin of the last line that are hashed.
    const HEAD_BYTES: u64 = 512;
    /// Number of bytes before the length that are hashed.
    const TAIL_BYTES: u64 = 4096;

    /// Range of the hashed begin of the last line.
    pub fn head(length: u64, last_line: u64) -> std::ops::Range<u64> {
        last_line
            ..length
                .min(last_line.saturating_add(Self::HEAD_BYTES))
                .max(last_line)
    }

    /// Range of the hashed bytes before the length.
    pub fn tail(length: u64) -> std::ops::Range<u64> {
        length.saturating_sub(Self::TAIL_BYTES)..length
    }

    /// Makes a mark from the bytes of both ranges.
    pub fn new(length: u64, last_line: u64, head: &[u8], tail: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(head).update(tail);
        let whole = hasher.finalize();
        let hash = match length {
            0 => [0; 16],
            _ => whole.as_bytes().first_chunk().copied().unwrap_or_default(),
        };
        Self {
            length,
            last_line,
            hash,
        }
    }
}

/// Length and hash of the first bytes of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Length in bytes.
    pub length: u64,
    /// Its BLAKE3.
    pub hash: [u8; 32],
}

impl Content {
    /// Describes bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len() as u64,
            hash: *blake3::hash(bytes).as_bytes(),
        }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SideRecord {
    /// Lines of an id that begin before the length of the mark are dead.
    Delete {
        /// The log at the deletion.
        mark: Mark,
        /// The id.
        id: String,
    },
    /// `index.bin` was written for the log up to the mark.
    Checkpoint {
        /// The log at that time.
        mark: Mark,
        /// Form of the index.
        form: IndexForm,
        /// The bytes of the index.
        index: Content,
    },
    /// The log is about to be replaced by one without dead lines. Records before this one do not count once
    /// that has happened.
    Compaction {
        /// The log before.
        old: Content,
        /// The log after.
        new: Content,
    },
}

/// Length of the checksum of a record, in bytes.
const CHECK_BYTES: usize = 8;

/// Reads a side log up to the first record that is cut or damaged. Returns the records and the length of
/// what was read; 0 if the magic is wrong.
pub fn decode_side_log(bytes: &[u8]) -> (Vec<SideRecord>, usize) {
    match bytes.strip_prefix(&SIDE_LOG_MAGIC) {
        None => (Vec::new(), 0),
        Some(rest) => {
            let (records, valid) = decode_side_records(rest);
            (records, SIDE_LOG_MAGIC.len() + valid)
        }
    }
}

/// Reads records up to the first one that is cut or damaged, as [`decode_side_log`] does.
pub(crate) fn decode_side_records(bytes: &[u8]) -> (Vec<SideRecord>, usize) {
    let (mut records, mut valid) = (Vec::new(), 0);
    loop {
        let rest = bytes.get(valid..).unwrap_or_default();
        match decode_record(rest) {
            Ok((record, length)) => {
                records.push(record);
                valid += length;
            }
            Err(_) => return (records, valid),
        }
    }
}

fn decode_record(bytes: &[u8]) -> Result<(SideRecord, usize), DecodeError> {
    let mut reader = Reader::new(bytes);
    let kind = reader.u8()?;
    let length = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
    if length > RECORD_BYTES_MAX {
        return Err(DecodeError::Invalid("the length of a record"));
    }
    let payload = reader.bytes(length)?;
    let covered = bytes.len() - reader.remaining();
    let check = reader.bytes(CHECK_BYTES)?;
    let hash = blake3::hash(bytes.get(..covered).unwrap_or_default());
    if !hash.as_bytes().starts_with(check) {
        return Err(DecodeError::Checksum("a record"));
    }
    let record = decode_payload(kind, payload)?;
    Ok((record, covered + CHECK_BYTES))
}

fn decode_payload(kind: u8, payload: &[u8]) -> Result<SideRecord, DecodeError> {
    let mut reader = Reader::new(payload);
    let record = match kind {
        1 => {
            let mark = decode_mark(&mut reader)?;
            let id = reader.bytes(reader.remaining())?.to_vec();
            let id = String::from_utf8(id).map_err(|_| DecodeError::Invalid("an id"))?;
            SideRecord::Delete { mark, id }
        }
        2 => SideRecord::Checkpoint {
            mark: decode_mark(&mut reader)?,
            form: match reader.u8()? {
                0 => IndexForm::Binary,
                1 => IndexForm::Text,
                _ => return Err(DecodeError::Invalid("the form of an index")),
            },
            index: decode_content(&mut reader)?,
        },
        3 => SideRecord::Compaction {
            old: decode_content(&mut reader)?,
            new: decode_content(&mut reader)?,
        },
        _ => return Err(DecodeError::Invalid("the kind of a record")),
    };
    match reader.remaining() {
        0 => Ok(record),
        more => Err(DecodeError::Trailing(more)),
    }
}

pub(crate) fn decode_mark(reader: &mut Reader<'_>) -> Result<Mark, DecodeError> {
    Ok(Mark {
        length: reader.u64()?,
        last_line: reader.u64()?,
        hash: reader.array()?,
    })
}

pub(crate) fn decode_content(reader: &mut Reader<'_>) -> Result<Content, DecodeError> {
    Ok(Content {
        length: reader.u64()?,
        hash: reader.array()?,
    })
}

/// Length of a deletion without its id, in bytes.
const DELETION_BYTES: u64 = 45;

impl SideRecord {
    /// Returns the length of the record of a deletion, in bytes; 0 of another one.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Delete { id, .. } => DELETION_BYTES + id.len() as u64,
            _ => 0,
        }
    }

    /// Appends the record.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        let kind = match self {
            Self::Delete { mark, id } => {
                encode_mark(mark, &mut payload);
                payload.extend_from_slice(id.as_bytes());
                1_u8
            }
            Self::Checkpoint { mark, form, index } => {
                encode_mark(mark, &mut payload);
                payload.push(u8::from(*form == IndexForm::Text));
                encode_content(index, &mut payload);
                2
            }
            Self::Compaction { old, new } => {
                encode_content(old, &mut payload);
                encode_content(new, &mut payload);
                3
            }
        };
        let begin = out.len();
        out.push(kind);
        // A longer id is refused where it is deleted.
        out.extend(
            u32::try_from(payload.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        );
        out.extend_from_slice(&payload);
        let hash = blake3::hash(out.get(begin..).unwrap_or_default());
        out.extend(hash.as_bytes().iter().take(CHECK_BYTES));
    }
}

pub(crate) fn encode_mark(mark: &Mark, out: &mut Vec<u8>) {
    out.extend(mark.length.to_le_bytes());
    out.extend(mark.last_line.to_le_bytes());
    out.extend(mark.hash);
}

pub(crate) fn encode_content(content: &Content, out: &mut Vec<u8>) {
    out.extend(content.length.to_le_bytes());
    out.extend(content.hash);
}
