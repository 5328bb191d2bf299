//! Table entry: one node, with its record and addresses.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use crate::protocol::discovery::peer_table::claim::ClaimOutcome;
use crate::protocol::discovery::peer_table::claim::admits;
use crate::protocol::discovery::service_record::ServiceRecord;
use crate::protocol::transfer::rate_limit::RateLimit;
use crate::protocol::transfer::rate_limit::RateLimiter;
use crate::wire::limits::NODE_ADDRESSES_MAX;

/// Rate of changes to one node's claims. At first, a node's addresses arrive one by one.
const CHANGES: RateLimit = RateLimit {
    concurrent: 1,
    per_second: 1,
    burst: 16,
};

#[derive(Clone, Debug)]
pub(in crate::protocol::discovery::peer_table) struct Entry {
    pub(in crate::protocol::discovery::peer_table) record: Option<ServiceRecord>,
    pub(in crate::protocol::discovery::peer_table) slots: Vec<AddressSlot>,
    pub(in crate::protocol::discovery::peer_table) last_seen: Duration,
    changes: RateLimiter,
    pub(in crate::protocol::discovery::peer_table) has_left: bool,
    /// Set if the node became known by a call to this one.
    pub(in crate::protocol::discovery::peer_table) is_caller: bool,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::protocol::discovery::peer_table) struct AddressSlot {
    pub(in crate::protocol::discovery::peer_table) address: SocketAddr,
    pub(in crate::protocol::discovery::peer_table) seen: Duration,
    pub(in crate::protocol::discovery::peer_table) is_proven: bool,
    /// Time of the last failure; cleared when a handshake proves the address again.
    pub(in crate::protocol::discovery::peer_table) failed: Option<Duration>,
}

impl Entry {
    pub(in crate::protocol::discovery::peer_table) fn new(now: Duration) -> Self {
        Self {
            record: None,
            slots: Vec::new(),
            last_seen: now,
            changes: RateLimiter::new(CHANGES, now),
            has_left: false,
            is_caller: false,
        }
    }

    pub(in crate::protocol::discovery::peer_table) fn record_claim(
        &mut self,
        now: Duration,
        record: ServiceRecord,
        addresses: &[SocketAddr],
    ) -> ClaimOutcome {
        self.last_seen = self.last_seen.max(now);
        let mut is_backed = !self.is_proven();
        for slot in &mut self.slots {
            if addresses.contains(&slot.address) {
                slot.seen = slot.seen.max(now);
                is_backed |= slot.is_proven;
            }
        }
        // The record or the return of a proven node changes only with a claim that names
        // a proven address.
        self.has_left &= !is_backed;
        let says_else = self.record.as_ref() != Some(&record);
        let says_else = says_else && (is_backed || self.record.is_none());
        let is_elsewhere = addresses.iter().any(|address| self.has_slot_for(address));
        if !says_else && !is_elsewhere {
            return ClaimOutcome::Same;
        }
        if !admits(&mut self.changes, now) {
            return ClaimOutcome::Refused;
        }
        if says_else {
            self.record = Some(record);
        }
        for address in addresses {
            self.claim(now, *address);
        }
        ClaimOutcome::Changed
    }

    /// Returns true if the entry would accept a claimed address.
    fn has_slot_for(&self, address: &SocketAddr) -> bool {
        let is_there = self.slots.iter().any(|p| p.address == *address);
        !is_there && (self.slots.len() < NODE_ADDRESSES_MAX || self.failed_claim().is_some())
    }

    /// Returns the claimed address that failed longest ago.
    fn failed_claim(&self) -> Option<usize> {
        let failed = self.slots.iter().enumerate();
        let failed = failed.filter(|(_, p)| !p.is_proven && p.failed.is_some());
        failed.min_by_key(|(_, p)| p.failed).map(|(at, _)| at)
    }

    pub(in crate::protocol::discovery::peer_table) fn claim(
        &mut self,
        now: Duration,
        address: SocketAddr,
    ) {
        if !self.has_slot_for(&address) {
            return;
        }
        if self.slots.len() >= NODE_ADDRESSES_MAX
            && let Some(at) = self.failed_claim()
        {
            self.slots.swap_remove(at);
        }
        self.slots.push(AddressSlot {
            address,
            seen: now,
            is_proven: false,
            failed: None,
        });
    }

    /// Frees a slot for an address where all are taken: that of the oldest claim.
    pub(in crate::protocol::discovery::peer_table) fn make_room_for(
        &mut self,
        address: &SocketAddr,
    ) {
        let is_there = self.slots.iter().any(|p| p.address == *address);
        if is_there || self.slots.len() < NODE_ADDRESSES_MAX {
            return;
        }
        let claims = self.slots.iter().enumerate();
        let claims = claims.filter(|(_, p)| !p.is_proven);
        let oldest = claims.min_by_key(|(_, p)| (p.failed.is_none(), p.seen));
        if let Some(at) = oldest.map(|(at, _)| at) {
            self.slots.swap_remove(at);
        }
    }

    pub(in crate::protocol::discovery::peer_table) fn prove(
        &mut self,
        now: Duration,
        address: SocketAddr,
    ) {
        self.slots.retain(|p| p.address != address);
        if self.slots.len() >= NODE_ADDRESSES_MAX {
            let worth = |(_, p): &(usize, &AddressSlot)| (p.is_proven, p.failed.is_none(), p.seen);
            let least = self.slots.iter().enumerate().min_by_key(worth);
            if let Some(at) = least.map(|(at, _)| at) {
                self.slots.swap_remove(at);
            }
        }
        self.slots.push(AddressSlot {
            address,
            seen: now,
            is_proven: true,
            failed: None,
        });
    }

    pub(in crate::protocol::discovery::peer_table) fn is_proven(&self) -> bool {
        self.slots.iter().any(|p| p.is_proven)
    }

    /// Returns true if all addresses failed and none was ever proven.
    pub(in crate::protocol::discovery::peer_table) fn is_hopeless(&self) -> bool {
        self.slots
            .iter()
            .all(|p| !p.is_proven && p.failed.is_some())
    }

    pub(in crate::protocol::discovery::peer_table) fn addresses(&self) -> Vec<SocketAddr> {
        let mut slots = self.slots.clone();
        slots.sort_by_key(|p| {
            let reach = reach(&p.address);
            (p.failed, !p.is_proven, reach, Reverse(p.seen), p.address)
        });
        slots.into_iter().map(|p| p.address).collect()
    }
}

/// Returns 1 for an address that is valid on one link only, else 0.
pub(in crate::protocol::discovery::peer_table) fn reach(address: &SocketAddr) -> u8 {
    u8::from(match address.ip() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    })
}
