//! Type profile: counts the types of all values of schema-free text, with the first row of each.
//! Memory is proportional to the number of columns. Values without a common type are reported as a
//! conflict.

pub(crate) mod file;

use std::collections::HashMap;

use arrow_schema::Schema;

use crate::inspect::format::infer::InferredType;
use crate::inspect::format::infer::Object;
use crate::inspect::format::infer::is_int;
use crate::inspect::json::Event;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::validate;
use crate::wire::limits::SCHEMA_FIELDS_MAX;
use crate::wire::limits::STATISTICS_DEPTH_MAX;

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldKind {
    /// Null, or an empty cell.
    Null,
    /// True or false.
    Bool,
    /// An integer within 64 bits.
    Int,
    /// Any other number.
    Float,
    /// A word such as `nan` in a cell: a number in a column of numbers, otherwise text.
    NotFinite,
    /// A date.
    Date,
    /// A timestamp.
    Time,
    /// Any other text.
    Text,
    /// An array.
    List,
    /// An object.
    Object,
}

const KINDS: [FieldKind; 10] = [
    FieldKind::Null,
    FieldKind::Bool,
    FieldKind::Int,
    FieldKind::Float,
    FieldKind::NotFinite,
    FieldKind::Date,
    FieldKind::Time,
    FieldKind::Text,
    FieldKind::List,
    FieldKind::Object,
];

impl FieldKind {
    /// Name of the type.
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

    /// The type without its content.
    fn shape(self) -> InferredType {
        match self {
            Self::Null => InferredType::Null,
            Self::Bool => InferredType::Bool,
            Self::Int => InferredType::Int,
            Self::Float => InferredType::Float,
            Self::NotFinite => InferredType::NotFinite,
            Self::Date => InferredType::Date,
            Self::Time => InferredType::Time,
            Self::Text => InferredType::Text,
            Self::List => InferredType::List(Box::default()),
            Self::Object => InferredType::Object(Object::default()),
        }
    }
}

/// Occurrences of one type in a field: their number, and the first row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCount {
    /// Number of values.
    pub count: u64,
    /// First row, from zero.
    pub first_row: u64,
}

/// Types of one field, and its inner fields.
#[derive(Clone, Debug, Default)]
struct FieldNode {
    seen: [KindCount; KINDS.len()],
    fields: Vec<(String, FieldNode)>,
    at: HashMap<String, usize>,
    items: Option<Box<FieldNode>>,
}

/// Types of the values at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProfile {
    /// Names from the outside in; `[]` stands for the items of a list.
    pub path: Vec<String>,
    /// Types other than null, the most frequent first.
    pub kinds: Vec<(FieldKind, KindCount)>,
    /// Number of nulls.
    pub nulls: u64,
    /// Number of possible values: rows, objects or items around the field.
    pub out_of: u64,
}

impl FieldProfile {
    /// Returns the types in readable form.
    pub fn type_name(&self) -> String {
        match self.common() {
            InferredType::Null => FieldKind::Null.name().to_owned(),
            InferredType::Float => FieldKind::Float.name().to_owned(),
            InferredType::Time => FieldKind::Time.name().to_owned(),
            InferredType::NotFinite => FieldKind::Text.name().to_owned(),
            _ => {
                let names = self.kinds.iter().map(|(kind, _)| kind.name());
                names.collect::<Vec<_>>().join(" or ")
            }
        }
    }

    /// Returns true if the types have no common type. Integers widen to floats and dates to
    /// timestamps; null fits everything.
    pub fn is_conflict(&self) -> bool {
        self.common() == InferredType::Mixed
    }

    fn common(&self) -> InferredType {
        let mut common = InferredType::Null;
        for (kind, _) in &self.kinds {
            common.merge(kind.shape());
        }
        common
    }

    /// Number of absent values; null is not absent.
    pub fn absent(&self) -> u64 {
        let present: u64 = self.kinds.iter().map(|(_, s)| s.count).sum();
        self.out_of.saturating_sub(present + self.nulls)
    }
}

/// Types of all values of a table's rows.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    root: FieldNode,
    rows: u64,
    unreadable: u64,
    first_unreadable: Option<u64>,
    places: usize,
}

