//! The thread that follows the crate's events, keeps its bounds and begins anew when it breaks.
//!
//! The crate keeps every record that anybody sends for as long as its sender says, and ends a
//! subscription that is not drained. So it is asked for its counts, and ended when they are large.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;

use mdns_sd::DaemonStatus;
use mdns_sd::Receiver;
use mdns_sd::RecvTimeoutError;
use mdns_sd::ServiceDaemon;
use mdns_sd::ServiceEvent;
use mdns_sd::TryRecvError;

use crate::ident::NodeId;
use crate::net::discovery::Found;
use crate::net::discovery::Shared;
use crate::net::discovery::Tell;
use crate::net::discovery::records;
use crate::protocol::SERVICE;

/// How often interfaces are compared with what they were.
const INTERFACES_SECONDS: u32 = 5;
/// How often the counts are looked at.
const TICK: Duration = Duration::from_secs(2);
/// How long the crate's thread may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often what is there is heard again. The crate tells what changes, not what stays.
const AGAIN: Duration = Duration::from_secs(240);
/// How soon all is asked for again when something was lacking.
const LACKING: Duration = Duration::from_secs(5);
/// Subscriptions that end for being full before it is too much.
const LOST_MAX: u32 = 3;
/// Records that the crate may keep: of all kinds, and texts, of nearly 9 kB at worst.
const RECORDS_MAX: i64 = 16_384;
const TEXTS_MAX: i64 = 4_096;
/// Timers that it may keep: two for every record that comes, also for the same one again.
const TIMERS_MAX: i64 = 262_144;
/// How long it stands still after trouble, doubled every time.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// After so long without trouble the pauses are short again.
const STEADY: Duration = Duration::from_secs(300);
/// The crate says farewell again after 120 ms.
const SECOND_FAREWELL: Duration = Duration::from_millis(150);
/// So it says that it has no interface: there is none, or it could not open its sockets, of which
/// it says nothing and does not try again.
const NOWHERE: &str = " on 0 interfaces ";
/// Names whose owners are remembered, so that their going can be told.
const HEARD_MAX: usize = 2_048;

pub(super) struct Worker {
    shared: Arc<Shared>,
    tell: Tell,
    heard: BTreeMap<String, NodeId>,
    /// A service came without what it says. The crate never asks for that alone, and a responder
    /// leaves out of an answer what it has said within a second.
    is_lacking: bool,
    /// A thread of the crate that was told to end and has not answered yet.
    leaving: Option<Receiver<DaemonStatus>>,
    /// Dropped last of all: whoever waits sees it.
    _end: mpsc::Sender<()>,
}

/// Why the crate's thread is given up.
enum Trouble {
    Mdns(mdns_sd::Error),
    Deaf,
    Busy,
    Flood,
}

impl From<mdns_sd::Error> for Trouble {
    fn from(e: mdns_sd::Error) -> Self {
        Self::Mdns(e)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mdns(e) => write!(f, "multicast DNS: {e}"),
            Self::Deaf => f.write_str("multicast DNS has no network interface to use"),
            Self::Busy => f.write_str("multicast DNS does not keep up with what is sent"),
            Self::Flood => f.write_str("more is announced on this network than can be kept"),
        }
    }
}

/// A thread of the crate with this program's settings.
pub(super) fn open() -> Result<ServiceDaemon, mdns_sd::Error> {
    let daemon = ServiceDaemon::new()?;
    match daemon.set_ip_check_interval(INTERFACES_SECONDS) {
        Ok(()) => Ok(daemon),
        Err(e) => {
            end(&daemon);
            Err(e)
        }
    }
}

