//! `registry trust list`: who is known here, and whose data was accepted by hand.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::out::table;
use crate::cli::trust;
use crate::ident::PublisherKey;
use crate::registry::AcceptedByHand;
use crate::registry::LocalRegistry;
use crate::trust::Publisher;
use crate::trust::TrustStore;

pub(crate) fn list(registry: &LocalRegistry, out: &Out) -> Result<(), Failure> {
    let believed = registry.trust()?;
    let accepted = registry.accepted_by_hand()?;
    // The last of each publisher, and how many there are.
    let mut by_key: BTreeMap<PublisherKey, (&AcceptedByHand, u64)> = BTreeMap::new();
    for a in &accepted {
        if let Some(key) = a.key {
            let before = by_key.get(&key).map_or(0, |(_, n)| *n);
            by_key.insert(key, (a, before + 1));
        }
    }
    let mark = |object: &mut Value, key: &PublisherKey| {
        object["accepted"] = match by_key.get(key) {
            Some((last, n)) => {
                json!({"at": last.at.to_rfc3339(), "dataset": last.dataset, "datasets": n})
            }
            None => Value::Null,
        };
    };
    let (mut objects, mut rows, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    for p in believed.file().publishers() {
        let mut object = trust::object(&believed, p);
        mark(&mut object, &p.key);
        rows.push(row(&object, &note(&believed, p)));
        ids.push(p.name.to_string());
        objects.push(object);
    }
    for key in by_key.keys().filter(|k| believed.alias(k).is_none()) {
        let mut object = trust::key_object(&believed, key);
        mark(&mut object, key);
        rows.push(row(&object, ""));
        ids.push(key.to_hex());
        objects.push(object);
    }
    let text = match rows.as_slice() {
        [] => {
            "Nobody is known here yet: `alimentar registry trust add NAME KEY` adds a publisher\n"
                .to_owned()
        }
        rows => table(&["NAME", "LEVEL", "PUBLIC KEY", "NOTE"], rows),
    };
    Ok(out.result(&json!({"publishers": objects}), &ids, &text)?)
}

fn row(object: &Value, note: &str) -> Vec<String> {
    let text = |field: &str| object[field].as_str().unwrap_or("-").to_owned();
    let accepted = &object["accepted"];
    let by_hand = accepted["dataset"].as_str().map(|dataset| {
        let at = accepted["at"].as_str().unwrap_or_default();
        let day = at.split('T').next().unwrap_or_default();
        format!("accepted by hand: {dataset}, {day}")
    });
    let reason = object["reason"]
        .as_str()
        .map(|why| format!("revoked: {why}"));
    let reason = reason.filter(|_| object["level"] == "revoked");
    let notes = [Some(note.to_owned()), reason, by_hand];
    let notes: Vec<String> = notes
        .into_iter()
        .flatten()
        .filter(|n| !n.is_empty())
        .collect();
    vec![
        text("name"),
        text("level"),
        text("public_key"),
        notes.join("; "),
    ]
}

/// The limits of a publisher, and the key that it proposes.
fn note(believed: &TrustStore, p: &Publisher) -> String {
    let until = p.until.map(|t| format!("until {}", t.to_rfc3339()));
    let proposed = believed.proposed(&p.key);
    let proposed = proposed.first().map(|to| format!("proposes the key {to}"));
    let parts = p.names.iter().cloned().chain(until).chain(proposed);
    parts.collect::<Vec<_>>().join(" ")
}
