//! `registry sync`.

use std::time::Instant;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_peers::SyncArgs;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::peers::connect_all;
use crate::cli::peers::net;
use crate::cli::peers::warn;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::net::Traffic;
use crate::protocol::PeerCatalog as _;
use crate::registry::LocalRegistry;
use crate::registry::peers::Offer;
use crate::registry::peers::Showing;
use crate::registry::peers::SyncOptions;
use crate::registry::peers::SyncReport;
use crate::trust::Action;
use crate::trust::Verdict;

/// What all peers together gave.
#[derive(Default)]
struct Sum {
    report: SyncReport,
    traffic: Traffic,
    peers: Vec<Value>,
    text: String,
    failures: Vec<Failure>,
}

pub(crate) fn run(
    registry: &LocalRegistry,
    args: &SyncArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let started = Instant::now();
    let net = net(registry)?;
    let peers = connect_all(&net, registry, &args.peer, (None, out))?;
    let options = SyncOptions {
        showing: Showing {
            unsigned: args.share_unsigned,
        },
        all: args.all,
        accept_unsigned: args.accept_unsigned,
        accept_publishers: args.accept_publisher.clone(),
        allow_large: cli.allow_large,
    };
    let mut sum = Sum::default();
    for peer in &peers {
        let bar = Bar::new(out.is_quiet());
        let done = registry.sync(peer, &options, &bar);
        drop(bar);
        let traffic = peer.traffic();
        match done {
            Ok(report) => {
                let is_by_hand =
                    |o: &&Offer| o.listed.decide(Action::Fetch).verdict != Verdict::Accept;
                for offer in report.pulled.iter().filter(is_by_hand) {
                    registry.note_accepted(offer.manifest())?;
                }
                sum.add(report, traffic, &peer.address(), peer.id().to_hex());
            }
            Err(error) if peers.len() > 1 && error.kind() != ErrorKind::Interrupted => {
                sum.failures.push(error.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    warn(&sum.failures, (args.peer.is_empty(), peers.len()), out);
    sum.tell(started.elapsed().as_secs_f64(), out)
}

impl Sum {
    fn add(&mut self, report: SyncReport, traffic: Traffic, address: &str, node_id: String) {
        self.text += &format!(
            "Synced with {address}: {} manifest(s) received, {} sent, {} dataset(s) pulled, {} received\n",
            report.received,
            report.sent,
            report.pulled.len(),
            human_bytes(traffic.received),
        );
        for offer in &report.pulled {
            self.text += &format!("  pulled {}\n", label(offer));
        }
        for (offer, reason) in &report.failed {
            self.text += &format!("  failed {}: {reason}\n", label(offer));
        }
        for (offer, reason) in report.left.iter().take(10) {
            self.text += &format!("  left   {}: {reason}\n", label(offer));
        }
        if report.left.len() > 10 {
            self.text += &format!("  left   {} more\n", report.left.len() - 10);
        }
        self.peers.push(json!({
            "node_id": node_id, "address": address, "datasets_pulled": report.pulled.len(),
            "bytes_received": traffic.received, "bytes_sent": traffic.sent,
        }));
        let all = &mut self.report;
        all.received += report.received;
        all.sent += report.sent;
        all.comparing.add(&report.comparing);
        all.chunks += report.chunks;
        all.pulled.extend(report.pulled);
        all.failed.extend(report.failed);
        all.left.extend(report.left);
        self.traffic.received += traffic.received;
        self.traffic.sent += traffic.sent;
        self.traffic.round_trips += traffic.round_trips;
    }

    fn tell(self, seconds: f64, out: &Out) -> Result<(), Failure> {
        let report = &self.report;
        let object = |offer: &Offer| {
            let m = offer.manifest();
            json!({
                "content_id": m.content_id.to_string(), "name": m.name.to_string(),
                "version": m.dataset_version.to_string(), "trust": offer.listed.trust().name(),
            })
        };
        let with_reason = |(offer, reason): (&Offer, &str)| {
            let mut object = object(offer);
            object["reason"] = json!(reason);
            object
        };
        let failed = report.failed.iter().map(|(o, r)| (o, r.as_str()));
        let left = report.left.iter().map(|(o, r)| (o, r.as_ref()));
        let all = json!({
            "manifests_received": report.received, "manifests_sent": report.sent,
            "datasets_pulled": report.pulled.len(), "chunks_received": report.chunks,
            "bytes_received": self.traffic.received, "bytes_sent": self.traffic.sent,
            "round_trips": self.traffic.round_trips, "seconds": seconds,
            "comparing": json!({
                "way": report.comparing.way.name(), "round_trips": report.comparing.round_trips,
                "sent_bytes": report.comparing.sent_bytes,
                "received_bytes": report.comparing.received_bytes,
                "symbols": report.comparing.symbols,
            }),
            "pulled": report.pulled.iter().map(object).collect::<Vec<_>>(),
            "failed": failed.map(with_reason).collect::<Vec<_>>(),
            "left": left.map(with_reason).collect::<Vec<_>>(), "peers": self.peers,
        });
        let ids: Vec<String> = report
            .pulled
            .iter()
            .map(|o| o.manifest().content_id.to_string())
            .collect();
        out.result(&all, &ids, &self.text)?;
        match (report.failed.len(), self.failures.is_empty()) {
            (0, true) => Ok(()),
            (0, false) => Err(Failure::Partial("a peer did not answer".to_owned())),
            (n, _) => Err(Failure::Partial(format!(
                "{n} dataset(s) could not be pulled"
            ))),
        }
    }
}

fn label(offer: &Offer) -> String {
    let m = offer.manifest();
    let by = offer.listed.publisher_short();
    let by = by.map(|p| format!(" by {p}")).unwrap_or_default();
    format!("{}@{}{by}", m.name, m.dataset_version)
}
