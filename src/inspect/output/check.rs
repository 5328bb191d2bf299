//! Row checks before writing, and the treatment of non-finite numbers.

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

/// Treatment of NaN and infinities in a format without them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NanRule {
    /// Refuse the row.
    #[default]
    Fail,
    /// Write null.
    Null,
    /// Write the texts `NaN`, `Infinity` and `-Infinity`.
    Text,
}

/// Reason for refusing a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Name of the column, if the fault is in one.
    pub column: Option<String>,
    /// Description of the fault.
    pub why: String,
    /// True for a non-finite number, which `--nan` could resolve.
    pub is_nan: bool,
    /// True for invalid UTF-8, which `--encoding` could resolve.
    pub is_not_utf8: bool,
}

impl Refusal {
    /// Refusal of a text with invalid UTF-8 at a byte.
    pub(super) fn not_utf8(at: usize) -> Self {
        Self {
            is_not_utf8: true,
            ..Self::of_row(format!("it is not UTF-8 (byte {at})"))
        }
    }

    /// Adds the name of the column.
    pub(super) fn in_column(self, name: &str) -> Self {
        Self {
            column: Some(name.to_owned()),
            ..self
        }
    }

    /// Refusal of a row as a whole.
    pub fn of_row(why: impl Into<String>) -> Self {
        Self {
            column: None,
            why: why.into(),
            is_nan: false,
            is_not_utf8: false,
        }
    }

    /// Refusal of a column.
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

/// Check of every row before it is written.
#[derive(Clone, Copy, Debug)]
pub struct RowCheck {
    /// Output format.
    pub format: OutputFormat,
    /// Treatment of non-finite numbers.
    pub nan: NanRule,
    /// True if rows come from columnar files, which may have non-finite numbers.
    pub is_columnar: bool,
}

impl RowCheck {
    /// Returns the row in writable form. For formats with columns, a plan also checks the cells.
    ///
    /// # Errors
    /// The reason for refusing the row.
    pub fn prepare<'a>(&self, shape: &Shape, row: &'a [u8]) -> Result<Cow<'a, [u8]>, Refusal> {
        match shape {
            Shape::Json => self.json(row),
            Shape::Delimited(_) | Shape::Text => {
                self.text(row)?;
                Ok(Cow::Borrowed(row))
            }
        }
    }

    /// Returns true if JSON lines can be copied as they are: they contain no non-finite number and
    /// no carriage return.
    pub fn can_copy_lines(&self, lines: &[u8]) -> bool {
        self.format == OutputFormat::Jsonl
            && memchr::memchr(b'\r', lines).is_none()
            && NAN.find(lines).is_none()
            && INFINITY.find(lines).is_none()
    }

    /// Checks the cells of a row as a plan does.
    ///
    /// # Errors
    /// The reason for refusing the row.
    pub fn check_cells(
        &self,
        shape: &Shape,
        row: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), Refusal> {
        each_writable_cell(shape, row, scratch, &mut |_, _| {})
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
        let Some(found) = non_finite_numbers(row) else {
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

/// Non-finite numbers of a row.
struct NonFiniteNumbers {
    places: Vec<(usize, usize)>,
    /// True if some are inside arrays or objects of a column.
    is_nested: bool,
    /// Column of the first one.
    column: Option<String>,
}

/// Finds non-finite numbers; `None` if the row has none or is not JSON otherwise.
fn non_finite_numbers(row: &[u8]) -> Option<NonFiniteNumbers> {
    let mut found = NonFiniteNumbers {
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

/// Returns true for a line break inside a string, which JSON forbids.
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

/// Passes the cells of a row to `each`. Checks that texts are UTF-8 and that JSON is valid.
///
/// # Errors
/// The reason for refusing the row; some cells have been passed on then.
pub(super) fn each_writable_cell(
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
            (Shape::Json, _) if !name.is_ascii() && has_lone_surrogate_key(name, row) => {
                Some(Refusal::of_row(HALF_KEY))
            }
            (Shape::Json, Cell::Text(text)) => {
                // JSON strings are valid UTF-8 except for lone surrogates.
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

/// Message for a row without columns.
pub(super) const NO_COLUMN: &str = "it has no column, and the format needs one";

const HALF_KEY: &str = "its name has half of a surrogate pair, which is no character";
const HALF: &str = "it has half of a surrogate pair, which is no character";

/// Returns true if a key of a row has a lone surrogate; in its name, U+FFFD replaces it.
fn has_lone_surrogate_key(name: &str, row: &[u8]) -> bool {
    if !name.contains(char::REPLACEMENT_CHARACTER) {
        return false;
    }
    let mut scanner = Scanner::with_nan(row);
    let mut unescaped = String::new();
    while let Ok(Some(event)) = scanner.next_event() {
        let Event::Key(key) = event else { continue };
        if scanner.depth() == 1 && key.unescape_into(&mut unescaped).is_err() && unescaped == name {
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
