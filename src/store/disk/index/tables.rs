//! Tables of the index in redb: opens those that [`Table`](crate::meta_store::Table) lists, and guards the calls.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use redb::ReadableTable;
use redb::TableDefinition;
use redb::TableError;

use crate::error_kind::ErrorKind;
use crate::meta_store::MetaError;
use crate::meta_store::MetaRead;
use crate::meta_store::MetaWrite;
use crate::meta_store::Scan;
use crate::meta_store::Table;
use crate::panics::caught;

/// Calls redb and turns a panic into the error of a damaged file. redb trusts the pages of its file, so
/// damage may make it panic.
pub(in crate::store::disk) fn guarded<T, E: Into<redb::Error>>(
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T, MetaError> {
    match caught(call) {
        Err(_) => Err(MetaError::Damaged),
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(match error.into() {
            redb::Error::Corrupted(_) => MetaError::Damaged,
            redb::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => MetaError::Damaged,
            redb::Error::Io(e) => MetaError::Backend {
                kind: ErrorKind::of_io(&e),
                source: Box::new(e),
            },
            other => MetaError::Backend {
                kind: ErrorKind::Io,
                source: Box::new(other),
            },
        }),
    }
}

type Definition = TableDefinition<'static, &'static [u8], &'static [u8]>;
type OpenTable = redb::ReadOnlyTable<&'static [u8], &'static [u8]>;

fn definition(table: Table) -> Definition {
    TableDefinition::new(table.name())
}

/// A view of the tables.
pub(in crate::store::disk) struct RedbRead {
    transaction: redb::ReadTransaction,
    tables: RefCell<BTreeMap<Table, Arc<OpenTable>>>,
}

impl RedbRead {
    pub(in crate::store::disk) fn on(transaction: redb::ReadTransaction) -> Self {
        Self {
            transaction,
            tables: RefCell::default(),
        }
    }

    /// Returns the open table; `None` when it was never written.
    fn table(&self, table: Table) -> Result<Option<Arc<OpenTable>>, MetaError> {
        if let Some(open) = self.tables.borrow().get(&table) {
            return Ok(Some(open.clone()));
        }
        let opened = guarded(|| match self.transaction.open_table(definition(table)) {
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            other => other.map(Some),
        })?;
        let opened = opened.map(Arc::new);
        if let Some(open) = &opened {
            self.tables.borrow_mut().insert(table, open.clone());
        }
        Ok(opened)
    }
}

impl MetaRead for RedbRead {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, MetaError> {
        match self.table(table)? {
            None => Ok(None),
            Some(open) => {
                guarded(|| Ok::<_, redb::Error>(open.get(key)?.map(|v| v.value().to_vec())))
            }
        }
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Scan,
    ) -> Result<(), MetaError> {
        match self.table(table)? {
            None => Ok(()),
            Some(open) => guarded(|| scan_rows(&*open, from, visit)),
        }
    }
}

type OpenForWrite<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

/// The tables of a transaction. They stay open, because opening one costs more than a row does.
pub(in crate::store::disk) struct RedbWrite<'t> {
    transaction: &'t redb::WriteTransaction,
    tables: RefCell<BTreeMap<Table, OpenForWrite<'t>>>,
}

impl<'t> RedbWrite<'t> {
    pub(in crate::store::disk) fn on(transaction: &'t redb::WriteTransaction) -> Self {
        Self {
            transaction,
            tables: RefCell::default(),
        }
    }

    fn with<T>(
        &self,
        table: Table,
        call: impl FnOnce(&mut OpenForWrite<'t>) -> Result<T, redb::Error>,
    ) -> Result<T, MetaError> {
        let mut tables = self.tables.borrow_mut();
        guarded(|| match tables.entry(table) {
            Entry::Occupied(mut open) => call(open.get_mut()),
            Entry::Vacant(closed) => {
                let open = self.transaction.open_table(definition(table))?;
                call(closed.insert(open))
            }
        })
    }
}

impl MetaRead for RedbWrite<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, MetaError> {
        self.with(table, |open| Ok(open.get(key)?.map(|v| v.value().to_vec())))
    }

    fn scan(
        &self,
        table: Table,
        from: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]) -> Scan,
    ) -> Result<(), MetaError> {
        self.with(table, |open| scan_rows(open, from, visit))
    }
}

impl MetaWrite for RedbWrite<'_> {
    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), MetaError> {
        self.with(table, |open| {
            open.insert(key, value)?;
            Ok(())
        })
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<bool, MetaError> {
        self.with(table, |open| Ok(open.remove(key)?.is_some()))
    }
}

fn scan_rows(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    from: &[u8],
    visit: &mut dyn FnMut(&[u8], &[u8]) -> Scan,
) -> Result<(), redb::Error> {
    for row in table.range::<&[u8]>(from..)? {
        let (key, value) = row?;
        if visit(key.value(), value.value()) == Scan::Stop {
            break;
        }
    }
    Ok(())
}
