//! Peeling: a symbol with one element in it gives that element, which is then taken out of its
//! other symbols.

use std::collections::HashMap;

use crate::protocol::messages::element::Element;
use crate::protocol::reconcile::keys::Keys;
use crate::protocol::reconcile::mapping::Mapping;
use crate::protocol::reconcile::riblt_encode::put_row;
use crate::protocol::reconcile::symbol::Symbol;

/// The symbols are not those of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol::reconcile) struct NotASet;

/// The set whose first symbols these are, ascending; `None` where they do not suffice.
pub fn peel(keys: &Keys, symbols: &[Symbol]) -> Option<Vec<Element>> {
    let mut decoder = Decoder::new(keys);
    decoder.take(symbols.to_vec(), &|_| false).ok()?;
    decoder.is_whole().then(|| decoder.sides().1)
}

/// Takes differences of symbols, the peer's less the own, and gives the elements that differ.
///
/// Its work and memory are bounded by what it is given, whatever that is: an element comes out
/// once, and no more of them than there are symbols.
#[derive(Clone, Debug)]
pub(in crate::protocol::reconcile) struct Decoder {
    keys: Keys,
    symbols: Vec<Symbol>,
    /// With the sign of the side that has it: 1 there, -1 here.
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

    /// How many symbols it was given.
    pub(in crate::protocol::reconcile) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// How many elements it has found.
    pub(in crate::protocol::reconcile) fn found(&self) -> usize {
        self.found.len()
    }

    /// Whether all that differs is found: nothing is left in the symbol that has everything.
    pub(in crate::protocol::reconcile) fn is_whole(&self) -> bool {
        self.symbols.first() == Some(&Symbol::default())
    }

    /// Takes the next symbols. `is_here` says whether an element is one of the own set.
    ///
    /// # Errors
    /// [`NotASet`] when an element comes out that cannot.
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

    /// The element of a symbol with one in it.
    fn only_element(&self, at: usize) -> Option<(Element, i64)> {
        let symbol = self.symbols.get(at)?;
        let element = Element(symbol.sum.to_le_bytes());
        let is_one = matches!(symbol.count, 1 | -1) && self.keys.checksum(element) == symbol.check;
        is_one.then_some((element, symbol.count))
    }

    fn peel(&mut self, element: Element, sign: i64, pure: &mut Vec<usize>) {
        let mut row = Mapping::new(&self.keys, element);
        let (sum, check) = (u64::from_le_bytes(element.0), self.keys.checksum(element));
        // Indexes go beyond 32 bits, also where memory does not.
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

    /// What was found, by side: only here, only there; both ascending.
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
