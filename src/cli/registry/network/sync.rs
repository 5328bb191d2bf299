//! `registry sync`: compares catalogues with peers, and pulls the datasets of trusted publishers.

use std::time::Instant;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::human_bytes;
use crate::cli::registry::network::connect::connect_all;
use crate::cli::registry::network::connect::open_net;
use crate::cli::registry::network::connect::warn_about_silent_peers;
use crate::error_kind::Classify as _;
use crate::error_kind::ErrorKind;
use crate::ident::PublisherKey;
use crate::net::PeerAddress;
use crate::net::Traffic;
use crate::protocol::PeerCatalog as _;
use crate::registry::peers::Offer;
use crate::registry::peers::Showing;
use crate::registry::peers::SyncOptions;
use crate::registry::peers::SyncReport;
use crate::trust::Action;
use crate::trust::Verdict;

/// Compare catalogues with a peer, and pull the datasets of trusted publishers
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar sync --peer lab-a:8765
  alimentar sync")]
pub(crate) struct SyncArgs {
    /// host:port or nodeid@host:port; may be given several times [default: every peer that is found
    /// or known]
    #[arg(long, value_name = "ADDR")]
    peer: Vec<PeerAddress>,
    /// Also pull content of publishers not trusted in full
    #[arg(long)]
    all: bool,
    /// Also pull datasets without a signature
    #[arg(long)]
    accept_unsigned: bool,
    /// Also pull content of this publisher; may be given several times
    #[arg(long, value_name = "KEYHEX")]
    accept_publisher: Vec<PublisherKey>,
    /// Offer the peer also unsigned datasets that were made here
    #[arg(long)]
    share_unsigned: bool,
}

#[derive(Serialize)]
struct SyncOutput {
    manifests_received: u64,
    manifests_sent: u64,
    datasets_pulled: usize,
    chunks_received: u64,
    bytes_received: u64,
    bytes_sent: u64,
    round_trips: u64,
    seconds: f64,
    comparing: ComparingObject,
    pulled: Vec<OfferObject>,
    failed: Vec<OfferObject>,
    left: Vec<OfferObject>,
    peers: Vec<PeerObject>,
}

/// The cost of the comparison of catalogues.
#[derive(Serialize)]
struct ComparingObject {
    way: &'static str,
    round_trips: u32,
    sent_bytes: u64,
    received_bytes: u64,
    symbols: u64,
}

#[derive(Serialize)]
struct OfferObject {
    content_id: String,
    name: String,
    version: String,
    trust: &'static str,
    /// The reason why the dataset was not pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct PeerObject {
    node_id: String,
    address: String,
    datasets_pulled: usize,
    bytes_received: u64,
    bytes_sent: u64,
}

/// The results of all peers together.
#[derive(Default)]
struct Totals {
    report: SyncReport,
    traffic: Traffic,
    peers: Vec<PeerObject>,
    text: String,
    failures: Vec<Failure>,
}

/// The most datasets per peer that people see as left out.
const LEFT_SHOWN: usize = 10;

