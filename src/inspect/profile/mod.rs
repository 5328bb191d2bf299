//! The types of all values of text without a schema, over whole files in memory that follows the
//! number of columns: how often each type stands in each place, and where first. What has no type
//! in common is told, not hidden.

pub(crate) mod file;

use std::collections::HashMap;

use arrow_schema::Schema;

use crate::inspect::format::infer::Object;
use crate::inspect::format::infer::Shape;
use crate::inspect::format::infer::is_int;
use crate::inspect::json::Event;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::validate;
use crate::wire::limits::SCHEMA_FIELDS_MAX;
use crate::wire::limits::STATISTICS_DEPTH_MAX;

/// The types that values may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Null, or an empty cell.
    Null,
    /// True or false.
    Bool,
    /// A whole number within 64 bits.
    Int,
    /// Any other number.
    Float,
    /// A word such as `nan` in a cell: a number where the other cells of its column are, else text.
    NotFinite,
    /// A date.
    Date,
    /// A date and a time.
    Time,
    /// Text.
    Text,
    /// Several values.
    List,
    /// Named values.
    Object,
}

const KINDS: [Kind; 10] = [
    Kind::Null,
    Kind::Bool,
    Kind::Int,
    Kind::Float,
    Kind::NotFinite,
    Kind::Date,
    Kind::Time,
    Kind::Text,
    Kind::List,
    Kind::Object,
];

impl Kind {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::NotFinite => "not finite",
            Self::Date => "date",
            Self::Time => "time",
            Self::Text => "text",
            Self::List => "list",
            Self::Object => "object",
        }
    }

    /// The type alone, nothing inside of it.
    fn shape(self) -> Shape {
        match self {
            Self::Null => Shape::Null,
            Self::Bool => Shape::Bool,
            Self::Int => Shape::Int,
            Self::Float => Shape::Float,
            Self::NotFinite => Shape::NotFinite,
            Self::Date => Shape::Date,
            Self::Time => Shape::Time,
            Self::Text => Shape::Text,
            Self::List => Shape::List(Box::default()),
            Self::Object => Shape::Object(Object::default()),
        }
    }
}

/// How often values of one type stood in a place, and in which row first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// The first row, from zero.
    pub first_row: u64,
}

/// All values in one place.
#[derive(Clone, Debug, Default)]
struct Place {
    seen: [Seen; KINDS.len()],
    fields: Vec<(String, Place)>,
    at: HashMap<String, usize>,
    items: Option<Box<Place>>,
}

/// A place in the rows, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProfile {
    /// Names from the outside in; `[]` stands for the items of a list.
    pub path: Vec<String>,
    /// What was seen, nulls left out, most often first.
    pub kinds: Vec<(Kind, Seen)>,
    /// Nulls.
    pub nulls: u64,
    /// Values there might have been: rows, objects or items around it.
    pub out_of: u64,
}

impl FieldProfile {
    /// The types, as people write them.
    pub fn type_name(&self) -> String {
        match self.common() {
            Shape::Null => Kind::Null.name().to_owned(),
            Shape::Float => Kind::Float.name().to_owned(),
            Shape::Time => Kind::Time.name().to_owned(),
            Shape::NotFinite => Kind::Text.name().to_owned(),
            _ => {
                let names = self.kinds.iter().map(|(kind, _)| kind.name());
                names.collect::<Vec<_>>().join(" or ")
            }
        }
    }

    /// Whether the types have no type in common: integers widen to floats, dates to times, and
    /// everything goes with null.
    pub fn is_conflict(&self) -> bool {
        self.common() == Shape::Mixed
    }

    fn common(&self) -> Shape {
        let mut common = Shape::Null;
        for (kind, _) in &self.kinds {
            common.merge(kind.shape());
        }
        common
    }

    /// How often nothing stood there, not even null.
    pub fn absent(&self) -> u64 {
        let present: u64 = self.kinds.iter().map(|(_, s)| s.count).sum();
        self.out_of.saturating_sub(present + self.nulls)
    }
}

/// The types of all values of rows.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    root: Place,
    rows: u64,
    unreadable: u64,
    first_unreadable: Option<u64>,
    places: usize,
}