impl Profile {
    /// Profiles a line of JSON; a blank line is no row.
    pub fn json_line(&mut self, line: &[u8]) {
        if !line
            .iter()
            .any(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
        {
            return;
        }
        // A damaged row contributes no types, not even by its beginning.
        let is_whole = validate(line).is_ok() || is_json_with_nan(line);
        if !is_whole || self.fill(line).is_err() {
            self.unreadable += 1;
            self.first_unreadable.get_or_insert(self.rows);
        }
        self.rows += 1;
    }

    /// Records the types of a valid row.
    fn fill(&mut self, line: &[u8]) -> Result<(), ScanError> {
        let mut filler = ProfileRecorder {
            scanner: Scanner::with_nan(line),
            row: self.rows,
            places: &mut self.places,
        };
        match filler.scanner.next_event()? {
            Some(event) => filler.value(&event, &mut self.root, 0),
            None => Ok(()),
        }
    }

    /// Starts a record.
    pub(super) fn begin_record(&mut self) {
        self.root.note(FieldKind::Object, self.rows);
    }

    /// Profiles a cell of the record.
    pub(super) fn cell(&mut self, name: &str, cell: &[u8]) {
        if let Some(place) = self.root.field(name, &mut self.places) {
            place.note(kind_of_cell(cell), self.rows);
        }
    }

    /// Ends the record, which was a row.
    pub(super) fn end_record(&mut self) {
        self.rows += 1;
    }

    /// Records that the rest of the file could not be read.
    pub(super) fn cut_short(&mut self) {
        self.unreadable += 1;
        self.first_unreadable.get_or_insert(self.rows);
    }

    /// Returns the narrowest type that fits all rows.
    pub(super) fn shape(&self) -> InferredType {
        self.root.shape()
    }

    /// Returns the types of the columns; `None` unless the rows are objects.
    pub fn schema(&self) -> Option<Schema> {
        self.shape().schema()
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Number of rows that are not JSON, and the first of them.
    pub fn unreadable(&self) -> (u64, Option<u64>) {
        (self.unreadable, self.first_unreadable)
    }

    /// Returns every field in order of first appearance, outer fields before inner ones.
    pub fn fields(&self) -> Vec<FieldProfile> {
        let mut found = Vec::new();
        let objects = self.root.count(FieldKind::Object);
        self.root.list(&mut Vec::new(), objects, &mut found);
        found
    }
}

impl FieldNode {
    fn note(&mut self, kind: FieldKind, row: u64) {
        if let Some(seen) = self.seen.get_mut(kind as usize) {
            if seen.count == 0 {
                seen.first_row = row;
            }
            seen.count += 1;
        }
    }

    fn count(&self, kind: FieldKind) -> u64 {
        self.seen.get(kind as usize).map_or(0, |s| s.count)
    }

    /// Returns the entry of a field; `None` beyond the limit.
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

    fn shape(&self) -> InferredType {
        let mut shape = InferredType::Null;
        for kind in KINDS.into_iter().filter(|k| self.count(*k) > 0) {
            shape.merge(match kind {
                FieldKind::List => {
                    let items = self.items.as_ref().map(|i| i.shape());
                    InferredType::List(Box::new(items.unwrap_or_default()))
                }
                FieldKind::Object => {
                    let mut object = Object::default();
                    for (name, place) in &self.fields {
                        object.add(name, place.shape());
                    }
                    InferredType::Object(object)
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
        let mut kinds: Vec<(FieldKind, KindCount)> = seen
            .filter(|(kind, seen)| *kind != FieldKind::Null && seen.count > 0)
            .collect();
        kinds.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.count));
        found.push(FieldProfile {
            path: path.clone(),
            kinds,
            nulls: self.count(FieldKind::Null),
            out_of,
        });
        self.list(path, self.count(FieldKind::Object), found);
    }
}

fn kind_of_cell(cell: &[u8]) -> FieldKind {
    match InferredType::of_cell(cell) {
        InferredType::Null => FieldKind::Null,
        InferredType::Bool => FieldKind::Bool,
        InferredType::Int => FieldKind::Int,
        InferredType::Float => FieldKind::Float,
        InferredType::NotFinite => FieldKind::NotFinite,
        InferredType::Date => FieldKind::Date,
        InferredType::Time | InferredType::FineTime => FieldKind::Time,
        _ => FieldKind::Text,
    }
}

/// Returns true if a row is JSON except for numbers such as `NaN`, which count as floats.
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

/// Recorder of the types in a JSON value that does not build the value.
struct ProfileRecorder<'a> {
    scanner: Scanner<'a>,
    row: u64,
    places: &'a mut usize,
}

impl ProfileRecorder<'_> {
    /// Records a value from its first event. Arrays and objects below [`STATISTICS_DEPTH_MAX`]
    /// levels are skipped.
    fn value(
        &mut self,
        event: &Event<'_>,
        place: &mut FieldNode,
        depth: usize,
    ) -> Result<(), ScanError> {
        let kind = match event {
            Event::Object => FieldKind::Object,
            Event::Array => FieldKind::List,
            Event::String(_) => FieldKind::Text,
            Event::Number(number) => {
                if number.is_integer && is_int(number.raw) {
                    FieldKind::Int
                } else {
                    FieldKind::Float
                }
            }
            Event::Bool(_) => FieldKind::Bool,
            Event::Null => FieldKind::Null,
            Event::Key(_) | Event::ObjectEnd | Event::ArrayEnd => return Ok(()),
        };
        place.note(kind, self.row);
        match kind {
            FieldKind::Object | FieldKind::List if depth >= STATISTICS_DEPTH_MAX => {
                self.scanner.skip_container()
            }
            FieldKind::Object => self.members(place, depth + 1),
            FieldKind::List => self.items(place, depth + 1),
            _ => Ok(()),
        }
    }

    fn items(&mut self, place: &mut FieldNode, depth: usize) -> Result<(), ScanError> {
        let items = place.items.get_or_insert_default();
        loop {
            match self.scanner.next_event()? {
                None | Some(Event::ArrayEnd) => return Ok(()),
                Some(event) => self.value(&event, items, depth)?,
            }
        }
    }

    fn members(&mut self, place: &mut FieldNode, depth: usize) -> Result<(), ScanError> {
        let mut content = String::new();
        while let Some(Event::Key(key)) = self.scanner.next_event()? {
            // Lone surrogates become U+FFFD.
            let _ = key.unescape_into(&mut content);
            match place.field(&content, self.places) {
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
    use super::FieldKind;
    use super::Profile;

    #[test]
    fn profile_counts_and_locates_conflicts() {
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
        // A truncated row contributes no types.
        profile.json_line(br#"{"e":"text","#);
        assert_eq!((profile.rows(), profile.unreadable()), (6, (2, Some(3))));
        let fields = profile.fields();
        let of = |path: &str| fields.iter().find(|f| f.path.join(".") == path).unwrap();
        let a = of("a");
        assert!(a.is_conflict());
        let seen = |kind| a.kinds.iter().find(|(k, _)| *k == kind).unwrap().1;
        assert_eq!(
            (seen(FieldKind::Text).count, seen(FieldKind::Text).first_row),
            (1, 2)
        );
        assert_eq!(seen(FieldKind::Bool).first_row, 4);
        let c = of("b.c.[]");
        assert!(!c.is_conflict());
        assert_eq!(c.type_name(), "float");
        assert_eq!((of("d").nulls, of("d").absent()), (1, 2));
        assert_eq!(of("e").type_name(), "int");
    }

    #[test]
    fn profile_of_deep_and_wide_rows_stays_bounded() {
        let mut profile = Profile::default();
        profile.json_line(format!("{}1{}", "[".repeat(200), "]".repeat(200)).as_bytes());
        let wide: Vec<String> = (0..20_000).map(|n| format!("\"k{n}\":{n}")).collect();
        profile.json_line(format!("{{{}}}", wide.join(",")).as_bytes());
        assert_eq!(profile.unreadable().0, 0);
        assert!(profile.fields().len() <= 20_000);
        assert!(profile.fields().len() >= 9_000);
    }
}
