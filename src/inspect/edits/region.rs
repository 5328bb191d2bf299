//! Regions: rows of the base that other rows replace.

/// A range of bytes of the base or of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) enum Span {
    Base { at: u64, bytes: u64 },
    New { at: u64, bytes: u64 },
}

/// Origin of a row of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) enum Origin {
    /// A row of the base.
    Kept,
    /// A row of the base with another text.
    Changed,
    /// A row that the base does not have.
    New,
}

/// Rows of one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect) struct Run {
    pub(in crate::inspect) origin: Origin,
    pub(in crate::inspect) rows: u64,
}

/// Rows of the base that other rows replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::inspect) struct Region {
    /// First row and byte in the base.
    pub(in crate::inspect) base_row: u64,
    pub(in crate::inspect) base_at: u64,
    /// Rows and bytes of the base.
    pub(in crate::inspect) base_rows: u64,
    pub(in crate::inspect) base_bytes: u64,
    /// Rows and bytes in the edited file.
    pub(in crate::inspect) rows: u64,
    pub(in crate::inspect) bytes: u64,
    pub(in crate::inspect) spans: Vec<Span>,
    pub(in crate::inspect) runs: Vec<Run>,
}

/// First row and byte of a region in the edited file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::inspect) struct Start {
    pub(in crate::inspect) row: u64,
    pub(in crate::inspect) at: u64,
}
