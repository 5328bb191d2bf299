//! Serves reconciliation requests: the elements of the set, symbols, and wanted items. Both sides
//! of a comparison build the set in the same way.

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
use crate::registry::peers::Peers;
use crate::registry::peers::RequestContext;
use crate::registry::peers::server::response_end::ResponseEnd;
use crate::registry::peers::server::visibility::Showing;
use crate::wire::limits::COMPARED_BYTES_MAX;

/// Number of items that one step looks up.
const LOOKED_UP: usize = 256;
/// Bytes that the asking side counts for an item in addition to its encoding.
const ITEM_BYTES: usize = 64;

/// Response with the items that a peer requested by element, cut at the limit of a comparison.
#[derive(Debug)]
pub(in crate::registry::peers) struct WantedResponse {
    items: std::vec::IntoIter<ItemId>,
    room: usize,
}

impl WantedResponse {
    /// Creates a response with at most as many items as one comparison carries.
    pub(in crate::registry::peers) fn new(items: Vec<ItemId>) -> Self {
        Self {
            items: items.into_iter(),
            room: COMPARED_BYTES_MAX,
        }
    }

    /// Returns the next batches, or `None` at the end.
    pub(in crate::registry::peers) fn step(
        &mut self,
        registry: &LocalRegistry,
    ) -> Result<Option<Vec<Response>>, ResponseEnd> {
        let some: Vec<ItemId> = self.items.by_ref().take(LOOKED_UP).collect();
        if some.is_empty() {
            return Ok(None);
        }
        let mut batches = registry.peers().batches(&some)?;
        batches.retain(|batch| match batch {
            Response::Manifests(items) | Response::Statements(items) => {
                take_room(&mut self.room, items)
            }
            _ => false,
        });
        Ok(Some(batches))
    }
}

/// Takes the room for a batch. Returns false if it does not fit; the next comparison finds it
/// again.
pub(in crate::registry::peers) fn take_room(room: &mut usize, items: &[Vec<u8>]) -> bool {
    let bytes: usize = items.iter().map(|item| item.len() + ITEM_BYTES).sum();
    let rest = room.checked_sub(bytes);
    // After the first batch that does not fit, no smaller batch follows.
    *room = rest.unwrap_or(0);
    rest.is_some()
}

/// A local element of the set that is compared.
#[derive(Clone, Copy, Debug)]
pub(in crate::registry::peers) struct LocalElement {
    pub(in crate::registry::peers) element: Element,
    pub(in crate::registry::peers) item: ItemId,
    /// True if the peer may have the item. Otherwise it is only here so that the peer does not send
    /// it again.
    pub(in crate::registry::peers) is_passed_on: bool,
}

impl Peers<'_> {
    /// Returns the symbols of the set that this peer may know.
    pub(in crate::registry::peers) fn symbols(
        &self,
        request: &SymbolsRequest,
        context: &RequestContext,
    ) -> Result<Symbols, ResponseEnd> {
        let own = self.elements_with(&request.salt, &context.peer, context.showing)?;
        let elements: Vec<Element> = own.iter().map(|own| own.element).collect();
        let keys = Keys::of(&request.salt);
        let digest = keys.digest(&elements);
        let is_needed = digest != request.digest && request.is_in_bounds();
        let symbols = if is_needed {
            Encoder::range(&keys, &elements, request.from, request.take)
        } else {
            Vec::new()
        };
        Ok(Symbols {
            count: elements.len() as u64,
            digest,
            from: request.from,
            symbols,
        })
    }

    /// Returns the requested items that this peer may have.
    pub(in crate::registry::peers) fn wanted(
        &self,
        request: &WantedRequest,
        context: &RequestContext,
    ) -> Result<WantedResponse, ResponseEnd> {
        let own = self.elements_with(&request.salt, &context.peer, context.showing)?;
        let is_wanted = |own: &LocalElement| {
            own.is_passed_on && request.elements.binary_search(&own.element).is_ok()
        };
        let wanted = own.into_iter().filter(is_wanted).map(|own| own.item);
        Ok(WantedResponse::new(wanted.collect()))
    }

    /// Returns the elements that are compared with a peer, in ascending order.
    pub(in crate::registry::peers) fn elements_with(
        &self,
        salt: &Salt,
        peer: &NodeId,
        showing: Showing,
    ) -> Result<Vec<LocalElement>, Error> {
        let items = self.reconcile_items(peer, showing)?;
        let passing: HashSet<ItemId> = items.passing.iter().copied().collect();
        let mut own: Vec<LocalElement> = items
            .all()
            .map(|item| LocalElement {
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
