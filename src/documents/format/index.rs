//! `index.bin`: the place of every document in the log, in the binary or the text form.

use std::borrow::Cow;

use crate::wire::DecodeError;
use crate::wire::Reader;

/// Form of an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IndexForm {
    /// The binary form, which the Rust crate, Node and the native Python module read.
    #[default]
    Binary,
    /// Lines of id, offset and length with tabs between them, which the pure Python module reads.
    Text,
}

/// Place of a document in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Offset of its line.
    pub(crate) offset: u64,
    /// Length of the line in bytes, with its line feed if it has one.
    pub(crate) length: u32,
}

/// A document in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexEntry<'a> {
    /// Its id.
    pub id: Cow<'a, str>,
    /// Offset of its line.
    pub offset: u64,
    /// Length of the line in bytes, with its line feed.
    pub length: u32,
}

/// First bytes of the binary form: 0x5a44_5349 in little-endian order.
pub const INDEX_MAGIC: [u8; 4] = *b"ISDZ";
/// Version of the binary form.
pub const INDEX_VERSION: u32 = 1;
/// Length in bytes of an entry of the binary form with an empty id.
const ENTRY_BYTES_MIN: usize = 2 + 8 + 4;

/// Reads an index of either form.
///
/// # Errors
/// [`DecodeError`] for an index that is not whole, or has an id that is not UTF-8.
pub fn decode_index(bytes: &[u8]) -> Result<(IndexForm, Vec<IndexEntry<'_>>), DecodeError> {
    if bytes.starts_with(&INDEX_MAGIC) {
        decode_binary(bytes).map(|entries| (IndexForm::Binary, entries))
    } else {
        decode_text(bytes).map(|entries| (IndexForm::Text, entries))
    }
}

fn decode_binary(bytes: &[u8]) -> Result<Vec<IndexEntry<'_>>, DecodeError> {
    let mut reader = Reader::new(bytes);
    reader.bytes(INDEX_MAGIC.len())?;
    match reader.u32()? {
        INDEX_VERSION => {}
        other => return Err(DecodeError::Version(other)),
    }
    let count = reader.u64()?;
    let most = reader.remaining() / ENTRY_BYTES_MIN;
    let count = usize::try_from(count)
        .ok()
        .filter(|n| *n <= most)
        .ok_or(DecodeError::Truncated)?;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let length = usize::from(reader.u16()?);
        let id = std::str::from_utf8(reader.bytes(length)?);
        entries.push(IndexEntry {
            id: Cow::Borrowed(id.map_err(|_| DecodeError::Invalid("an id of the index"))?),
            offset: reader.u64()?,
            length: reader.u32()?,
        });
    }
    match reader.remaining() {
        0 => Ok(entries),
        more => Err(DecodeError::Trailing(more)),
    }
}

fn decode_text(bytes: &[u8]) -> Result<Vec<IndexEntry<'_>>, DecodeError> {
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| DecodeError::Invalid("the text of the index"))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(decode_text_line).collect()
}

fn decode_text_line(line: &str) -> Result<IndexEntry<'_>, DecodeError> {
    let invalid = || DecodeError::Invalid("a line of the index");
    let mut fields = line.splitn(3, '\t');
    let mut next = || fields.next().ok_or_else(invalid);
    let (id, offset, length) = (next()?, next()?, next()?);
    Ok(IndexEntry {
        id: Cow::Borrowed(id),
        offset: offset.parse().map_err(|_| invalid())?,
        length: length.trim_end().parse().map_err(|_| invalid())?,
    })
}

/// Returns the begin of an index with so many entries.
pub(crate) fn index_header(form: IndexForm, count: u64) -> Vec<u8> {
    if form == IndexForm::Text {
        return Vec::new();
    }
    let mut bytes = INDEX_MAGIC.to_vec();
    bytes.extend(INDEX_VERSION.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes
}

/// Returns true if an index of this form can have an id. A document with another one is found in the log alone.
pub(crate) fn is_held_by_index(form: IndexForm, id: &str) -> bool {
    match form {
        IndexForm::Binary => u16::try_from(id.len()).is_ok(),
        IndexForm::Text => !id.contains(['\t', '\n', '\r']) && id.trim() == id,
    }
}

/// Appends an entry. Returns false for an id that the form cannot hold: a reader finds the document when it makes
/// the index anew.
pub(crate) fn index_entry_into(
    form: IndexForm,
    (id, offset, length): (&str, u64, u32),
    out: &mut Vec<u8>,
) -> bool {
    match form {
        IndexForm::Binary => {
            let Ok(id_length) = u16::try_from(id.len()) else {
                return false;
            };
            out.extend(id_length.to_le_bytes());
            out.extend_from_slice(id.as_bytes());
            out.extend(offset.to_le_bytes());
            out.extend(length.to_le_bytes());
        }
        IndexForm::Text => {
            if !is_held_by_index(form, id) {
                return false;
            }
            out.extend_from_slice(format!("{id}\t{offset}\t{length}\n").as_bytes());
        }
    }
    true
}

/// Writes an index. An id that its form cannot hold is left out.
pub fn encode_index<'a>(
    form: IndexForm,
    entries: impl Iterator<Item = (&'a str, u64, u32)>,
) -> Vec<u8> {
    let (mut bytes, mut count) = (index_header(form, 0), 0);
    for entry in entries {
        count += u64::from(index_entry_into(form, entry, &mut bytes));
    }
    let header = index_header(form, count);
    if let Some(place) = bytes.get_mut(..header.len()) {
        place.copy_from_slice(&header);
    }
    bytes
}
