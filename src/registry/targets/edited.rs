//! Files read as if their edits were applied.

use std::path::Path;
use std::sync::Arc;

use crate::inspect::Compression;
use crate::inspect::Format;
use crate::inspect::ReadOptions;
use crate::inspect::TextEncoding;
use crate::inspect::edits::FileOverlay;
use crate::inspect::edits::RowPlace;
use crate::inspect::table::Batches;
use crate::inspect::table::Opened;
use crate::inspect::table::Point;
use crate::inspect::table::RowIndex;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::TableError;
use crate::registry::error::Error;
use crate::registry::targets::file::FileLocation;
use crate::registry::targets::file::TargetFile;
use crate::registry::targets::file::is_lines;

/// Form of the edits of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::registry) enum EditForm {
    /// Splices replace bytes of the file.
    Bytes,
    /// Splices replace rows of a columnar file.
    Rows,
}

/// The way out where a file has no form of edits.
const EXPORT: &str = "`inspect export TARGET -o FILE` writes one that can be edited";

/// Returns the form of the edits of an open file.
///
/// # Errors
/// The reason why it cannot be edited.
pub(in crate::registry) fn form_of(opened: &Opened) -> Result<EditForm, String> {
    if opened.table.columnar().is_some() {
        return Ok(EditForm::Rows);
    }
    if opened.format.compression != Compression::None {
        return Err(format!("its text is compressed; {EXPORT}"));
    }
    if opened.encoding != TextEncoding::Utf8 {
        let name = opened.encoding.name();
        return Err(format!("its encoding is {name}; {EXPORT}"));
    }
    let is_records = matches!(opened.table.shape(), Shape::Delimited(_));
    match is_records || is_lines(opened) {
        true => Ok(EditForm::Bytes),
        false => {
            let name = opened.format.name();
            Err(format!("its rows are no lines but {name}; {EXPORT}"))
        }
    }
}

impl TargetFile {
    /// Returns the file read as if edits were applied. Its format and dialect stay those of the
    /// base.
    ///
    /// # Errors
    /// [`Error`] when the base cannot be read.
    pub(in crate::registry) fn edited(&self, overlay: FileOverlay) -> Result<Self, Error> {
        let opened = self.opened()?;
        let is_columnar = opened.table.columnar().is_some();
        let reading = match opened.table.shape() {
            Shape::Delimited(header) => ReadOptions {
                separator: Some(header.separator),
                quote: Some(header.quote),
                has_header: Some(header.is_in_file),
                ..self.reading
            },
            Shape::Json | Shape::Text => self.reading,
        };
        let format = Some(opened.format).filter(|f| f.format != Format::Bytes);
        Ok(Self {
            path: self.path.clone(),
            size_bytes: match is_columnar {
                true => self.size_bytes,
                false => overlay.bytes(),
            },
            format: format.or(self.format),
            reading,
            place: FileLocation::Edited(Box::new(self.clone()), Arc::new(overlay)),
        })
    }

    /// Returns its rows from a given row on. Rows in front of the nearest edit are not read.
    pub(in crate::registry) fn edited_batches(
        &self,
        base: &Self,
        overlay: &FileOverlay,
        selection: &Selection,
        home: &Path,
    ) -> Result<Arc<dyn Batches>, TableError> {
        let opened = self.table_from(self.source()?, None, None)?;
        if selection.from == 0 || opened.table.columnar().is_some() {
            return opened.table.batches(selection);
        }
        let headers = match opened.table.shape() {
            Shape::Delimited(header) => u64::from(header.is_in_file),
            Shape::Json | Shape::Text => 0,
        };
        let (row, at) = match overlay.place_of(selection.from) {
            RowPlace::Region { first, at, .. } => (first, at),
            RowPlace::Base {
                row,
                from,
                edited_from,
            } => {
                let known = match is_lines(&opened) {
                    true => (row, base.start_of_line(row, home)?),
                    false => nearest(base, row, headers, home)?.unwrap_or(from),
                };
                // A row in front of the gap lies in front of the edits.
                match known.0 >= from.0 && known.1 >= from.1 {
                    true => (
                        edited_from.0 + known.0 - from.0,
                        edited_from.1 + known.1 - from.1,
                    ),
                    false => edited_from,
                }
            }
        };
        if row == 0 {
            return opened.table.batches(selection);
        }
        let (known, index) = match is_lines(&opened) {
            true => (Some((row, at)), None),
            false => {
                let row = row + headers;
                (None, Some(RowIndex::of_point(Point { row, at })))
            }
        };
        let opened = self.table_from(self.source()?, known, index)?;
        opened.table.batches(selection)
    }
}

/// Returns the nearest known row of the base before a row, and its offset.
fn nearest(
    base: &TargetFile,
    row: u64,
    headers: u64,
    home: &Path,
) -> Result<Option<(u64, u64)>, TableError> {
    let (opened, _) = base.indexed(home)?;
    let point = opened.index.and_then(|index| index.nearest(row + headers));
    Ok(point.and_then(|point| Some((point.row.checked_sub(headers)?, point.at))))
}
