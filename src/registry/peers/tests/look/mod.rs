//! Looks into datasets of which only a part is here.

mod holdings;
mod peers;
mod reading;

use crate::progress::NoProgress;
use crate::protocol::ChunkSource;
use crate::protocol::ListFilter;
use crate::read_at::ReadAt;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::NodeError;
use crate::registry::peers::Look;
use crate::registry::peers::LookOptions;
use crate::registry::peers::LookPeers;
use crate::registry::peers::PeerFinder;
use crate::registry::peers::client::offers::Offer;
use crate::registry::peers::look::file::LookFile;
use crate::registry::peers::testing::in_process_peer::InProcessPeer;
use crate::registry::peers::testing::lab::Lab;
use crate::registry::peers::testing::lab::accepted;
use crate::registry::peers::testing::lab::rows;
use std::sync::Arc;
use std::sync::Mutex;

/// Two labs: one with a dataset `corpus` of random rows, and one that trusts it.
pub(super) fn labs(seed: u64, count: usize) -> (Lab, Lab, Vec<u8>) {
    let (there, here) = (Lab::new(), Lab::new());
    let bytes = rows(seed, count);
    there.index("corpus", &bytes, false);
    here.trusting(&there);
    (there, here, bytes)
}

pub(super) fn offer(here: &LocalRegistry, peer: &dyn ChunkSource) -> Offer {
    let offers = here.peers().list_remote(peer, &ListFilter::All).unwrap();
    offers[0].clone()
}

pub(super) fn shared(peer: InProcessPeer) -> Arc<dyn ChunkSource> {
    Arc::new(peer)
}

pub(super) fn look_with(
    here: &Lab,
    peers: Vec<Arc<dyn ChunkSource>>,
    options: LookOptions,
) -> Result<Arc<Look>, Error> {
    let offer = offer(&here.registry, &*peers[0]);
    let peers = LookPeers::Connected(peers);
    let accepted = accepted(&offer)?;
    let look = here
        .registry
        .peers()
        .look(&accepted, peers, options, &NoProgress)?;
    Ok(Arc::new(look))
}

pub(super) fn look(here: &Lab, there: &Lab) -> Arc<Look> {
    let peer = shared(InProcessPeer::honest(&there.registry, 1));
    look_with(here, vec![peer], LookOptions::default()).unwrap()
}

pub(super) fn file(look: &Arc<Look>) -> LookFile {
    let (start, entry) = look.table().with_offsets().next().unwrap();
    LookFile::new(Arc::clone(look), start, entry.clone())
}

/// Reads a range; errors end it.
pub(super) fn range(file: &dyn ReadAt, at: usize, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], (at + filled) as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Pulls `corpus`, and returns the chunks that were fetched.
pub(super) fn pull(here: &Lab, there: &Lab) -> u64 {
    let peer = InProcessPeer::honest(&there.registry, 1);
    here.pull("corpus", &[&peer]).unwrap()
}

/// Fails the test if a look asks for peers.
pub(super) struct Nobody;

impl PeerFinder for Nobody {
    fn find(&self, _: &crate::manifest::Manifest) -> Result<Vec<Arc<dyn ChunkSource>>, Error> {
        Err(NodeError::NoPeer.into())
    }
}

/// Finds one honest peer, and counts how often.
pub(super) struct Somebody(pub(super) LocalRegistry, pub(super) Arc<Mutex<u32>>);

impl PeerFinder for Somebody {
    fn find(&self, _: &crate::manifest::Manifest) -> Result<Vec<Arc<dyn ChunkSource>>, Error> {
        *self.1.lock().unwrap() += 1;
        Ok(vec![shared(InProcessPeer::honest(&self.0, 1))])
    }
}

pub(super) fn look_again(here: &Lab, finder: impl PeerFinder + 'static) -> Arc<Look> {
    let partial = here
        .registry
        .peers()
        .resolve_partial(&"corpus".parse().unwrap());
    let (offer, _) = partial.unwrap().unwrap();
    let accepted = accepted(&offer).unwrap();
    let peers = LookPeers::Found(Box::new(finder));
    let options = LookOptions::default();
    let look = here
        .registry
        .peers()
        .look(&accepted, peers, options, &NoProgress);
    Arc::new(look.unwrap())
}
