//! Rows written to a file, or printed when the program ends.

use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use crate::file_io::IfExists;
use crate::file_io::OutputFile;
use crate::inspect::table::Shape;
use crate::tui::document::CancelToken;
use crate::tui::document::Document;
use crate::tui::document::DocumentError;
use crate::tui::document::RowPlace;
use crate::tui::job::AnswerBody;
use crate::tui::work::reporter::Reporter;
use crate::wire::limits::ROW_BYTES_MAX;

/// Writes rows to a file that must not exist.
pub(super) fn to_file(
    document: &Document,
    rows: &[RowPlace],
    path: &str,
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    to.begin(rows.len() as u64);
    let file = OutputFile::create(Path::new(path), IfExists::Refuse, None).map_err(|error| {
        DocumentError::Other(match error.kind() {
            std::io::ErrorKind::AlreadyExists => format!("`{path}` exists"),
            _ => format!("`{path}`: {error}"),
        })
    })?;
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    write_rows(document, rows, &mut writer, &to.cancel, &|| to.advance(1))?;
    let file = writer
        .into_inner()
        .map_err(|e| DocumentError::from(e.into_error()))?;
    file.finish()?;
    Ok(AnswerBody::Exported {
        rows: rows.len() as u64,
        path: path.to_owned(),
    })
}

/// Writes rows as lines: JSON, records under a header, or text.
pub(in crate::tui) fn write_rows(
    document: &Document,
    rows: &[RowPlace],
    to: &mut dyn Write,
    cancel: &CancelToken,
    done: &dyn Fn(),
) -> Result<(), DocumentError> {
    let mut header: Option<Shape> = None;
    for place in rows {
        cancel.check()?;
        let file = document.file(place.file)?;
        let shape = &file.layout().shape;
        if let Shape::Delimited(names) = shape
            && header.as_ref() != Some(shape)
        {
            header = Some(shape.clone());
            to.write_all(&header_line(&names.names, names.separator, names.quote))?;
        }
        let (mut text, bytes) = document.text_at(*place, ROW_BYTES_MAX, cancel)?;
        if bytes > text.len() as u64 {
            let text =
                format!("a row of {bytes} bytes is longer than the limit of {ROW_BYTES_MAX}");
            return Err(DocumentError::Other(text));
        }
        if *shape == Shape::Json {
            // Strings of JSON hold no raw newlines, so each is white space.
            for byte in &mut text {
                if matches!(byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
        }
        to.write_all(&text)?;
        to.write_all(b"\n")?;
        done();
    }
    to.flush()?;
    Ok(())
}

fn header_line(names: &[String], separator: u8, quote: Option<u8>) -> Vec<u8> {
    let mut line = Vec::new();
    for (n, name) in names.iter().enumerate() {
        if n > 0 {
            line.push(separator);
        }
        let is_odd = |b: u8| b == separator || Some(b) == quote || b == b'\n' || b == b'\r';
        match quote.filter(|_| name.bytes().any(is_odd)) {
            Some(quote) => {
                line.push(quote);
                for byte in name.bytes() {
                    if byte == quote {
                        line.push(quote);
                    }
                    line.push(byte);
                }
                line.push(quote);
            }
            None => line.extend(name.bytes()),
        }
    }
    line.push(b'\n');
    line
}
