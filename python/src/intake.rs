//! Functions that bring datasets into the registry: `index` and `pull`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use alimentar::error_kind::ErrorKind;
use alimentar::ident::PublisherKey;
use alimentar::ident::Reference;
use alimentar::net::DialTarget;
use alimentar::net::Net;
use alimentar::net::Peer;
use alimentar::net::PeerAddress;
use alimentar::net::Stop;
use alimentar::net::select_peers;
use alimentar::progress::Progress;
use alimentar::protocol::ChunkSource;
use alimentar::protocol::PeerCatalog;
use alimentar::registry::Error;
use alimentar::registry::IndexOptions;
use alimentar::registry::IndexReport;
use alimentar::registry::IntakeOptions;
use alimentar::registry::LocalRegistry;
use alimentar::registry::NodeError;
use alimentar::registry::RemoteSource;
use alimentar::registry::Skipped;
use alimentar::registry::peers::AcceptedOffer;
use alimentar::registry::peers::ConsentOutcome;
use alimentar::registry::peers::GivenConsent;
use alimentar::registry::peers::Offer;
use alimentar::registry::peers::PullOptions;
use alimentar::remote::RemoteUrl;
use pyo3::prelude::*;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::home;
use crate::objects;
use crate::work::Watch;
use crate::work::run;

/// Time after which a pull with one connection stops waiting for others.
const PATIENCE: Duration = Duration::from_secs(2);

/// Options of `index`, as Python passes them.
#[derive(Clone, Debug, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Metadata {
    name: Option<String>,
    version: Option<String>,
    description: Option<String>,
    license: Option<String>,
    tags: Vec<String>,
    card: Option<PathBuf>,
    private: bool,
    include: Vec<String>,
    exclude: Vec<String>,
    follow_links: bool,
    full_schema: bool,
}

impl Metadata {
    fn options(&self) -> Result<IndexOptions, Failure> {
        let mut options = IndexOptions::default();
        options.name = self.name.as_deref().map(str::parse).transpose()?;
        options.version = self.version.as_deref().map(str::parse).transpose()?;
        options.description.clone_from(&self.description);
        options.license.clone_from(&self.license);
        options.tags.clone_from(&self.tags);
        options.card.clone_from(&self.card);
        options.private = self.private;
        options.exclude.clone_from(&self.exclude);
        options.follow_links = self.follow_links;
        options.full_schema = self.full_schema;
        Ok(options)
    }
}

/// Puts a file, a directory, or what is at a URL into the registry. Returns the result as JSON.
#[pyfunction]
#[pyo3(signature = (path, metadata, home=None, progress=None))]
pub(crate) fn index(
    py: Python<'_>,
    path: PathBuf,
    metadata: Metadata,
    home: Option<PathBuf>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let home = home::path_of(home)?;
    let url = path.to_str().filter(|text| RemoteUrl::looks_like_url(text));
    let url = url
        .map(RemoteUrl::parse)
        .transpose()
        .map_err(Failure::from)?;
    let remote = url.is_some().then(|| home::remote(&home)).transpose()?;
    run(py, progress, move |watch| {
        let began = Instant::now();
        let options = metadata.options()?;
        let registry = home::registry(&home, true)?;
        let (mut report, source) = match (&url, &remote) {
            (Some(url), Some(remote)) => {
                let source = RemoteSource::find(remote, url)?;
                let taking = IntakeOptions::new(options.clone(), metadata.include.clone());
                let taken = registry.take_in(&source, &taking, &**watch)?;
                let place = json!({
                    "url": taken.source.url,
                    "revision": taken.source.revision,
                    "validator": taken.source.validator,
                    "fetched_files": taken.fetched_files,
                    "fetched_bytes": taken.fetched_bytes,
                });
                (taken.index, json!({"source": place}))
            }
            _ => (registry.index(&path, &options, &**watch)?, json!({})),
        };
        let is_revised = revise(&registry, &options, &mut report)?;
        let seconds = began.elapsed().as_secs_f64();
        let object = indexed(&report, is_revised, seconds);
        Ok(objects::joined(object, source).to_string())
    })
}

/// Publishes new facts about content that was here already. Returns true if there were any.
fn revise(
    registry: &LocalRegistry,
    options: &IndexOptions,
    report: &mut IndexReport,
) -> Result<bool, Failure> {
    let Some((dataset, edit)) = report.revision.take() else {
        return Ok(false);
    };
    // Before the revision: its new words must not be shown to others.
    if options.private && !dataset.flags.private {
        registry.peers().unshare(&dataset)?;
    }
    report.manifest = registry
        .descriptions()
        .revise(&dataset, &edit, None)?
        .manifest;
    Ok(true)
}

