//! Files of text that is read in order: JSON arrays, CSV, and whatever is compressed.

use std::sync::Arc;

use crate::inspect::format::detect::Compression;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::table::Batches;
use crate::inspect::table::GrowingIndex;
use crate::inspect::table::RowSource;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::TableError;
use crate::inspect::table::input::Input;
use crate::inspect::table::row_index::Point;
use crate::inspect::table::row_index::is_start;
use crate::inspect::table::text::splitter::Cutter;
use crate::inspect::table::text::splitter::DelimitedCutter;
use crate::inspect::table::text::splitter::JsonCutter;
use crate::inspect::table::text::splitter::LineCutter;
use crate::inspect::table::text::stream::Start;
use crate::inspect::table::text::stream::Stream;
use crate::read_at::ReadAt;

/// How rows are written in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect::table) enum Rows {
    /// A line each.
    Lines,
    /// Elements of one JSON array.
    Elements,
    /// JSON values that follow each other.
    Values,
    /// Records with separators.
    Records,
}

/// A file of text.
pub(in crate::inspect::table) struct TextTable {
    pub(in crate::inspect::table) source: Arc<dyn ReadAt>,
    pub(in crate::inspect::table) compression: Compression,
    pub(in crate::inspect::table) encoding: TextEncoding,
    pub(in crate::inspect::table) rows: Rows,
    /// Rows are elements of a list that is a member of an object.
    pub(in crate::inspect::table) is_member: bool,
    pub(in crate::inspect::table) shape: Shape,
    /// Bytes at the front of the text that are a byte order mark, or stand before the list.
    pub(in crate::inspect::table) front: u64,
    /// Where rows begin; of no use where the text is compressed or in another encoding.
    pub(in crate::inspect::table) index: Option<GrowingIndex>,
}

impl TextTable {
    /// Rows before those that are counted: the names of columns.
    fn headers(&self) -> u64 {
        match &self.shape {
            Shape::Delimited(header) => u64::from(header.is_in_file),
            _ => 0,
        }
    }

    /// The way to a row: from the nearest before it whose place is known.
    fn start(&self, from: u64) -> Result<Start, TableError> {
        let from = from.saturating_add(self.headers());
        let front = Point {
            row: 0,
            at: self.front,
        };
        let point = self.nearest(from)?.unwrap_or(front);
        let written = (self.compression, self.encoding);
        let input = match written {
            (Compression::None, TextEncoding::Utf8) => {
                Input::open(Arc::clone(&self.source), self.compression, point.at)
            }
            _ => {
                let mut input = Input::open_as(Arc::clone(&self.source), written, 0);
                skip(&mut input, self.front)?;
                input
            }
        };
        Ok(Start {
            input,
            at: point.at,
            row: point.row,
            from,
        })
    }

    /// The nearest place before a row that is known. Where no row can begin there, the index is
    /// another text's, and nothing of it counts.
    fn nearest(&self, row: u64) -> Result<Option<Point>, TableError> {
        let Some(index) = &self.index else {
            return Ok(None);
        };
        let point = index.nearest(row);
        match point {
            Some(Point { at, .. }) if !is_start(&*self.source, index.kind(), at)? => {
                index.forget();
                Ok(None)
            }
            point => Ok(point),
        }
    }

    fn cutter(&self, is_front: bool) -> Box<dyn Cutter> {
        match self.rows {
            Rows::Lines => Box::new(LineCutter::default()),
            Rows::Records => Box::new(match &self.shape {
                Shape::Delimited(header) => DelimitedCutter::new(header.separator, header.quote),
                _ => DelimitedCutter::new(b',', Some(b'"')),
            }),
            Rows::Elements => {
                let cutter = match is_front {
                    true => JsonCutter::array(),
                    false => JsonCutter::elements(),
                };
                Box::new(match self.is_member {
                    true => cutter.of_member(),
                    false => cutter,
                })
            }
            Rows::Values => Box::new(JsonCutter::values()),
        }
    }
}

impl Table for TextTable {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    fn rows(&self) -> Option<u64> {
        let rows = self.index.as_ref()?.rows()?;
        Some(rows.saturating_sub(self.headers()))
    }

    fn batches(self: Arc<Self>, selection: &Selection) -> Result<Arc<dyn Batches>, TableError> {
        let start = self.start(selection.from)?;
        let cutter = self.cutter(start.row == 0);
        let index = self.index.clone();
        let source = match (self.compression, self.encoding) {
            (Compression::None, TextEncoding::Utf8) => RowSource::Plain(Arc::clone(&self.source)),
            (compression, encoding) => {
                RowSource::Packed(Arc::clone(&self.source), compression, encoding)
            }
        };
        Ok(Arc::new(Stream::new(
            self.shape.clone(),
            cutter,
            start,
            index,
            source,
        )))
    }
}

fn skip(input: &mut Input, bytes: u64) -> Result<(), TableError> {
    let mut left = usize::try_from(bytes).unwrap_or_default();
    let mut buffer = [0; 4096];
    while left > 0 {
        let wanted = left.min(buffer.len());
        match input.read(buffer.get_mut(..wanted).unwrap_or_default())? {
            0 => return Ok(()),
            n => left -= n,
        }
    }
    Ok(())
}
