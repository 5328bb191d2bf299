//! Requests of a small pull, and which of them are concurrent.

use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::progress::NoProgress;
use crate::protocol::ChunkSource;
use crate::protocol::ListFilter;
use crate::protocol::Request;
use crate::registry::peers::PullOptions;
use crate::registry::peers::testing::in_process_peer::AlteredPeer;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::accepted;
use crate::registry::peers::testing::lab::rows;

/// A peer that answers its first requests only after all of them have arrived.
#[derive(Default)]
struct Together {
    first: usize,
    asked: Mutex<Vec<Request>>,
    another: Condvar,
    /// True if a request waited for the others in vain.
    is_late: AtomicBool,
}

impl Together {
    fn take_response(&self, request: &Request) {
        if matches!(request, Request::List(_)) {
            return;
        }
        let mut asked = self.asked.lock().unwrap();
        asked.push(request.clone());
        self.another.notify_all();
        let patience = Duration::from_secs(30);
        let alone = |asked: &mut Vec<Request>| asked.len() < self.first;
        let waited = self.another.wait_timeout_while(asked, patience, alone);
        // A panic of an asking thread does not fail the pull.
        if waited.unwrap().1.timed_out() {
            self.is_late.store(true, Ordering::Relaxed);
        }
    }
}

/// Creates a lab that trusts another one with a dataset of `count` rows. Also returns the bytes.
fn labs(count: usize) -> (Lab, Lab, Vec<u8>) {
    let (there, here) = (Lab::new(), Lab::new());
    let bytes = rows(7, count);
    there.index("small", &bytes, false);
    here.trusting(&there);
    (there, here, bytes)
}

fn pull(here: &Lab, sources: &[&dyn ChunkSource]) {
    let offers = here
        .registry
        .peers()
        .list_remote(sources[0], &ListFilter::All);
    let accepted = accepted(&offers.unwrap()[0]).unwrap();
    let options = PullOptions::default();
    let report = here
        .registry
        .peers()
        .pull(&accepted, sources, options, &NoProgress);
    report.unwrap();
}

/// Returns the requests of a pull of `count` rows from a peer that waits for the `first` requests.
fn pulled(count: usize, first: usize) -> Vec<Request> {
    let (there, here, bytes) = labs(count);
    let together = Together {
        first,
        ..Together::default()
    };
    let peer = AlteredPeer {
        near: &InProcessPeer::honest(&there.registry, 1),
        asked: &|request| together.take_response(request),
        alter: &|_, answer| Ok(answer),
    };
    pull(&here, &[&peer]);
    assert_eq!(here.bytes_of("small").unwrap(), bytes);
    assert!(!together.is_late.into_inner(), "a request came alone");
    together.asked.into_inner().unwrap()
}

#[test]
fn pull_of_two_single_chunks_asks_everything_at_once() {
    let asked = pulled(3, 4);
    assert_eq!(asked.len(), 4, "{asked:?}");
}

#[test]
fn pull_of_some_chunks_asks_roots_at_once_and_then_the_chunks() {
    // Both roots and the table's chunk first, then the chunks of the data, and nothing in between.
    let asked = pulled(200, 3);
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(matches!(asked[3], Request::PullChunk(_)), "{asked:?}");
}

#[test]
fn pull_from_several_is_not_held_up_by_a_slow_first_one() {
    let (there, here, bytes) = labs(3);
    let is_asked = (Mutex::new(false), Condvar::new());
    let is_late = AtomicBool::new(false);
    // The peer sends no chunk before the other peer is asked for one.
    let slow = AlteredPeer {
        near: &InProcessPeer::honest(&there.registry, 1),
        asked: &|request| {
            if matches!(request, Request::PullChunk(_)) {
                let (lock, told) = &is_asked;
                let patience = Duration::from_secs(30);
                let waits = |is_asked: &mut bool| !*is_asked;
                let waited = told.wait_timeout_while(lock.lock().unwrap(), patience, waits);
                if waited.unwrap().1.timed_out() {
                    is_late.store(true, Ordering::Relaxed);
                }
            }
        },
        alter: &|_, answer| Ok(answer),
    };
    let other = AlteredPeer {
        near: &InProcessPeer::honest(&there.registry, 2),
        asked: &|request| {
            if matches!(request, Request::PullChunk(_)) {
                *is_asked.0.lock().unwrap() = true;
                is_asked.1.notify_all();
            }
        },
        alter: &|_, answer| Ok(answer),
    };
    pull(&here, &[&slow, &other]);
    assert_eq!(here.bytes_of("small").unwrap(), bytes);
    assert!(
        !is_late.into_inner(),
        "the other one was not asked meanwhile"
    );
}
