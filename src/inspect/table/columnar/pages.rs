//! Reader of Parquet column pages in pure Rust. The reader of the parquet crate needs C for
//! Zstandard and trusts the lengths in headers. The headers follow `parquet.thrift` of
//! parquet-format 2.11.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Crc;
use parquet::basic::Compression;
use parquet::basic::Encoding;
use parquet::column::page::Page;
use parquet::column::page::PageIterator;
use parquet::column::page::PageMetadata;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;

use crate::inspect::format::parquet_footer::exactly;
use crate::inspect::table::columnar::levels;
use crate::inspect::table::columnar::page_buffers::PageBuffers;
use crate::inspect::table::columnar::page_codec::unpack;
use crate::inspect::table::columnar::page_index::KnownPage;
use crate::inspect::table::columnar::page_index::KnownPages;
use crate::inspect::table::columnar::page_index::PagePlace;
use crate::inspect::table::columnar::thrift::CompactReader;
use crate::inspect::table::columnar::thrift::FieldType;
use crate::inspect::table::columnar::thrift::ThriftError;
use crate::inspect::table::guarded_call::OVER_LIMIT;
use crate::read_at::ReadAt;
use crate::wire::limits::PARQUET_PAGE_BYTES_MAX;

/// The pages of one column chunk.
pub(super) struct ColumnPages {
    source: Arc<dyn ReadAt>,
    codec: Compression,
    buffers: Arc<PageBuffers>,
    at: u64,
    end: u64,
    /// Number of values in the remaining data pages.
    values: i64,
    next: Option<PageHeader>,
    /// Greatest repetition level of the column.
    max_repetition: i16,
    /// True to verify checksums.
    verify: bool,
    /// Places of the data pages that are left, and the number of rows of the column, if an index is
    /// used.
    places: Option<(VecDeque<PagePlace>, u64)>,
    /// The pages that other slices have met; not for a column with repetition, whose rows no header counts.
    known: Option<Arc<KnownPages>>,
}

/// Header of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct PageHeader {
    /// Length of the header itself.
    length: u64,
    kind: i64,
    unpacked: usize,
    packed: usize,
    /// CRC-32 of the packed page, if present.
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

/// Size limit of a header. Headers carry least and greatest values, which the reader ignores.
const HEADER_BYTES: usize = 512;
const HEADER_BYTES_MAX: usize = 16 << 20;
/// Nesting limit of structs in a header.
const DEPTH_MAX: u32 = 8;
/// Limit of values in a page.
const VALUES_MAX: i64 = 1 << 26;
/// Some writers omitted the dictionary's header from the chunk length (PARQUET-816).
const SLACK_BYTES: u64 = 100;

