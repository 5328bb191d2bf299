//! One talk with a node around, on a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use crate::ident::NodeId;
use crate::net::gossip::Note;
use crate::net::gossip::connection_pool::Lines;
use crate::net::gossip::sound;
use crate::protocol::Exchange;
use crate::protocol::ExchangeOutcome;
use crate::protocol::Filter;
use crate::protocol::PeerCatalog as _;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::peers::Compared;
use crate::registry::peers::Showing;

/// What a thread needs to talk.
#[derive(Clone)]
pub(in crate::net::gossip) struct Talker {
    pub(in crate::net::gossip) registry: LocalRegistry,
    pub(in crate::net::gossip) lines: Arc<Lines>,
    pub(in crate::net::gossip) showing: Showing,
}

/// How a talk went.
pub(crate) struct Talked {
    pub(in crate::net::gossip) talk: Exchange,
    pub(in crate::net::gossip) end: ExchangeOutcome,
    /// What both sides had to say.
    pub(in crate::net::gossip) compared: Compared,
    /// Where it was looked for.
    pub(in crate::net::gossip) tried: Vec<SocketAddr>,
    /// When the peer was there for certain, and where it has proven who it is.
    pub(in crate::net::gossip) proven: Option<(Instant, SocketAddr)>,
    /// Its filter, where that was wanted and it gave one.
    pub(in crate::net::gossip) filter: Option<Filter>,
    /// What went wrong.
    pub(in crate::net::gossip) error: Option<Error>,
}

impl Talker {
    /// Talks, and notes how it went.
    pub(in crate::net::gossip) fn talk(
        &self,
        talk: Exchange,
        at: Vec<SocketAddr>,
        (wants_filter, inbox): (bool, &mpsc::SyncSender<Note>),
    ) {
        let mut talked = Talked {
            end: ExchangeOutcome::Failed,
            compared: Compared::default(),
            tried: at.clone(),
            proven: None,
            filter: None,
            error: None,
            talk,
        };
        if let Err(error) = sound(|| self.try_talk(&mut talked, at, wants_filter)) {
            // It may be the connection that is bad.
            self.lines.end(&talked.talk.peer());
            talked.error = Some(error);
        }
        // Nobody listens any more at the end.
        let _ = inbox.send(Note::Talked(talked));
    }

    fn try_talk(
        &self,
        talked: &mut Talked,
        at: Vec<SocketAddr>,
        wants_filter: bool,
    ) -> Result<(), Error> {
        let node: NodeId = talked.talk.peer();
        let (peer, made) = self.lines.to(node, at)?;
        let _talking = self.lines.talking(&peer);
        talked.proven = Some((made, peer.remote()));
        let asked = host::instant();
        match &talked.talk {
            Exchange::Compare(_) => {
                talked.compared = self.registry.compare(&*peer, self.showing)?;
            }
            Exchange::Tell(_, items) => {
                talked.compared.sent = self.registry.tell(&*peer, items)?;
            }
        }
        // It answered; but maybe before it left.
        talked.proven = Some((asked, peer.remote()));
        talked.end = match (&talked.talk, talked.compared) {
            (Exchange::Compare(_), Compared { received, sent, .. }) if received + sent > 0 => {
                ExchangeOutcome::Differed
            }
            _ => ExchangeOutcome::Same,
        };
        if wants_filter {
            // A hint; an older node has none.
            talked.filter = peer.filter().ok();
        }
        Ok(())
    }
}
