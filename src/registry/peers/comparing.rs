//! Answering a comparison by symbols, and what was found wanting by it. The set is the same as
//! where this node asks: [`LocalRegistry::own`].

use std::collections::VecDeque;

use crate::ident::EnvelopeId;
use crate::registry::LocalRegistry;
use crate::registry::peers::Asking;
use crate::registry::peers::answers::Ending;
use crate::registry::peers::sync::Own;
use crate::sync::Answer;
use crate::sync::Element;
use crate::sync::pack_batch;
use crate::sync::reconcile::Encoder;
use crate::sync::reconcile::Keys;
use crate::sync::reconcile::Symbols;
use crate::sync::reconcile::SymbolsRequest;
use crate::sync::reconcile::WantedRequest;
use crate::wire::limits::LIST_BYTES_MAX;

/// Envelopes looked up at once.
const LOOKED_UP: usize = 256;
/// What an asking side counts for an item beside its bytes.
const ITEM_BYTES: usize = 64;

/// Manifests that were asked for by their elements, as far as an answer may go.
#[derive(Debug)]
pub(super) struct WantedAnswer {
    ids: std::vec::IntoIter<EnvelopeId>,
    room: usize,
}

impl WantedAnswer {
    /// The next batches; `None` at the end.
    pub(super) fn step(&mut self, registry: &LocalRegistry) -> Result<Option<Vec<Answer>>, Ending> {
        let some: Vec<EnvelopeId> = self.ids.by_ref().take(LOOKED_UP).collect();
        if some.is_empty() {
            return Ok(None);
        }
        let mut batches = registry.batches(&some)?;
        batches.retain(|batch| match batch {
            Answer::Manifests(items) => takes_room(&mut self.room, items),
            _ => false,
        });
        Ok(Some(batches))
    }
}

/// Whether items still fit; what does not is found again by the next comparison.
pub(super) fn takes_room(room: &mut usize, items: &[Vec<u8>]) -> bool {
    let bytes: usize = items.iter().map(|item| item.len() + ITEM_BYTES).sum();
    let rest = room.checked_sub(bytes);
    // Nothing smaller slips in behind what did not fit.
    *room = rest.unwrap_or(0);
    rest.is_some()
}

impl LocalRegistry {
    /// Symbols of what this peer may know of.
    pub(super) fn symbols(
        &self,
        request: &SymbolsRequest,
        asking: &Asking,
    ) -> Result<Symbols, Ending> {
        let own = self.own(&request.salt, asking.showing)?;
        let elements: Vec<Element> = own.iter().map(|(element, _)| *element).collect();
        let keys = Keys::of(&request.salt);
        let digest = keys.digest(&elements);
        let is_needed = digest != request.digest && request.is_in_bounds();
        let symbols = match is_needed {
            true => Encoder::range(&keys, &elements, request.from, request.take),
            false => Vec::new(),
        };
        Ok(Symbols {
            count: elements.len() as u64,
            digest,
            from: request.from,
            symbols,
        })
    }

    /// Statements at once, manifests one after the other; what was only heard of is not given.
    pub(super) fn wanted(
        &self,
        request: &WantedRequest,
        asking: &Asking,
        ready: &mut VecDeque<Answer>,
    ) -> Result<WantedAnswer, Ending> {
        let (mut ids, mut statements) = (Vec::new(), Vec::new());
        for (element, own) in self.own(&request.salt, asking.showing)? {
            if request.elements.binary_search(&element).is_err() {
                continue;
            }
            match own {
                Own::Manifest(id) => ids.push(id),
                Own::Statement(bytes) => statements.push(bytes),
                Own::Heard => {}
            }
        }
        let (mut room, mut statements) = (LIST_BYTES_MAX, statements.into_iter());
        while let Some(batch) = pack_batch(&mut statements) {
            if takes_room(&mut room, &batch) {
                ready.push_back(Answer::Statements(batch));
            }
        }
        let ids = ids.into_iter();
        Ok(WantedAnswer { ids, room })
    }
}
