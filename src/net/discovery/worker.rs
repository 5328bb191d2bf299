//! The discovery thread: follows the crate's events, keeps bounds, and restarts the crate
//! when it breaks.
//!
//! The crate keeps every received record for as long as its sender says, and ends a subscription that is
//! not drained. So the thread reads its counters, and ends it when they are large.

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
use crate::net::discovery::event::DiscoveryEvent;
use crate::net::discovery::event::EventSink;
use crate::net::discovery::records;
use crate::net::discovery::shared::Shared;
use crate::protocol::SERVICE;

/// Interval of the check for changed interfaces, in seconds.
const INTERFACES_SECONDS: u32 = 5;
/// Interval of the check of the counters.
const TICK: Duration = Duration::from_secs(2);
/// Maximum time for the crate's thread to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Interval of new queries for present nodes. The crate reports changes, not presence.
const AGAIN: Duration = Duration::from_secs(240);
/// Time before new queries when a record was incomplete.
const LACKING: Duration = Duration::from_secs(5);
/// Maximum number of subscriptions that end because they are full.
const LOST_MAX: u32 = 3;
/// Maximum records in the crate, of all kinds; a text record takes nearly 9 kB at worst.
const RECORDS_MAX: i64 = 16_384;
const TEXTS_MAX: i64 = 4_096;
/// Maximum timers in the crate: two for every received record, also for a repeated one.
const TIMERS_MAX: i64 = 262_144;
/// First pause after trouble; it doubles every time.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Time without trouble after which the pauses are short again.
const STEADY: Duration = Duration::from_secs(300);
/// The crate repeats a farewell after 120 ms.
const SECOND_FAREWELL: Duration = Duration::from_millis(150);
/// The crate's message that it has no interface: there is none, or it could not open its sockets, which
/// it neither reports nor retries.
const NOWHERE: &str = " on 0 interfaces ";
/// Maximum number of remembered names, for reports of their end.
const SEEN_SERVICES_MAX: usize = 2_048;

pub(super) struct Worker {
    shared: Arc<Shared>,
    sink: EventSink,
    seen_services: BTreeMap<String, NodeId>,
    /// Set if a service came without its record. The crate never queries that alone, and a responder
    /// omits data that it sent within the last second.
    is_lacking: bool,
    /// A thread of the crate that was asked to end and has not answered yet.
    leaving: Option<Receiver<DaemonStatus>>,
    /// Dropped last, as the signal of the thread's end.
    _end: mpsc::Sender<()>,
}

/// The reason to give up the crate's thread.
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

/// Starts a thread of the crate with this program's settings.
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

/// Asks a thread of the crate to end; dropping its handles does not.
pub(super) fn end(daemon: &ServiceDaemon) -> Option<Receiver<DaemonStatus>> {
    for _ in 0..5 {
        match daemon.shutdown() {
            Ok(reply) => return Some(reply),
            Err(mdns_sd::Error::Again) => std::thread::sleep(Duration::from_millis(50)),
            Err(_) => return None,
        }
    }
    None
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, sink: EventSink, end: mpsc::Sender<()>) -> Self {
        Self {
            shared,
            sink,
            seen_services: BTreeMap::new(),
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
            self.seen_services.clear();
            let reason = trouble.to_string();
            (self.sink)(DiscoveryEvent::Trouble { reason });
            if began.elapsed() >= STEADY {
                pause = PAUSE_MIN;
            }
            if self.shared.pause(pause) {
                return;
            }
            pause = (pause * 2).min(PAUSE_MAX);
            // A hanging thread is waited for, because others beside it would hang as well.
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

    /// Follows one thread of the crate until a stop is asked for, or it breaks.
    fn serve(&mut self, daemon: &ServiceDaemon) -> Result<(), Trouble> {
        self.shared.lock().daemon = Some(daemon.clone());
        let ended = self.follow(daemon);
        self.shared.lock().daemon = None;
        let own = self.shared.lock().own.as_ref().map(records::full_name);
        if let Some(name) = own.filter(|_| ended.is_ok())
            && let Ok(reply) = daemon.unregister(&name)
            && reply.recv_timeout(PATIENCE / 4).is_ok()
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
                    self.handle_event(event);
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
                // The crate does not query known data, so it is forgotten.
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

    fn handle_event(&mut self, event: ServiceEvent) {
        match event {
            ServiceEvent::ServiceResolved(service) => {
                let Some((record, addresses)) = records::claim(&service) else {
                    self.is_lacking |= service.txt_properties.is_empty();
                    return;
                };
                let own = self.shared.lock().own.as_ref().map(|o| o.record.node);
                if own == Some(record.node) {
                    return;
                }
                if self.seen_services.len() < SEEN_SERVICES_MAX
                    || self.seen_services.contains_key(&service.fullname)
                {
                    self.seen_services.insert(service.fullname, record.node);
                }
                (self.sink)(DiscoveryEvent::Seen { record, addresses });
            }
            ServiceEvent::ServiceRemoved(_, name) => {
                let Some(node) = self.seen_services.remove(&name) else {
                    return;
                };
                if self.seen_services.values().all(|other| *other != node) {
                    (self.sink)(DiscoveryEvent::Gone { node });
                }
            }
            _ => {}
        }
    }
}

/// Checks that the crate's thread answers, and that its counters are within bounds.
fn check(daemon: &ServiceDaemon) -> Result<(), Trouble> {
    let reply = match daemon.get_metrics() {
        Ok(reply) => reply,
        Err(mdns_sd::Error::Again) => return Err(Trouble::Busy),
        Err(e) => return Err(e.into()),
    };
    let counts = reply.recv_timeout(PATIENCE).map_err(|_| Trouble::Busy)?;
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
