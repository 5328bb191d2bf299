//! JSON that is written by columns: an object with a list for each column, or with an object for each whose
//! keys are the numbers of rows (`list` and `columns`, as pandas calls them).

use std::ops::Range;

use arrow_schema::Schema;

use crate::inspect::format::describe::HEAD_BYTES;
use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::profile::Profile;
use crate::inspect::table::SchemaFrom;
use crate::wire::limits::WRITTEN_COLUMNS_MAX;

/// How columns are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orient {
    /// As lists.
    List,
    /// As objects, whose keys are the numbers of rows.
    Columns,
}

impl Orient {
    /// Its name, as pandas has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Columns => "columns",
        }
    }
}

/// Bytes of names that rows repeat, as a multiple of the text.
const NAMES_RATIO_MAX: u64 = 256;

/// A text that is written by columns.
#[derive(Clone, Debug)]
pub(crate) struct JsonColumns {
    pub(crate) orient: Orient,
    columns: Vec<Column>,
    rows: usize,
}

#[derive(Clone, Debug)]
struct Column {
    /// As it is written, quotes and all.
    name: Range<usize>,
    /// Where its values stand.
    values: Vec<(u32, u32)>,
}

/// Whether a text that begins like this may be written by columns. Of one that is not `whole`, nothing but its
/// front was seen.
pub(crate) fn may_be_columns(front: &[u8], whole: bool) -> bool {
    let mut scanner = Scanner::new(front);
    if !matches!(scanner.next_event(), Ok(Some(Event::Object))) {
        return false;
    }
    let mut first: Option<Orient> = None;
    let mut has_plain = false;
    loop {
        match scanner.next_event() {
            Ok(Some(Event::Key(_))) => {}
            Ok(_) => break,
            Err(_) if whole => return false,
            Err(_) => break,
        }
        let mut value = scanner.clone();
        let orient = match value.next_event() {
            Ok(Some(Event::Array)) => {
                has_plain |= !matches!(value.next_event(), Ok(Some(Event::Object)));
                Orient::List
            }
            Ok(Some(Event::Object)) => {
                let Ok(Some(Event::Key(key))) = value.next_event() else {
                    return false;
                };
                if !is_number(key.raw) {
                    return false;
                }
                Orient::Columns
            }
            Err(_) if !whole => break,
            _ => return false,
        };
        if first.is_some_and(|first| first != orient) {
            return false;
        }
        first = Some(orient);
        match scanner.skip_value() {
            Ok(Some(_)) => {}
            Err(_) if !whole => break,
            _ => return false,
        }
    }
    match first {
        // Lists of objects alone are tables beside each other.
        Some(Orient::List) => has_plain,
        Some(Orient::Columns) => true,
        None => false,
    }
}

impl JsonColumns {
    /// The columns of a whole text; `None` where it is written in another way.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        if u32::try_from(text.len()).is_err() || !may_be_columns(text, true) {
            return None;
        }
        let mut scanner = Scanner::new(text);
        scanner.next_event().ok()??;
        let mut columns: Vec<Column> = Vec::new();
        let mut orient = Orient::List;
        let mut keys: Vec<&[u8]> = Vec::new();
        while let Event::Key(name) = scanner.next_event().ok()?? {
            let start = scanner.token_at();
            let column = Column {
                name: start..start + name.raw.len() + 2,
                values: Vec::new(),
            };
            if columns.len() >= WRITTEN_COLUMNS_MAX {
                return None;
            }
            columns.push(column);
            let is_first = columns.len() == 1;
            let column = columns.last_mut()?;
            match scanner.next_event().ok()?? {
                Event::Array => {
                    while let Some(value) = scanner.skip_value().ok()? {
                        column.push(value.at, value.raw.len())?;
                    }
                }
                _ => {
                    orient = Orient::Columns;
                    while let Event::Key(key) = scanner.next_event().ok()?? {
                        // All columns have the same rows.
                        let is_known = keys.get(column.values.len()) == Some(&key.raw);
                        if !is_number(key.raw) || (!is_first && !is_known) {
                            return None;
                        }
                        if is_first {
                            keys.push(key.raw);
                        }
                        let value = scanner.skip_value().ok()??;
                        column.push(value.at, value.raw.len())?;
                    }
                }
            }
        }
        scanner.next_event().ok()?.is_none().then_some(())?;
        let found = Self {
            orient,
            rows: columns.first()?.values.len(),
            columns,
        };
        found.is_table(text).then_some(found)
    }

    /// Whether the columns are those of one table.
    fn is_table(&self, text: &[u8]) -> bool {
        let name = |column: &Column| text.get(column.name.clone()).unwrap_or_default();
        let has = |wanted: &[u8]| self.columns.iter().any(|c| name(c) == wanted);
        let all_numbers = || {
            let inside = |c| name(c).get(1..name(c).len() - 1).unwrap_or_default();
            self.columns.iter().all(|c| is_number(inside(c)))
        };
        let is_other = match self.orient {
            // One list alone is a value like any other. Then `split`, as pandas calls it.
            Orient::List => self.columns.len() == 1 || (has(b"\"columns\"") && has(b"\"data\"")),
            // `index`: the numbers of rows are outside.
            Orient::Columns => all_numbers(),
        };
        let mut names: Vec<&[u8]> = self.columns.iter().map(name).collect();
        let names_bytes: usize = names.iter().map(|n| n.len() + 1).sum();
        names.sort_unstable();
        names.dedup();
        let most = (text.len() as u64).saturating_mul(NAMES_RATIO_MAX);
        self.rows > 0
            && !is_other
            && names.len() == self.columns.len()
            && self.columns.iter().all(|c| c.values.len() == self.rows)
            && (names_bytes as u64).saturating_mul(self.rows as u64) <= most
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// Appends a row as an object on a line. False where there is no such row.
    pub(crate) fn row_into(&self, text: &[u8], row: usize, out: &mut Vec<u8>) -> bool {
        if row >= self.rows {
            return false;
        }
        let mut before = b'{';
        for column in &self.columns {
            let (start, end) = column.values.get(row).copied().unwrap_or_default();
            let value = text.get(start as usize..end as usize);
            out.push(before);
            before = b',';
            out.extend_from_slice(text.get(column.name.clone()).unwrap_or_default());
            out.push(b':');
            // Between the parts of JSON they are white space, and elsewhere there are none.
            let value = value.unwrap_or_default().iter().copied();
            out.extend(value.map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { b }));
        }
        out.extend_from_slice(b"}\n");
        true
    }

    /// The type of the rows, from as much of them as of other text.
    pub(crate) fn schema(&self, text: &[u8]) -> (Option<Schema>, SchemaFrom) {
        let mut profile = Profile::default();
        let (mut line, mut row, mut bytes) = (Vec::new(), 0, 0);
        while bytes < HEAD_BYTES && self.row_into(text, row, &mut line) {
            profile.json_line(line.trim_ascii_end());
            bytes += line.len();
            row += 1;
            line.clear();
        }
        let from = match row == self.rows {
            true => SchemaFrom::WholeFile,
            false => SchemaFrom::Front(HEAD_BYTES as u64),
        };
        (profile.shape().schema(), from)
    }
}