impl Profile {
    /// Looks at a line of JSON; a blank one is no row.
    pub fn json_line(&mut self, line: &[u8]) {
        if !line
            .iter()
            .any(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
        {
            return;
        }
        // A damaged row says nothing of types, not even by its beginning.
        let is_whole = validate(line).is_ok() || is_json_with_nan(line);
        if !is_whole || self.fill(line).is_err() {
            self.unreadable += 1;
            self.first_unreadable.get_or_insert(self.rows);
        }
        self.rows += 1;
    }

    /// Notes the types of a row that is JSON.
    fn fill(&mut self, line: &[u8]) -> Result<(), ScanError> {
        let mut filler = Filler {
            scanner: Scanner::with_nan(line),
            row: self.rows,
            places: &mut self.places,
        };
        match filler.scanner.next_event()? {
            Some(event) => filler.value(&event, &mut self.root, 0),
            None => Ok(()),
        }
    }

    /// The cells that follow are of one record.
    pub(super) fn begin_record(&mut self) {
        self.root.note(Kind::Object, self.rows);
    }

    /// Looks at a cell of the record.
    pub(super) fn cell(&mut self, name: &str, cell: &[u8]) {
        if let Some(place) = self.root.field(name, &mut self.places) {
            place.note(kind_of_cell(cell), self.rows);
        }
    }

    /// The record was a row.
    pub(super) fn end_record(&mut self) {
        self.rows += 1;
    }

    /// What follows could not be read.
    pub(super) fn cut_short(&mut self) {
        self.unreadable += 1;
        self.first_unreadable.get_or_insert(self.rows);
    }

    /// The least type that fits all rows.
    pub(super) fn shape(&self) -> Shape {
        self.root.shape()
    }

    /// The types of the columns of all rows; none where they are no objects.
    pub fn schema(&self) -> Option<Schema> {
        self.shape().schema()
    }

    /// Rows seen.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows that are no JSON, and the first of them.
    pub fn unreadable(&self) -> (u64, Option<u64>) {
        (self.unreadable, self.first_unreadable)
    }

    /// Every place, in the order in which they were seen, outer ones before inner ones.
    pub fn fields(&self) -> Vec<FieldProfile> {
        let mut found = Vec::new();
        let objects = self.root.count(Kind::Object);
        self.root.list(&mut Vec::new(), objects, &mut found);
        found
    }
}

impl Place {
    fn note(&mut self, kind: Kind, row: u64) {
        if let Some(seen) = self.seen.get_mut(kind as usize) {
            if seen.count == 0 {
                seen.first_row = row;
            }
            seen.count += 1;
        }
    }

    fn count(&self, kind: Kind) -> u64 {
        self.seen.get(kind as usize).map_or(0, |s| s.count)
    }

    /// The place of a field; `None` beyond the limit.
    fn field(&mut self, name: &str, places: &mut usize) -> Option<&mut Self> {
        let at = match self.at.get(name) {
            Some(at) => *at,
            None if *places >= SCHEMA_FIELDS_MAX => return None,
            None => {
                *places += 1;
                self.at.insert(name.to_owned(), self.fields.len());
                self.fields.push((name.to_owned(), Self::default()));
                self.fields.len() - 1
            }
        };
        self.fields.get_mut(at).map(|(_, place)| place)
    }

    fn shape(&self) -> Shape {
        let mut shape = Shape::Null;
        for kind in KINDS.into_iter().filter(|k| self.count(*k) > 0) {
            shape.merge(match kind {
                Kind::List => {
                    let items = self.items.as_ref().map(|i| i.shape());
                    Shape::List(Box::new(items.unwrap_or_default()))
                }
                Kind::Object => {
                    let mut object = Object::default();
                    for (name, place) in &self.fields {
                        object.add(name, place.shape());
                    }
                    Shape::Object(object)
                }
                other => other.shape(),
            });
        }
        shape
    }

    fn list(&self, path: &mut Vec<String>, objects: u64, found: &mut Vec<FieldProfile>) {
        for (name, place) in &self.fields {
            path.push(name.clone());
            place.describe(path, objects, found);
            path.pop();
        }
        if let Some(items) = &self.items {
            path.push("[]".to_owned());
            let total = items.seen.iter().map(|s| s.count).sum();
            items.describe(path, total, found);
            path.pop();
        }
    }

    fn describe(&self, path: &mut Vec<String>, out_of: u64, found: &mut Vec<FieldProfile>) {
        let seen = KINDS.into_iter().zip(self.seen);
        let mut kinds: Vec<(Kind, Seen)> = seen
            .filter(|(kind, seen)| *kind != Kind::Null && seen.count > 0)
            .collect();
        kinds.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.count));
        found.push(FieldProfile {
            path: path.clone(),
            kinds,
            nulls: self.count(Kind::Null),
            out_of,
        });
        self.list(path, self.count(Kind::Object), found);
    }
}

