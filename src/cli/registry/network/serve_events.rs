//! Events of a serving node, as JSON and as sentences.

use serde_json::Value;
use serde_json::json;

use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::ident::NodeId;
use crate::net::Event;

/// Formats an event as JSON.
pub(super) fn event_object(event: &Event) -> Value {
    match event {
        Event::Ready { node_id, addresses } => json!({
            "event": "ready", "node_id": node_id.to_hex(),
            "addr": addresses.first().map(ToString::to_string),
            "addrs": addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        Event::Connected { peer, address } => json!({
            "event": "connected", "peer": peer.to_hex(), "addr": address.to_string(),
        }),
        Event::Refused {
            peer,
            address,
            reason,
        } => json!({
            "event": "refused", "peer": peer.map(|p| p.to_hex()), "addr": address.to_string(),
            "reason": reason,
        }),
        Event::Disconnected {
            peer,
            address,
            reason,
            sent_bytes,
            requests,
        } => json!({
            "event": "disconnected", "peer": peer.to_hex(), "addr": address.to_string(),
            "reason": reason, "sent_bytes": sent_bytes, "requests": requests,
        }),
        Event::Answered {
            peer,
            request,
            bytes,
            seconds,
        } => json!({
            "event": "answered", "peer": peer.to_hex(), "request": request, "bytes": bytes,
            "seconds": seconds,
        }),
        Event::Failed {
            peer,
            request,
            error,
        } => json!({
            "event": "failed", "peer": peer.to_hex(), "request": request, "error": error,
        }),
        Event::Found { peer, addresses } => json!({
            "event": "found", "peer": peer.to_hex(),
            "addrs": addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        Event::Left { peer } => json!({"event": "left", "peer": peer.to_hex()}),
        Event::Compared {
            peer,
            received,
            sent,
        } => json!({
            "event": "compared", "peer": peer.to_hex(), "manifests_received": received,
            "manifests_sent": sent,
        }),
        Event::Unreachable { peer, error } => json!({
            "event": "unreachable", "peer": peer.to_hex(), "error": error,
        }),
        Event::Followed {
            content,
            label,
            sources,
            chunks,
            seconds,
        } => json!({
            "event": "followed", "content_id": content.to_string(), "dataset": label,
            "sources": sources.iter().map(NodeId::to_hex).collect::<Vec<_>>(),
            "chunks_fetched": chunks, "seconds": seconds,
        }),
        Event::NotFollowed {
            content,
            label,
            error,
        } => json!({
            "event": "not_followed", "content_id": content.to_string(), "dataset": label,
            "error": error,
        }),
        Event::Retired { labels } => json!({"event": "retired", "datasets": labels}),
        Event::LeftOut { of, count } => json!({"event": "left_out", "of": of, "count": count}),
        Event::Trouble { what } => json!({"event": "trouble", "error": what}),
        Event::Stopping => json!({"event": "stopping"}),
        Event::Stopped => json!({"event": "stopped"}),
    }
}

/// Formats an event for people.
pub(super) fn event_sentence(event: &Event) -> String {
    let short = |id: &NodeId| id.to_hex().chars().take(16).collect::<String>();
    let text = match event {
        Event::Ready { node_id, addresses } => {
            let places: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            format!("Serving at {} as node {node_id}", places.join(", "))
        }
        Event::Connected { peer, address } => format!("{}… connected from {address}", short(peer)),
        Event::Refused {
            peer,
            address,
            reason,
        } => {
            let who = peer.map(|p| short(&p) + "… ").unwrap_or_default();
            format!("{who}refused at {address}: {reason}")
        }
        Event::Disconnected {
            peer,
            sent_bytes,
            requests,
            reason,
            ..
        } => format!(
            "{}… gone after {requests} requests and {}: {reason}",
            short(peer),
            human_bytes(*sent_bytes)
        ),
        Event::Answered {
            peer,
            request,
            bytes,
            seconds,
        } => format!(
            "{}… {request}: {} in {seconds:.3} s",
            short(peer),
            human_bytes(*bytes)
        ),
        Event::Failed {
            peer,
            request,
            error,
        } => format!("{}… {request} failed here: {error}", short(peer)),
        Event::Found { peer, addresses } => {
            let first = addresses.first().map(ToString::to_string);
            format!("{}… found at {}", short(peer), first.unwrap_or_default())
        }
        Event::Left { peer } => format!("{}… has left", short(peer)),
        Event::Compared {
            peer,
            received,
            sent,
        } => format!(
            "{}… compared catalogues: {received} received, {sent} sent",
            short(peer)
        ),
        Event::Unreachable { peer, error } => format!("{}… not reached: {error}", short(peer)),
        Event::Followed {
            label,
            sources,
            chunks,
            seconds,
            ..
        } => {
            let from: Vec<String> = sources.iter().map(|s| short(s) + "…").collect();
            format!(
                "Followed {label} from {}: {chunks} chunks in {seconds:.2} s",
                from.join(", ")
            )
        }
        Event::NotFollowed { label, error, .. } => {
            format!("Could not fetch {label}, which is followed: {error}")
        }
        Event::Retired { labels } => format!("Gave up {}", labels.join(", ")),
        Event::LeftOut { of, count } => format!("{count} more of \"{of}\", not told one by one"),
        Event::Trouble { what } => format!("Trouble: {what}"),
        Event::Stopping => "Stopping: no new requests".to_owned(),
        Event::Stopped => "Stopped".to_owned(),
    };
    printable(&text)
}
