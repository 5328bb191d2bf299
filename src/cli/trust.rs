//! `registry trust`, and the words by which a dataset's standing is shown.

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_trust::Named;
use crate::cli::args_trust::TrustCommand;
use crate::cli::ask;
use crate::cli::exit::Failure;
use crate::cli::interrupt;
use crate::cli::keys;
use crate::cli::out::Out;
use crate::cli::out::printable;
use crate::cli::rotation;
use crate::cli::show::extend;
use crate::cli::trust_list;
use crate::clock::Timestamp;
use crate::ident::Alias;
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
            accept_publisher,
        } => {
            let publisher = Publisher {
                names: names.clone(),
                until: until_of(until.as_deref())?,
                ..Publisher::new(name.clone(), *key, *level)
            };
            add(registry, publisher, accept_publisher, out)
        }
        TrustCommand::List => trust_list::list(registry, out),
        TrustCommand::Remove { name } => remove(registry, name, cli, out),
        TrustCommand::Show { name } => show(registry, name, out),
        TrustCommand::Rotate {
            name,
            new_key,
            new: _,
            key,
            new_key_file,
        } => match (new_key, key, new_key_file) {
            (None, key, _) => rotation::anew(registry, name, key.as_deref(), cli, out),
            (Some(_), Some(_), None) => Err(Failure::usage(
                "--key goes with --new, or with the new key's file in --new-key-file",
            )),
            (Some(new_key), key, new) => {
                let files = key.as_deref().zip(new.as_deref());
                rotation::confirmed(registry, (name, *new_key), files, cli, out)
            }
        },
        TrustCommand::Revoke { name, reason, key } => {
            revoke(registry, name, reason, key.as_deref(), cli, out)
        }
    }
}

fn unknown(name: &Alias) -> Error {
    Error::NoPublisher(name.to_string())
}

/// The end of a day, or a point in time.
fn until_of(text: Option<&str>) -> Result<Option<Timestamp>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    let end = format!("{text}T23:59:59Z");
    let time = Timestamp::parse_rfc3339(text).or_else(|| Timestamp::parse_rfc3339(&end));
    let time = time.ok_or(Failure::usage("--until wants a date such as 2027-01-31"))?;
    Ok(Some(time))
}

fn add(
    registry: &LocalRegistry,
    publisher: Publisher,
    accepted: &[PublisherKey],
    out: &Out,
) -> Result<(), Failure> {
    if !is_usable_key(&publisher.key) {
        return Err(Failure::usage(
            "this is no key that signatures can be checked with",
        ));
    }
    let believed = registry.trust()?;
    let name = publisher.name.clone();
    if let Some(other) = believed.mimicked(&name) {
        out.diagnostic(&format!(
            "warning: `{name}` reads like `{other}`, who is known here with another key"
        ));
    }
    if publisher.level != Level::Revoked {
        may_add_revoked(&believed, &publisher, accepted, out)?;
    }
    registry.change_trust(|file| Ok(file.put(publisher)?))?;
    show(registry, &name, out)
}

/// A key that is revoked is trusted again only when a person says so: at the terminal, or by naming the
/// key in `--accept-publisher`.
fn may_add_revoked(
    believed: &TrustStore,
    publisher: &Publisher,
    accepted: &[PublisherKey],
    out: &Out,
) -> Result<(), Failure> {
    let key = &publisher.key;
    if !believed.is_revoked(key) {
        return Ok(());
    }
    let who = match believed.is_revoked_by_publisher(key) {
        true => "its publisher has revoked this key, and nothing new that it signed is accepted",
        false => "this key is revoked here",
    };
    let why = believed.revoked_because(key).map(|why| format!(": {why}"));
    let said = format!("`{}`: {who}{}", publisher.name, why.unwrap_or_default());
    if accepted.contains(key) {
        out.diagnostic(&format!("warning: {said}"));
        return Ok(());
    }
    if ask::can_ask(out) && ask::is_yes(&format!("{said}. Add it all the same?"), out) {
        return Ok(());
    }
    match interrupt::was_asked_for() {
        true => Err(Error::Interrupted.into()),
        false => Err(Failure::NotTrusted(format!(
            "{said}; `--accept-publisher {key}` adds it all the same"
        ))),
    }
}