fn indexed(report: &IndexReport, is_revised: bool, seconds: f64) -> Value {
    let m = &report.manifest;
    let skipped = |skipped: &Skipped| json!({"path": skipped.path.to_string_lossy(), "reason": skipped.why.name()});
    let left_out = report.skipped.iter().filter(|s| !s.why.is_asked_for());
    let warnings = report.warnings.iter();
    json!({
        "content_id": m.content_id.to_string(),
        "name": m.name.to_string(),
        "version": m.dataset_version.to_string(),
        "files": m.num_files,
        "rows": m.num_rows,
        "size_bytes": m.size_bytes,
        "chunks": report.chunks,
        "new_chunks": report.stats.new_chunks,
        "new_bytes": report.stats.new_bytes,
        "stored_bytes": report.stats.stored_bytes,
        "unchanged": report.unchanged,
        "revised": is_revised,
        "inherited": report.inherited.as_ref().map(|i| {
            json!({"version": i.version.to_string(), "fields": i.fields})
        }),
        "schema_from": report.schema_from.map(|from| from.to_string()),
        "schema_kept": report.schema_kept,
        "seconds": seconds,
        "skipped": report.skipped.iter().map(skipped).collect::<Vec<Value>>(),
        "warnings": warnings
            .map(|w| json!({"path": w.path.to_string_lossy(), "reason": w.reason}))
            .collect::<Vec<Value>>(),
        "left_out": left_out
            .map(|s| objects::joined(skipped(s), json!({"detail": s.why.reason()})))
            .collect::<Vec<Value>>(),
    })
}

/// Consent of the caller to a pull, as Python passes it.
#[derive(Clone, Debug, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Consent {
    pub(crate) publishers: Vec<String>,
    pub(crate) unsigned: bool,
    pub(crate) allow_large: bool,
}

/// Reads addresses of peers.
pub(crate) fn addresses(texts: &[String]) -> Result<Vec<PeerAddress>, Failure> {
    let address = |text: &String| {
        let parsed = text.parse::<PeerAddress>();
        parsed.map_err(|e| Failure::invalid(e.to_string()))
    };
    texts.iter().map(address).collect()
}

/// Accepts an offer, and says if the policy alone would not.
pub(crate) fn accept(
    offer: &Offer,
    reference: &Reference,
    consent: &Consent,
) -> Result<(AcceptedOffer, bool), Failure> {
    let publishers = consent.publishers.iter();
    let publishers = publishers.map(|text| text.parse::<PublisherKey>());
    let publishers: Vec<PublisherKey> = publishers.collect::<Result<_, _>>()?;
    let given = GivenConsent {
        publishers: &publishers,
        unsigned: consent.unsigned,
    };
    match offer.accept_for(reference, given, |_| false)? {
        ConsentOutcome::ByPolicy(accepted) => Ok((accepted, false)),
        ConsentOutcome::ByPerson(accepted) => Ok((accepted, true)),
        ConsentOutcome::Declined(reason) => {
            let way = match offer.listed.signer {
                Some(key) => format!("accept_publishers=[\"{key}\"] takes it this once"),
                None => "accept_unsigned=True takes it this once".to_owned(),
            };
            let message = format!("`{}`: {reason}", offer.label());
            Err(Failure::new(ErrorKind::Denied, message).with_hint(way))
        }
    }
}

/// Fetches a dataset from peers. Returns the result as JSON.
#[pyfunction]
#[pyo3(signature = (reference, peers, consent, home=None, progress=None))]
pub(crate) fn pull(
    py: Python<'_>,
    reference: String,
    peers: Vec<String>,
    consent: Consent,
    home: Option<PathBuf>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let home = home::path_of(home)?;
    run(py, progress, move |watch| {
        let registry = home::registry(&home, true)?;
        let reference: Reference = reference.parse()?;
        let named = addresses(&peers)?;
        pull_from(&registry, &reference, &named, &consent, watch).map(|made| made.to_string())
    })
}

