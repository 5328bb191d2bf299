//! Pages of a column of a Parquet file, unpacked without C: parquet's own reader would bring it for
//! Zstandard, and takes the lengths in headers at their word.
//! Headers as in `parquet.thrift` of parquet-format 2.11.

use std::sync::Arc;

use bytes::Bytes;
use flate2::Crc;
use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::column::page::PageIterator;
use parquet::column::page::PageMetadata;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::inspect::format::parquet_footer::exactly;
use crate::inspect::table::columnar::OVER_LIMIT;
use crate::inspect::table::columnar::levels;
use crate::inspect::table::columnar::page_codec::unpack;
use crate::inspect::table::columnar::thrift::Bad;
use crate::inspect::table::columnar::thrift::Compact;
use crate::inspect::table::columnar::thrift::Kind;
use crate::read_at::ReadAt;
use crate::wire::limits::PARQUET_PAGE_BYTES_MAX;

/// The pages of one chunk of a column.
pub(super) struct Pages {
    source: Arc<dyn ReadAt>,
    codec: parquet::basic::Compression,
    at: u64,
    end: u64,
    /// Values that data pages have yet to come.
    values: i64,
    next: Option<Header>,
    /// The greatest repetition level of the column.
    max_repetition: i16,
    /// Checksums are compared.
    verify: bool,
}

/// The header of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Header {
    /// Length of the header itself.
    length: u64,
    kind: i64,
    unpacked: usize,
    packed: usize,
    /// CRC-32 of the page as it is packed, where its writer left one.
    checksum: Option<u32>,
    values: u32,
    encoding: i64,
    definition_encoding: i64,
    repetition_encoding: i64,
    nulls: u32,
    rows: u32,
    definition_bytes: u32,
    repetition_bytes: u32,
    is_sorted: bool,
    is_plain: bool,
}

const DATA: i64 = 0;
const INDEX: i64 = 1;
const DICTIONARY: i64 = 2;
const DATA_2: i64 = 3;

/// Headers carry least and greatest values, which are not looked at.
const HEADER_BYTES: usize = 512;
const HEADER_BYTES_MAX: usize = 16 << 20;
/// Levels of structs in a header.
const DEPTH_MAX: u32 = 8;
/// Values of a page.
const VALUES_MAX: i64 = 1 << 26;
/// Some writers left the dictionary's header out of the chunk's length (PARQUET-816).
const SLACK_BYTES: u64 = 100;

impl Pages {
    pub(super) fn new(
        source: Arc<dyn ReadAt>,
        column: &ColumnChunkMetaData,
        verify: bool,
    ) -> Result<Self, ParquetError> {
        let data = column.data_page_offset();
        let start = match column.dictionary_page_offset() {
            Some(dictionary) if dictionary > 0 && dictionary < data => dictionary,
            _ => data,
        };
        let bad = || wrong("a column's place is no place");
        let at = u64::try_from(start).map_err(|_| bad())?;
        let length = u64::try_from(column.compressed_size()).map_err(|_| bad())?;
        let end = at.checked_add(length).filter(|end| *end <= source.len());
        let end = end.ok_or_else(bad)?.saturating_add(SLACK_BYTES);
        Ok(Self {
            codec: column.compression(),
            at,
            end: end.min(source.len()),
            values: column.num_values(),
            next: None,
            max_repetition: column.column_descr().max_rep_level(),
            verify,
            source,
        })
    }

    /// The header of the next page with values; `None` when there are no more.
    fn header(&mut self) -> Result<Option<&Header>, ParquetError> {
        while self.next.is_none() && self.values > 0 {
            if self.at >= self.end {
                return Ok(None);
            }
            let header = self.read_header()?;
            match header.kind {
                DATA | DICTIONARY | DATA_2 => self.next = Some(header),
                _ => self.at += header.length + header.packed as u64,
            }
        }
        Ok(self.next.as_ref())
    }