fn kind_of_cell(cell: &[u8]) -> Kind {
    match Shape::of_cell(cell) {
        Shape::Null => Kind::Null,
        Shape::Bool => Kind::Bool,
        Shape::Int => Kind::Int,
        Shape::Float => Kind::Float,
        Shape::NotFinite => Kind::NotFinite,
        Shape::Date => Kind::Date,
        Shape::Time | Shape::FineTime => Kind::Time,
        _ => Kind::Text,
    }
}

/// Whether a row is JSON but for numbers that are none, such as `NaN`, which are floats.
fn is_json_with_nan(line: &[u8]) -> bool {
    let mut scanner = Scanner::with_nan(line);
    loop {
        match scanner.next_event() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Notes the type of a JSON value, and of all in it, without building the value.
struct Filler<'a> {
    scanner: Scanner<'a>,
    row: u64,
    places: &'a mut usize,
}

impl Filler<'_> {
    /// A value whose first event was told. Below [`STATISTICS_DEPTH_MAX`] levels, arrays and objects
    /// are not looked into.
    fn value(
        &mut self,
        event: &Event<'_>,
        place: &mut Place,
        depth: usize,
    ) -> Result<(), ScanError> {
        let kind = match event {
            Event::Object => Kind::Object,
            Event::Array => Kind::List,
            Event::String(_) => Kind::Text,
            Event::Number(number) => match number.is_integer && is_int(number.raw) {
                true => Kind::Int,
                false => Kind::Float,
            },
            Event::Bool(_) => Kind::Bool,
            Event::Null => Kind::Null,
            Event::Key(_) | Event::ObjectEnd | Event::ArrayEnd => return Ok(()),
        };
        place.note(kind, self.row);
        match kind {
            Kind::Object | Kind::List if depth >= STATISTICS_DEPTH_MAX => self.scanner.leave(),
            Kind::Object => self.members(place, depth + 1),
            Kind::List => self.items(place, depth + 1),
            _ => Ok(()),
        }
    }

    fn items(&mut self, place: &mut Place, depth: usize) -> Result<(), ScanError> {
        let items = place.items.get_or_insert_default();
        loop {
            match self.scanner.next_event()? {
                None | Some(Event::ArrayEnd) => return Ok(()),
                Some(event) => self.value(&event, items, depth)?,
            }
        }
    }

    fn members(&mut self, place: &mut Place, depth: usize) -> Result<(), ScanError> {
        let mut said = String::new();
        while let Some(Event::Key(key)) = self.scanner.next_event()? {
            // Half characters become U+FFFD.
            let _ = key.unescape_into(&mut said);
            match place.field(&said, self.places) {
                None => drop(self.scanner.skip_value()?),
                Some(member) => {
                    if let Some(event) = self.scanner.next_event()? {
                        self.value(&event, member, depth)?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use super::Profile;

    #[test]
    fn conflicts_are_counted_and_placed() {
        let mut profile = Profile::default();
        for line in [
            r#"{"a":1,"b":{"c":[1,2.5]}}"#,
            r#"{"a":2.5,"b":{"c":[]},"d":null}"#,
            "  ",
            r#"{"a":"x","b":null,"d":"t"}"#,
            "not json",
        ] {
            profile.json_line(line.as_bytes());
        }
        profile.json_line(br#"{"a":true,"e":1}"#);
        // A row that breaks off says nothing of types.
        profile.json_line(br#"{"e":"text","#);
        assert_eq!((profile.rows(), profile.unreadable()), (6, (2, Some(3))));
        let fields = profile.fields();
        let of = |path: &str| fields.iter().find(|f| f.path.join(".") == path).unwrap();
        let a = of("a");
        assert!(a.is_conflict());
        let seen = |kind| a.kinds.iter().find(|(k, _)| *k == kind).unwrap().1;
        assert_eq!((seen(Kind::Text).count, seen(Kind::Text).first_row), (1, 2));
        assert_eq!(seen(Kind::Bool).first_row, 4);
        let c = of("b.c.[]");
        assert!(!c.is_conflict());
        assert_eq!(c.type_name(), "float");
        assert_eq!((of("d").nulls, of("d").absent()), (1, 2));
        assert_eq!(of("e").type_name(), "int");
    }

    #[test]
    fn deep_and_wide_rows_stay_bounded() {
        let mut profile = Profile::default();
        profile.json_line(format!("{}1{}", "[".repeat(200), "]".repeat(200)).as_bytes());
        let wide: Vec<String> = (0..20_000).map(|n| format!("\"k{n}\":{n}")).collect();
        profile.json_line(format!("{{{}}}", wide.join(",")).as_bytes());
        assert_eq!(profile.unreadable().0, 0);
        assert!(profile.fields().len() <= 20_000);
        assert!(profile.fields().len() >= 9_000);
    }
}