/// Tells a thread of the crate to end; dropping its handles does not.
pub(super) fn end(daemon: &ServiceDaemon) -> Option<Receiver<DaemonStatus>> {
    for _ in 0..5 {
        match daemon.shutdown() {
            Ok(answer) => return Some(answer),
            Err(mdns_sd::Error::Again) => std::thread::sleep(Duration::from_millis(50)),
            Err(_) => return None,
        }
    }
    None
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, tell: Tell, end: mpsc::Sender<()>) -> Self {
        Self {
            shared,
            tell,
            heard: BTreeMap::new(),
            is_lacking: false,
            leaving: None,
            _end: end,
        }
    }

    pub(super) fn run(mut self, first: ServiceDaemon) {
        let mut next = Ok(first);
        let mut pause = PAUSE_MIN;
        loop {
            let began = Instant::now();
            let ended = match next {
                Ok(daemon) => self.serve(&daemon),
                Err(e) => Err(Trouble::Mdns(e)),
            };
            let Err(trouble) = ended else { return };
            self.heard.clear();
            let reason = trouble.to_string();
            (self.tell)(Found::Trouble { reason });
            if began.elapsed() >= STEADY {
                pause = PAUSE_MIN;
            }
            if self.shared.pause(pause) {
                return;
            }
            pause = (pause * 2).min(PAUSE_MAX);
            // One that hangs is waited for: others beside it would hang as well.
            while !self.has_left() {
                if self.shared.pause(PAUSE_MIN) {
                    return;
                }
            }
            next = open();
        }
    }

    fn has_left(&mut self) -> bool {
        let waiting = |leaving: &Receiver<_>| leaving.try_recv() == Err(TryRecvError::Empty);
        self.leaving = self.leaving.take().filter(waiting);
        self.leaving.is_none()
    }

    /// Follows one thread of the crate until it is to stop, or breaks.
    fn serve(&mut self, daemon: &ServiceDaemon) -> Result<(), Trouble> {
        self.shared.lock().daemon = Some(daemon.clone());
        let ended = self.follow(daemon);
        self.shared.lock().daemon = None;
        let own = self.shared.lock().own.as_ref().map(records::full_name);
        if let Some(name) = own.filter(|_| ended.is_ok())
            && let Ok(answer) = daemon.unregister(&name)
            && answer.recv_timeout(PATIENCE / 4).is_ok()
        {
            std::thread::sleep(SECOND_FAREWELL);
        }
        self.leaving = end(daemon);
        if let Some(leaving) = self.leaving.take()
            && leaving.recv_timeout(PATIENCE / 4) == Err(RecvTimeoutError::Timeout)
        {
            self.leaving = Some(leaving);
        }
        ended
    }

    fn follow(&mut self, daemon: &ServiceDaemon) -> Result<(), Trouble> {
        self.announce(daemon)?;
        let mut events = daemon.browse(SERVICE)?;
        let mut looked = Instant::now();
        let mut asked = looked;
        let mut lost = 0;
        loop {
            if self.shared.lock().stop {
                return Ok(());
            }
            let is_over = match events.recv_timeout(TICK) {
                Ok(ServiceEvent::SearchStopped(_)) | Err(RecvTimeoutError::Disconnected) => true,
                Ok(ServiceEvent::SearchStarted(on)) if on.contains(NOWHERE) => {
                    return Err(Trouble::Deaf);
                }
                Ok(event) => {
                    self.hear(event);
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
            };
            let refresh = std::mem::take(&mut self.shared.lock().refresh);
            if refresh {
                self.announce(daemon)?;
            }
            if looked.elapsed() >= TICK {
                check(daemon)?;
                looked = Instant::now();
            }
            let again = asked.elapsed() >= AGAIN;
            if refresh || again {
                lost = 0;
            } else if is_over && !self.shared.lock().stop {
                lost += 1;
                if lost > LOST_MAX {
                    return Err(Trouble::Flood);
                }
            }
            let lacking = self.is_lacking && asked.elapsed() >= LACKING;
            if refresh || lacking {
                // What is known is not asked for, so it is forgotten.
                self.is_lacking = false;
                daemon.stop_browse(SERVICE)?;
            }
            if refresh || again || lacking || is_over {
                events = daemon.browse(SERVICE)?;
                asked = Instant::now();
            }
        }
    }

    fn announce(&self, daemon: &ServiceDaemon) -> Result<(), Trouble> {
        if let Some(own) = &self.shared.lock().own {
            daemon.register(records::service(own)?)?;
        }
        Ok(())
    }

    fn hear(&mut self, event: ServiceEvent) {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                let Some((sighting, addresses)) = records::claim(&service) else {
                    self.is_lacking |= service.txt_properties.is_empty();
                    return;
                };
                let own = self.shared.lock().own.as_ref().map(|o| o.sighting.node);
                if own == Some(sighting.node) {
                    return;
                }
                if self.heard.len() < HEARD_MAX || self.heard.contains_key(&service.fullname) {
                    self.heard.insert(service.fullname, sighting.node);
                }
                (self.tell)(Found::Seen {
                    sighting,
                    addresses,
                });
            }
            ServiceEvent::ServiceRemoved(_, name) => {
                let Some(node) = self.heard.remove(&name) else {
                    return;
                };
                if self.heard.values().all(|other| *other != node) {
                    (self.tell)(Found::Gone { node });
                }
            }
            _ => {}
        }
    }
}

/// Whether the crate's thread answers, and what it keeps is within bounds.
fn check(daemon: &ServiceDaemon) -> Result<(), Trouble> {
    let answer = match daemon.get_metrics() {
        Ok(answer) => answer,
        Err(mdns_sd::Error::Again) => return Err(Trouble::Busy),
        Err(e) => return Err(e.into()),
    };
    let counts = answer.recv_timeout(PATIENCE).map_err(|_| Trouble::Busy)?;
    let count = |name: &str| counts.get(name).copied().unwrap_or(0);
    let kinds = ["ptr", "srv", "txt", "addr", "nsec", "subtype"];
    let records: i64 = kinds.iter().map(|k| count(&format!("cached-{k}"))).sum();
    let is_flooded =
        records > RECORDS_MAX || count("cached-txt") > TEXTS_MAX || count("timer") > TIMERS_MAX;
    if is_flooded {
        return Err(Trouble::Flood);
    }
    Ok(())
}
