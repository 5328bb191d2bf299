//! Requests for rows as JSON. Keys go straight into arrays.

use std::fmt;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::Int64Builder;
use arrow_array::builder::StringBuilder;
use arrow_array::builder::UInt64Builder;
use serde::Deserialize;
use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;

use crate::feature_server::lookup::RequestKeys;
use crate::feature_server::lookup::RowsRequest;
use crate::features::limits::KEY_COLUMNS_MAX;

/// A request for rows of a table, without its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowsJson {
    keys: KeysJson,
    columns: Option<Vec<String>>,
    #[serde(default)]
    status: bool,
}

/// A request for rows, with the name of its table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::feature_server) struct TicketJson {
    table: String,
    keys: KeysJson,
    columns: Option<Vec<String>>,
    #[serde(default)]
    status: bool,
}

impl RowsJson {
    /// Returns the request for a table.
    pub(super) fn of_table(self, table: &str) -> RowsRequest {
        RowsRequest {
            table: table.to_owned(),
            keys: self.keys.0,
            columns: self.columns,
            has_status: self.status,
        }
    }
}

impl TicketJson {
    /// Returns the request.
    pub(in crate::feature_server) fn request(self) -> RowsRequest {
        RowsRequest {
            table: self.table,
            keys: self.keys.0,
            columns: self.columns,
            has_status: self.status,
        }
    }
}

/// The keys of a request: an array for the only column of the key, or an object with an array for each.
struct KeysJson(RequestKeys);

impl<'de> Deserialize<'de> for KeysJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = KeysJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of keys, or an object with an array for each column of the key")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<KeysJson, A::Error> {
        Ok(KeysJson(RequestKeys::Single(read_values(values)?)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut columns: A) -> Result<KeysJson, A::Error> {
        let mut named = Vec::new();
        while let Some(name) = columns.next_key::<String>()? {
            if named.len() == KEY_COLUMNS_MAX {
                let why = format!("a key has at most {KEY_COLUMNS_MAX} columns");
                return Err(A::Error::custom(why));
            }
            let ValuesJson(values) = columns.next_value()?;
            named.push((name, values));
        }
        Ok(KeysJson(RequestKeys::Named(named)))
    }
}

/// An array of texts or integers.
pub(super) struct ValuesJson(pub(super) ArrayRef);

impl<'de> Deserialize<'de> for ValuesJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = ValuesJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<ValuesJson, A::Error> {
        Ok(ValuesJson(read_values(values)?))
    }
}

fn read_values<'de, A: SeqAccess<'de>>(mut values: A) -> Result<ArrayRef, A::Error> {
    let mut builder = KeyBuilder::Nulls(0);
    while values.next_element_seed(&mut builder)?.is_some() {}
    Ok(builder.finish())
}

/// The values of a column of keys so far.
enum KeyBuilder {
    /// Only nulls, this many.
    Nulls(usize),
    Signed(Int64Builder),
    Text(StringBuilder),
    Unsigned(UInt64Builder),
}

const MIXED: &str = "keys of one column are all texts or all integers";

impl KeyBuilder {
    fn push_null(&mut self) {
        match self {
            Self::Nulls(count) => *count += 1,
            Self::Signed(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
            Self::Unsigned(builder) => builder.append_null(),
        }
    }

    fn push_text(&mut self, text: &str) -> Result<(), &'static str> {
        if let Self::Nulls(count) = self {
            let mut builder = StringBuilder::new();
            (0..*count).for_each(|_| builder.append_null());
            *self = Self::Text(builder);
        }
        match self {
            Self::Text(builder) => builder.append_value(text),
            _ => return Err(MIXED),
        }
        Ok(())
    }