    fn read_header(&self) -> Result<Header, ParquetError> {
        let mut length = HEADER_BYTES;
        loop {
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            let bytes = exactly(&*self.source, self.at, length.min(left));
            let bytes = bytes.ok_or_else(|| wrong("a page's header cannot be read"))?;
            match Header::read(&bytes) {
                Ok(header) => {
                    let body = self.at + header.length;
                    if header.packed as u64 > self.source.len().saturating_sub(body) {
                        return Err(wrong("a page is longer than the file"));
                    }
                    return Ok(header);
                }
                Err(Bad::Short) if length < left && length < HEADER_BYTES_MAX => length *= 8,
                Err(Bad::TooLarge) => {
                    return Err(wrong(&format!(
                        "{OVER_LIMIT}a page has more than {PARQUET_PAGE_BYTES_MAX} bytes (`parquet_page_bytes_max`)"
                    )));
                }
                Err(_) => return Err(wrong("a page's header is none")),
            }
        }
    }

    /// Passes the next page, which this is the header of.
    fn pass(&mut self, header: &Header) {
        self.at += header.length + header.packed as u64;
        if header.kind != DICTIONARY {
            self.values -= i64::from(header.values);
        }
    }

    fn page(&self, header: &Header) -> Result<Page, ParquetError> {
        let packed = exactly(&*self.source, self.at + header.length, header.packed);
        let packed = packed.ok_or_else(|| wrong("a page cannot be read"))?;
        if let Some(checksum) = header.checksum.filter(|_| self.verify) {
            let mut crc = Crc::new();
            crc.update(&packed);
            if crc.sum() != checksum {
                return Err(wrong("a page does not have its checksum"));
            }
        }
        let buf = Bytes::from(self.unpacked(packed, header)?);
        let (num_values, encoding) = (header.values, encoding(header.encoding)?);
        let page = match header.kind {
            DICTIONARY => Page::DictionaryPage {
                buf,
                num_values,
                encoding,
                is_sorted: header.is_sorted,
            },
            DATA => Page::DataPage {
                buf,
                num_values,
                encoding,
                def_level_encoding: self::encoding(header.definition_encoding)?,
                rep_level_encoding: self::encoding(header.repetition_encoding)?,
                statistics: None,
            },
            _ => Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                num_nulls: header.nulls,
                num_rows: header.rows,
                def_levels_byte_len: header.definition_bytes,
                rep_levels_byte_len: header.repetition_bytes,
                is_compressed: !header.is_plain,
                statistics: None,
            },
        };
        match levels::are_whole(&page, self.max_repetition) {
            true => Ok(page),
            false => Err(wrong("a page has fewer repetition levels than values")),
        }
    }

    /// The levels of pages of version 2 stand before what is packed.
    fn unpacked(&self, packed: Vec<u8>, header: &Header) -> Result<Vec<u8>, ParquetError> {
        let levels = match header.kind {
            DATA_2 => u64::from(header.definition_bytes) + u64::from(header.repetition_bytes),
            _ => 0,
        };
        let levels = usize::try_from(levels).unwrap_or(usize::MAX);
        let bad = || wrong("a page's levels are longer than the page");
        if levels > header.unpacked || levels > packed.len() {
            return Err(bad());
        }
        // parquet-cpp before 2.0 said of packed pages that they are not (ARROW-17100).
        let is_plain = header.is_plain && packed.len() == header.unpacked;
        if self.codec == parquet::basic::Compression::UNCOMPRESSED || is_plain {
            return Ok(packed);
        }
        let (front, rest) = packed.split_at_checked(levels).ok_or_else(bad)?;
        let size = header.unpacked - levels;
        if size == 0 {
            return Ok(front.to_vec());
        }
        let values = unpack(self.codec, rest, size)?;
        if front.is_empty() {
            return Ok(values);
        }
        Ok([front, &values].concat())
    }
}

