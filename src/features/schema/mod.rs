//! Types of columns, and the schema of a table.
//!
//! - `data_type.rs`: the types and their names; `widen.rs`: casts that lose nothing; `of_arrow.rs`: the schema of a file

mod data_type;
mod of_arrow;
mod widen;

pub use crate::features::schema::data_type::DataType;
pub use crate::features::schema::data_type::Number;
pub(crate) use crate::features::schema::of_arrow::schema_of;
pub(crate) use crate::features::schema::widen::widen;

use arrow_schema::Field;

use crate::features::error::FeatureError;
use crate::features::limits::COLUMNS_MAX;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnSpec {
    /// The name.
    pub name: String,
    /// The type of its values.
    pub data_type: DataType,
    /// True if values may be null.
    pub is_nullable: bool,
    /// False if doubles may be stored as singles, which loses digits.
    pub is_strict: bool,
}

impl ColumnSpec {
    /// Returns a column that may have nulls.
    pub fn new(name: &str, data_type: DataType) -> Self {
        Self {
            name: name.to_owned(),
            data_type,
            is_nullable: true,
            is_strict: true,
        }
    }

    /// Returns the Arrow field of answers, in which every column may have nulls.
    pub(crate) fn field(&self) -> Field {
        Field::new(&self.name, self.data_type.arrow(), true)
    }
}

/// The columns of a table, and which of them are the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSchema {
    columns: Vec<ColumnSpec>,
    /// Places of the columns of the key, in the order of the key.
    key: Vec<usize>,
    /// Place of the column with the time of a row.
    timestamp: Option<usize>,
}

impl TableSchema {
    /// Puts columns together.
    ///
    /// # Errors
    /// [`FeatureError::Schema`] for repeated names, no columns or too many, a key that is missing, not a type of
    /// keys, or named twice, and a time that is no timestamp.
    pub fn new(
        columns: Vec<ColumnSpec>,
        key: &[String],
        timestamp: Option<&str>,
    ) -> Result<Self, FeatureError> {
        let refused = |why: String| Err(FeatureError::Schema(why));
        if columns.len() > COLUMNS_MAX {
            return refused(format!("it has more than {COLUMNS_MAX} columns"));
        }
        let mut names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return refused(format!("it has two columns `{}`", pair[0]));
        }
        let place = |name: &str| columns.iter().position(|c| c.name == name);
        let mut places = Vec::new();
        for name in key {
            let Some(at) = place(name) else {
                return refused(format!("there is no column `{name}`, which is a key"));
            };
            if places.contains(&at) {
                return refused(format!("`{name}` is twice in the key"));
            }
            if !columns[at].data_type.is_key() {
                let kind = columns[at].data_type;
                return refused(format!(
                    "`{name}` is {kind}, and keys are integers and strings"
                ));
            }
            places.push(at);
        }
        if places.is_empty() {
            return refused("it has no key".to_owned());
        }
        let timestamp = match timestamp {
            None => None,
            Some(name) => match place(name) {
                Some(at) if columns[at].data_type == DataType::Timestamp => Some(at),
                Some(_) => return refused(format!("`{name}` is no timestamp")),
                None => return refused(format!("there is no column `{name}`, the time of rows")),
            },
        };
        Ok(Self {
            columns,
            key: places,
            timestamp,
        })
    }

    /// Returns the columns, with those of the key.
    pub fn columns(&self) -> &[ColumnSpec] {
        &self.columns
    }

    /// Returns the columns of the key, in its order.
    pub fn key(&self) -> impl ExactSizeIterator<Item = &ColumnSpec> {
        self.key.iter().map(|at| &self.columns[*at])
    }

    /// Returns the places of the columns of the key among the columns.
    pub(crate) fn key_places(&self) -> &[usize] {
        &self.key
    }

    /// Returns the place of the column with the time of a row.
    pub(crate) fn timestamp_place(&self) -> Option<usize> {
        self.timestamp
    }

    /// Returns the column with the time of a row.
    pub fn timestamp(&self) -> Option<&ColumnSpec> {
        self.timestamp.map(|at| &self.columns[at])
    }

    /// Returns the names of the columns.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Returns the place of a column.
    ///
    /// # Errors
    /// [`FeatureError::NoColumn`].
    pub fn place(&self, name: &str) -> Result<usize, FeatureError> {
        let found = self.columns.iter().position(|c| c.name == name);
        found.ok_or_else(|| FeatureError::no_column(name, self.names()))
    }
}
