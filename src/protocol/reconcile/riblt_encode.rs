//! Symbols of a set.

use crate::protocol::messages::element::Element;
use crate::protocol::reconcile::keys::Keys;
use crate::protocol::reconcile::mapping::Mapping;
use crate::protocol::reconcile::symbol::Symbol;

/// Makes the symbols of a set in order. It takes 24 bytes an element, and for `m` symbols about
/// `2 ln m` steps an element in all.
#[derive(Clone, Debug)]
pub struct Encoder {
    keys: Keys,
    rows: Vec<Mapping>,
    next: u64,
}

impl Encoder {
    /// Before the first symbol.
    pub fn new(keys: &Keys, elements: &[Element]) -> Self {
        let rows = elements.iter().map(|e| Mapping::new(keys, *e)).collect();
        Self {
            keys: keys.clone(),
            rows,
            next: 0,
        }
    }

    /// The next symbols.
    pub fn take(&mut self, count: usize) -> Vec<Symbol> {
        let mut symbols = vec![Symbol::default(); count];
        for row in &mut self.rows {
            put_row(row, &self.keys, 1, self.next, &mut symbols);
        }
        self.next = self.next.saturating_add(count as u64);
        symbols
    }

    /// The symbols of a range, for who keeps nothing from one range to the next.
    pub fn range(keys: &Keys, elements: &[Element], from: u64, take: usize) -> Vec<Symbol> {
        let mut symbols = vec![Symbol::default(); take];
        for element in elements {
            put_row(
                &mut Mapping::new(keys, *element),
                keys,
                1,
                from,
                &mut symbols,
            );
        }
        symbols
    }
}

/// Puts an element into those of its symbols that lie in a range, and walks up to its end.
pub(in crate::protocol::reconcile) fn put_row(
    row: &mut Mapping,
    keys: &Keys,
    sign: i64,
    from: u64,
    symbols: &mut [Symbol],
) {
    let end = from.saturating_add(symbols.len() as u64);
    let check = keys.checksum(row.element());
    let element = u64::from_le_bytes(row.element().0);
    while row.index() < end {
        let at = row.index().checked_sub(from).map(|at| at as usize);
        if let Some(symbol) = at.and_then(|at| symbols.get_mut(at)) {
            symbol.put(element, check, sign);
        }
        row.advance();
    }
}
