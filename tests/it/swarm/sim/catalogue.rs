//! The catalogue of a node, and the merge of items into it.

use std::collections::BTreeMap;
use std::rc::Rc;

use alimentar::ident::EnvelopeId;
use alimentar::ident::StatementId;
use alimentar::ident::to_hex;
use alimentar::protocol::Element;
use alimentar::protocol::ItemId;
use alimentar::protocol::Random;
use alimentar::protocol::Salt;

/// The order of the states of a register.
/// The greatest counts, as with `manifest::Rank`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub edits: u32,
    pub created_at: u64,
    pub id: EnvelopeId,
}

/// Something that was published, as it comes over the wire.
#[derive(Clone, Debug)]
pub struct Item {
    pub id: ItemId,
    /// Its number among all publications.
    pub number: u32,
    /// Of a manifest: its register, and how it ranks there.
    pub state: Option<(u32, Rank)>,
    pub body: Rc<[u8]>,
}

const HEAD_BYTES: usize = 20;

impl Item {
    /// A new state of a register.
    pub fn manifest(number: u32, register: u32, edits: u32, created_at: u64) -> Self {
        let bytes = 500 + Random::new(u64::from(number)).index(401);
        Self::read(false, &body(number, (register, edits, created_at), bytes))
    }

    /// A statement.
    pub fn statement(number: u32) -> Self {
        Self::read(true, &body(number, (0, 0, 0), 220))
    }

    /// Reads an item from its body.
    /// The id is the hash of the body.
    pub fn read(is_statement: bool, body: &[u8]) -> Self {
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|n| body[at + n]));
        let number = word(0);
        if is_statement {
            let id = ItemId::Statement(StatementId::of(body));
            let body = body.into();
            return Self {
                id,
                number,
                state: None,
                body,
            };
        }
        let id = EnvelopeId::new(*blake3::hash(body).as_bytes());
        let rank = Rank {
            edits: word(8),
            created_at: u64::from(word(16)) << 32 | u64::from(word(12)),
            id,
        };
        Self {
            id: ItemId::Manifest(id),
            number,
            state: Some((word(4), rank)),
            body: body.into(),
        }
    }
}

/// Fields, and then hex digits: like a manifest, half of it is news to a compressor.
fn body(number: u32, (register, edits, created_at): (u32, u32, u64), bytes: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(bytes);
    for word in [number, register, edits] {
        body.extend_from_slice(&word.to_le_bytes());
    }
    body.extend_from_slice(&created_at.to_le_bytes());
    let mut noise = vec![0; (bytes - HEAD_BYTES) / 2];
    let seed = u64::from(number).to_le_bytes();
    blake3::Hasher::new()
        .update(&seed)
        .finalize_xof()
        .fill(&mut noise);
    body.extend_from_slice(to_hex(&noise).as_bytes());
    body
}

/// The result of taking an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    New,
    Known,
    /// Something greater is here.
    Old,
}

/// Of each register the state that counts, and all statements.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    registers: BTreeMap<u32, Rank>,
    items: BTreeMap<ItemId, Item>,
    /// Exclusive or of all ids: equal for equal catalogues.
    fold: u64,
}

impl Catalogue {
    pub fn take(&mut self, item: &Item) -> Took {
        if self.items.contains_key(&item.id) {
            return Took::Known;
        }
        if let Some((register, rank)) = item.state {
            match self.registers.get(&register) {
                Some(held) if *held > rank => return Took::Old,
                Some(held) => {
                    let id = ItemId::Manifest(held.id);
                    self.items.remove(&id);
                    self.fold ^= folded(&id);
                }
                None => {}
            }
            self.registers.insert(register, rank);
        }
        self.fold ^= folded(&item.id);
        self.items.insert(item.id, item.clone());
        Took::New
    }

    pub fn get(&self, id: &ItemId) -> Option<&Item> {
        self.items.get(id)
    }

    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values()
    }

    /// Checks whether the catalogue holds an item, or a state that outranks it.
    pub fn covers(&self, item: &Item) -> bool {
        match item.state {
            Some((register, rank)) => self.registers.get(&register).is_some_and(|r| *r >= rank),
            None => self.items.contains_key(&item.id),
        }
    }

    pub fn registers(&self) -> &BTreeMap<u32, Rank> {
        &self.registers
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Short for the whole: the same for the same items.
    pub fn mark(&self) -> (usize, u64) {
        (self.items.len(), self.fold)
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.items.keys().eq(other.items.keys())
    }

    /// Returns the elements of its items with their ids, ascending by element.
    pub fn elements(&self, salt: &Salt) -> Vec<(Element, ItemId)> {
        let own = self.items.keys().map(|id| (id.element(salt), *id));
        let mut own: Vec<(Element, ItemId)> = own.collect();
        own.sort_unstable();
        own
    }
}

fn folded(id: &ItemId) -> u64 {
    let bytes = match id {
        ItemId::Manifest(id) => *id.as_bytes(),
        ItemId::Statement(id) => *id.as_bytes(),
    };
    u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|n| bytes[n]))
}
