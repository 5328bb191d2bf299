//! Elements of a JSON array, or JSON values that follow each other. Strings and nesting are
//! followed; whether what is between is JSON is for others to say.

use crate::inspect::table::text::splitter::Cutter;
use crate::inspect::table::text::splitter::Found;
use crate::inspect::table::text::splitter::Wrong;

/// Finds the elements of one array, or values.
#[derive(Debug)]
pub(in crate::inspect) struct JsonCutter {
    place: Place,
    /// Arrays and objects that are open within the row.
    depth: u64,
    in_string: bool,
    escaped: bool,
    open: Option<u64>,
    /// Behind the last byte of the row that is no white space.
    end: u64,
    /// Of values: nothing but white space without a newline is behind the last.
    is_behind_value: bool,
    /// The array is a member of an object, which goes on behind it.
    is_member: bool,
}

/// Where in the text rows stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the array.
    Before,
    /// In the array, behind its bracket.
    First,
    /// In the array, behind a comma or a value.
    Further,
    /// Behind the array, in the object that it is a member of.
    Member,
    /// Behind the array.
    Behind,
    /// There is no array around them.
    Values,
}

impl JsonCutter {
    /// For the text of an array.
    pub(in crate::inspect) fn array() -> Self {
        Self::at(Place::Before)
    }

    /// For the text of an array from the beginning of one of its elements.
    pub(in crate::inspect) fn elements() -> Self {
        Self::at(Place::Further)
    }

    /// For values that follow each other.
    pub(in crate::inspect) fn values() -> Self {
        Self::at(Place::Values)
    }

    fn at(place: Place) -> Self {
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

    /// The same for an array that is the only one among the members of an object.
    pub(in crate::inspect) fn of_member(self) -> Self {
        Self {
            is_member: true,
            ..self
        }
    }

    /// A byte of the object behind its one array, where nothing is open.
    fn member(&mut self, byte: u8, at: u64) -> Result<(), Wrong> {
        let wrong = |what| Err(Wrong { at, what });
        match byte {
            b'[' => return wrong("a second list stands beside the rows"),
            b']' => return wrong("a bracket that closes nothing"),
            b'{' => self.depth = 1,
            b'}' => self.place = Place::Behind,
            b'"' => self.in_string = true,
            _ => {}
        }
        Ok(())
    }

    /// Goes on to the end of the string; how many bytes that took.
    fn string(&mut self, rest: &[u8], at: u64, rows: &mut Vec<Found>) -> usize {
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

    /// Goes on within the arrays and objects of a row; how many bytes that took.
    fn nested(&mut self, rest: &[u8], at: u64, rows: &mut Vec<Found>) -> usize {
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

    /// A string, array or object ends at `end`, with which the row may.
    fn value_end(&mut self, end: u64, rows: &mut Vec<Found>) {
        if self.depth > 0 {
            return;
        }
        self.end = end;
        if self.place == Place::Values {
            self.row(rows);
        }
    }

    fn row(&mut self, rows: &mut Vec<Found>) {
        let end = self.end;
        if let Some(start) = self.open.take() {
            rows.push(Found { start, end });
            self.is_behind_value = true;
        }
    }

    /// A byte between the rows, or of one that is a number or a word.
    fn outer(&mut self, byte: u8, at: u64, rows: &mut Vec<Found>) -> Result<(), Wrong> {
        let wrong = |what| Err(Wrong { at, what });
        let is_blank = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        if is_blank {
            if self.place == Place::Values {
                self.row(rows);
                self.is_behind_value &= byte != b'\n';
            }
            return Ok(());
        }
        match (self.place, byte) {
            (Place::Member, byte) => return self.member(byte, at),
            (Place::Before, b'[') => {
                self.place = Place::First;
                return Ok(());
            }
            (Place::Before, _) => return wrong("no array begins"),
            (Place::Behind, _) => return wrong("something follows the array"),
            (Place::First | Place::Further, b',') => {
                if self.open.is_none() {
                    return wrong("a comma without a value before it");
                }
                self.row(rows);
                self.place = Place::Further;
                return Ok(());
            }
            (Place::First | Place::Further, b']') => {
                if self.open.is_none() && self.place == Place::Further {
                    return wrong("the array ends behind a comma");
                }
                self.row(rows);
                self.place = match self.is_member {
                    true => Place::Member,
                    false => Place::Behind,
                };
                return Ok(());
            }
            (_, b'}') => return wrong("a brace that closes nothing"),
            (Place::Values, b',' | b']') => return wrong("no value begins"),
            (Place::Values, b'"' | b'[' | b'{') => self.row(rows),
            _ => {}
        }
        // One text is one value: what follows it on its line is what a broken file looks like.
        if self.place == Place::Values && self.open.is_none() && self.is_behind_value {
            return wrong("something follows the value");
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

impl Cutter for JsonCutter {
    fn scan(
        &mut self,
        piece: &[u8],
        at: u64,
        most: usize,
        rows: &mut Vec<Found>,
    ) -> Result<usize, Wrong> {
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

    fn finish(&mut self, at: u64, rows: &mut Vec<Found>) -> Result<(), Wrong> {
        let wrong = |what| Err(Wrong { at, what });
        match self.place {
            Place::Behind => Ok(()),
            Place::Before => wrong("there is no array"),
            Place::First | Place::Further => wrong("the array is not closed"),
            Place::Member => wrong("the object around the array is not closed"),
            Place::Values if self.depth > 0 || self.in_string => wrong("a value is not closed"),
            Place::Values => {
                self.row(rows);
                Ok(())
            }
        }
    }

    fn open_from(&self) -> Option<u64> {
        self.open
    }
}