pub(crate) fn run(ctx: &Context, args: &SyncArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let started = Instant::now();
    let net = open_net(registry)?;
    let named = ctx.peers_or_default(&args.peer);
    let peers = connect_all(ctx, &net, named, None)?;
    let options = SyncOptions {
        showing: Showing {
            unsigned: args.share_unsigned,
        },
        all: args.all,
        accept_unsigned: args.accept_unsigned,
        accept_publishers: args.accept_publisher.clone(),
        allow_large: ctx.global.allow_large,
    };
    let mut totals = Totals::default();
    for peer in &peers {
        let bar = ctx.progress_bar();
        let synced = registry.peers().sync(peer, &options, &bar);
        drop(bar);
        match synced {
            Ok(report) => {
                let is_by_person =
                    |o: &&Offer| o.listed.decide(Action::Fetch).verdict != Verdict::Accept;
                for offer in report.pulled.iter().filter(is_by_person) {
                    registry.trust().note_accepted(offer.manifest())?;
                }
                totals.add(
                    report,
                    peer.traffic(),
                    peer.address(),
                    peer.node_id().to_hex(),
                );
            }
            Err(error) if peers.len() > 1 && error.kind() != ErrorKind::Interrupted => {
                totals.failures.push(error.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
    warn_about_silent_peers(ctx.out, &totals.failures, named.is_empty(), peers.len());
    totals.print(ctx, started.elapsed().as_secs_f64())
}

impl Totals {
    fn add(&mut self, report: SyncReport, traffic: Traffic, address: String, node_id: String) {
        self.text += &format!(
            "Synced with {address}: {} manifest(s) received, {} sent, {} dataset(s) pulled, {} received\n",
            report.received,
            report.sent,
            report.pulled.len(),
            human_bytes(traffic.received),
        );
        for offer in &report.pulled {
            self.text += &format!("  pulled {}\n", label_of(offer));
        }
        for (offer, reason) in &report.failed {
            self.text += &format!("  failed {}: {reason}\n", label_of(offer));
        }
        for (offer, reason) in report.left.iter().take(LEFT_SHOWN) {
            self.text += &format!("  left   {}: {reason}\n", label_of(offer));
        }
        if report.left.len() > LEFT_SHOWN {
            self.text += &format!("  left   {} more\n", report.left.len() - LEFT_SHOWN);
        }
        self.peers.push(PeerObject {
            node_id,
            address,
            datasets_pulled: report.pulled.len(),
            bytes_received: traffic.received,
            bytes_sent: traffic.sent,
        });
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

    fn print(self, ctx: &Context, seconds: f64) -> Result<(), Failure> {
        let report = &self.report;
        let failed = report.failed.iter();
        let left = report.left.iter();
        let output = SyncOutput {
            manifests_received: report.received,
            manifests_sent: report.sent,
            datasets_pulled: report.pulled.len(),
            chunks_received: report.chunks,
            bytes_received: self.traffic.received,
            bytes_sent: self.traffic.sent,
            round_trips: self.traffic.round_trips,
            seconds,
            comparing: ComparingObject {
                way: report.comparing.way.name(),
                round_trips: report.comparing.round_trips,
                sent_bytes: report.comparing.sent_bytes,
                received_bytes: report.comparing.received_bytes,
                symbols: report.comparing.symbols,
            },
            pulled: report
                .pulled
                .iter()
                .map(|offer| OfferObject::of(offer, None))
                .collect(),
            failed: failed
                .map(|(offer, reason)| OfferObject::of(offer, Some(reason)))
                .collect(),
            left: left
                .map(|(offer, reason)| OfferObject::of(offer, Some(reason)))
                .collect(),
            peers: self.peers,
        };
        let ids: Vec<String> = output.pulled.iter().map(|o| o.content_id.clone()).collect();
        ctx.out.result(&output, &ids, &self.text)?;
        match (report.failed.len(), self.failures.is_empty()) {
            (0, true) => Ok(()),
            (0, false) => Err(Failure::Partial("a peer did not answer".to_owned())),
            (n, _) => Err(Failure::Partial(format!(
                "{n} dataset(s) could not be pulled"
            ))),
        }
    }
}

impl OfferObject {
    fn of(offer: &Offer, reason: Option<&str>) -> Self {
        let m = offer.manifest();
        Self {
            content_id: m.content_id.to_string(),
            name: m.name.to_string(),
            version: m.dataset_version.to_string(),
            trust: offer.listed.trust().name(),
            reason: reason.map(str::to_owned),
        }
    }
}

fn label_of(offer: &Offer) -> String {
    let m = offer.manifest();
    let by = offer.listed.publisher_short();
    let by = by.map(|p| format!(" by {p}")).unwrap_or_default();
    format!("{}@{}{by}", m.name, m.dataset_version)
}
