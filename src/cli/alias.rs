//! `registry alias`: movable names of versions.

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_describe::AliasArgs;
use crate::cli::commands::find;
use crate::cli::exit::Failure;
use crate::cli::keys;
use crate::cli::out::Out;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::ident::DatasetName;
use crate::ident::Reference;
use crate::ident::VersionAlias;
use crate::ident::VersionPick;
use crate::registry::AliasEntry;
use crate::registry::LocalRegistry;

/// Whose name it is that has aliases.
struct Name {
    publisher: Option<String>,
    name: DatasetName,
}

impl Name {
    /// The same name with something that picks a version behind it.
    fn at(&self, pick: &str) -> String {
        let publisher = self.publisher.as_ref();
        let publisher = publisher.map(|p| format!("{p}/")).unwrap_or_default();
        format!("{publisher}{}@{pick}", self.name)
    }
}

pub(crate) fn run(
    registry: &LocalRegistry,
    args: &AliasArgs,
    cli: &Cli,
    out: &Out,
) -> Result<(), Failure> {
    if let Some(name) = &args.list {
        let (name, _) = parts(name)?;
        return print(registry, &name, None, out);
    }
    if let Some(reference) = &args.delete {
        let (name, alias) = named(reference)?;
        let dataset = find(registry, &name.at(alias.as_str()))?;
        let pair = keys::pair_for(&dataset, &args.key, cli)?;
        registry.delete_alias(&dataset, &alias, pair.as_ref())?;
        let m = &dataset.manifest;
        let text = format!("Removed {}@{alias}; it was {}\n", m.name, m.dataset_version);
        return print(registry, &name, Some(text), out);
    }
    let (Some(reference), Some(version)) = (&args.reference, &args.version) else {
        return Err(Failure::usage(
            "give NAME@ALIAS and the version that gets it",
        ));
    };
    let (name, alias) = named(reference)?;
    let dataset = find(registry, &name.at(version))?;
    let pair = keys::pair_for(&dataset, &args.key, cli)?;
    let before = registry.set_alias(&dataset, &alias, pair.as_ref())?;
    let m = &dataset.manifest;
    let was = before.map(|b| format!(" (was {})", b.manifest.dataset_version));
    let was = was.unwrap_or_default();
    let text = format!("{}@{alias} is {}{was}\n", m.name, m.dataset_version);
    print(registry, &name, Some(text), out)
}

/// A name and what stands behind `@` in a reference.
fn parts(text: &str) -> Result<(Name, VersionPick), Failure> {
    match text.parse::<Reference>()? {
        Reference::Name {
            publisher,
            name,
            version,
            ..
        } => Ok((Name { publisher, name }, version)),
        Reference::Content(_) => Err(Failure::usage(
            "aliases belong to names, not to content ids",
        )),
    }
}

/// A name and the alias behind it. Says what is wrong with what cannot be one.
fn named(text: &str) -> Result<(Name, VersionAlias), Failure> {
    let Some((before, alias)) = text.rsplit_once('@') else {
        return Err(Failure::usage(
            "an alias stands behind a name and `@`, such as corpus@prod",
        ));
    };
    let alias = alias.parse::<VersionAlias>()?;
    Ok((parts(before)?.0, alias))
}

/// Prints the aliases of a name, or what became of one; JSON has them all in either case.
fn print(
    registry: &LocalRegistry,
    name: &Name,
    said: Option<String>,
    out: &Out,
) -> Result<(), Failure> {
    let entries = registry.aliases(&name.name, name.publisher.as_ref())?;
    let object = |e: &AliasEntry| {
        let m = &e.dataset.manifest;
        json!({
            "alias": e.alias.as_str(), "version": m.dataset_version.to_string(),
            "content_id": m.content_id.to_string(), "publisher_key": m.signer.map(|k| k.to_hex()),
        })
    };
    let objects: Vec<Value> = entries.iter().map(object).collect();
    let row = |e: &AliasEntry| {
        let m = &e.dataset.manifest;
        let cells = [
            e.alias.to_string(),
            m.dataset_version.to_string(),
            m.content_id.short(),
        ];
        cells.to_vec()
    };
    let rows: Vec<Vec<String>> = entries.iter().map(row).collect();
    let text = match (said, rows.is_empty()) {
        (Some(said), _) => printable(&said),
        (None, true) => format!(
            "{} has no aliases: `registry alias {0}@prod VERSION` gives one\n",
            name.name
        ),
        (None, false) => table(&["ALIAS", "VERSION", "ID"], &rows),
    };
    let lines: Vec<String> = entries.iter().map(|e| e.alias.to_string()).collect();
    Ok(out.result(&json!({"aliases": objects}), &lines, &text)?)
}
