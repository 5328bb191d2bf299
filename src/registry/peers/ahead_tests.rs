//! What a pull of a small dataset asks, and what of it at once.

use std::sync::Condvar;
use std::sync::Mutex;
use std::time::Duration;

use crate::ident::NodeId;
use crate::progress::NoProgress;
use crate::registry::peers::PullOptions;
use crate::registry::peers::lab::Lab;
use crate::registry::peers::lab::accepted;
use crate::registry::peers::lab::rows;
use crate::registry::peers::near::Near;
use crate::sync::Access;
use crate::sync::EachAnswer;
use crate::sync::Line;
use crate::sync::ListFilter;
use crate::sync::PeerError;
use crate::sync::Request;

/// A peer that answers none of its first requests before all of them are there.
struct Together {
    near: Near,
    /// How many are to come together.
    first: usize,
    asked: Mutex<Vec<Request>>,
    another: Condvar,
}

impl Together {
    fn new(near: Near, first: usize) -> Self {
        Self {
            near,
            first,
            asked: Mutex::default(),
            another: Condvar::new(),
        }
    }

    fn forget(&self) {
        self.asked.lock().unwrap().clear();
    }
}

impl Line for Together {
    fn who(&self) -> NodeId {
        self.near.who()
    }

    fn place(&self) -> String {
        self.near.place()
    }

    fn serves(&self) -> Access {
        self.near.serves()
    }

    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        self.near.reconnect(is_needless)
    }

    fn ask(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachAnswer<'_>,
    ) -> Result<(), PeerError> {
        let is_listing = matches!(request, Request::List(_));
        if !is_listing {
            let mut asked = self.asked.lock().unwrap();
            asked.push(request.clone());
            self.another.notify_all();
            let patience = Duration::from_secs(30);
            let alone = |asked: &mut Vec<Request>| asked.len() < self.first;
            let waited = self.another.wait_timeout_while(asked, patience, alone);
            let is_late = waited.unwrap().1.timed_out();
            assert!(!is_late, "a request came alone");
        }
        self.near.ask(request, is_needless, each)
    }
}

/// Pulls a dataset of so many rows from a peer that waits for so many requests at first.
fn pulled(count: usize, first: usize) -> Vec<Request> {
    let (there, here) = (Lab::new(), Lab::new());
    let bytes = rows(7, count);
    there.index("small", &bytes, false);
    here.trusting(&there);
    let peer = Together::new(Near::honest(&there.registry, 1), first);
    let offers = here.registry.list_remote(&peer, &ListFilter::All).unwrap();
    peer.forget();
    let accepted = accepted(&offers[0]).unwrap();
    let options = PullOptions::default();
    here.registry
        .pull(&accepted, &[&peer], options, &NoProgress)
        .unwrap();
    assert_eq!(here.bytes_of("small").unwrap(), bytes);
    peer.asked.into_inner().unwrap()
}

#[test]
fn pull_of_two_single_chunks_asks_everything_at_once() {
    let asked = pulled(3, 4);
    assert_eq!(asked.len(), 4, "{asked:?}");
}

#[test]
fn pull_of_some_chunks_asks_roots_at_once_and_then_the_chunks() {
    // Both roots and the table's chunk; then the chunks of the data, and nothing between.
    let asked = pulled(200, 3);
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(matches!(asked[3], Request::PullChunk(_)), "{asked:?}");
}