impl Iterator for Pages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        if self.header()?.is_none() {
            return Ok(None);
        }
        let Some(header) = self.next.take() else {
            return Ok(None);
        };
        let page = self.page(&header)?;
        self.pass(&header);
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        Ok(self.header()?.map(|header| PageMetadata {
            num_rows: (header.kind == DATA_2)
                .then(|| usize::try_from(header.rows).unwrap_or(usize::MAX)),
            num_levels: (header.kind != DICTIONARY)
                .then(|| usize::try_from(header.values).unwrap_or(usize::MAX)),
            is_dict: header.kind == DICTIONARY,
        }))
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.header()?;
        if let Some(header) = self.next.take() {
            self.pass(&header);
        }
        Ok(())
    }
}

/// The one chunk of a column in a row group.
pub(super) struct Chunk(pub(super) Option<Result<Box<dyn PageReader>, ParquetError>>);

impl Iterator for Chunk {
    type Item = Result<Box<dyn PageReader>, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take()
    }
}

impl PageIterator for Chunk {}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, Bad> {
        let mut compact = Compact::new(bytes);
        let mut header = Self {
            kind: -1,
            ..Self::default()
        };
        let mut last = 0;
        while let Some((number, kind)) = compact.field(&mut last)? {
            match number {
                1 => header.kind = compact.integer()?,
                2 => header.unpacked = page_bytes(compact.integer()?)?,
                3 => header.packed = page_bytes(compact.integer()?)?,
                // An i32 that has the bits of the checksum.
                4 => header.checksum = Some(compact.integer()?.cast_unsigned() as u32),
                5 | 7 | 8 if kind == Kind::STRUCT => header.inner(number, &mut compact)?,
                _ => compact.skip(kind, DEPTH_MAX)?,
            }
        }
        if !(DATA..=DATA_2).contains(&header.kind) || (header.kind == INDEX && header.packed == 0) {
            return Err(Bad::Wrong);
        }
        header.length = compact.at() as u64;
        Ok(header)
    }

    /// `DataPageHeader` (5), `DictionaryPageHeader` (7) or `DataPageHeaderV2` (8).
    fn inner(&mut self, which: i64, compact: &mut Compact<'_>) -> Result<(), Bad> {
        let mut last = 0;
        while let Some((number, kind)) = compact.field(&mut last)? {
            match (which, number) {
                (_, 1) => self.values = count(compact.integer()?)?,
                (5 | 7, 2) | (8, 4) => self.encoding = compact.integer()?,
                (5, 3) => self.definition_encoding = compact.integer()?,
                (5, 4) => self.repetition_encoding = compact.integer()?,
                (7, 3) => self.is_sorted = kind.is_true(),
                (8, 2) => self.nulls = count(compact.integer()?)?,
                (8, 3) => self.rows = count(compact.integer()?)?,
                (8, 5) => self.definition_bytes = count(compact.integer()?)?,
                (8, 6) => self.repetition_bytes = count(compact.integer()?)?,
                (8, 7) => self.is_plain = !kind.is_true(),
                _ => compact.skip(kind, DEPTH_MAX)?,
            }
        }
        Ok(())
    }
}

fn page_bytes(value: i64) -> Result<usize, Bad> {
    let bytes = usize::try_from(value).map_err(|_| Bad::Wrong)?;
    let fits = bytes <= PARQUET_PAGE_BYTES_MAX;
    fits.then_some(bytes).ok_or(Bad::TooLarge)
}

fn count(value: i64) -> Result<u32, Bad> {
    let fits = (0..=VALUES_MAX).contains(&value);
    let value = u32::try_from(value).ok().filter(|_| fits);
    value.ok_or(Bad::Wrong)
}

fn encoding(number: i64) -> Result<Encoding, ParquetError> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        #[allow(deprecated, reason = "old files have it")]
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(wrong("an encoding that nobody knows")),
    })
}

fn wrong(why: &str) -> ParquetError {
    ParquetError::General(why.to_owned())
}
