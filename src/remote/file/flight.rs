//! A request under way: its blocks arrive one after the other, and readers wait for theirs.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::locks::lock;
use crate::remote::error::RemoteError;
use crate::remote::pool::Block;

/// Time after which a waiting reader looks whether the program is asked to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Blocks that one request brings.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) blocks: Range<u64>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    arrived: HashMap<u64, Block>,
    ended: Option<Result<(), RemoteError>>,
}

impl Flight {
    pub(super) fn new(blocks: Range<u64>) -> Self {
        Self {
            blocks,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Notes that a block is here.
    pub(super) fn arrived(&self, block: u64, bytes: Block) {
        lock(&self.state).arrived.insert(block, bytes);
        self.changed.notify_all();
    }

    /// Notes that no further block will come.
    pub(super) fn end(&self, ended: Result<(), RemoteError>) {
        lock(&self.state).ended.get_or_insert(ended);
        self.changed.notify_all();
    }

    /// Waits for a block.
    ///
    /// # Errors
    /// That of the request, and [`RemoteError::Interrupted`].
    pub(super) fn wait(
        &self,
        block: u64,
        is_stopped: impl Fn() -> bool,
    ) -> Result<Block, RemoteError> {
        let mut state = lock(&self.state);
        loop {
            if let Some(bytes) = state.arrived.get(&block) {
                return Ok(Block::clone(bytes));
            }
            match &state.ended {
                Some(Err(error)) => return Err(error.clone()),
                Some(Ok(())) => return Err(RemoteError::Interrupted),
                None => {}
            }
            if is_stopped() {
                return Err(RemoteError::Interrupted);
            }
            let waited = self.changed.wait_timeout(state, LOOK);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
