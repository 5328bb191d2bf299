//! Whether a row can be written as it is, and what becomes of numbers that are none.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use memchr::memmem;

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::json::validate;
use crate::inspect::output::OutputFormat;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

/// What becomes of NaN and infinities where a format has no such numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NanRule {
    /// Their row is refused.
    #[default]
    Fail,
    /// They become null.
    Null,
    /// They become the texts `NaN`, `Infinity` and `-Infinity`.
    Text,
}

/// Why a row is not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In which column, where it is one.
    pub column: Option<String>,
    /// What is the matter.
    pub why: String,
    /// It has a number that is none, of which `--nan` could tell what to make.
    pub is_nan: bool,
    /// It is not UTF-8, which `--encoding` could tell.
    pub is_not_utf8: bool,
}

impl Refusal {
    /// Of text that is not UTF-8 from a byte on.
    pub(super) fn not_utf8(at: usize) -> Self {
        Self {
            is_not_utf8: true,
            ..Self::of_row(format!("it is not UTF-8 (byte {at})"))
        }
    }

    /// The same, of a column.
    pub(super) fn in_column(self, name: &str) -> Self {
        Self {
            column: Some(name.to_owned()),
            ..self
        }
    }

    /// Of a row as a whole.
    pub fn of_row(why: impl Into<String>) -> Self {
        Self {
            column: None,
            why: why.into(),
            is_nan: false,
            is_not_utf8: false,
        }
    }

    /// Of one of its columns.
    pub fn of_column(name: &str, why: impl Into<String>) -> Self {
        Self {
            column: Some(name.to_owned()),
            ..Self::of_row(why)
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "column `{column}`: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

static NAN: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("NaN"));
static INFINITY: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new("Infinity"));

/// What is looked at in every row before it is written.
#[derive(Clone, Copy, Debug)]
pub struct RowCheck {
    /// What rows are written as.
    pub format: OutputFormat,
    /// What becomes of numbers that are none.
    pub nan: NanRule,
    /// Rows come from columnar files, which have such numbers.
    pub is_columnar: bool,
}

impl RowCheck {
    /// The row as it can be written. Formats with columns look at cells besides, which a plan does.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn prepare<'a>(&self, shape: &Shape, row: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        match shape {
            Shape::Json => self.json(row),
            Shape::Delimited(_) | Shape::Text => {
                self.text(row)?;
                Ok(Cow::Borrowed(row))
            }
        }
    }

    /// Whether lines of JSON are written as they are: none of them can have a number that is none, and no
    /// carriage return is there.
    pub fn keeps_lines(&self, lines: &[u8]) -> bool {
        self.format == OutputFormat::Jsonl
            && memchr::memchr(b'\r', lines).is_none()
            && NAN.find(lines).is_none()
            && INFINITY.find(lines).is_none()
    }

    /// Looks at the cells of a row as a plan does.
    ///
    /// # Errors
    /// Why the row cannot be written.
    pub fn examine(&self, shape: &Shape, row: &[u8], scratch: &mut Scratch) -> Result<(), Refusal> {
        each_sound_cell(shape, row, scratch, &mut |_, _| {})
    }

    fn text(&self, row: &[u8]) -> Result<(), Refusal> {
        match self.format {
            OutputFormat::Jsonl => match std::str::from_utf8(row) {
                Ok(_) => Ok(()),
                Err(e) => Err(Refusal::not_utf8(e.valid_up_to())),
            },
            OutputFormat::Text if memchr::memchr(b'\n', row).is_some() => Err(Refusal::of_row(
                "it has a line break, and a row of a text file is a line",
            )),
            _ => Ok(()),
        }
    }

    fn json<'a>(&self, row: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        let is_lines = matches!(self.format, OutputFormat::Jsonl | OutputFormat::Text);
        if is_lines && memchr::memchr2(b'\n', b'\r', row).is_some() && has_break_in_string(row) {
            return Err(malformed(row));
        }
        if NAN.find(row).is_none() && INFINITY.find(row).is_none() {
            return Ok(Cow::Borrowed(row));
        }
        let Some(found) = no_numbers(row) else {
            return Ok(Cow::Borrowed(row));
        };
        let keeps = self.is_columnar && !is_lines && !found.is_nested;
        if found.places.is_empty() || keeps {
            return Ok(Cow::Borrowed(row));
        }
        let mut written = Vec::with_capacity(row.len() + 8 * found.places.len());
        let mut at = 0;
        for (start, end) in found.places {
            written.extend_from_slice(row.get(at..start).unwrap_or_default());
            let word = row.get(start..end).unwrap_or_default();
            match self.nan {
                NanRule::Fail => {
                    let word = String::from_utf8_lossy(word);
                    return Err(Refusal {
                        is_nan: true,
                        column: found.column,
                        ..Refusal::of_row(format!("`{word}` is no number in JSON"))
                    });
                }
                NanRule::Null => written.extend_from_slice(b"null"),
                NanRule::Text => {
                    written.push(b'"');
                    written.extend_from_slice(word);
                    written.push(b'"');
                }
            }
            at = end;
        }
        written.extend_from_slice(row.get(at..).unwrap_or_default());
        Ok(Cow::Owned(written))
    }
}

