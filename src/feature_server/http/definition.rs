//! Definitions of tables as JSON, in the forms of both generations of the cache.

use serde::Deserialize;
use serde::Serialize;

use crate::feature_server::http::ordered::Ordered;
use crate::feature_server::refusal::Refusal;
use crate::features::ColumnSpec;
use crate::features::DataType;
use crate::features::TableSchema;

/// The definition of a new table, in either form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTable {
    columns: Ordered<NewColumn>,
    /// The name of the key, of the first generation.
    key: Option<String>,
    /// The name of the column with the time of a row, of this program.
    timestamp: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewColumn {
    dtype: String,
    nullable: Option<bool>,
    #[serde(default)]
    key: bool,
    strict: Option<bool>,
}

impl NewTable {
    /// Returns true for the form of the first generation.
    pub(super) fn is_first_generation(&self) -> bool {
        self.key.is_some()
    }

    /// Makes the schema.
    ///
    /// # Errors
    /// A refusal for columns that make no table.
    pub(super) fn schema(self) -> Result<TableSchema, Refusal> {
        let mut key: Vec<String> = self.key.into_iter().collect();
        let mut columns = Vec::new();
        for (name, column) in self.columns.0 {
            let data_type: DataType = column.dtype.parse().map_err(|_| {
                let shown: String = column.dtype.chars().take(80).collect();
                Refusal::bad(format!(
                    "`{shown}`, the dtype of `{name}`, is no type of a column"
                ))
            })?;
            let is_key = column.key || key.contains(&name);
            if is_key && !key.contains(&name) {
                key.push(name.clone());
            }
            columns.push(ColumnSpec {
                is_nullable: column.nullable.unwrap_or(!is_key),
                is_strict: column.strict.unwrap_or(true),
                ..ColumnSpec::new(&name, data_type)
            });
        }
        Ok(TableSchema::new(columns, &key, self.timestamp.as_deref())?)
    }
}

/// The definition of a table.
#[derive(Serialize)]
pub(super) struct TableJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    columns: Ordered<ColumnJson>,
}

#[derive(Serialize)]
struct ColumnJson {
    dtype: String,
    nullable: bool,
    #[serde(flatten)]
    rest: Option<Rest>,
}

/// The fields of the second generation.
#[derive(Serialize)]
struct Rest {
    key: bool,
    strict: bool,
}

impl TableJson {
    /// Describes a schema. The first generation has keys of one column.
    pub(super) fn of(schema: &TableSchema, is_first_generation: bool) -> Self {
        let keys: Vec<&str> = schema.key().map(|c| c.name.as_str()).collect();
        let first_key = match (is_first_generation, keys.as_slice()) {
            (true, [key]) => Some((*key).to_owned()),
            _ => None,
        };
        let columns = schema.columns().iter().map(|column| {
            let is_key = keys.contains(&column.name.as_str());
            let shown = ColumnJson {
                dtype: column.data_type.to_string(),
                nullable: column.is_nullable && !is_key,
                rest: first_key.is_none().then_some(Rest {
                    key: is_key,
                    strict: column.is_strict,
                }),
            };
            (column.name.clone(), shown)
        });
        Self {
            columns: Ordered(columns.collect()),
            key: first_key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str, is_first: bool) -> Result<String, String> {
        let new: NewTable = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let schema = new.schema().map_err(|e| e.message)?;
        Ok(serde_json::to_string(&TableJson::of(&schema, is_first)).unwrap())
    }

    #[test]
    fn definitions_of_both_generations_round_trip() {
        let first = r#"{"key":"id","columns":{"id":{"dtype":"utf8","nullable":false},"a":{"dtype":"float32","nullable":true}}}"#;
        assert_eq!(round_trip(first, true).unwrap(), first);
        let second = r#"{"columns":{"z":{"dtype":"int64","nullable":false,"key":true,"strict":true},"a":{"dtype":"float32[3]","nullable":true,"key":false,"strict":false}}}"#;
        assert_eq!(round_trip(second, false).unwrap(), second);
        assert!(round_trip(second, true).unwrap().contains("\"key\":\"z\""));
    }

    #[test]
    fn definitions_that_are_none_are_refused() {
        for (text, named) in [
            (r#"{"columns":{"a":{"dtype":"utf8"}}}"#, "no key"),
            (
                r#"{"columns":{"a":{"dtype":"text","key":true}}}"#,
                "no type",
            ),
            (
                r#"{"columns":{"a":{"dtype":"utf8","key":true},"a":{"dtype":"utf8"}}}"#,
                "twice",
            ),
            (
                r#"{"columns":{"a":{"dtype":"float32","key":true}}}"#,
                "keys are",
            ),
            (r#"{"key":"b","columns":{"a":{"dtype":"utf8"}}}"#, "`b`"),
            (
                r#"{"key":"a","columns":{"a":{"dtype":"utf8","kye":true}}}"#,
                "kye",
            ),
        ] {
            let why = round_trip(text, false).unwrap_err();
            assert!(why.contains(named), "{text}: {why}");
        }
    }
}
