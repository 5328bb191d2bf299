//! Stored types: meanings of strings in rows of columnar files, whose types exceed those of JSON.

use std::sync::Arc;

use arrow_schema::DataType;
use arrow_schema::Fields;

/// Stored type of a column's strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredType {
    /// Binary data in base64.
    Bytes,
    /// Dates and timestamps.
    Times,
}

/// A column with a stored type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredColumn {
    /// Path: keys with dots between them, and `[]` for array elements.
    pub path: String,
    /// Stored type of its strings.
    pub stored: StoredType,
}

/// Nesting limit of fields.
const LEVELS: usize = 16;
/// Limit of columns per file.
const COLUMNS_MAX: usize = 10_000;

/// Returns the columns of a schema with a stored type.
pub(in crate::inspect::table) fn stored_columns(fields: &Fields) -> Arc<[StoredColumn]> {
    let mut found = Vec::new();
    each_field("", fields, LEVELS, &mut found);
    found.into()
}

fn each_field(before: &str, fields: &Fields, levels: usize, found: &mut Vec<StoredColumn>) {
    for field in fields {
        let dot = if before.is_empty() { "" } else { "." };
        let path = format!("{before}{dot}{}", field.name());
        below(path, field.data_type(), levels, found);
    }
}

fn below(path: String, kind: &DataType, levels: usize, found: &mut Vec<StoredColumn>) {
    if levels == 0 || found.len() >= COLUMNS_MAX {
        return;
    }
    let stored = match kind {
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => StoredType::Bytes,
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => StoredType::Times,
        DataType::Struct(fields) => return each_field(&path, fields, levels - 1, found),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            return below(format!("{path}[]"), item.data_type(), levels - 1, found);
        }
        DataType::Dictionary(_, values) => return below(path, values, levels - 1, found),
        DataType::RunEndEncoded(_, values) => {
            return below(path, values.data_type(), levels - 1, found);
        }
        _ => return,
    };
    found.push(StoredColumn { path, stored });
}

/// Returns the number of bytes that a base64 text encodes.
pub(in crate::inspect) fn base64_length(text: &[u8]) -> u64 {
    let padding = text.iter().rev().take(2).take_while(|b| **b == b'=');
    let padding = padding.count() as u64;
    (text.len() as u64 / 4 * 3).saturating_sub(padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_length_counts_encoded_bytes() {
        for (text, length) in [("", 0), ("aA==", 1), ("aGk=", 2), ("aGkh", 3)] {
            assert_eq!(base64_length(text.as_bytes()), length);
        }
    }
}
