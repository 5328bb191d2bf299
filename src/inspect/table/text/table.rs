//! Files of text that are read in order: JSON arrays, CSV, and compressed files.

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
use crate::inspect::table::text::splitter::DelimitedSplitter;
use crate::inspect::table::text::splitter::JsonSplitter;
use crate::inspect::table::text::splitter::LineSplitter;
use crate::inspect::table::text::splitter::RowSplitter;
use crate::inspect::table::text::stream::ReadStart;
use crate::inspect::table::text::stream::TextBatches;
use crate::read_at::ReadAt;

/// Layout of rows in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect::table) enum RowLayout {
    /// One row per line.
    Lines,
    /// Elements of one JSON array.
    Elements,
    /// Consecutive JSON values.
    Values,
    /// Records with separators.
    Records,
}

/// A file of text.
pub(in crate::inspect::table) struct TextTable {
    pub(in crate::inspect::table) source: Arc<dyn ReadAt>,
    pub(in crate::inspect::table) compression: Compression,
    pub(in crate::inspect::table) encoding: TextEncoding,
    pub(in crate::inspect::table) rows: RowLayout,
    /// True if rows are elements of a list that is a member of an object.
    pub(in crate::inspect::table) is_member: bool,
    pub(in crate::inspect::table) shape: Shape,
    /// Bytes at the front of the text before the rows or the list, such as a byte order mark.
    pub(in crate::inspect::table) front: u64,
    /// Row index; unusable for compressed or transcoded text.
    pub(in crate::inspect::table) index: Option<GrowingIndex>,
}

impl TextTable {
    /// Number of records before the first row: the header.
    fn headers(&self) -> u64 {
        match &self.shape {
            Shape::Delimited(header) => u64::from(header.is_in_file),
            _ => 0,
        }
    }

    /// Returns the start of a read: the nearest known row before the wanted one.
    fn start(&self, from: u64) -> Result<ReadStart, TableError> {
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
        Ok(ReadStart {
            input,
            at: point.at,
            row: point.row,
            from,
        })
    }

    /// Returns the nearest known point before a row. If no row can start there, the index belongs
    /// to another text and is cleared.
    fn nearest(&self, row: u64) -> Result<Option<Point>, TableError> {
        let Some(index) = &self.index else {
            return Ok(None);
        };
        let point = index.nearest(row);
        match point {
            Some(Point { at, .. }) if !is_start(&*self.source, index.kind(), at)? => {
                index.clear();
                Ok(None)
            }
            point => Ok(point),
        }
    }

    fn splitter(&self, is_front: bool) -> Box<dyn RowSplitter> {
        match self.rows {
            RowLayout::Lines => Box::new(LineSplitter::default()),
            RowLayout::Records => Box::new(match &self.shape {
                Shape::Delimited(header) => DelimitedSplitter::new(header.separator, header.quote),
                _ => DelimitedSplitter::new(b',', Some(b'"')),
            }),
            RowLayout::Elements => {
                let splitter = if is_front {
                    JsonSplitter::array()
                } else {
                    JsonSplitter::elements()
                };
                Box::new(if self.is_member {
                    splitter.of_member()
                } else {
                    splitter
                })
            }
            RowLayout::Values => Box::new(JsonSplitter::values()),
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
        let splitter = self.splitter(start.row == 0);
        let index = self.index.clone();
        let source = match (self.compression, self.encoding) {
            (Compression::None, TextEncoding::Utf8) => RowSource::Plain(Arc::clone(&self.source)),
            (compression, encoding) => {
                RowSource::Packed(Arc::clone(&self.source), compression, encoding)
            }
        };
        Ok(Arc::new(TextBatches::new(
            self.shape.clone(),
            splitter,
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
