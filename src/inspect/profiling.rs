//! Profiles of whole files, read once from the beginning to the end in bounded memory.

use std::cell::Cell;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::rc::Rc;

use csv::ReaderBuilder;
use serde::Deserializer as _;
use serde::de::DeserializeSeed;
use serde::de::SeqAccess;
use serde::de::Visitor;

use crate::inspect::compressed;
use crate::inspect::csv as tables;
use crate::inspect::format::FileFormat;
use crate::inspect::format::Format;
use crate::inspect::profile::Profile;
use crate::wire::limits::ROW_BYTES_MAX;

/// The beginning of a table that is looked at for its separator and header.
const HEAD_BYTES: u64 = 1 << 20;

/// Whether files of a format have values whose types have to be looked for.
pub fn has_profile(format: FileFormat) -> bool {
    matches!(
        format.format,
        Format::Jsonl | Format::JsonArray | Format::Csv | Format::Tsv
    )
}

/// Looks at every value of a file.
///
/// # Errors
/// As the source, or when compressed bytes are damaged.
pub fn profile(format: FileFormat, source: Box<dyn Read + '_>) -> io::Result<Profile> {
    let text = compressed::decoder(format.compression, source);
    match format.format {
        Format::JsonArray => array(text),
        Format::Csv | Format::Tsv => table(format.format, text),
        _ => lines(text),
    }
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
            // Not looked at, and counted as not readable.
            text.skip_until(b'\n')?;
            line.truncate(1);
            line.fill(b'!');
        }
        let begin = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        profile.json_line(begin);
    }
}

fn array(text: Box<dyn Read + '_>) -> io::Result<Profile> {
    struct Elements<'a>(&'a mut Profile);

    impl<'de> DeserializeSeed<'de> for Elements<'_> {
        type Value = ();

        fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
            from.deserialize_seq(self)
        }
    }

    impl<'de> Visitor<'de> for Elements<'_> {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a JSON array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
            while seq.next_element_seed(self.0.element())?.is_some() {
                self.0.end_row();
            }
            Ok(())
        }
    }

    let mut profile = Profile::default();
    let mut text = BufReader::with_capacity(1 << 20, text);
    if text.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
        text.consume(3);
    }
    let mut reader = serde_json::Deserializer::from_reader(text);
    // What comes before the damage counts; that there is some is told.
    if reader.deserialize_seq(Elements(&mut profile)).is_err() {
        profile.cut_short();
    }
    Ok(profile)
}

/// Fails when a record goes on for too long: a quote that nobody closes.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        match self.left.get().checked_sub(n) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::other("a record is too long")),
        }
        Ok(n)
    }
}

fn table(format: Format, mut text: Box<dyn Read + '_>) -> io::Result<Profile> {
    let mut head = Vec::new();
    (&mut text).take(HEAD_BYTES).read_to_end(&mut head)?;
    let is_whole = (head.len() as u64) < HEAD_BYTES;
    let plan = tables::table(format, &head, is_whole);
    let begin = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&head);
    let left = Rc::new(Cell::new(2 * ROW_BYTES_MAX));
    let bounded = Bounded {
        inner: begin.chain(text),
        left: left.clone(),
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(plan.has_header)
        .flexible(true)
        .delimiter(plan.separator)
        .from_reader(bounded);
    let mut profile = Profile::default();
    let mut record = csv::ByteRecord::new();
    loop {
        left.set(2 * ROW_BYTES_MAX);
        match reader.read_byte_record(&mut record) {
            Ok(true) => {
                let cells: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
                profile.record(&plan.names, cells.iter().map(AsRef::as_ref));
            }
            Ok(false) => return Ok(profile),
            Err(_) => {
                profile.cut_short();
                return Ok(profile);
            }
        }
    }
}
