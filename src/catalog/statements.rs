//! Statements of publishers, kept as long as the registry exists.

use crate::ident::StatementId;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::trust::Statement;
use crate::wire::DecodeError;

/// Adds a statement. Returns true if it is new.
///
/// # Errors
/// [`MetaError`] when the tables cannot be written.
pub fn put_statement(tables: &mut dyn MetaWrite, statement: &Statement) -> Result<bool, MetaError> {
    let id = statement.id();
    if tables.get(Table::Statements, id.as_bytes())?.is_some() {
        return Ok(false);
    }
    tables.put(Table::Statements, id.as_bytes(), statement.encode())?;
    Ok(true)
}

/// Returns all statements.
///
/// # Errors
/// [`MetaError`] when the tables are damaged.
pub fn statements(tables: &dyn MetaRead) -> Result<Vec<Statement>, MetaError> {
    let damaged = |source| MetaError::Row {
        table: Table::Statements.name(),
        source,
    };
    let mut rows = Vec::new();
    tables.scan(Table::Statements, &[], &mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        Scan::Continue
    })?;
    let read = |(key, bytes): (Vec<u8>, Vec<u8>)| {
        if StatementId::of(&bytes).as_bytes().as_slice() != key {
            return Err(damaged(DecodeError::Checksum("a statement")));
        }
        Statement::decode_held(&bytes).map_err(|_| damaged(DecodeError::Invalid("statement")))
    };
    rows.into_iter().map(read).collect()
}
