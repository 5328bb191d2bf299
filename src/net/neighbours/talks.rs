//! One talk with a node around, on a thread of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use crate::ident::NodeId;
use crate::net::neighbours::Note;
use crate::net::neighbours::lines::Lines;
use crate::net::neighbours::sound;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::host;
use crate::registry::peers::Compared;
use crate::registry::peers::Showing;
use crate::sync::Filter;
use crate::sync::PeerCatalog as _;
use crate::sync::Talk;
use crate::sync::TalkEnd;

/// What a thread needs to talk.
#[derive(Clone)]
pub(super) struct Talker {
    pub(super) registry: LocalRegistry,
    pub(super) lines: Arc<Lines>,
    pub(super) showing: Showing,
}

/// How a talk went.
pub(crate) struct Talked {
    pub(super) talk: Talk,
    pub(super) end: TalkEnd,
    /// What both sides had to say.
    pub(super) compared: Compared,
    /// Where it was looked for.
    pub(super) tried: Vec<SocketAddr>,
    /// When the peer was there for certain, and where it has proven who it is.
    pub(super) proven: Option<(Instant, SocketAddr)>,
    /// Its filter, where that was wanted and it gave one.
    pub(super) filter: Option<Filter>,
    /// What went wrong.
    pub(super) error: Option<Error>,
}

impl Talker {
    /// Talks, and notes how it went.
    pub(super) fn talk(
        &self,
        talk: Talk,
        at: Vec<SocketAddr>,
        (wants_filter, inbox): (bool, &mpsc::SyncSender<Note>),
    ) {
        let mut talked = Talked {
            end: TalkEnd::Failed,
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
            Talk::Compare(_) => {
                talked.compared = self.registry.compare(&*peer, self.showing)?;
            }
            Talk::Tell(_, items) => {
                talked.compared.sent = self.registry.tell(&*peer, items)?;
            }
        }
        // It answered; but maybe before it left.
        talked.proven = Some((asked, peer.remote()));
        talked.end = match (&talked.talk, talked.compared) {
            (Talk::Compare(_), Compared { received, sent, .. }) if received + sent > 0 => {
                TalkEnd::Differed
            }
            _ => TalkEnd::Same,
        };
        if wants_filter {
            // A hint; an older node has none.
            talked.filter = peer.filter().ok();
        }
        Ok(())
    }
}
