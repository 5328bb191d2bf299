//! Profile of a whole file, read once in bounded memory.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;

use crate::inspect::dialect;
use crate::inspect::dialect::ReadOptions;
use crate::inspect::format::decompress;
use crate::inspect::format::detect::FileFormat;
use crate::inspect::format::detect::Format;
use crate::inspect::format::encoding::TextEncoding;
use crate::inspect::format::encoding::Transcoded;
use crate::inspect::format::json_rows::only_list;
use crate::inspect::json::columns::JsonColumns;
use crate::inspect::profile::Profile;
use crate::inspect::table::Cell;
use crate::inspect::table::DelimitedSplitter;
use crate::inspect::table::Fields;
use crate::inspect::table::JsonSplitter;
use crate::inspect::table::RowSplitter;
use crate::wire::limits::ROW_BYTES_MAX;

/// Bytes at the beginning of a table that decide its dialect.
const HEAD_BYTES: u64 = 1 << 20;
/// Bytes per read.
const PIECE_BYTES: usize = 256 << 10;

/// Returns true if a format has values without declared types.
pub fn has_profile(format: FileFormat) -> bool {
    matches!(
        format.format,
        Format::Jsonl | Format::JsonArray | Format::Csv | Format::Tsv
    )
}

/// Profiles every value of a file.
///
/// # Errors
/// I/O errors of the source, and damage of compressed data.
pub fn profile(format: FileFormat, source: Box<dyn Read + '_>) -> io::Result<Profile> {
    profile_within(format, source, u64::MAX)
}

/// Profiles the values in the first `bytes_max` bytes of decompressed text.
///
/// # Errors
/// As [`profile`].
pub fn profile_within(
    format: FileFormat,
    source: Box<dyn Read + '_>,
    bytes_max: u64,
) -> io::Result<Profile> {
    let text = decompress::decoder(format.compression, source).take(bytes_max);
    let text = utf8(Box::new(text))?;
    match format.format {
        Format::JsonArray => array(text, false),
        Format::Csv | Format::Tsv => table(format.format, text),
        _ => lines(text),
    }
}

/// Profiles the values in the first `bytes_max` bytes of text, decompressed and as UTF-8. The row that the
/// end cuts is left out. Returns true if there is more text.
///
/// # Errors
/// As [`profile`].
pub fn profile_front(
    format: FileFormat,
    source: Box<dyn Read + '_>,
    bytes_max: u64,
) -> io::Result<(Profile, bool)> {
    let text = utf8(decompress::decoder(format.compression, source))?;
    let mut front = Vec::new();
    text.take(bytes_max).read_to_end(&mut front)?;
    let is_cut = front.len() as u64 == bytes_max;
    if is_cut && format.format != Format::JsonArray {
        // A line that is longer than all of it stays.
        let end = memchr::memrchr(b'\n', &front).map(|at| at + 1);
        front.truncate(end.unwrap_or(front.len()));
    }
    let front = Box::new(io::Cursor::new(front));
    let profile = match format.format {
        Format::JsonArray => array(front, is_cut),
        Format::Csv | Format::Tsv => table(format.format, front),
        _ => lines(front),
    };
    Ok((profile?, is_cut))
}

/// Returns the text as UTF-8, without a byte order mark.
fn utf8<'a>(mut text: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    let mut front = Vec::new();
    (&mut text).take(4).read_to_end(&mut front)?;
    let encoding = TextEncoding::of_mark(&front);
    let mark = match encoding {
        TextEncoding::Utf8 if front.starts_with(b"\xef\xbb\xbf") => 3,
        TextEncoding::Utf8 => 0,
        _ => 2,
    };
    front.drain(..mark);
    let text = io::Cursor::new(front).chain(text);
    Ok(match encoding {
        TextEncoding::Utf8 => Box::new(text),
        other => Box::new(Transcoded::new(text, other)),
    })
}

fn lines(text: Box<dyn Read + '_>) -> io::Result<Profile> {
    let mut profile = Profile::default();
    let mut text = BufReader::with_capacity(1 << 20, text);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = ROW_BYTES_MAX as u64;
        if (&mut text).take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(profile);
        }
        let is_too_long = line.len() == ROW_BYTES_MAX && !line.ends_with(b"\n");
        if is_too_long {
            // Skipped, and counted as unreadable.
            text.skip_until(b'\n')?;
            line.truncate(1);
            line.fill(b'!');
        }
        profile.json_line(&line);
    }
}