impl ColumnPages {
    pub(super) fn new(
        source: Arc<dyn ReadAt>,
        column: &ColumnChunkMetaData,
        verify: bool,
        buffers: Arc<PageBuffers>,
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
            buffers,
            at,
            end: end.min(source.len()),
            values: column.num_values(),
            next: None,
            max_repetition: column.column_descr().max_rep_level(),
            verify,
            places: None,
            known: None,
            source,
        })
    }

    /// Uses and notes the places of pages, so that several slices read each header once.
    pub(super) fn with_known(mut self, known: &Arc<KnownPages>) -> Self {
        self.known = (self.max_repetition == 0).then(|| Arc::clone(known));
        self
    }

    /// Returns the next page, if another slice has met it and its header was not read here.
    fn known(&self) -> Option<KnownPage> {
        let is_next = self.next.is_none() && self.places.is_none() && self.values > 0;
        let known = self.known.as_ref().filter(|_| is_next)?.find(self.at)?;
        (self.at + known.bytes <= self.end).then_some(known)
    }

    /// Uses an index of the pages, so that those that are passed over are not read at all.
    pub(super) fn with_places(mut self, places: Option<(Vec<PagePlace>, u64)>) -> Self {
        self.places = places.map(|(places, rows)| (places.into(), rows));
        self
    }

    /// Returns the number of rows of the next page, if an index says that a data page is next.
    fn indexed_rows(&self) -> Option<u64> {
        let (places, rows) = self.places.as_ref()?;
        let next = places
            .front()
            .filter(|next| self.next.is_none() && next.at == self.at)?;
        let end = places.get(1).map_or(*rows, |after| after.row);
        end.checked_sub(next.row)
    }

    /// Moves behind a data page, and to the next one if an index says where that is.
    fn follow_index(&mut self) -> Result<(), ParquetError> {
        let Some((places, _)) = &mut self.places else {
            return Ok(());
        };
        let passed = places.pop_front();
        let end = passed.map(|passed| passed.at + passed.bytes);
        if end != Some(self.at) {
            return Err(wrong("a page is not where its index says"));
        }
        match places.front() {
            Some(next) => self.at = next.at,
            None => self.values = 0,
        }
        Ok(())
    }

    /// Returns the header of the next page with values; `None` after the last.
    fn header(&mut self) -> Result<Option<&PageHeader>, ParquetError> {
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

    fn read_header(&self) -> Result<PageHeader, ParquetError> {
        let mut length = HEADER_BYTES;
        loop {
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            let bytes = exactly(&*self.source, self.at, length.min(left));
            let bytes = bytes.ok_or_else(|| wrong("a page's header cannot be read"))?;
            match PageHeader::read(&bytes) {
                Ok(header) => {
                    let body = self.at + header.length;
                    if header.packed as u64 > self.source.len().saturating_sub(body) {
                        return Err(wrong("a page is longer than the file"));
                    }
                    return Ok(header);
                }
                Err(ThriftError::Short) if length < left && length < HEADER_BYTES_MAX => {
                    length *= 8
                }
                Err(ThriftError::TooLarge) => {
                    return Err(wrong(&format!(
                        "{OVER_LIMIT}a page has more than {PARQUET_PAGE_BYTES_MAX} bytes (`parquet_page_bytes_max`)"
                    )));
                }
                Err(_) => return Err(wrong("a page's header is none")),
            }
        }
    }

    /// Skips the page of this header.
    fn pass(&mut self, header: &PageHeader) -> Result<(), ParquetError> {
        let bytes = header.length + header.packed as u64;
        if let Some(known) = self.known.as_ref().filter(|_| header.kind != DICTIONARY) {
            let values = header.values;
            known.note(self.at, KnownPage { bytes, values });
        }
        self.at += bytes;
        if header.kind == DICTIONARY {
            return Ok(());
        }
        // Pages that an index passes over are not counted.
        if self.places.is_none() {
            self.values -= i64::from(header.values);
        }
        self.follow_index()
    }

    fn page(&self, header: &PageHeader) -> Result<Page, ParquetError> {
        let packed = exactly(&*self.source, self.at + header.length, header.packed);
        let packed = packed.ok_or_else(|| wrong("a page cannot be read"))?;
        if let Some(checksum) = header.checksum.filter(|_| self.verify) {
            let mut crc = Crc::new();
            crc.update(&packed);
            if crc.sum() != checksum {
                return Err(wrong("a page does not have its checksum"));
            }
        }
        let unpacked = self.unpacked(packed, header)?;
        // Only zstd takes buffers from the pool: those of others would stay in it unused.
        let buf = match self.codec {
            Compression::ZSTD(_) => self.buffers.page(unpacked),
            _ => Bytes::from(unpacked),
        };
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
        if levels::are_complete(&page, self.max_repetition) {
            Ok(page)
        } else {
            Err(wrong("a page has fewer repetition levels than values"))
        }
    }

    /// Unpacks a page. In version 2, uncompressed levels precede the packed values.
    fn unpacked(&self, packed: Vec<u8>, header: &PageHeader) -> Result<Vec<u8>, ParquetError> {
        let levels = match header.kind {
            DATA_2 => u64::from(header.definition_bytes) + u64::from(header.repetition_bytes),
            _ => 0,
        };
        let levels = usize::try_from(levels).unwrap_or(usize::MAX);
        let bad = || wrong("a page's levels are longer than the page");
        if levels > header.unpacked || levels > packed.len() {
            return Err(bad());
        }
        // parquet-cpp before 2.0 marked packed pages as unpacked (ARROW-17100).
        let is_plain = header.is_plain && packed.len() == header.unpacked;
        if self.codec == Compression::UNCOMPRESSED || is_plain {
            return Ok(packed);
        }
        let (front, rest) = packed.split_at_checked(levels).ok_or_else(bad)?;
        let size = header.unpacked - levels;
        if size == 0 {
            return Ok(front.to_vec());
        }
        let values = unpack(self.codec, rest, size, &self.buffers)?;
        if front.is_empty() {
            return Ok(values);
        }
        Ok([front, &values].concat())
    }
}

