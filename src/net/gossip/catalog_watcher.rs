//! Noticing what is new in the catalogue here, and saying it to those around.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::ident::ContentId;
use crate::ident::NodeId;
use crate::net::gossip::event_loop::GossipNode;
use crate::net::server::event::Event;
use crate::protocol::Access;
use crate::protocol::Filter;
use crate::protocol::ItemId;
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::ServiceRecord;
use crate::protocol::SharedSummary;
use crate::registry::Error;
use crate::registry::Stamp;
use crate::registry::host;

/// A file's clock may stand still for this long.
const TICK: Duration = Duration::from_millis(50);

/// What was passed on when it was looked at last.
#[derive(Default)]
pub(in crate::net::gossip) struct Catalogue {
    pub(in crate::net::gossip) stamp: Option<Stamp>,
    items: Option<BTreeSet<ItemId>>,
    contents: BTreeSet<ContentId>,
    looked: Duration,
    /// How long looking took: a large catalogue is looked at less often.
    cost: Duration,
}

impl GossipNode {
    /// Whether something is new here, by whichever process.
    pub(in crate::net::gossip) fn look(&mut self) {
        let now = self.started.elapsed();
        let last = &self.catalogue;
        let is_early = last.items.is_some() && now < last.looked + last.cost * 10;
        let stamp = self.server.registry.stamp();
        if is_early || last.stamp == Some(stamp) {
            return;
        }
        let began = host::instant();
        if let Err(error) = self.look_closer() {
            self.server.tell(&Event::Trouble {
                what: format!("the catalogue cannot be read: {error}"),
            });
        }
        // A change within the same tick of the file's clock would not be seen.
        let is_settled = stamp.is_older_than(TICK);
        self.catalogue.stamp = is_settled.then_some(stamp);
        (self.catalogue.looked, self.catalogue.cost) = (now, began.elapsed());
    }

    fn look_closer(&mut self) -> Result<(), Error> {
        let registry = self.server.registry.clone();
        let items: BTreeSet<ItemId> = registry.passing(self.server.showing)?.into_iter().collect();
        let before = self.catalogue.items.replace(items.clone());
        // What strangers show is not passed on, and may be followed all the same.
        self.follower.news();
        if let Some(before) = before {
            let new: Vec<ItemId> = items.difference(&before).copied().collect();
            self.pass_on(new)?;
        }
        let shown = registry.shown(self.server.showing)?;
        let contents: BTreeSet<ContentId> = shown.iter().map(|b| b.content_id).collect();
        if contents != self.catalogue.contents {
            self.catalogue.contents = contents;
            if let Some(discovery) = &self.discovery {
                // It is announced at the next refresh else.
                let _ = discovery.update(&self.sighting());
            }
        }
        Ok(())
    }

    /// Tells a few others of what is new, but not who told of it.
    fn pass_on(&mut self, new: Vec<ItemId>) -> Result<(), Error> {
        if new.is_empty() {
            return Ok(());
        }
        let heard = self.server.registry.heard()?;
        let tellers = heard.iter().map(|l| {
            let item = ItemId::Manifest(l.dataset.brief.envelope_id);
            (item, l.dataset.from)
        });
        let tellers: BTreeMap<ItemId, NodeId> = tellers.collect();
        let mut by_teller: BTreeMap<Option<NodeId>, Vec<ItemId>> = BTreeMap::new();
        for item in new {
            let teller = tellers.get(&item).copied();
            by_teller.entry(teller).or_default().push(item);
        }
        for (teller, items) in by_teller {
            self.gossip.news(&items, teller.as_ref());
        }
        Ok(())
    }

    /// What this node says of itself.
    pub(in crate::net::gossip) fn sighting(&self) -> ServiceRecord {
        let contents: Vec<ContentId> = self.catalogue.contents.iter().copied().collect();
        let filter = Filter::build(&contents);
        let bytes = filter.encode();
        let shown = SharedSummary {
            datasets: contents.len() as u64,
            filter_digest: *filter.digest().as_bytes(),
            filter_bytes: bytes.len() as u64,
            filter: Some(bytes),
        };
        ServiceRecord {
            node: self.node,
            version: PROTOCOL_VERSION,
            shown: (self.server.access == Access::Open).then_some(shown),
        }
    }
}
