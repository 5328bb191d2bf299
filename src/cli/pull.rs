//! `registry pull`.

use std::io::IsTerminal;
use std::time::Instant;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_peers::PullArgs;
use crate::cli::ask::is_yes;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::large;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::outputs;
use crate::cli::peers::connect_all;
use crate::cli::peers::net;
use crate::cli::peers::warn;
use crate::file_io::IfExists;
use crate::ident::Reference;
use crate::net::Net;
use crate::net::Peer;
use crate::protocol::ChunkSource;
use crate::protocol::PeerCatalog;
use crate::registry::Error;
use crate::registry::LocalRegistry;
use crate::registry::peers::AcceptedOffer;
use crate::registry::peers::Offer;
use crate::registry::peers::PullOptions;
use crate::registry::peers::PullReport;
use crate::trust::Action;
use crate::trust::Consent;
use crate::trust::Trust;
use crate::trust::Verdict;

pub(crate) fn run(
    registry: &LocalRegistry,
    args: &PullArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let started = Instant::now();
    let reference: Reference = args.reference.parse()?;
    // Before the work.
    let if_exists = match &args.output {
        Some(dest) => outputs::may_write(dest, cli, out)?,
        None => IfExists::Refuse,
    };
    let out = &out.beside(args.output.as_deref());
    let net = net(registry)?;
    let found = find(&net, registry, (&reference, Some(&reference)), args, out);
    let ((offer, who, faults), peers) = match found {
        // What a filter says came over a network on which anybody can say it.
        Err(Failure::Library(Error::NotAtPeers(_))) if args.peer.is_empty() => {
            find(&net, registry, (&reference, None), args, out)?
        }
        found => found?,
    };
    let faults: Vec<Failure> = faults.into_iter().map(Failure::from).collect();
    warn(&faults, (args.peer.is_empty(), peers.len()), out);
    let (accepted, is_by_hand) = accept(&offer, &reference, args, out)?;
    let having: Vec<&Peer> = who.iter().filter_map(|n| peers.get(*n)).collect();
    let sources: Vec<&dyn ChunkSource> = having.iter().map(|p| *p as _).collect();
    let is_here = registry.holds(&offer)?;
    let bar = Bar::new(out.is_quiet());
    let id = offer.manifest().content_id;
    let report = if is_here {
        if let Some(dest) = &args.output {
            let held = registry.get(&id)?;
            let held = held.ok_or_else(|| Error::NotFound(id.to_string()))?;
            large::check(registry, &held, cli, out)?;
            registry.checkout_over(&held, None, (dest, if_exists), &bar)?;
        }
        None
    } else {
        let mut options = PullOptions {
            output: args.output.clone(),
            allow_large: cli.allow_large,
            if_exists,
            ..PullOptions::default()
        };
        let pulled = match registry.pull(&accepted, &sources, options.clone(), &bar) {
            Err(Error::TooLarge { dataset, expansion })
                if bar.suspended(|| large::ask(&dataset, expansion, out)) =>
            {
                options.allow_large = true;
                registry.pull(&accepted, &sources, options, &bar)
            }
            pulled => pulled,
        };
        let report = pulled?;
        if is_by_hand {
            registry.note_accepted(offer.manifest())?;
        }
        Some(report)
    };
    drop(bar);
    let seconds = started.elapsed().as_secs_f64();
    told(&offer, report.as_ref(), &having, seconds, out)
}

/// An offer, the numbers of the peers that have it, and what others did instead of answering.
type Found = (Offer, Vec<usize>, Vec<Error>);

/// Asks the peers that were named, or else all whose filters do not say that they lack `wanted`.
fn find(
    net: &Net,
    registry: &LocalRegistry,
    (reference, wanted): (&Reference, Option<&Reference>),
    args: &PullArgs,
    out: &Out,
) -> Result<(Found, Vec<Peer>), Failure> {
    let peers = connect_all(net, registry, &args.peer, (wanted, out))?;
    let catalogs: Vec<&dyn PeerCatalog> = peers.iter().map(|p| p as _).collect();
    let found = registry.resolve_remote(reference, &catalogs)?;
    Ok((found, peers))
}

