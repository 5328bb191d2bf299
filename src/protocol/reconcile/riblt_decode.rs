//! Decoder of the rateless IBLT. Peeling: a symbol with one element gives that element, which then
//! leaves its other symbols.

use std::collections::HashMap;

use crate::protocol::messages::element::Element;
use crate::protocol::reconcile::keys::Keys;
use crate::protocol::reconcile::mapping::Mapping;
use crate::protocol::reconcile::riblt_encode::put_row;
use crate::protocol::reconcile::symbol::Symbol;

/// The symbols are not those of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol::reconcile) struct NotASet;

/// Decodes the set with these first symbols, ascending; `None` where they do not suffice.
pub fn peel(keys: &Keys, symbols: &[Symbol]) -> Option<Vec<Element>> {
    let mut decoder = Decoder::new(keys);
    decoder.take(symbols.to_vec(), &|_| false).ok()?;
    decoder.is_whole().then(|| decoder.sides().1)
}

/// Decodes the difference of two sets from the differences of their symbols, the peer's less the own.
///
/// The input bounds its work and memory: an element comes out at most once, and there are no more
/// elements than symbols.
#[derive(Clone, Debug)]
pub(in crate::protocol::reconcile) struct Decoder {
    keys: Keys,
    symbols: Vec<Symbol>,
    /// The element's mapping, and the sign of its side: 1 there, -1 here.
    found: HashMap<u64, (Mapping, i64)>,
}

impl Decoder {
    pub(in crate::protocol::reconcile) fn new(keys: &Keys) -> Self {
        Self {
            keys: keys.clone(),
            symbols: Vec::new(),
            found: HashMap::new(),
        }
    }

    /// Returns the number of symbols taken.
    pub(in crate::protocol::reconcile) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Returns the number of elements found.
    pub(in crate::protocol::reconcile) fn found(&self) -> usize {
        self.found.len()
    }

    /// Returns true if the whole difference is found: the first symbol, which held all of it, is empty.
    pub(in crate::protocol::reconcile) fn is_whole(&self) -> bool {
        self.symbols.first() == Some(&Symbol::default())
    }

    /// Takes the next symbols. `is_here` returns true for an element of the own set.
    ///
    /// # Errors
    /// [`NotASet`] when an impossible element comes out.
    pub(in crate::protocol::reconcile) fn take(
        &mut self,
        mut symbols: Vec<Symbol>,
        is_here: &dyn Fn(Element) -> bool,
    ) -> Result<(), NotASet> {
        let from = self.symbols.len();
        for (row, sign) in self.found.values_mut() {
            put_row(row, &self.keys, -*sign, from as u64, &mut symbols);
        }
        self.symbols.extend(symbols);
        let mut pure: Vec<usize> = (from..self.symbols.len()).collect();
        while let Some(at) = pure.pop() {
            let Some((element, sign)) = self.only_element(at) else {
                continue;
            };
            let is_known = self.found.contains_key(&u64::from_le_bytes(element.0));
            let is_too_many = self.found.len() >= self.symbols.len();
            if is_known || is_too_many || is_here(element) != (sign < 0) {
                return Err(NotASet);
            }
            self.peel(element, sign, &mut pure);
        }
        Ok(())
    }

    /// Returns the element of a symbol with exactly one.
    fn only_element(&self, at: usize) -> Option<(Element, i64)> {
        let symbol = self.symbols.get(at)?;
        let element = Element(symbol.sum.to_le_bytes());
        let is_one = matches!(symbol.count, 1 | -1) && self.keys.checksum(element) == symbol.check;
        is_one.then_some((element, symbol.count))
    }

    fn peel(&mut self, element: Element, sign: i64, pure: &mut Vec<usize>) {
        let mut row = Mapping::new(&self.keys, element);
        let (sum, check) = (u64::from_le_bytes(element.0), self.keys.checksum(element));
        // Indexes may exceed 32 bits, also where `usize` does not.
        while let Ok(at) = usize::try_from(row.index())
            && let Some(symbol) = self.symbols.get_mut(at)
        {
            symbol.put(sum, check, -sign);
            if matches!(symbol.count, 1 | -1) {
                pure.push(at);
            }
            row.advance();
        }
        self.found.insert(sum, (row, sign));
    }

    /// Returns the elements found, by side: only here, only there; both ascending.
    pub(in crate::protocol::reconcile) fn sides(&self) -> (Vec<Element>, Vec<Element>) {
        let of = |side: i64| {
            let found = self.found.values().filter(|(_, sign)| *sign == side);
            let mut elements: Vec<Element> = found.map(|(row, _)| row.element()).collect();
            elements.sort_unstable();
            elements
        };
        (of(-1), of(1))
    }
}