impl Iterator for ColumnPages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for ColumnPages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        if self.header()?.is_none() {
            return Ok(None);
        }
        let Some(header) = self.next.take() else {
            return Ok(None);
        };
        let page = self.page(&header)?;
        self.pass(&header)?;
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        if let Some(rows) = self.indexed_rows() {
            return Ok(Some(PageMetadata {
                num_rows: Some(usize::try_from(rows).unwrap_or(usize::MAX)),
                num_levels: None,
                is_dict: false,
            }));
        }
        if let Some(known) = self.known() {
            return Ok(Some(PageMetadata {
                num_rows: None,
                num_levels: usize::try_from(known.values).ok(),
                is_dict: false,
            }));
        }
        Ok(self.header()?.map(|header| PageMetadata {
            num_rows: (header.kind == DATA_2)
                .then(|| usize::try_from(header.rows).unwrap_or(usize::MAX)),
            num_levels: (header.kind != DICTIONARY)
                .then(|| usize::try_from(header.values).unwrap_or(usize::MAX)),
            is_dict: header.kind == DICTIONARY,
        }))
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        if self.indexed_rows().is_some()
            && let Some((places, _)) = &self.places
        {
            self.at += places.front().map_or(0, |next| next.bytes);
            return self.follow_index();
        }
        if let Some(known) = self.known() {
            self.at += known.bytes;
            self.values -= i64::from(known.values);
            return Ok(());
        }
        self.header()?;
        if let Some(header) = self.next.take() {
            self.pass(&header)?;
        }
        Ok(())
    }
}

/// Iterator over the single chunk of a column in a row group.
pub(super) struct SingleChunk(pub(super) Option<Result<Box<dyn PageReader>, ParquetError>>);

impl Iterator for SingleChunk {
    type Item = Result<Box<dyn PageReader>, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take()
    }
}

impl PageIterator for SingleChunk {}

impl PageHeader {
    fn read(bytes: &[u8]) -> Result<Self, ThriftError> {
        let mut compact = CompactReader::new(bytes);
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
                // An i32 with the bits of the checksum.
                4 => header.checksum = Some(compact.integer()?.cast_unsigned() as u32),
                5 | 7 | 8 if kind == FieldType::STRUCT => header.inner(number, &mut compact)?,
                _ => compact.skip(kind, DEPTH_MAX)?,
            }
        }
        if !(DATA..=DATA_2).contains(&header.kind) || (header.kind == INDEX && header.packed == 0) {
            return Err(ThriftError::Wrong);
        }
        header.length = compact.at() as u64;
        Ok(header)
    }

    /// Reads `DataPageHeader` (5), `DictionaryPageHeader` (7) or `DataPageHeaderV2` (8).
    fn inner(&mut self, which: i64, compact: &mut CompactReader<'_>) -> Result<(), ThriftError> {
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

fn page_bytes(value: i64) -> Result<usize, ThriftError> {
    let bytes = usize::try_from(value).map_err(|_| ThriftError::Wrong)?;
    let fits = bytes <= PARQUET_PAGE_BYTES_MAX;
    fits.then_some(bytes).ok_or(ThriftError::TooLarge)
}

fn count(value: i64) -> Result<u32, ThriftError> {
    let fits = (0..=VALUES_MAX).contains(&value);
    let value = u32::try_from(value).ok().filter(|_| fits);
    value.ok_or(ThriftError::Wrong)
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