fn told(
    offer: &Offer,
    report: Option<&PullReport>,
    peers: &[&Peer],
    seconds: f64,
    out: &Out,
) -> Result<(), Failure> {
    let m = offer.manifest();
    let id = m.content_id.to_string();
    let received: u64 = peers.iter().map(|p| p.traffic().received).sum();
    let (fetched, local) = report.map_or((0, 0), |r| (r.chunks_fetched, r.chunks_local));
    let reports = report.map(|r| r.sources.as_slice()).unwrap_or_default();
    let sources: Vec<_> = reports
        .iter()
        .zip(peers)
        .map(|(source, peer)| {
            json!({
                "node_id": source.node_id.to_hex(), "address": source.address,
                "chunks": source.chunks, "bytes_received": peer.traffic().received,
                "gave_up": source.gave_up,
            })
        })
        .collect();
    let object = json!({
        "content_id": id, "name": m.name.to_string(), "version": m.dataset_version.to_string(),
        "trust": offer.listed.trust().name(), "publisher": offer.listed.publisher(),
        "size_bytes": m.size_bytes, "chunks_fetched": fetched, "chunks_local": local,
        "bytes_received": received, "sources": sources, "already_here": report.is_none(),
        "seconds": seconds,
    });
    let did = match report {
        Some(_) => "Pulled",
        None => "Already here:",
    };
    let by = offer.listed.publisher_short().map(|p| format!(" by {p}"));
    let mut text = format!(
        "{did} {}@{}{}, trust {}: {}, {} received, {fetched} chunks new, {local} here before, {seconds:.2} s\n  {id}\n",
        m.name,
        m.dataset_version,
        by.unwrap_or_default(),
        offer.listed.trust().name(),
        human_bytes(m.size_bytes),
        human_bytes(received),
    );
    if reports.len() > 1 {
        for (source, peer) in reports.iter().zip(peers) {
            text += &format!(
                "  {} chunks, {} from {}\n",
                source.chunks,
                human_bytes(peer.traffic().received),
                source.address
            );
        }
    }
    if !out.is_quiet() {
        for source in reports {
            if let Some(reason) = &source.gave_up {
                out.diagnostic(&format!(
                    "warning: gave up peer {}: {reason}",
                    source.address
                ));
            }
        }
    }
    Ok(out.result(&object, &[id], &text)?)
}

/// Whether trust lets it in, and whether a person did. The whole content id is a choice of bytes; a name
/// is not.
fn accept(
    offer: &Offer,
    reference: &Reference,
    args: &PullArgs,
    out: &Out,
) -> Result<(AcceptedOffer, bool), Failure> {
    let listed = &offer.listed;
    let m = offer.manifest();
    let name = format!("{}@{}", m.name, m.dataset_version);
    let is_whole = names_whole_content(reference, offer);
    let action = match is_whole {
        true => Action::PullById,
        false => Action::PullByName,
    };
    let decision = listed.decide(action);
    let refused = |reason: &str| Failure::NotTrusted(format!("`{name}`: {reason}"));
    if let (Some(reason), false) = (&listed.withdrawn, is_whole) {
        return Err(refused(&format!("withdrawn by its publisher: {reason}")));
    }
    if decision.verdict != Verdict::Ask {
        let accepted = offer.accept(action, Consent::NotAsked);
        let accepted = accepted.map_err(|error| match error {
            Error::NotTrusted { reason, .. } => refused(&reason),
            other => other.into(),
        });
        return Ok((accepted?, false));
    }
    let named = listed
        .signer
        .is_some_and(|key| args.accept_publisher.contains(&key));
    let unsigned = listed.trust() == Trust::Unsigned && args.accept_unsigned;
    if named || unsigned || ask(offer, &name, &listed.reason(action), out) {
        return Ok((offer.accept(action, Consent::Given)?, true));
    }
    if interrupt::was_asked_for() {
        return Err(Error::Interrupted.into());
    }
    let way = match listed.signer {
        Some(key) => format!("`--accept-publisher {key}` takes it this once"),
        None => "`--accept-unsigned` takes it this once".to_owned(),
    };
    Err(refused(&format!("{}; {way}", listed.reason(action))))
}

/// Whether a reference is the whole content id of an offer, with or without `alimentar:`. A dataset
/// that is merely called so is not meant.
fn names_whole_content(reference: &Reference, offer: &Offer) -> bool {
    let digits = match reference {
        Reference::Content(digits) => Some(digits),
        Reference::Name { or_content, .. } => or_content.as_ref(),
    };
    digits.is_some_and(|d| d.as_str() == offer.manifest().content_id.to_hex())
}

/// Asks on the terminal. Only a clear yes is one.
fn ask(offer: &Offer, name: &str, reason: &str, out: &Out) -> bool {
    if !std::io::stdin().is_terminal() || out.is_json() || out.is_quiet() {
        return false;
    }
    let by = match offer.listed.signer {
        Some(key) => format!("signed by {key}"),
        None => "not signed".to_owned(),
    };
    let size = human_bytes(offer.manifest().size_bytes);
    is_yes(
        &format!("`{name}` ({size}) is {by}: {reason}. Pull it?"),
        out,
    )
}
