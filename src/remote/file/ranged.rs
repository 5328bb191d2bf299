//! A file that is read by ranges: blocks from memory, from the cache, or from its server.

use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::locks::lock;
use crate::read_at::Wanted;
use crate::remote::answer::Validator;
use crate::remote::cache::KeptBlocks;
use crate::remote::client::Asked;
use crate::remote::client::Body;
use crate::remote::client::BodyError;
use crate::remote::client::Call;
use crate::remote::client::Client;
use crate::remote::client::Origin;
use crate::remote::client::Redirected;
use crate::remote::error::RemoteError;
use crate::remote::file::flight::Flight;
use crate::remote::file::runs::missing_runs;
use crate::remote::file::streams::Streams;
use crate::remote::limits::BLOCK_BYTES;
use crate::remote::limits::MEMORY_BYTES_MAX;
use crate::remote::limits::TRIES_MAX;
use crate::remote::pool::Block;

/// Blocks that are written to the cache at once.
const BLOCKS_WRITTEN: u64 = 32;

/// A file that is read by ranges.
pub(super) struct RangedFile {
    pub(super) client: Arc<Client>,
    pub(super) origin: Origin,
    pub(super) redirected: Redirected,
    pub(super) validator: Validator,
    pub(super) cache: Option<Arc<KeptBlocks>>,
    /// The number of the file in the pool.
    pub(super) number: u64,
    pub(super) state: Mutex<State>,
    /// True when nobody reads the file any more.
    pub(super) is_closed: AtomicBool,
    /// Answers that stalled in their middle.
    pub(super) stalls: AtomicU32,
}

/// Requests under way, and the reads until now.
#[derive(Default)]
pub(super) struct State {
    pending: HashMap<u64, Arc<Flight>>,
    streams: Streams,
}

impl RangedFile {
    /// Returns the length of the file.
    pub(super) fn size(&self) -> u64 {
        self.validator.size_bytes
    }

    /// Reads some bytes at an offset.
    pub(super) fn read(
        self: &Arc<Self>,
        buffer: &mut [u8],
        offset: u64,
    ) -> Result<usize, RemoteError> {
        let size = self.size();
        let end = offset.saturating_add(buffer.len() as u64).min(size);
        let mut filled = 0;
        while offset + (filled as u64) < end {
            let at = offset + filled as u64;
            let number = at / BLOCK_BYTES;
            if filled > 0 && !self.client.pool.has(self.number, number) {
                break;
            }
            let block = self.block(number, end)?;
            let inside = usize::try_from(at - number * BLOCK_BYTES).unwrap_or(usize::MAX);
            let from = block.get(inside..).unwrap_or_default();
            let to = buffer.get_mut(filled..).unwrap_or_default();
            let n = from.len().min(to.len());
            if let (Some(to), Some(from)) = (to.get_mut(..n), from.get(..n)) {
                to.copy_from_slice(from);
            }
            if n == 0 {
                let why = "a block is shorter than it should be";
                return Err(RemoteError::answer(&self.origin.shown, why));
            }
            filled += n;
        }
        Ok(filled)
    }

    /// Fetches what the ranges need, in few requests at the same time. It waits for nothing.
    pub(super) fn fetch(self: &Arc<Self>, ranges: &[Range<u64>]) {
        let flights: Vec<Arc<Flight>> = {
            let mut state = lock(&self.state);
            let is_here = |n: u64| state.pending.contains_key(&n) || self.has(n);
            let runs = missing_runs(ranges, self.size(), is_here);
            runs.into_iter()
                .map(|run| depart(&mut state, run))
                .collect()
        };
        for flight in flights {
            self.launch(flight);
        }
    }

    /// Takes note of ranges that will be read, and fetches what is read soon.
    pub(super) fn prefetch(self: &Arc<Self>, wanted: &[Wanted]) {
        let mut soon = Vec::new();
        let mut left = MEMORY_BYTES_MAX / 2;
        {
            let mut state = lock(&self.state);
            for range in wanted {
                state.streams.bound(*range);
                let bytes = range.soon.saturating_sub(range.start).min(left);
                left -= bytes;
                soon.push(range.start..range.start + bytes);
            }
        }
        self.fetch(&soon);
    }

    fn has(&self, number: u64) -> bool {
        self.client.pool.has(self.number, number)
            || self.cache.as_ref().is_some_and(|cache| cache.has(number))
    }

