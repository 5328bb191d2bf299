//! One node: what it says, and where it may be.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use crate::protocol::discovery::peer_table::Seen;
use crate::protocol::discovery::peer_table::within;
use crate::protocol::discovery::service_record::ServiceRecord;
use crate::protocol::transfer::rate_limit::RateLimit;
use crate::protocol::transfer::rate_limit::RateLimiter;
use crate::wire::limits::NODE_ADDRESSES_MAX;

/// How fast what one node claims changes. Addresses of one node come one by one at first.
const CHANGES: RateLimit = RateLimit {
    concurrent: 1,
    per_second: 1,
    burst: 16,
};

#[derive(Clone, Debug)]
pub(in crate::protocol::discovery::peer_table) struct Entry {
    pub(in crate::protocol::discovery::peer_table) sighting: Option<ServiceRecord>,
    pub(in crate::protocol::discovery::peer_table) places: Vec<Place>,
    pub(in crate::protocol::discovery::peer_table) last_seen: Duration,
    changes: RateLimiter,
    pub(in crate::protocol::discovery::peer_table) has_left: bool,
    /// It came to be known by calling.
    pub(in crate::protocol::discovery::peer_table) is_caller: bool,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::protocol::discovery::peer_table) struct Place {
    pub(in crate::protocol::discovery::peer_table) address: SocketAddr,
    pub(in crate::protocol::discovery::peer_table) seen: Duration,
    pub(in crate::protocol::discovery::peer_table) is_proven: bool,
    /// When it failed last, until it is proven again.
    pub(in crate::protocol::discovery::peer_table) failed: Option<Duration>,
}

impl Entry {
    pub(in crate::protocol::discovery::peer_table) fn new(now: Duration) -> Self {
        Self {
            sighting: None,
            places: Vec::new(),
            last_seen: now,
            changes: RateLimiter::new(CHANGES, now),
            has_left: false,
            is_caller: false,
        }
    }

    pub(in crate::protocol::discovery::peer_table) fn saw(
        &mut self,
        now: Duration,
        sighting: ServiceRecord,
        addresses: &[SocketAddr],
    ) -> Seen {
        self.last_seen = self.last_seen.max(now);
        let mut is_backed = !self.is_proven();
        for place in &mut self.places {
            if addresses.contains(&place.address) {
                place.seen = place.seen.max(now);
                is_backed |= place.is_proven;
            }
        }
        // Of a proven node only who names a proven address may say something else, or that it
        // is here again.
        self.has_left &= !is_backed;
        let says_else = self.sighting.as_ref() != Some(&sighting);
        let says_else = says_else && (is_backed || self.sighting.is_none());
        let is_elsewhere = addresses.iter().any(|address| self.has_place_for(address));
        if !says_else && !is_elsewhere {
            return Seen::Same;
        }
        if !within(&mut self.changes, now) {
            return Seen::Refused;
        }
        if says_else {
            self.sighting = Some(sighting);
        }
        for address in addresses {
            self.claim(now, *address);
        }
        Seen::Changed
    }

    /// Whether a claimed address would be taken in.
    fn has_place_for(&self, address: &SocketAddr) -> bool {
        let is_there = self.places.iter().any(|p| p.address == *address);
        !is_there && (self.places.len() < NODE_ADDRESSES_MAX || self.failed_claim().is_some())
    }

    /// The claimed address that failed longest ago.
    fn failed_claim(&self) -> Option<usize> {
        let failed = self.places.iter().enumerate();
        let failed = failed.filter(|(_, p)| !p.is_proven && p.failed.is_some());
        failed.min_by_key(|(_, p)| p.failed).map(|(at, _)| at)
    }

    pub(in crate::protocol::discovery::peer_table) fn claim(
        &mut self,
        now: Duration,
        address: SocketAddr,
    ) {
        if !self.has_place_for(&address) {
            return;
        }
        if self.places.len() >= NODE_ADDRESSES_MAX
            && let Some(at) = self.failed_claim()
        {
            self.places.swap_remove(at);
        }
        self.places.push(Place {
            address,
            seen: now,
            is_proven: false,
            failed: None,
        });
    }

    /// Frees a place where all are taken, of the claim that was made longest ago.
    pub(in crate::protocol::discovery::peer_table) fn make_room_for(
        &mut self,
        address: &SocketAddr,
    ) {
        let is_there = self.places.iter().any(|p| p.address == *address);
        if is_there || self.places.len() < NODE_ADDRESSES_MAX {
            return;
        }
        let claims = self.places.iter().enumerate();
        let claims = claims.filter(|(_, p)| !p.is_proven);
        let oldest = claims.min_by_key(|(_, p)| (p.failed.is_none(), p.seen));
        if let Some(at) = oldest.map(|(at, _)| at) {
            self.places.swap_remove(at);
        }
    }

    pub(in crate::protocol::discovery::peer_table) fn prove(
        &mut self,
        now: Duration,
        address: SocketAddr,
    ) {
        self.places.retain(|p| p.address != address);
        if self.places.len() >= NODE_ADDRESSES_MAX {
            let worth = |(_, p): &(usize, &Place)| (p.is_proven, p.failed.is_none(), p.seen);
            let least = self.places.iter().enumerate().min_by_key(worth);
            if let Some(at) = least.map(|(at, _)| at) {
                self.places.swap_remove(at);
            }
        }
        self.places.push(Place {
            address,
            seen: now,
            is_proven: true,
            failed: None,
        });
    }

    pub(in crate::protocol::discovery::peer_table) fn is_proven(&self) -> bool {
        self.places.iter().any(|p| p.is_proven)
    }

    /// Whether it was tried everywhere in vain and never proven.
    pub(in crate::protocol::discovery::peer_table) fn is_hopeless(&self) -> bool {
        self.places
            .iter()
            .all(|p| !p.is_proven && p.failed.is_some())
    }

    pub(in crate::protocol::discovery::peer_table) fn addresses(&self) -> Vec<SocketAddr> {
        let mut places = self.places.clone();
        places.sort_by_key(|p| {
            let reach = reach(&p.address);
            (p.failed, !p.is_proven, reach, Reverse(p.seen), p.address)
        });
        places.into_iter().map(|p| p.address).collect()
    }
}

/// 1 for addresses that work on one link only, else 0.
pub(in crate::protocol::discovery::peer_table) fn reach(address: &SocketAddr) -> u8 {
    u8::from(match address.ip() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    })
}
