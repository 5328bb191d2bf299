//! The beginning of a file's text, from which it is decided how it is read.

use std::sync::Arc;

use crate::inspect::dialect::ReadOptions;
use crate::inspect::format::detect::FileFormat;
use crate::inspect::format::detect::Format;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::table::SchemaFrom;
use crate::inspect::table::TableError;
use crate::inspect::table::input::Input;
use crate::read_at::ReadAt;

/// The beginning of the text, without a byte order mark.
pub(super) struct Head {
    pub(super) text: Vec<u8>,
    /// There is no more text than this.
    pub(super) is_whole: bool,
    /// Bytes of a byte order mark before it.
    pub(super) front: u64,
    pub(super) encoding: TextEncoding,
}

impl Head {
    /// At most so many bytes of it.
    pub(super) fn read(
        source: &Arc<dyn ReadAt>,
        format: FileFormat,
        options: &ReadOptions,
        most: usize,
    ) -> Result<Self, TableError> {
        let bytes = |encoding, most| {
            let written = (format.compression, encoding);
            first_bytes(Input::open_as(Arc::clone(source), written, 0), most)
        };
        let mark = TextEncoding::of_mark(&bytes(TextEncoding::Utf8, MARK_BYTES)?);
        let is_16 = |e| matches!(e, TextEncoding::Utf16Le | TextEncoding::Utf16Be);
        let encoding = match options.encoding {
            // A mark knows better which half of a unit comes first.
            Some(said) if is_16(said) && is_16(mark) => mark,
            Some(said) => said,
            None => mark,
        };
        let head = Self::of(encoding, most, bytes)?;
        let is_guess = options.encoding.is_none() && format.format == Format::Bytes;
        // Two bytes are little to tell text by, where the name says nothing.
        let is_text = !head.text.contains(&0) && memchr::memmem::find(&head.text, FFFD).is_none();
        match is_guess && encoding != TextEncoding::Utf8 && !is_text {
            true => Self::of(TextEncoding::Utf8, most, bytes),
            false => Ok(head),
        }
    }

    fn of(
        encoding: TextEncoding,
        most: usize,
        bytes: impl Fn(TextEncoding, usize) -> Result<Vec<u8>, TableError>,
    ) -> Result<Self, TableError> {
        let mut text = bytes(encoding, most + MARK_BYTES)?;
        let mut front = 0;
        if text.starts_with(b"\xef\xbb\xbf") {
            text.drain(..3);
            front = 3;
        }
        let is_whole = text.len() <= most;
        text.truncate(most);
        Ok(Self {
            text,
            is_whole,
            front,
            encoding,
        })
    }

    pub(super) fn schema_from(&self) -> SchemaFrom {
        match self.is_whole {
            true => SchemaFrom::WholeFile,
            false => SchemaFrom::Front(self.text.len() as u64),
        }
    }
}

/// Bytes that tell how a text is written.
const MARK_BYTES: usize = 4;
/// U+FFFD.
const FFFD: &[u8] = b"\xef\xbf\xbd";

/// As many bytes as there are, up to `most`. What a decoder says only later is not asked for.
pub(super) fn first_bytes(mut input: Input, most: usize) -> Result<Vec<u8>, TableError> {
    let mut bytes = Vec::new();
    let mut piece = vec![0; most.min(64 << 10)];
    while bytes.len() < most {
        match input.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(piece.get(..n).unwrap_or_default()),
            // The rows before it are to be had.
            Err(TableError::Damaged(_)) if !bytes.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(most);
    Ok(bytes)
}
