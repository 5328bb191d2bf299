//! Splitter of JSON array elements, or of consecutive JSON values. It tracks strings and nesting,
//! and does not validate the rest.

use crate::inspect::table::text::splitter::MalformedText;
use crate::inspect::table::text::splitter::RowSpan;
use crate::inspect::table::text::splitter::RowSplitter;

/// Finds the elements of one array, or consecutive values.
#[derive(Debug)]
pub(in crate::inspect) struct JsonSplitter {
    place: ArrayPosition,
    /// Number of open arrays and objects inside the row.
    depth: u64,
    in_string: bool,
    escaped: bool,
    open: Option<u64>,
    /// Offset after the last byte of the row that is not white space.
    end: u64,
    /// For values: true between a value and the next newline.
    is_behind_value: bool,
    /// True if the array is a member of an object that continues after it.
    is_member: bool,
}

/// Position of rows relative to the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArrayPosition {
    /// Before the array.
    Before,
    /// After its opening bracket.
    First,
    /// After a comma or a value.
    Further,
    /// After the array, in the object that contains it.
    Member,
    /// After the array.
    Behind,
    /// No array: consecutive values.
    Values,
}

impl JsonSplitter {
    /// Creates a splitter for the text of an array.
    pub(in crate::inspect) fn array() -> Self {
        Self::at(ArrayPosition::Before)
    }

    /// Creates a splitter for an array, from the start of one of its elements.
    pub(in crate::inspect) fn elements() -> Self {
        Self::at(ArrayPosition::Further)
    }

    /// Creates a splitter for consecutive values.
    pub(in crate::inspect) fn values() -> Self {
        Self::at(ArrayPosition::Values)
    }

    fn at(place: ArrayPosition) -> Self {
        Self {
            place,
            depth: 0,
            in_string: false,
            escaped: false,
            open: None,
            end: 0,
            is_behind_value: false,
            is_member: false,
        }
    }

    /// Changes the splitter to an array that is the only one among the members of an object.
    pub(in crate::inspect) fn of_member(self) -> Self {
        Self {
            is_member: true,
            ..self
        }
    }

    /// Processes a byte of the object after its array, outside of nested values.
    fn member(&mut self, byte: u8, at: u64) -> Result<(), MalformedText> {
        let wrong = |what| Err(MalformedText { at, what });
        match byte {
            b'[' => return wrong("a second list stands beside the rows"),
            b']' => return wrong("a bracket that closes nothing"),
            b'{' => self.depth = 1,
            b'}' => self.place = ArrayPosition::Behind,
            b'"' => self.in_string = true,
            _ => {}
        }
        Ok(())
    }

    /// Skips to the end of the string, and returns the number of bytes.
    fn string(&mut self, rest: &[u8], at: u64, rows: &mut Vec<RowSpan>) -> usize {
        if self.escaped {
            self.escaped = false;
            return 1;
        }
        let Some(n) = memchr::memchr2(b'"', b'\\', rest) else {
            return rest.len();
        };
        self.escaped = rest.get(n) == Some(&b'\\');
        if !self.escaped {
            self.in_string = false;
            self.value_end(at + n as u64 + 1, rows);
        }
        n + 1
    }

    /// Moves on inside nested values of a row, and returns the number of bytes.
    fn nested(&mut self, rest: &[u8], at: u64, rows: &mut Vec<RowSpan>) -> usize {
        let matters = |b: &u8| matches!(b, b'"' | b'[' | b']' | b'{' | b'}');
        let Some(n) = rest.iter().position(matters) else {
            return rest.len();
        };
        match rest.get(n) {
            Some(b'"') => self.in_string = true,
            Some(b'[' | b'{') => self.depth += 1,
            _ => {
                self.depth -= 1;
                self.value_end(at + n as u64 + 1, rows);
            }
        }
        n + 1
    }

