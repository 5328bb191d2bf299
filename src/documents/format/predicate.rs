//! Conditions over documents, evaluated on their bytes without a tree of values.

use crate::documents::format::Literal;
use crate::inspect::json::Event;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Value;
use crate::inspect::json::ValueKind;

/// A path to values of a document: keys and indexes with dots between them. A step that ends with `[]` goes
/// into every element, as in `messages[].role`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// A key of an object, or an index of an array.
    Member(String),
    /// Every element of an array.
    Elements,
}

impl Path {
    /// Takes a path apart.
    pub fn new(text: &str) -> Self {
        let mut steps = Vec::new();
        for step in text.split('.') {
            let name = step.trim_end_matches("[]");
            if !name.is_empty() || step.is_empty() {
                steps.push(Step::Member(name.to_owned()));
            }
            let elements = (step.len() - name.len()) / 2;
            steps.extend(std::iter::repeat_n(Step::Elements, elements));
        }
        Self(steps)
    }

    /// Returns true if any value that the path leads to fulfils a condition.
    ///
    /// # Errors
    /// A syntax error of the document.
    fn any(
        &self,
        document: &[u8],
        is_hit: &mut dyn FnMut(&Value<'_>) -> Result<bool, ScanError>,
    ) -> Result<bool, ScanError> {
        any_below(document, &self.0, is_hit)
    }
}

impl From<&str> for Path {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

fn any_below(
    text: &[u8],
    steps: &[Step],
    is_hit: &mut dyn FnMut(&Value<'_>) -> Result<bool, ScanError>,
) -> Result<bool, ScanError> {
    let members = steps.iter().take_while(|s| matches!(s, Step::Member(_)));
    let names: Vec<&str> = members
        .filter_map(|step| match step {
            Step::Member(name) => Some(name.as_str()),
            Step::Elements => None,
        })
        .collect();
    let Some(value) = crate::inspect::json::field_at(text, &names)? else {
        return Ok(false);
    };
    let rest = steps.get(names.len()..).unwrap_or_default();
    let Some((_, after)) = rest.split_first() else {
        return is_hit(&value);
    };
    any_element(&value, &mut |element| any_below(element.raw, after, is_hit))
}

fn any_element(
    value: &Value<'_>,
    is_hit: &mut dyn FnMut(&Value<'_>) -> Result<bool, ScanError>,
) -> Result<bool, ScanError> {
    if value.kind != ValueKind::Array {
        return Ok(false);
    }
    let mut scanner = Scanner::new(value.raw);
    let Some(Event::Array) = scanner.next_event()? else {
        return Ok(false);
    };
    while let Some(element) = scanner.skip_value()? {
        if is_hit(&element)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Orders that a value may have to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Before it.
    Less,
    /// Before it, or equal.
    AtMost,
    /// After it.
    Greater,
    /// After it, or equal.
    AtLeast,
}

impl Order {
    fn allows(self, found: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => found.is_lt(),
            Self::AtMost => found.is_le(),
            Self::Greater => found.is_gt(),
            Self::AtLeast => found.is_ge(),
        }
    }
}

/// A condition over a document.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Predicate {
    /// The value is equal.
    Equal(Path, Literal),
    /// The value is one of these.
    In(Path, Vec<Literal>),
    /// The value is a number or a string with this order to another.
    Compare(Path, Order, Literal),
    /// The string has these characters, or the array has this element.
    Contains(Path, Literal),
    /// There is a value, `null` included.
    Exists(Path),
    /// The condition does not hold.
    Not(Box<Predicate>),
    /// All of the conditions hold.
    And(Vec<Predicate>),
    /// One of the conditions holds.
    Or(Vec<Predicate>),
}

impl Predicate {
    /// Makes the condition that a value is equal.
    pub fn eq(path: &str, value: impl Into<serde_json::Value>) -> Self {
        Self::Equal(Path::new(path), Literal::Json(value.into()))
    }

    /// Makes the condition that there is a value.
    pub fn exists(path: &str) -> Self {
        Self::Exists(Path::new(path))
    }

    /// Makes the condition that there is no value.
    pub fn not_exists(path: &str) -> Self {
        Self::Not(Box::new(Self::exists(path)))
    }

    /// Makes the condition that both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::And(mut all) => {
                all.push(other);
                Self::And(all)
            }
            one => Self::And(vec![one, other]),
        }
    }

    /// Makes the condition that one of them holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Or(mut all) => {
                all.push(other);
                Self::Or(all)
            }
            one => Self::Or(vec![one, other]),
        }
    }

    /// Returns true if the condition holds for a document.
    ///
    /// # Errors
    /// A syntax error of the document.
    pub fn matches(&self, document: &[u8]) -> Result<bool, ScanError> {
        match self {
            Self::Equal(path, value) => path.any(document, &mut |v| Ok(value.is_equal(v))),
            Self::In(path, values) => path.any(document, &mut |v| {
                Ok(values.iter().any(|own| own.is_equal(v)))
            }),
            Self::Compare(path, order, value) => path.any(document, &mut |v| {
                Ok(value
                    .compare_from(v)
                    .is_some_and(|found| order.allows(found)))
            }),
            Self::Contains(path, value) => path.any(document, &mut |v| contains(v, value)),
            Self::Exists(path) => path.any(document, &mut |_| Ok(true)),
            Self::Not(inner) => Ok(!inner.matches(document)?),
            Self::And(all) => {
                for one in all {
                    if !one.matches(document)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(any) => {
                for one in any {
                    if one.matches(document)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

fn contains(value: &Value<'_>, wanted: &Literal) -> Result<bool, ScanError> {
    match (value.text(), wanted.text()) {
        (Some(text), Some(wanted)) if text.is_escaped => {
            let mut own = String::new();
            // A lone surrogate is U+FFFD here.
            let _ = text.unescape_into(&mut own);
            Ok(own.contains(wanted))
        }
        (Some(text), Some(wanted)) => {
            Ok(memchr::memmem::find(text.raw, wanted.as_bytes()).is_some())
        }
        _ => any_element(value, &mut |element| Ok(wanted.is_equal(element))),
    }
}