    fn push_signed(&mut self, value: i64) -> Result<(), &'static str> {
        if let Self::Nulls(count) = self {
            let mut builder = Int64Builder::new();
            (0..*count).for_each(|_| builder.append_null());
            *self = Self::Signed(builder);
        }
        match self {
            Self::Signed(builder) => builder.append_value(value),
            Self::Unsigned(builder) => {
                let value = u64::try_from(value);
                builder.append_value(value.map_err(|_| "the keys are beyond 64 bits")?);
            }
            _ => return Err(MIXED),
        }
        Ok(())
    }

    fn push_unsigned(&mut self, value: u64) -> Result<(), &'static str> {
        if let Ok(value) = i64::try_from(value) {
            return self.push_signed(value);
        }
        let mut wide = match self {
            Self::Text(_) => return Err(MIXED),
            Self::Unsigned(builder) => {
                builder.append_value(value);
                return Ok(());
            }
            Self::Nulls(count) => {
                let mut wide = UInt64Builder::new();
                (0..*count).for_each(|_| wide.append_null());
                wide
            }
            Self::Signed(builder) => {
                let mut wide = UInt64Builder::new();
                for value in &builder.finish() {
                    let value = value.map(u64::try_from).transpose();
                    wide.append_option(value.map_err(|_| "the keys are beyond 64 bits")?);
                }
                wide
            }
        };
        wide.append_value(value);
        *self = Self::Unsigned(wide);
        Ok(())
    }

    fn finish(self) -> ArrayRef {
        match self {
            // No key is as good in any type; an empty request fits texts and integers alike.
            Self::Nulls(count) => Arc::new(arrow_array::NullArray::new(count)),
            Self::Signed(mut builder) => Arc::new(builder.finish()),
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Unsigned(mut builder) => Arc::new(builder.finish()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut KeyBuilder {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for &mut KeyBuilder {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or an integer")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.push_text(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.push_signed(value).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.push_unsigned(value).map_err(E::custom)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.push_null();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array as _;
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::Int64Type;
    use arrow_array::types::UInt64Type;

    use super::*;

    fn read(text: &str) -> Result<RowsRequest, String> {
        let read: Result<RowsJson, _> = serde_json::from_str(text);
        read.map(|r| r.of_table("t")).map_err(|e| e.to_string())
    }

    #[test]
    fn keys_become_arrays_of_one_type() {
        let request = read(r#"{"keys":["a",null,"ü\n"],"columns":["x"]}"#).unwrap();
        let RequestKeys::Single(values) = &request.keys else {
            panic!("{request:?}");
        };
        let texts: Vec<_> = values.as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some("a"), None, Some("ü\n")]);
        let request = read(r#"{"keys":{"a":[null,-1,5],"b":[1,18446744073709551615,2]}}"#).unwrap();
        let RequestKeys::Named(columns) = &request.keys else {
            panic!("{request:?}");
        };
        let signed: Vec<_> = columns[0].1.as_primitive::<Int64Type>().iter().collect();
        assert_eq!(signed, [None, Some(-1), Some(5)]);
        let unsigned: Vec<_> = columns[1].1.as_primitive::<UInt64Type>().iter().collect();
        assert_eq!(unsigned, [Some(1), Some(u64::MAX), Some(2)]);
        assert_eq!(request.columns, None);
    }

    #[test]
    fn keys_of_several_types_are_refused() {
        for (text, why) in [
            (r#"{"keys":["a",1]}"#, MIXED),
            (r#"{"keys":[1,"a"]}"#, MIXED),
            (r#"{"keys":[-1,18446744073709551615]}"#, "beyond 64 bits"),
            (r#"{"keys":[18446744073709551615,-1]}"#, "beyond 64 bits"),
            (r#"{"keys":[1.5]}"#, "expected a text or an integer"),
            (r#"{"keys":[true]}"#, "expected a text or an integer"),
            (r#"{"keys":[["a"]]}"#, "expected a text or an integer"),
            (r#"{"keys":"a"}"#, "expected an array of keys"),
            (r#"{"columns":["x"]}"#, "missing field `keys`"),
            (r#"{"keys":["a"],"column":["x"]}"#, "unknown field `column`"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn empty_keys_have_no_values() {
        let request = read(r#"{"keys":[]}"#).unwrap();
        assert!(matches!(request.keys, RequestKeys::Single(values) if values.is_empty()));
    }
}
