//! `registry trust`, and the words by which a dataset's standing is shown.

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args::TrustCommand;
use crate::cli::exit::Failure;
use crate::cli::keys;
use crate::cli::out::Out;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::clock::Timestamp;
use crate::ident::DatasetName;
use crate::ident::PublisherKey;
use crate::registry::Error;
use crate::registry::Listed;
use crate::registry::LocalRegistry;
use crate::trust::Action;
use crate::trust::Fingerprint;
use crate::trust::Level;
use crate::trust::Publisher;
use crate::trust::Trust;
use crate::trust::TrustStore;
use crate::trust::Verdict;
use crate::trust::is_usable_key;

pub(crate) fn run(
    registry: &LocalRegistry,
    command: &TrustCommand,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    match command {
        TrustCommand::Add {
            name,
            key,
            level,
            names,
            until,
        } => add(registry, (name, *key), *level, names, until.as_deref(), out),
        TrustCommand::List => list(registry, out),
        TrustCommand::Remove { name } => remove(registry, name, out),
        TrustCommand::Show { name } => show(registry, name, out),
        TrustCommand::Rotate {
            name,
            new_key,
            key,
            new_key_file,
        } => {
            let files = key.as_deref().zip(new_key_file.as_deref());
            rotate(registry, (name, *new_key), files, cli, out)
        }
        TrustCommand::Revoke { name, reason, key } => {
            revoke(registry, name, reason, key.as_deref(), cli, out)
        }
    }
}

fn unknown(name: &DatasetName) -> Error {
    Error::NoPublisher(name.to_string())
}

fn add(
    registry: &LocalRegistry,
    (name, key): (&DatasetName, PublisherKey),
    level: Level,
    names: &[String],
    until: Option<&str>,
    out: &Out,
) -> Result<(), Failure> {
    if !is_usable_key(&key) {
        return Err(Failure::usage(
            "this is no key that signatures can be checked with",
        ));
    }
    let until = match until {
        None => None,
        Some(text) => {
            let end = format!("{text}T23:59:59Z");
            let time = Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&end));
            Some(time.ok_or_else(|| Failure::usage("--until wants a date such as 2027-01-31"))?)
        }
    };
    let believed = registry.trust()?;
    if let Some(other) = believed.mimicked(name) {
        out.diagnostic(&format!(
            "warning: `{name}` reads like `{other}`, who is known here with another key"
        ));
    }
    let publisher = Publisher {
        names: names.to_vec(),
        until,
        ..Publisher::new(name.clone(), key, level)
    };
    registry.change_trust(|file| Ok(file.put(publisher)?))?;
    show(registry, name, out)
}

fn remove(registry: &LocalRegistry, name: &DatasetName, out: &Out) -> Result<(), Failure> {
    if !registry.change_trust(|file| Ok(file.remove(name)))? {
        return Err(unknown(name).into());
    }
    let text = format!("`{name}` is a stranger now; what it signed stays, marked\n");
    let object = json!({"name": name.to_string(), "removed": true});
    Ok(out.result(&object, &[name.to_string()], &text)?)
}

fn object(believed: &TrustStore, p: &Publisher) -> Value {
    let print = Fingerprint::of(&p.key);
    let hex = |keys: &[PublisherKey]| keys.iter().map(|k| k.to_hex()).collect::<Vec<_>>();
    json!({
        "name": p.name.to_string(), "public_key": p.key.to_hex(),
        "level": if believed.is_revoked(&p.key) { "revoked" } else { p.level.name() },
        "fingerprint": print.to_string(), "words": print.words().join(" "),
        "previous": hex(&p.previous), "names": p.names,
        "until": p.until.map(Timestamp::to_rfc3339), "reason": p.reason,
        "proposed": hex(&believed.proposed(&p.key)),
    })
}

fn list(registry: &LocalRegistry, out: &Out) -> Result<(), Failure> {
    let believed = registry.trust()?;
    let publishers: Vec<&Publisher> = believed.file().publishers().collect();
    let objects: Vec<Value> = publishers.iter().map(|p| object(&believed, p)).collect();
    let level = |p: &Publisher| match believed.is_revoked(&p.key) {
        true => "revoked",
        false => p.level.name(),
    };
    let rows: Vec<Vec<String>> = publishers
        .iter()
        .map(|p| {
            let limits = match (&p.names, p.until) {
                (names, None) if names.is_empty() => String::new(),
                (names, until) => {
                    let until = until.map(|t| format!("until {}", t.to_rfc3339()));
                    let parts = names.iter().cloned().chain(until);
                    parts.collect::<Vec<_>>().join(" ")
                }
            };
            let proposed = believed.proposed(&p.key);
            let note = match proposed.first() {
                Some(to) => format!("{limits} proposes the key {to}"),
                None => limits,
            };
            vec![
                p.name.to_string(),
                level(p).to_owned(),
                p.key.to_hex(),
                note.trim().to_owned(),
            ]
        })
        .collect();
    let text = match rows.as_slice() {
        [] => {
            "Nobody is known here yet: `alimentar registry trust add NAME KEY` adds a publisher\n"
                .to_owned()
        }
        rows => table(&["NAME", "LEVEL", "PUBLIC KEY", "NOTE"], rows),
    };
    let names: Vec<String> = publishers.iter().map(|p| p.name.to_string()).collect();
    Ok(out.result(&json!({"publishers": objects}), &names, &text)?)
}