    /// Returns a block. `wanted_end` is the end of what the reader wants.
    fn block(self: &Arc<Self>, number: u64, wanted_end: u64) -> Result<Block, RemoteError> {
        let found = self.kept(number);
        let (block, launched) = match found {
            Some(block) => (Some(block), None),
            None => {
                let mut state = lock(&self.state);
                match state.pending.get(&number) {
                    Some(flight) => (None, Some((Arc::clone(flight), false))),
                    None => match self.client.pool.get(self.number, number) {
                        // It arrived meanwhile.
                        Some(block) => (Some(block), None),
                        None => {
                            let run = state.streams.fetch(number, wanted_end, self.size());
                            let run = self.free_front(&state, run);
                            (None, Some((depart(&mut state, run), true)))
                        }
                    },
                }
            }
        };
        if let Some((flight, true)) = &launched {
            self.launch(Arc::clone(flight));
        }
        let ahead = self.ahead(number);
        if let Some(flight) = ahead {
            self.launch(flight);
        }
        match (block, launched) {
            (Some(block), _) => Ok(block),
            (None, Some((flight, _))) => {
                flight.wait(number, || (self.client.settings.is_stopped)())
            }
            (None, None) => Err(RemoteError::Interrupted),
        }
    }

    /// Returns a block from memory or from the cache on disk.
    fn kept(&self, number: u64) -> Option<Block> {
        if let Some(block) = self.client.pool.get(self.number, number) {
            return Some(block);
        }
        let block = self.cache.as_ref()?.read(number, self.length_of(number))?;
        self.client.counters.cached(block.len() as u64);
        self.client
            .pool
            .put(self.number, number, Block::clone(&block));
        Some(block)
    }

    /// Starts a request for what will be read next, if it is time.
    fn ahead(self: &Arc<Self>, number: u64) -> Option<Arc<Flight>> {
        if self.client.settings.is_offline {
            return None;
        }
        let mut state = lock(&self.state);
        let mut run = state.streams.ahead(number, self.size())?;
        let is_here = |state: &State, n: u64| state.pending.contains_key(&n) || self.has(n);
        while !run.is_empty() && is_here(&state, run.start) {
            run.start += 1;
        }
        let run = self.free_front(&state, run);
        (!run.is_empty()).then(|| depart(&mut state, run))
    }

    /// Returns the part of a run before the first block that is here or under way.
    fn free_front(&self, state: &State, run: Range<u64>) -> Range<u64> {
        let mut blocks = run.clone().skip(1);
        let taken = blocks.find(|n| state.pending.contains_key(n) || self.has(*n));
        run.start..taken.unwrap_or(run.end)
    }

    fn length_of(&self, number: u64) -> usize {
        let start = number * BLOCK_BYTES;
        let length = self.size().saturating_sub(start).min(BLOCK_BYTES);
        usize::try_from(length).unwrap_or_default()
    }

    /// Runs a request on a thread of its own.
    fn launch(self: &Arc<Self>, flight: Arc<Flight>) {
        let (file, own) = (Arc::clone(self), Arc::clone(&flight));
        let fly = move || {
            let ended = file.fly(&own);
            file.land(&own, ended);
        };
        let spawned = std::thread::Builder::new()
            .name("remote".to_owned())
            .spawn(fly);
        if let Err(error) = spawned {
            let kind = crate::error_kind::ErrorKind::of_io(&error);
            let reason = error.to_string();
            let task = "start a thread";
            self.land(&flight, Err(RemoteError::Local { task, reason, kind }));
        }
    }

    fn land(&self, flight: &Arc<Flight>, ended: Result<(), RemoteError>) {
        let mut state = lock(&self.state);
        for block in flight.blocks.clone() {
            if state
                .pending
                .get(&block)
                .is_some_and(|own| Arc::ptr_eq(own, flight))
            {
                state.pending.remove(&block);
            }
        }
        drop(state);
        flight.end(ended);
    }

    /// Fetches the blocks of a flight. After a break it requests the rest again.
    fn fly(&self, flight: &Flight) -> Result<(), RemoteError> {
        let mut next = flight.blocks.start;
        let mut tries = 0;
        while next < flight.blocks.end {
            let before = next;
            match self.fly_once(flight, &mut next) {
                Ok(()) => {}
                Err(BodyError::Final(error)) => return Err(error),
                Err(BodyError::Broken(error)) => {
                    tries = if next > before { 1 } else { tries + 1 };
                    // A stall takes long, so that a file has few of them, wherever they are.
                    let is_stall = matches!(error, RemoteError::Slow { .. });
                    let stalls = match is_stall {
                        true => self.stalls.fetch_add(1, Ordering::Relaxed) + 1,
                        false => 0,
                    };
                    if tries >= TRIES_MAX || stalls >= TRIES_MAX {
                        return Err(error);
                    }
                    self.client.counters.repeated();
                }
            }
        }
        Ok(())
    }