/// Profiles the elements of an array. `is_cut` says that the text is only the front of one.
fn array(text: Box<dyn Read + '_>, is_cut: bool) -> io::Result<Profile> {
    let mut profile = Profile::default();
    let mut text = BufReader::new(text);
    let is_object = text.fill_buf()?.trim_ascii_start().first() == Some(&b'{');
    let mut splitter = JsonSplitter::array();
    let mut front = Vec::new();
    if is_object {
        (&mut text).take(HEAD_BYTES).read_to_end(&mut front)?;
        let is_whole = (front.len() as u64) < HEAD_BYTES;
        match only_list(&front, is_whole) {
            Some(list) => {
                front.drain(..list.at);
                splitter = splitter.of_member();
            }
            None => {
                let most = ROW_BYTES_MAX as u64;
                (&mut text).take(most).read_to_end(&mut front)?;
                return Ok(columns(&front));
            }
        }
    }
    let mut text = io::Cursor::new(front).chain(text);
    let is_whole = each_row(&mut splitter, &mut text, &mut |row| {
        // A row that is too long counts as unreadable.
        profile.json_line(row.unwrap_or(b"!"));
    })?;
    // Rows before the damage count; the profile records the damage.
    if !is_whole && !is_cut {
        profile.cut_short();
    }
    Ok(profile)
}

/// Profiles column-oriented JSON.
fn columns(text: &[u8]) -> Profile {
    let mut profile = Profile::default();
    let Some(columns) = JsonColumns::read(text) else {
        profile.cut_short();
        return profile;
    };
    let (mut line, mut row) = (Vec::new(), 0);
    while columns.row_into(text, row, &mut line) {
        profile.json_line(line.trim_ascii_end());
        row += 1;
        line.clear();
    }
    profile
}

fn table(format: Format, mut text: Box<dyn Read + '_>) -> io::Result<Profile> {
    let mut head = Vec::new();
    (&mut text).take(HEAD_BYTES).read_to_end(&mut head)?;
    let is_whole = (head.len() as u64) < HEAD_BYTES;
    let plan = dialect::detect_table(format, &head, is_whole, &ReadOptions::default());
    let (separator, quote) = (plan.dialect.separator, plan.dialect.quote);
    let mut profile = Profile::default();
    let mut is_header = plan.dialect.has_header;
    let mut buffer = Vec::new();
    let mut is_cut = false;
    let mut text = head.as_slice().chain(text);
    let mut splitter = DelimitedSplitter::new(separator, quote);
    each_row(&mut splitter, &mut text, &mut |row| {
        if std::mem::take(&mut is_header) {
            return;
        }
        let Some(row) = row else {
            is_cut = true;
            return;
        };
        profile.begin_record();
        let fields = Fields::new(row, separator, quote);
        for (name, raw) in plan.names.iter().zip(fields) {
            match Fields::content(raw, quote, &mut buffer) {
                Cell::Text(text) => profile.cell(name, text),
                _ => profile.cell(name, b""),
            }
        }
        profile.end_record();
    })?;
    if is_cut {
        profile.cut_short();
    }
    Ok(profile)
}

/// Passes every row of a text to `each`, or `None` for one longer than [`ROW_BYTES_MAX`]. Returns
/// false if the text violates its format.
fn each_row(
    splitter: &mut dyn RowSplitter,
    text: &mut dyn Read,
    each: &mut dyn FnMut(Option<&[u8]>),
) -> io::Result<bool> {
    let (mut buffer, mut found) = (Vec::new(), Vec::new());
    let (mut base, mut at) = (0_u64, 0_u64);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let n = match text.read(&mut piece) {
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let piece = piece.get(..n).unwrap_or_default();
        buffer.extend_from_slice(piece);
        let looked = match n {
            0 => splitter.finish(at, &mut found),
            _ => splitter.scan(piece, at, usize::MAX, &mut found).map(|_| ()),
        };
        at += n as u64;
        for row in found.drain(..) {
            let place = |offset: u64| usize::try_from(offset.checked_sub(base)?).ok();
            let bytes = place(row.start).zip(place(row.end));
            each(bytes.and_then(|(start, end)| buffer.get(start..end)));
        }
        if looked.is_err() || n == 0 {
            return Ok(looked.is_ok());
        }
        let open = splitter.open_from().unwrap_or(at);
        let keep = if at - open.max(base) > ROW_BYTES_MAX as u64 {
            at
        } else {
            open.max(base)
        };
        let passed = usize::try_from(keep - base).unwrap_or(usize::MAX);
        buffer.drain(..passed.min(buffer.len()));
        base = keep;
    }
}
