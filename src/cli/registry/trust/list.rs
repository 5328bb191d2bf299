//! `registry trust list`: the publishers known here, and those that were accepted by hand.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::registry::trust::publisher::PublisherObject;
use crate::ident::PublisherKey;
use crate::registry::AcceptedByHand;
use crate::trust::Publisher;
use crate::trust::TrustStore;

/// List the publishers known here, and those that were accepted by hand
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar trust list")]
pub(crate) struct ListArgs {}

#[derive(Serialize)]
struct ListOutput {
    publishers: Vec<ListedPublisher>,
}

#[derive(Serialize)]
struct ListedPublisher {
    #[serde(flatten)]
    publisher: PublisherObject,
    accepted: Option<AcceptedObject>,
}

/// The datasets of a publisher that a person accepted.
#[derive(Clone, Serialize)]
struct AcceptedObject {
    /// The time of the last one.
    at: String,
    /// The last one.
    dataset: String,
    /// Their number.
    datasets: u64,
}

pub(super) fn run(ctx: &Context, _args: &ListArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    let believed = registry.trust().store()?;
    let by_key = group_by_publisher(&registry.trust().accepted_by_hand()?);
    let (mut listed, mut rows, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for p in believed.file().publishers() {
        let object = ListedPublisher {
            publisher: PublisherObject::of(&believed, p),
            accepted: by_key.get(&p.key).cloned(),
        };
        rows.push(object.row(&format_limits(&believed, p)));
        ids.push(p.name.to_string());
        listed.push(object);
    }
    for (key, accepted) in by_key.iter().filter(|(k, _)| believed.alias(k).is_none()) {
        let object = ListedPublisher {
            publisher: PublisherObject::of_key(&believed, key),
            accepted: Some(accepted.clone()),
        };
        rows.push(object.row(""));
        ids.push(key.to_hex());
        listed.push(object);
    }
    let text = match rows.as_slice() {
        [] => {
            "Nobody is known here yet: `alimentar registry trust add NAME KEY` adds a publisher\n"
                .to_owned()
        }
        rows => ctx
            .out
            .table(&["NAME", "LEVEL", "PUBLIC KEY", "NOTE"], rows),
    };
    let output = ListOutput { publishers: listed };
    Ok(ctx.out.result(&output, &ids, &text)?)
}

/// Groups the datasets that a person accepted by their publisher.
fn group_by_publisher(accepted: &[AcceptedByHand]) -> BTreeMap<PublisherKey, AcceptedObject> {
    let mut by_key: BTreeMap<PublisherKey, AcceptedObject> = BTreeMap::new();
    for a in accepted {
        if let Some(key) = a.key {
            let before = by_key.get(&key).map_or(0, |o| o.datasets);
            let last = AcceptedObject {
                at: a.at.to_rfc3339(),
                dataset: a.dataset.clone(),
                datasets: before + 1,
            };
            by_key.insert(key, last);
        }
    }
    by_key
}

impl ListedPublisher {
    /// The row of a table. `limits` are the limits of the publisher.
    fn row(&self, limits: &str) -> Vec<String> {
        let p = &self.publisher;
        let by_hand = self.accepted.as_ref().map(|accepted| {
            let day = accepted.at.split('T').next().unwrap_or_default();
            format!("accepted by hand: {}, {day}", accepted.dataset)
        });
        let reason = p.reason.as_ref().map(|why| format!("revoked: {why}"));
        let reason = reason.filter(|_| p.level == "revoked");
        let notes = [Some(limits.to_owned()), reason, by_hand];
        let notes: Vec<String> = notes
            .into_iter()
            .flatten()
            .filter(|n| !n.is_empty())
            .collect();
        vec![
            p.name.clone().unwrap_or_else(|| "-".to_owned()),
            p.level.to_owned(),
            p.public_key.clone(),
            notes.join("; "),
        ]
    }
}

/// The limits of a publisher, and the key that it proposes.
fn format_limits(believed: &TrustStore, p: &Publisher) -> String {
    let until = p.until.map(|t| format!("until {}", t.to_rfc3339()));
    let proposed = believed.proposed(&p.key);
    let proposed = proposed.first().map(|to| format!("proposes the key {to}"));
    let parts = p.names.iter().cloned().chain(until).chain(proposed);
    parts.collect::<Vec<_>>().join(" ")
}
