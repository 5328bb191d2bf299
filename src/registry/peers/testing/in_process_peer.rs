//! In-process peer: a registry that is called through encoded messages, with optional faults in the
//! responses.

use crate::ident::NodeId;
use crate::protocol::Access;
use crate::protocol::EachResponse;
use crate::protocol::FrameReader;
use crate::protocol::Hello;
use crate::protocol::PeerConnection;
use crate::protocol::PeerError;
use crate::protocol::Random;
use crate::protocol::Request;
use crate::protocol::Response;
use crate::registry::LocalRegistry;
use crate::registry::peers::RequestContext;
use crate::registry::peers::Showing;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Fault rates, per thousand frames.
pub(in crate::registry::peers) struct Faults {
    random: Random,
    per_mille: u64,
}

/// A registry in the same process that is called through encoded messages.
pub(in crate::registry::peers) struct InProcessPeer {
    pub(in crate::registry::peers) registry: LocalRegistry,
    pub(in crate::registry::peers) id: u8,
    /// Number of the asking node.
    pub(in crate::registry::peers) asker: u8,
    pub(in crate::registry::peers) access: Access,
    pub(in crate::registry::peers) showing: Showing,
    pub(in crate::registry::peers) faults: Mutex<Faults>,
    /// Total bytes of the responses.
    pub(in crate::registry::peers) answered: AtomicU64,
}

impl InProcessPeer {
    pub(in crate::registry::peers) fn honest(registry: &LocalRegistry, id: u8) -> Self {
        Self::faulty(registry, id, 0, 0)
    }

    pub(in crate::registry::peers) fn faulty(
        registry: &LocalRegistry,
        id: u8,
        seed: u64,
        per_mille: u64,
    ) -> Self {
        Self {
            registry: registry.clone(),
            id,
            asker: 99,
            access: Access::Open,
            showing: Showing::default(),
            answered: AtomicU64::new(0),
            faults: Mutex::new(Faults {
                random: Random::new(seed),
                per_mille,
            }),
        }
    }

    fn disturb(&self, bytes: &mut Vec<u8>) -> Result<(), PeerError> {
        let mut faults = self.faults.lock().unwrap();
        if faults.random.below(1000) >= faults.per_mille {
            return Ok(());
        }
        let at = faults.random.below(bytes.len() as u64) as usize;
        match faults.random.below(6) {
            0 => return Err(PeerError::Lost("the connection broke".to_owned())),
            1 => return Err(PeerError::Stalled(Duration::from_secs(20))),
            2 => bytes.truncate(at),
            3 => bytes.clear(),
            4 => bytes.extend(bytes.clone()),
            _ => bytes[at] ^= 1 << faults.random.below(8),
        }
        Ok(())
    }
}

impl PeerConnection for InProcessPeer {
    fn node_id(&self) -> NodeId {
        NodeId::new([self.id; 32])
    }

    fn address(&self) -> String {
        format!("near-{}", self.id)
    }

    fn access(&self) -> Access {
        self.access
    }

    fn reconnect(&self, _: &dyn Fn() -> bool) -> Result<(), PeerError> {
        let mut faults = self.faults.lock().unwrap();
        match faults.random.below(2) {
            0 => Ok(()),
            _ => Err(PeerError::Lost("it is gone".to_owned())),
        }
    }

    fn call(
        &self,
        request: &Request,
        _: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError> {
        let mut requests = FrameReader::new(Request::body_limit);
        let frame = requests.read(&mut request.encode().as_slice())?.unwrap();
        let request = Request::decode(&frame)?.unwrap();
        let asking = RequestContext {
            peer: NodeId::new([self.asker; 32]),
            hello: Hello::own(Access::Open),
            showing: self.showing,
            access: self.access,
        };
        let mut reader = FrameReader::new(Response::body_limit);
        let mut answering = self.registry.peers().answer(&request, &asking);
        for answer in answering.by_ref() {
            let mut bytes = answer.into_pieces().concat();
            let length = bytes.len() as u64;
            self.answered.fetch_add(length, Ordering::Relaxed);
            self.disturb(&mut bytes)?;
            let mut piece = bytes.as_slice();
            while let Some(frame) = reader.read(&mut piece)? {
                match Response::decode(frame)? {
                    Response::Refusal(refusal) => return Err(refusal.into()),
                    answer => each(answer)?,
                }
            }
        }
        assert!(answering.failed().is_none());
        Ok(reader.end()?)
    }
}

/// A peer whose requests are observed and whose responses are altered.
pub(in crate::registry::peers) struct AlteredPeer<'a> {
    pub(in crate::registry::peers) near: &'a InProcessPeer,
    /// Called before each request.
    pub(in crate::registry::peers) asked: &'a (dyn Fn(&Request) + Sync),
    pub(in crate::registry::peers) alter:
        &'a (dyn Fn(&Request, Response) -> Result<Response, PeerError> + Sync),
}

impl PeerConnection for AlteredPeer<'_> {
    fn node_id(&self) -> NodeId {
        self.near.node_id()
    }

    fn address(&self) -> String {
        self.near.address()
    }

    fn access(&self) -> Access {
        self.near.access()
    }

    fn reconnect(&self, is_needless: &dyn Fn() -> bool) -> Result<(), PeerError> {
        self.near.reconnect(is_needless)
    }

    fn call(
        &self,
        request: &Request,
        is_needless: &dyn Fn() -> bool,
        each: &mut EachResponse<'_>,
    ) -> Result<(), PeerError> {
        (self.asked)(request);
        self.near.call(request, is_needless, &mut |answer| {
            each((self.alter)(request, answer)?)
        })
    }
}
