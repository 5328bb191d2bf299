//! The header of `alimentar.idx`: what the table is for, and the checks of everything else in the file.

use crate::documents::format::Content;
use crate::documents::format::IndexForm;
use crate::documents::format::Mark;
use crate::documents::format::decode_content;
use crate::documents::format::decode_mark;
use crate::documents::format::encode_content;
use crate::documents::format::encode_mark;
use crate::wire::DecodeError;
use crate::wire::Reader;

/// First bytes of the file.
pub const TABLE_MAGIC: [u8; 8] = *b"ALIMIDX1";
/// Length of the header in bytes: slots begin at a page.
pub(crate) const HEADER_BYTES: usize = 4096;
/// Length of the check of a block, in bytes.
pub(crate) const BLOCK_CHECK_BYTES: usize = 8;
/// Length of the other checks, in bytes.
const CHECK_BYTES: usize = 16;

/// Returns the check of a block of slots: the first bytes of its BLAKE3.
pub(crate) fn block_check(bytes: &[u8]) -> [u8; BLOCK_CHECK_BYTES] {
    let hash = blake3::hash(bytes);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Returns the check of a part of the file: the first bytes of its BLAKE3.
pub(crate) fn part_check(bytes: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = blake3::hash(bytes);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// A file as its metadata describe it. The time is a second before the file was written, so that any program that
/// writes to it later changes the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileIdentity {
    /// Its inode.
    pub inode: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Time of the last change, in seconds and nanoseconds.
    pub modified: (i64, u32),
}

/// The header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableHeader {
    /// Number of slots.
    pub slots: u64,
    /// Number of slots that are not empty.
    pub used: u64,
    /// Number of offsets of dead lines.
    pub dead: u64,
    /// Bytes of the lines of live documents.
    pub live_bytes: u64,
    /// Lines that are no documents.
    pub unreadable: u64,
    /// Key of the hash of ids.
    pub key: [u8; 16],
    /// The log that the table describes.
    pub mark: Mark,
    /// True if no line feed ends the last line.
    pub needs_line_feed: bool,
    /// Form of `index.bin`.
    pub form: IndexForm,
    /// Bytes of `index.bin`.
    pub index: Content,
    /// The file `index.bin`.
    pub index_file: FileIdentity,
    /// Length of the side log.
    pub side_length: u64,
    /// Check of the end of the side log.
    pub side_check: [u8; CHECK_BYTES],
    /// Bytes of the deletions in the side log.
    pub deletion_bytes: u64,
    /// Check of the offsets of dead lines.
    pub dead_check: [u8; CHECK_BYTES],
    /// Check of the checks of all blocks.
    pub checks_check: [u8; CHECK_BYTES],
}

impl TableHeader {
    /// Writes the header, padded to 4,096 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = TABLE_MAGIC.to_vec();
        let counts = [
            self.slots,
            self.used,
            self.dead,
            self.live_bytes,
            self.unreadable,
        ];
        counts.iter().for_each(|n| out.extend(n.to_le_bytes()));
        out.extend(self.key);
        encode_mark(&self.mark, &mut out);
        out.push(u8::from(self.needs_line_feed));
        out.push(u8::from(self.form == IndexForm::Text));
        encode_content(&self.index, &mut out);
        let file = &self.index_file;
        for n in [file.inode, file.length] {
            out.extend(n.to_le_bytes());
        }
        out.extend(file.modified.0.to_le_bytes());
        out.extend(file.modified.1.to_le_bytes());
        out.extend(self.side_length.to_le_bytes());
        out.extend(self.side_check);
        out.extend(self.deletion_bytes.to_le_bytes());
        out.extend(self.dead_check);
        out.extend(self.checks_check);
        let check = part_check(&out);
        out.extend(check);
        out.resize(HEADER_BYTES, 0);
        out
    }

    /// Reads a header.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that are no header, or a damaged one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.array::<8>()? != TABLE_MAGIC {
            return Err(DecodeError::Invalid("the begin of the table"));
        }
        let header = Self {
            slots: reader.u64()?,
            used: reader.u64()?,
            dead: reader.u64()?,
            live_bytes: reader.u64()?,
            unreadable: reader.u64()?,
            key: reader.array()?,
            mark: decode_mark(&mut reader)?,
            needs_line_feed: reader.u8()? != 0,
            form: match reader.u8()? {
                0 => IndexForm::Binary,
                _ => IndexForm::Text,
            },
            index: decode_content(&mut reader)?,
            index_file: FileIdentity {
                inode: reader.u64()?,
                length: reader.u64()?,
                modified: (i64::from_le_bytes(reader.array()?), reader.u32()?),
            },
            side_length: reader.u64()?,
            side_check: reader.array()?,
            deletion_bytes: reader.u64()?,
            dead_check: reader.array()?,
            checks_check: reader.array()?,
        };
        let covered = bytes.len() - reader.remaining();
        let known = reader.array::<CHECK_BYTES>()?;
        match part_check(bytes.get(..covered).unwrap_or_default()) == known {
            true => Ok(header),
            false => Err(DecodeError::Checksum("the table")),
        }
    }
}