impl Column {
    fn push(&mut self, at: usize, length: usize) -> Option<()> {
        let (start, end) = (u32::try_from(at).ok()?, u32::try_from(at + length).ok()?);
        self.values.push((start, end));
        Some(())
    }
}

fn is_number(key: &[u8]) -> bool {
    !key.is_empty() && key.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_columns_have_rows() {
        for (text, rows) in [
            (
                r#"{"a":[1,2],"b":["x","y"]}"#,
                Some(vec![r#"{"a":1,"b":"x"}"#, r#"{"a":2,"b":"y"}"#]),
            ),
            (
                "{\"a\": {\"0\": 1, \"1\": [2,\n3]}, \"b\": {\"0\": null, \"1\": {\"c\": 1}}}",
                Some(vec![r#"{"a":1,"b":null}"#, r#"{"a":[2, 3],"b":{"c": 1}}"#]),
            ),
            (
                r#"{"a":{"0":1,"1":2}}"#,
                Some(vec![r#"{"a":1}"#, r#"{"a":2}"#]),
            ),
            (r#"{"ids":[7]}"#, None),
            // Not of one length, not of one kind, nothing in them, a name that is there twice.
            (r#"{"a":[1,2],"b":["x"]}"#, None),
            (r#"{"a":[1],"b":2}"#, None),
            (r#"{"a":[1],"b":{"0":2}}"#, None),
            (r#"{"a":[],"b":[]}"#, None),
            (r#"{"a":[1],"a":[2]}"#, None),
            (r#"{"a":{"0":1},"b":{"1":2}}"#, None),
            // Two tables, a table by rows, and one with its columns apart.
            (r#"{"train":[{"a":1}],"test":[{"a":2}]}"#, None),
            (r#"{"0":{"0":1},"1":{"0":2}}"#, None),
            (r#"{"x":{"k":1},"y":{"k":2}}"#, None),
            (r#"{"columns":["a"],"index":[0],"data":[[1]]}"#, None),
            (r#"{"a":[1]} {}"#, None),
        ] {
            let found = JsonColumns::read(text.as_bytes());
            let shown = found.map(|found| {
                let mut out = Vec::new();
                let count = (0..).take_while(|n| found.row_into(text.as_bytes(), *n, &mut out));
                assert_eq!(count.count() as u64, found.rows());
                String::from_utf8(out).unwrap()
            });
            let shown = shown.as_ref().map(|all| all.lines().collect::<Vec<_>>());
            assert_eq!(shown, rows, "{text}");
        }
    }

    #[test]
    fn front_of_an_object_of_columns_is_told() {
        let text = br#"{"a":[1,2,3],"b":["x","y","z"]}"#;
        for length in 6..text.len() {
            assert!(may_be_columns(&text[..length], false), "{length}");
        }
        assert!(!may_be_columns(br#"{"a":1,"b":[2]"#, false));
        assert!(!may_be_columns(b"{", false));
    }
}
