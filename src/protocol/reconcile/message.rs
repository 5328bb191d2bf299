//! The messages of a comparison by symbols.

use crate::protocol::messages::element::Element;
use crate::protocol::messages::element::Salt;
use crate::protocol::reconcile::keys::CatalogDigest;
use crate::protocol::reconcile::symbol::Symbol;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::RECONCILE_SYMBOLS_ASKED_MAX;
use crate::wire::limits::RECONCILE_SYMBOLS_MAX;
use crate::wire::limits::RECONCILE_WANTED_MAX;

/// The most bytes that a symbol takes.
const SYMBOL_BYTES_MAX: usize = 8 + 4 + 10;

/// Asks for a range of symbols of the peer's set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolsRequest {
    /// What elements and keys are made with.
    pub salt: Salt,
    /// Of the asking side's set; a peer with the same one sends no symbols.
    pub digest: CatalogDigest,
    /// The first index.
    pub from: u64,
    /// How many from there.
    pub take: usize,
}

impl SymbolsRequest {
    pub(in crate::protocol) fn put_to(&self, w: &mut Writer) {
        w.bytes(self.salt.as_bytes()).bytes(self.digest.as_bytes());
        w.varint(self.from).varint(self.take as u64);
    }

    pub(in crate::protocol) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            salt: Salt::new(r.array()?),
            digest: CatalogDigest::new(r.array()?),
            from: r.varint()?,
            take: r.count("symbols asked for", RECONCILE_SYMBOLS_ASKED_MAX)?,
        })
    }

    /// Whether there are such symbols: beyond the limit nobody makes any.
    pub fn is_in_bounds(&self) -> bool {
        let end = self.from.checked_add(self.take as u64);
        end.is_some_and(|end| end <= RECONCILE_SYMBOLS_MAX as u64)
    }
}

/// Symbols of the answering side's set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// How many elements it has.
    pub count: u64,
    /// Its digest.
    pub digest: CatalogDigest,
    /// The index of the first symbol.
    pub from: u64,
    /// The symbols; none where digests are equal, or beyond the limit.
    pub symbols: Vec<Symbol>,
}

impl Symbols {
    /// How long the body may be.
    pub(in crate::protocol) const BYTES_MAX: usize =
        10 + 16 + 10 + RECONCILE_SYMBOLS_ASKED_MAX * SYMBOL_BYTES_MAX;

    pub(in crate::protocol) fn put_to(&self, w: &mut Writer) {
        w.varint(self.count).bytes(self.digest.as_bytes());
        w.varint(self.from);
        for (symbol, index) in self.symbols.iter().zip(self.from..) {
            symbol.put_to(w, self.count, index);
        }
    }

    pub(in crate::protocol) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = r.varint()?;
        let digest = CatalogDigest::new(r.array()?);
        let from = r.count("first symbol", RECONCILE_SYMBOLS_MAX)? as u64;
        let mut symbols = Vec::new();
        while r.remaining() > 0 {
            if symbols.len() >= RECONCILE_SYMBOLS_ASKED_MAX {
                return Err(DecodeError::Limit {
                    field: "symbols",
                    value: symbols.len() as u64 + 1,
                    limit: RECONCILE_SYMBOLS_ASKED_MAX as u64,
                });
            }
            symbols.push(Symbol::read(r, count, from + symbols.len() as u64)?);
        }
        Ok(Self {
            count,
            digest,
            from,
            symbols,
        })
    }
}

/// Asks for what elements stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedRequest {
    /// What the elements are made with.
    pub salt: Salt,
    /// Which, ascending.
    pub elements: Vec<Element>,
}

impl WantedRequest {
    pub(in crate::protocol) fn put_to(&self, w: &mut Writer) {
        w.bytes(self.salt.as_bytes());
        put_elements(w, &self.elements);
    }

    pub(in crate::protocol) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            salt: Salt::new(r.array()?),
            elements: read_elements(r, RECONCILE_WANTED_MAX)?,
        })
    }
}

/// Elements behind their number.
pub(in crate::protocol) fn put_elements(w: &mut Writer, elements: &[Element]) {
    w.varint(elements.len() as u64);
    elements.iter().for_each(|e| {
        w.bytes(&e.0);
    });
}

/// Elements behind their number; they ascend.
pub(in crate::protocol) fn read_elements(
    r: &mut Reader<'_>,
    limit: usize,
) -> Result<Vec<Element>, DecodeError> {
    let count = r.count("elements", limit)?;
    let mut elements: Vec<Element> = Vec::with_capacity(count.min(r.remaining() / 8));
    for _ in 0..count {
        let element = Element(r.array()?);
        if elements.last().is_some_and(|last| *last >= element) {
            return Err(DecodeError::Invalid("order of elements"));
        }
        elements.push(element);
    }
    Ok(elements)
}
