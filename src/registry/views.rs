//! Views of a registry: its less common operations by topic. `peers`, `archives` and `trust` are views too,
//! and stand in their own folders.

use crate::registry::LocalRegistry;

/// The upkeep of a registry: checks, repairs, garbage collection and figures of the store.
#[derive(Clone, Copy, Debug)]
pub struct Maintenance<'a> {
    pub(in crate::registry) registry: &'a LocalRegistry,
}

/// Signatures: signing, attestations, withdrawals, and the manifests by publisher.
#[derive(Clone, Copy, Debug)]
pub struct Publishing<'a> {
    pub(in crate::registry) registry: &'a LocalRegistry,
}

/// Descriptions of datasets: cards, schemas, metadata and aliases, and their revisions.
#[derive(Clone, Copy, Debug)]
pub struct Descriptions<'a> {
    pub(in crate::registry) registry: &'a LocalRegistry,
}

/// Removal of datasets by reference or rule, and their restoration.
#[derive(Clone, Copy, Debug)]
pub struct Removal<'a> {
    pub(in crate::registry) registry: &'a LocalRegistry,
}

/// Working copies: directories and files that datasets were checked out to, or indexed from.
#[derive(Clone, Copy, Debug)]
pub struct WorkingCopies<'a> {
    pub(in crate::registry) registry: &'a LocalRegistry,
}

/// Differences of two datasets, by files and by rows.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    pub(in crate::registry) registry: &'a LocalRegistry,
}

impl LocalRegistry {
    /// Returns the upkeep of this registry.
    pub fn maintenance(&self) -> Maintenance<'_> {
        Maintenance { registry: self }
    }

    /// Returns the signatures of datasets.
    pub fn publishing(&self) -> Publishing<'_> {
        Publishing { registry: self }
    }

    /// Returns the descriptions of datasets.
    pub fn descriptions(&self) -> Descriptions<'_> {
        Descriptions { registry: self }
    }

    /// Returns the removal and restoration of datasets.
    pub fn removal(&self) -> Removal<'_> {
        Removal { registry: self }
    }

    /// Returns the working copies.
    pub fn working_copies(&self) -> WorkingCopies<'_> {
        WorkingCopies { registry: self }
    }

    /// Returns the comparison of datasets.
    pub fn comparison(&self) -> Comparison<'_> {
        Comparison { registry: self }
    }
}