fn show(registry: &LocalRegistry, name: &DatasetName, out: &Out) -> Result<(), Failure> {
    let believed = registry.trust()?;
    let p = believed.file().get(name).ok_or_else(|| unknown(name))?;
    let object = object(&believed, p);
    let field = |key: &str| match &object[key] {
        Value::String(text) => text.clone(),
        Value::Array(several) if several.is_empty() => "-".to_owned(),
        Value::Array(several) => {
            let texts = several.iter().filter_map(Value::as_str);
            texts.collect::<Vec<_>>().join(", ")
        }
        _ => "-".to_owned(),
    };
    let mut text = format!("{name}\n");
    for (label, key) in [
        ("level", "level"),
        ("public key", "public_key"),
        ("fingerprint", "fingerprint"),
        ("words", "words"),
        ("names", "names"),
        ("until", "until"),
        ("before", "previous"),
        ("proposes", "proposed"),
        ("reason", "reason"),
    ] {
        let value = field(key);
        if value != "-" {
            text += &format!("  {label:<12} {value}\n");
        }
    }
    Ok(out.result(&object, &[p.key.to_hex()], &printable(&text))?)
}

fn rotate(
    registry: &LocalRegistry,
    (name, new_key): (&DatasetName, PublisherKey),
    files: Option<(&std::path::Path, &std::path::Path)>,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let held = registry.trust()?.file().get(name).cloned();
    let held = held.ok_or_else(|| unknown(name))?;
    if let Some((old, new)) = files {
        let (old, new) = (keys::open(old, cli)?, keys::open(new, cli)?);
        if old.public_key() != held.key || new.public_key() != new_key {
            let files = "the key files are not those of the keys named";
            return Err(Failure::usage(files));
        }
        registry.propose_rotation(&old, &new)?;
    }
    let believed = registry.trust()?;
    for key in [held.key, new_key] {
        if believed.is_revoked(&key) {
            return Err(Error::NotTrusted {
                dataset: name.to_string(),
                reason: "a key that is revoked neither follows nor is followed",
            }
            .into());
        }
    }
    if !believed.proposed(&held.key).contains(&new_key) {
        out.diagnostic(&format!(
            "warning: no statement signed with both keys is here; `{name}` has this key because you say so"
        ));
    }
    let mut previous = held.previous.clone();
    previous.push(held.key);
    let rotated = Publisher {
        key: new_key,
        previous,
        ..held
    };
    registry.change_trust(|file| Ok(file.put(rotated)?))?;
    show(registry, name, out)
}

fn revoke(
    registry: &LocalRegistry,
    name: &DatasetName,
    reason: &str,
    key: Option<&std::path::Path>,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    let held = registry.trust()?.file().get(name).cloned();
    let held = held.ok_or_else(|| unknown(name))?;
    // Whoever holds the key tells everybody; others decide for themselves alone.
    let is_own = key.is_some() || keys::own_key(registry.home()) == Some(held.key);
    if is_own {
        let default = registry.home().join("key.enc");
        let pair = keys::open(key.unwrap_or(&default), cli)?;
        if pair.public_key() != held.key {
            return Err(Error::NotItsPublisher(name.to_string()).into());
        }
        registry.revoke_own(&pair, reason)?;
    }
    let revoked = Publisher {
        level: Level::Revoked,
        reason: Some(reason.to_owned()),
        ..held
    };
    registry.change_trust(|file| Ok(file.put(revoked)?))?;
    if is_own {
        out.diagnostic("the revocation is signed and travels with this registry's data");
    }
    show(registry, name, out)
}

/// The fields that say how a dataset stands.
pub(crate) fn fields(listed: &Listed) -> Value {
    json!({
        "publisher": listed.publisher(),
        "publisher_key": listed.dataset.manifest.signer.map(|k| k.to_hex()),
        "trust": listed.trust().name(), "withdrawn": listed.withdrawn,
    })
}

/// Warns a person who is about to use a dataset that has something against it.
pub(crate) fn warn(registry: &LocalRegistry, listed: &Listed, out: &Out) -> Result<(), Failure> {
    if out.is_json() || out.is_quiet() {
        return Ok(());
    }
    let m = &listed.dataset.manifest;
    let label = format!("`{}@{}`", m.name, m.dataset_version);
    if let Some(reason) = &listed.withdrawn {
        out.diagnostic(&format!(
            "warning: {label} was withdrawn by its publisher: {reason}"
        ));
    }
    match listed.trust() {
        Trust::Revoked => out.diagnostic(&format!(
            "warning: {label} is signed with a key that is revoked"
        )),
        Trust::Unknown if listed.dataset.flags.foreign => {
            out.diagnostic(&format!("warning: {label} is signed by a stranger"));
        }
        Trust::Unsigned => {
            out.diagnostic(&format!("warning: {label} is signed by nobody"));
        }
        _ => {}
    }
    if listed.decide(Action::Resolve).verdict != Verdict::Accept {
        for (name, other) in registry.look_alikes(std::slice::from_ref(&m.name))? {
            out.diagnostic(&format!("warning: the name `{name}` reads like `{other}`"));
        }
    }
    Ok(())
}
