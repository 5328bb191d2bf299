//! Messages of a reconciliation by symbols.

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

/// Maximum bytes of an encoded symbol.
const SYMBOL_BYTES_MAX: usize = 8 + 4 + 10;

/// A request for a range of symbols of the peer's set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolsRequest {
    /// The salt of the elements and keys.
    pub salt: Salt,
    /// The digest of the requester's set. A peer with the same digest sends no symbols.
    pub digest: CatalogDigest,
    /// The index of the first symbol.
    pub from: u64,
    /// Number of symbols.
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

    /// Returns true if the range is within the limit of symbols.
    pub fn is_in_bounds(&self) -> bool {
        let end = self.from.checked_add(self.take as u64);
        end.is_some_and(|end| end <= RECONCILE_SYMBOLS_MAX as u64)
    }
}

/// Symbols of the responder's set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// Number of elements of the set.
    pub count: u64,
    /// The digest of the set.
    pub digest: CatalogDigest,
    /// The index of the first symbol.
    pub from: u64,
    /// The symbols; empty where digests are equal, or beyond the limit.
    pub symbols: Vec<Symbol>,
}

impl Symbols {
    /// Maximum length of the body, in bytes.
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

/// A request for the manifests and statements of elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedRequest {
    /// The salt of the elements.
    pub salt: Salt,
    /// The wanted elements, ascending.
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

/// Writes elements behind their number.
pub(in crate::protocol) fn put_elements(w: &mut Writer, elements: &[Element]) {
    w.varint(elements.len() as u64);
    elements.iter().for_each(|e| {
        w.bytes(&e.0);
    });
}

/// Reads ascending elements behind their number.
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