fn pull_from(
    registry: &LocalRegistry,
    reference: &Reference,
    named: &[PeerAddress],
    consent: &Consent,
    watch: &Arc<Watch>,
) -> Result<Value, Failure> {
    let began = Instant::now();
    let asked = Arc::clone(watch);
    let stop = Stop::new(move || asked.cancelled());
    let net = Net::new(registry)?.until(stop.clone());
    let found = find_offer(registry, &net, reference, named, Some(reference), &stop);
    let (peers, offer, holders) = match found {
        // Filters are not signed, and anybody on the network can forge them.
        Err(Error::Node(NodeError::NotAtPeers(_))) if named.is_empty() => {
            find_offer(registry, &net, reference, named, None, &stop)?
        }
        found => found?,
    };
    let (accepted, is_by_person) = accept(&offer, reference, consent)?;
    let holders: Vec<&Peer> = holders.iter().filter_map(|n| peers.get(*n)).collect();
    let report = if registry.peers().holds(&offer)? {
        None
    } else {
        let sources: Vec<&dyn ChunkSource> = holders.iter().map(|p| *p as _).collect();
        let mut options = PullOptions::default();
        options.allow_large = consent.allow_large;
        let report = registry
            .peers()
            .pull(&accepted, &sources, options, &**watch)?;
        if is_by_person {
            registry.trust().note_accepted(offer.manifest())?;
        }
        Some(report)
    };
    let m = offer.manifest();
    let (fetched, local) = report
        .as_ref()
        .map_or((0, 0), |r| (r.chunks_fetched, r.chunks_local));
    let reports = report.iter().flat_map(|r| &r.sources).zip(&holders);
    let sources = reports.map(|(source, peer)| {
        json!({
            "node_id": source.node_id.to_hex(),
            "address": source.address,
            "chunks": source.chunks,
            "bytes_received": peer.traffic().received,
            "gave_up": source.gave_up,
        })
    });
    Ok(json!({
        "content_id": m.content_id.to_string(),
        "name": m.name.to_string(),
        "version": m.dataset_version.to_string(),
        "trust": offer.listed.trust().name(),
        "publisher": offer.listed.publisher(),
        "size_bytes": m.size_bytes,
        "chunks_fetched": fetched,
        "chunks_local": local,
        "bytes_received": holders.iter().map(|p| p.traffic().received).sum::<u64>(),
        "sources": sources.collect::<Vec<Value>>(),
        "already_here": report.is_none(),
        "seconds": began.elapsed().as_secs_f64(),
    }))
}

/// Peers that answered, their best offer, and the places of those that have it.
pub(crate) type FoundOffer = (Vec<Peer>, Offer, Vec<usize>);

/// Asks the `named` peers, or else all whose filters may have the `wanted` dataset.
pub(crate) fn find_offer(
    registry: &LocalRegistry,
    net: &Net,
    reference: &Reference,
    named: &[PeerAddress],
    wanted: Option<&Reference>,
    stop: &Stop,
) -> Result<FoundOffer, Error> {
    let places: Vec<DialTarget> = match named {
        [] => select_peers(registry, wanted, stop)?,
        named => named.iter().cloned().map(DialTarget::Typed).collect(),
    };
    let peers = connect(net, places, stop)?;
    let catalogs: Vec<&dyn PeerCatalog> = peers.iter().map(|p| p as _).collect();
    let (offer, holders, _) = registry.peers().resolve_remote(reference, &catalogs)?;
    Ok((peers, offer, holders))
}

/// Connects to all places at once, so that a silent peer does not delay the others.
fn connect(net: &Net, places: Vec<DialTarget>, stop: &Stop) -> Result<Vec<Peer>, Error> {
    let (began, is_met) = (Instant::now(), AtomicBool::new(false));
    let is_enough = || is_met.load(Ordering::Relaxed) && began.elapsed() > PATIENCE;
    let tried: Vec<Result<Peer, Error>> = std::thread::scope(|scope| {
        let connect = |place: DialTarget| {
            let (is_met, is_enough) = (&is_met, &is_enough);
            scope.spawn(move || {
                let peer = match place {
                    DialTarget::Typed(address) => net.connect(&address),
                    DialTarget::Found(node, addresses) => {
                        net.connect_found(node, addresses, is_enough)
                    }
                };
                is_met.fetch_or(peer.is_ok(), Ordering::Relaxed);
                peer
            })
        };
        let started: Vec<_> = places.into_iter().map(connect).collect();
        let gone = |_| Err(Error::Node(NodeError::NoPeer));
        started
            .into_iter()
            .map(|s| s.join().unwrap_or_else(gone))
            .collect()
    });
    if stop.is_asked_for() {
        return Err(Error::Interrupted);
    }
    let (mut peers, mut failed) = (Vec::new(), None);
    for peer in tried {
        match peer {
            Ok(peer) => peers.push(peer),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match (peers.is_empty(), failed) {
        (false, _) => Ok(peers),
        (true, Some(error)) => Err(error),
        (true, None) => Err(Error::Node(NodeError::NoPeer)),
    }
}
