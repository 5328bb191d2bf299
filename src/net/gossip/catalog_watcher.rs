//! Catalogue watcher: notices local changes of the catalogue, and passes them to other nodes.

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
use crate::registry::host;

/// Maximum granularity of a file's clock.
const TICK: Duration = Duration::from_millis(50);

impl GossipNode {
    /// Reads the catalogue if any process changed it.
    pub(in crate::net::gossip) fn check_catalog(&mut self) {
        let now = self.started.elapsed();
        let last = &self.catalogue;
        let is_early = last.items.is_some() && now < last.last_read + last.cost * 10;
        let stamp = self.server.registry.stamp();
        if is_early || last.stamp == Some(stamp) {
            return;
        }
        let began = host::instant();
        if let Err(error) = self.refresh_catalog() {
            self.server.report(&Event::Trouble {
                what: format!("the catalogue cannot be read: {error}"),
            });
        }
        // A change within the same tick of the file's clock would be missed.
        let is_settled = stamp.is_older_than(TICK);
        self.catalogue.stamp = is_settled.then_some(stamp);
        (self.catalogue.last_read, self.catalogue.cost) = (now, began.elapsed());
    }

    fn refresh_catalog(&mut self) -> Result<(), Error> {
        let registry = self.server.registry.clone();
        let items: BTreeSet<ItemId> = registry
            .peers()
            .advertised_items(self.server.showing)?
            .into_iter()
            .collect();
        let earlier = self.catalogue.items.replace(items.clone());
        // Items of strangers are not forwarded, but may be followed all the same.
        self.replicator.mark_changed();
        if let Some(earlier) = earlier {
            let new: Vec<ItemId> = items.difference(&earlier).copied().collect();
            self.queue_news(new)?;
        }
        let summary = registry.peers().shown(self.server.showing)?;
        let contents: BTreeSet<ContentId> = summary.iter().map(|b| b.content_id).collect();
        if contents != self.catalogue.contents {
            self.catalogue.contents = contents;
            if let Some(discovery) = &self.discovery {
                // Else the next refresh announces it.
                let _ = discovery.update(&self.service_record());
            }
        }
        Ok(())
    }

    /// Queues new items for a few peers, except for the peer that sent them.
    fn queue_news(&mut self, new: Vec<ItemId>) -> Result<(), Error> {
        if new.is_empty() {
            return Ok(());
        }
        let remote = self.server.registry.peers().remote_manifests()?;
        let senders = remote.iter().map(|l| {
            let item = ItemId::Manifest(l.dataset.summary.envelope_id);
            (item, l.dataset.from)
        });
        let senders: BTreeMap<ItemId, NodeId> = senders.collect();
        let mut by_sender: BTreeMap<Option<NodeId>, Vec<ItemId>> = BTreeMap::new();
        for item in new {
            let sender = senders.get(&item).copied();
            by_sender.entry(sender).or_default().push(item);
        }
        for (sender, items) in by_sender {
            self.gossip.queue_items(&items, sender.as_ref());
        }
        Ok(())
    }

    /// Returns the service record of this node.
    pub(in crate::net::gossip) fn service_record(&self) -> ServiceRecord {
        let contents: Vec<ContentId> = self.catalogue.contents.iter().copied().collect();
        let filter = Filter::build(&contents);
        let bytes = filter.encode();
        let summary = SharedSummary {
            datasets: contents.len() as u64,
            filter_digest: *filter.digest().as_bytes(),
            filter_bytes: bytes.len() as u64,
            filter: Some(bytes),
        };
        ServiceRecord {
            node: self.node,
            version: PROTOCOL_VERSION,
            summary: (self.server.access == Access::Open).then_some(summary),
        }
    }
}
