//! The elements that catalogues are compared by, and answering a comparison by symbols. The set is
//! the same whichever side asks.

use std::collections::HashSet;

use crate::ident::NodeId;
use crate::protocol::Element;
use crate::protocol::ItemId;
use crate::protocol::Response;
use crate::protocol::Salt;
use crate::protocol::reconcile::Encoder;
use crate::protocol::reconcile::Keys;
use crate::protocol::reconcile::Symbols;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::WantedRequest;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::peers::RequestContext;
use crate::registry::peers::server::responses::Ending;
use crate::registry::peers::server::visibility::Showing;
use crate::wire::limits::COMPARED_BYTES_MAX;

/// Items looked up at once.
const LOOKED_UP: usize = 256;
/// What an asking side counts for an item beside its bytes.
const ITEM_BYTES: usize = 64;

/// Items that were asked for by their elements, as far as an answer may go.
#[derive(Debug)]
pub(in crate::registry::peers) struct WantedResponse {
    items: std::vec::IntoIter<ItemId>,
    room: usize,
}

impl WantedResponse {
    /// As many of these as one comparison brings.
    pub(in crate::registry::peers) fn new(items: Vec<ItemId>) -> Self {
        Self {
            items: items.into_iter(),
            room: COMPARED_BYTES_MAX,
        }
    }

    /// The next batches; `None` at the end.
    pub(in crate::registry::peers) fn step(
        &mut self,
        registry: &LocalRegistry,
    ) -> Result<Option<Vec<Response>>, Ending> {
        let some: Vec<ItemId> = self.items.by_ref().take(LOOKED_UP).collect();
        if some.is_empty() {
            return Ok(None);
        }
        let mut batches = registry.batches(&some)?;
        batches.retain(|batch| match batch {
            Response::Manifests(items) | Response::Statements(items) => {
                takes_room(&mut self.room, items)
            }
            _ => false,
        });
        Ok(Some(batches))
    }
}

/// Whether items still fit; what does not is found again by the next comparison.
pub(in crate::registry::peers) fn takes_room(room: &mut usize, items: &[Vec<u8>]) -> bool {
    let bytes: usize = items.iter().map(|item| item.len() + ITEM_BYTES).sum();
    let rest = room.checked_sub(bytes);
    // Nothing smaller slips in behind what did not fit.
    *room = rest.unwrap_or(0);
    rest.is_some()
}

/// Something that is compared.
#[derive(Clone, Copy, Debug)]
pub(in crate::registry::peers) struct Own {
    pub(in crate::registry::peers) element: Element,
    pub(in crate::registry::peers) item: ItemId,
    /// The peer may have it; otherwise it is there so that the peer does not show it again.
    pub(in crate::registry::peers) is_passed_on: bool,
}

impl LocalRegistry {
    /// Symbols of what this peer may know of.
    pub(in crate::registry::peers) fn symbols(
        &self,
        request: &SymbolsRequest,
        asking: &RequestContext,
    ) -> Result<Symbols, Ending> {
        let own = self.elements_with(&request.salt, &asking.peer, asking.showing)?;
        let elements: Vec<Element> = own.iter().map(|own| own.element).collect();
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

    /// What was asked for, of what this peer may have.
    pub(in crate::registry::peers) fn wanted(
        &self,
        request: &WantedRequest,
        asking: &RequestContext,
    ) -> Result<WantedResponse, Ending> {
        let own = self.elements_with(&request.salt, &asking.peer, asking.showing)?;
        let is_wanted =
            |own: &Own| own.is_passed_on && request.elements.binary_search(&own.element).is_ok();
        let wanted = own.into_iter().filter(is_wanted).map(|own| own.item);
        Ok(WantedResponse::new(wanted.collect()))
    }

    /// What is compared with a peer, ascending by element.
    pub(in crate::registry::peers) fn elements_with(
        &self,
        salt: &Salt,
        peer: &NodeId,
        showing: Showing,
    ) -> Result<Vec<Own>, Error> {
        let items = self.items_with(peer, showing)?;
        let passing: HashSet<ItemId> = items.passing.iter().copied().collect();
        let mut own: Vec<Own> = items
            .all()
            .map(|item| Own {
                element: item.element(salt),
                item,
                is_passed_on: passing.contains(&item),
            })
            .collect();
        own.sort_unstable_by_key(|own| own.element);
        own.dedup_by_key(|own| own.element);
        Ok(own)
    }
}