fn remove(registry: &LocalRegistry, name: &Named, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let name = match name {
        Named::Alias(name) => name.clone(),
        Named::Key(key) => match registry.trust()?.file().by_key(key) {
            Some(p) => p.name.clone(),
            None if registry.forget_accepted(key)? => {
                let text = format!("Forgot that data of {key} was accepted by hand\n");
                let object = json!({"name": key.to_hex(), "removed": true});
                return Ok(out.result(&object, &[key.to_hex()], &text)?);
            }
            None => return Err(Error::NoPublisher(key.to_hex()).into()),
        },
    };
    let believed = registry.trust()?;
    let held = believed.file().get(&name).ok_or_else(|| unknown(&name))?;
    if keys::own_key(registry.home()) == Some(held.key) {
        let what = format!(
            "the entry of your own key, `{name}` {}: what you sign is shown as a stranger's then",
            held.key
        );
        ask::before_destroying(&what, cli, out)?;
    }
    if !registry.change_trust(|file| Ok(file.remove(&name)))? {
        return Err(unknown(&name).into());
    }
    let text = format!("`{name}` is a stranger now; what it signed stays, marked\n");
    let object = json!({"name": name.to_string(), "removed": true});
    Ok(out.result(&object, &[name.to_string()], &text)?)
}

pub(crate) fn object(believed: &TrustStore, p: &Publisher) -> Value {
    let hex = |keys: &[PublisherKey]| keys.iter().map(|k| k.to_hex()).collect::<Vec<_>>();
    let mut object = key_object(believed, &p.key);
    let given = json!({
        "name": p.name.to_string(), "previous": hex(&p.previous), "names": p.names,
        "until": p.until.map(Timestamp::to_rfc3339),
    });
    extend(&mut object, given);
    if let Some(reason) = &p.reason {
        object["reason"] = json!(reason);
    }
    if !believed.is_revoked(&p.key) {
        object["level"] = json!(p.level.name());
    }
    object
}

/// The same of a key that has no entry.
pub(crate) fn key_object(believed: &TrustStore, key: &PublisherKey) -> Value {
    let print = Fingerprint::of(key);
    let hex = |keys: &[PublisherKey]| keys.iter().map(|k| k.to_hex()).collect::<Vec<_>>();
    let is_revoked = believed.is_revoked(key);
    let level = if is_revoked {
        Level::Revoked
    } else {
        Level::Unknown
    };
    let reason = believed.revoked_because(key).filter(|_| is_revoked);
    json!({
        "name": Value::Null, "public_key": key.to_hex(), "level": level.name(),
        "fingerprint": print.to_string(), "words": print.words().join(" "),
        "previous": [], "names": [], "until": Value::Null, "reason": reason,
        "proposed": hex(&believed.proposed(key)),
    })
}

pub(crate) fn show(registry: &LocalRegistry, name: &Alias, out: &Out) -> Result<(), Failure> {
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

fn revoke(
    registry: &LocalRegistry,
    name: &Alias,
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
        let pair = keys::open(&keys::key_path(registry.home(), key, cli)?, cli)?;
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
        "revoked_because": listed.revoked,
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
        Trust::Revoked => {
            let why = listed.revoked.as_ref().map(|why| format!(": {why}"));
            out.diagnostic(&format!(
                "warning: {label} is signed with a key that is revoked{}",
                why.unwrap_or_default()
            ));
        }
        Trust::Unknown if listed.dataset.flags.foreign => {
            out.diagnostic(&format!("warning: {label} is signed by a stranger"));
        }
        Trust::Unsigned => {
            out.diagnostic(&format!("warning: {label} is signed by nobody"));
        }
        _ => {}
    }
    if listed.decide(Action::Resolve).verdict != Verdict::Accept {
        for (name, other) in registry.confusable_names(std::slice::from_ref(&m.name))? {
            out.diagnostic(&format!("warning: the name `{name}` reads like `{other}`"));
        }
    }
    Ok(())
}