    fn fly_once(&self, flight: &Flight, next: &mut u64) -> Result<(), BodyError> {
        let from = *next * BLOCK_BYTES;
        let until = (flight.blocks.end * BLOCK_BYTES).min(self.size());
        let asked = Asked::Part(from, until.saturating_sub(from));
        let sent = self.client.send(&Call {
            origin: &self.origin,
            asked,
            if_match: self.validator.strong_etag(),
            redirected: Some(&self.redirected),
        });
        let mut answer = sent.map_err(BodyError::Final)?;
        let shown = &self.origin.shown;
        let changed = || BodyError::Final(RemoteError::Changed(shown.clone()));
        match answer.status {
            206 => {}
            416 => return Err(changed()),
            _ => {
                let why = "a range with the whole file, and ranges worked before";
                let length = answer.content_length();
                let is_other = length.is_some_and(|n| !self.validator.may_be(&answer.validator(n)));
                let error = RemoteError::answer(shown, why);
                return Err(if is_other {
                    changed()
                } else {
                    BodyError::Final(error)
                });
            }
        }
        let part = match answer.part(asked) {
            Ok(part) => part,
            // The range may be cut because the file became shorter.
            Err(error) => {
                let whole = answer.whole_length();
                let is_other = whole.is_some_and(|n| n != self.size());
                return Err(if is_other {
                    changed()
                } else {
                    BodyError::Final(error)
                });
            }
        };
        if !self.validator.may_be(&part.2) {
            return Err(changed());
        }
        let first = *next;
        let received = self.receive(&mut answer.body, part.1, flight, next);
        self.save(first..*next);
        received
    }

    /// Receives blocks, each of which is waited for.
    fn receive(
        &self,
        body: &mut Body,
        bytes: u64,
        flight: &Flight,
        next: &mut u64,
    ) -> Result<(), BodyError> {
        let mut left = bytes;
        let mut saved = *next;
        while left > 0 {
            if self.is_closed.load(Ordering::Relaxed) {
                return Err(BodyError::Final(RemoteError::Interrupted));
            }
            let length = self.length_of(*next);
            let mut bytes = vec![0; length];
            fill(body, &mut bytes, &self.origin.shown)?;
            left = left.saturating_sub(length as u64);
            let block = Block::new(bytes);
            // Before a reader can see the block: the program may end when it has.
            if let Some(cache) = &self.cache {
                cache.put(*next, Block::clone(&block));
            }
            self.client
                .pool
                .put(self.number, *next, Block::clone(&block));
            flight.arrived(*next, block);
            *next += 1;
            if *next - saved >= BLOCKS_WRITTEN {
                self.save(saved..*next);
                saved = *next;
            }
        }
        Ok(())
    }

    /// Takes bytes that an earlier answer brought: the blocks that are whole in them.
    pub(super) fn take(&self, first: u64, bytes: &[u8]) {
        let mut number = first.div_ceil(BLOCK_BYTES);
        loop {
            let start = number * BLOCK_BYTES;
            let length = self.length_of(number);
            let at = usize::try_from(start - first).unwrap_or(usize::MAX);
            let block = at.checked_add(length).and_then(|end| bytes.get(at..end));
            let Some(block) = block.filter(|b| !b.is_empty()) else {
                break;
            };
            let block = Block::new(block.to_vec());
            if let Some(cache) = &self.cache {
                cache.put(number, Block::clone(&block));
            }
            self.client.pool.put(self.number, number, block);
            number += 1;
        }
        self.save(first / BLOCK_BYTES..number);
    }

    /// Writes blocks that arrived to the cache.
    fn save(&self, blocks: Range<u64>) {
        if let Some(cache) = &self.cache {
            cache.save(blocks);
        }
    }
}

/// Registers a request for blocks that nobody fetches yet.
fn depart(state: &mut State, run: Range<u64>) -> Arc<Flight> {
    let flight = Arc::new(Flight::new(run));
    for block in flight.blocks.clone() {
        state.pending.insert(block, Arc::clone(&flight));
    }
    flight
}

/// Fills a buffer from a body.
pub(super) fn fill(body: &mut Body, buffer: &mut [u8], shown: &str) -> Result<(), BodyError> {
    let (mut filled, wanted) = (0, buffer.len());
    while let Some(rest) = buffer.get_mut(filled..).filter(|r| !r.is_empty()) {
        match body.read(rest)? {
            0 => {
                let why = format!("{filled} bytes where {wanted} were due: the body is short");
                return Err(BodyError::Broken(RemoteError::answer(shown, why)));
            }
            n => filled += n,
        }
    }
    Ok(())
}

impl From<RemoteError> for io::Error {
    fn from(error: RemoteError) -> Self {
        error.into_io()
    }
}