    /// Ends a string, array or object at `end`, and with it possibly the row.
    fn value_end(&mut self, end: u64, rows: &mut Vec<RowSpan>) {
        if self.depth > 0 {
            return;
        }
        self.end = end;
        if self.place == ArrayPosition::Values {
            self.row(rows);
        }
    }

    fn row(&mut self, rows: &mut Vec<RowSpan>) {
        let end = self.end;
        if let Some(start) = self.open.take() {
            rows.push(RowSpan { start, end });
            self.is_behind_value = true;
        }
    }

    /// Processes a byte between rows, or of a number or word.
    fn outer(&mut self, byte: u8, at: u64, rows: &mut Vec<RowSpan>) -> Result<(), MalformedText> {
        let wrong = |what| Err(MalformedText { at, what });
        let is_blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        if is_blank {
            if self.place == ArrayPosition::Values {
                self.row(rows);
                self.is_behind_value &= byte != b'\n';
            }
            return Ok(());
        }
        match (self.place, byte) {
            (ArrayPosition::Member, byte) => return self.member(byte, at),
            (ArrayPosition::Before, b'[') => {
                self.place = ArrayPosition::First;
                return Ok(());
            }
            (ArrayPosition::Before, _) => return wrong("no array begins"),
            (ArrayPosition::Behind, _) => return wrong("something follows the array"),
            (ArrayPosition::First | ArrayPosition::Further, b',') => {
                if self.open.is_none() {
                    return wrong("a comma without a value before it");
                }
                self.row(rows);
                self.place = ArrayPosition::Further;
                return Ok(());
            }
            (ArrayPosition::First | ArrayPosition::Further, b']') => {
                if self.open.is_none() && self.place == ArrayPosition::Further {
                    return wrong("the array ends behind a comma");
                }
                self.row(rows);
                self.place = if self.is_member {
                    ArrayPosition::Member
                } else {
                    ArrayPosition::Behind
                };
                return Ok(());
            }
            (_, b'}') => return wrong("a brace that closes nothing"),
            (ArrayPosition::Values, b',' | b']') => return wrong("no value begins"),
            (ArrayPosition::Values, b'"' | b'[' | b'{') => self.row(rows),
            _ => {}
        }
        // A text is one value: further text on its line indicates a broken file.
        if self.place == ArrayPosition::Values && self.open.is_none() && self.is_behind_value {
            return wrong("unexpected text after the value");
        }
        self.open.get_or_insert(at);
        match byte {
            b'"' => self.in_string = true,
            b'[' | b'{' => self.depth = 1,
            _ => self.end = at + 1,
        }
        Ok(())
    }
}

impl RowSplitter for JsonSplitter {
    fn scan(
        &mut self,
        piece: &[u8],
        at: u64,
        most: usize,
        rows: &mut Vec<RowSpan>,
    ) -> Result<usize, MalformedText> {
        let mut n = 0;
        while let Some(rest) = piece.get(n..).filter(|r| !r.is_empty()) {
            let here = at + n as u64;
            n += if self.in_string {
                self.string(rest, here, rows)
            } else if self.depth > 0 {
                self.nested(rest, here, rows)
            } else {
                let byte = rest.first().copied().unwrap_or_default();
                self.outer(byte, here, rows)?;
                1
            };
            if rows.len() >= most {
                return Ok(n);
            }
        }
        Ok(n)
    }

    fn finish(&mut self, at: u64, rows: &mut Vec<RowSpan>) -> Result<(), MalformedText> {
        let wrong = |what| Err(MalformedText { at, what });
        match self.place {
            ArrayPosition::Behind => Ok(()),
            ArrayPosition::Before => wrong("there is no array"),
            ArrayPosition::First | ArrayPosition::Further => wrong("the array is not closed"),
            ArrayPosition::Member => wrong("the object around the array is not closed"),
            ArrayPosition::Values if self.depth > 0 || self.in_string => {
                wrong("a value is not closed")
            }
            ArrayPosition::Values => {
                self.row(rows);
                Ok(())
            }
        }
    }

    fn open_from(&self) -> Option<u64> {
        self.open
    }
}