/// Numbers of a row that are none.
struct NoNumbers {
    places: Vec<(usize, usize)>,
    /// Some of them stand within arrays or objects of a column.
    is_nested: bool,
    /// The column of the first.
    column: Option<String>,
}

/// None where the row is not JSON besides.
fn no_numbers(row: &[u8]) -> Option<NoNumbers> {
    let mut found = NoNumbers {
        places: Vec::new(),
        is_nested: false,
        column: None,
    };
    let mut scanner = Scanner::with_nan(row);
    let (mut column, mut name) = (None, String::new());
    while let Some(event) = scanner.next_event().ok()? {
        match event {
            Event::Key(key) if scanner.depth() == 1 => column = Some(key),
            Event::Number(number) if matches!(number.raw, b"NaN" | b"Infinity" | b"-Infinity") => {
                if let (None, Some(key)) = (&found.column, column) {
                    let _ = key.unescape_into(&mut name);
                    found.column = Some(name.clone());
                }
                let start = scanner.token_at();
                found.places.push((start, start + number.raw.len()));
                found.is_nested |= scanner.depth() > 1;
            }
            _ => {}
        }
    }
    Some(found)
}

/// Whether a line break stands within a string, where JSON has none.
fn has_break_in_string(row: &[u8]) -> bool {
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in row {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b'\n' | b'\r' if in_string => return true,
            _ => {}
        }
    }
    false
}

/// Shows the cells of a row that can all be written where texts are Unicode and JSON is JSON.
///
/// # Errors
/// Why the row cannot be written; some cells were shown then.
pub(super) fn each_sound_cell(
    shape: &Shape,
    row: &[u8],
    scratch: &mut Scratch,
    each: &mut dyn FnMut(&str, &Cell<'_>),
) -> Result<(), Refusal> {
    let mut refusal = None;
    let is_whole = shape.each_cell(row, scratch, &mut |name, cell| {
        if refusal.is_some() {
            return;
        }
        let fault = match (shape, &cell) {
            (Shape::Json, _) if !name.is_ascii() && has_half_key(name, row) => {
                Some(Refusal::of_row(HALF_KEY))
            }
            (Shape::Json, Cell::Text(text)) => {
                // Strings of JSON are UTF-8, but for halves of characters.
                let is_half = !text.is_ascii() && std::str::from_utf8(text).is_err();
                is_half.then(|| Refusal::of_row(HALF))
            }
            (_, Cell::Text(text)) => std::str::from_utf8(text)
                .err()
                .map(|e| Refusal::not_utf8(e.valid_up_to())),
            _ => None,
        };
        match fault {
            Some(fault) => refusal = Some(fault.in_column(name)),
            None => each(name, &cell),
        }
    });
    match refusal {
        Some(refusal) => Err(refusal),
        None if is_whole => Ok(()),
        None => Err(malformed(row)),
    }
}

/// Why a row is refused where no row has a column.
pub(super) const NO_COLUMN: &str = "it has no column, and the format needs one";

const HALF_KEY: &str = "its name has half of a surrogate pair, which is no character";
const HALF: &str = "it has half of a surrogate pair, which is no character";

/// Whether a key of a row has half of a surrogate pair; in a name, U+FFFD stands in its place.
fn has_half_key(name: &str, row: &[u8]) -> bool {
    if !name.contains(char::REPLACEMENT_CHARACTER) {
        return false;
    }
    let mut scanner = Scanner::with_nan(row);
    let mut said = String::new();
    while let Ok(Some(event)) = scanner.next_event() {
        let Event::Key(key) = event else { continue };
        if scanner.depth() == 1 && key.unescape_into(&mut said).is_err() && said == name {
            return true;
        }
    }
    false
}

fn malformed(row: &[u8]) -> Refusal {
    let why = match validate(row) {
        Ok(()) => "it is malformed".to_owned(),
        Err(error) => format!("it is not JSON: {error}"),
    };
    let is_not_utf8 = std::str::from_utf8(row).is_err();
    Refusal {
        is_not_utf8,
        ..Refusal::of_row(why)
    }
}
