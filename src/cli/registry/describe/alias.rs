//! `registry alias`: movable names of versions.

use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::cli::registry::publishing::key_pair::KeyArgs;
use crate::cli::registry::publishing::key_pair::open_signers_key_pair;
use crate::cli::registry::reference::find_dataset;
use crate::ident::DatasetName;
use crate::ident::Reference;
use crate::ident::VersionAlias;
use crate::ident::VersionPick;

/// Give a version a movable name, such as corpus@prod
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar registry alias corpus@prod 1.1.0
  alimentar registry alias --list corpus
  alimentar registry alias --delete corpus@prod")]
pub(crate) struct AliasArgs {
    /// NAME@ALIAS: the alias to give or to move, such as corpus@prod
    #[arg(value_name = "NAME@ALIAS", requires = "version", required_unless_present_any = ["list", "delete"])]
    reference: Option<String>,
    /// The version that gets it: 0.1.2, a range such as 0.1, latest, or another alias
    version: Option<String>,
    /// List the aliases of a name
    #[arg(long, value_name = "NAME", conflicts_with_all = ["reference", "delete"])]
    list: Option<String>,
    /// Remove an alias
    #[arg(long, value_name = "NAME@ALIAS", conflicts_with = "reference")]
    delete: Option<String>,
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Serialize)]
struct AliasOutput {
    aliases: Vec<AliasObject>,
}

#[derive(Serialize)]
struct AliasObject {
    alias: String,
    version: String,
    content_id: String,
    publisher_key: Option<String>,
}

/// A name that has aliases, and its publisher.
struct OwnedName {
    publisher: Option<String>,
    name: DatasetName,
}

impl OwnedName {
    /// The reference to a version of the name.
    fn at(&self, pick: &str) -> String {
        let publisher = self.publisher.as_ref();
        let publisher = publisher.map(|p| format!("{p}/")).unwrap_or_default();
        format!("{publisher}{}@{pick}", self.name)
    }
}

pub(crate) fn run(ctx: &Context, args: &AliasArgs) -> Result<(), Failure> {
    let registry = ctx.registry()?;
    if let Some(name) = &args.list {
        let (name, _) = parse_name(name)?;
        return print_aliases(ctx, &name, None);
    }
    if let Some(reference) = &args.delete {
        let (name, alias) = parse_alias_of_name(reference)?;
        let dataset = find_dataset(ctx, &name.at(alias.as_str()))?;
        let pair = open_signers_key_pair(ctx, &dataset, args.key.path())?;
        registry
            .descriptions()
            .delete_alias(&dataset, &alias, pair.as_ref())?;
        let m = &dataset.manifest;
        let text = format!("Removed {}@{alias}; it was {}\n", m.name, m.dataset_version);
        return print_aliases(ctx, &name, Some(text));
    }
    let (Some(reference), Some(version)) = (&args.reference, &args.version) else {
        return Err(Failure::usage(
            "give NAME@ALIAS and the version that gets it",
        ));
    };
    let (name, alias) = parse_alias_of_name(reference)?;
    let dataset = find_dataset(ctx, &name.at(version))?;
    let pair = open_signers_key_pair(ctx, &dataset, args.key.path())?;
    let before = registry
        .descriptions()
        .set_alias(&dataset, &alias, pair.as_ref())?;
    let m = &dataset.manifest;
    let was = before.map(|b| format!(" (was {})", b.manifest.dataset_version));
    let was = was.unwrap_or_default();
    let text = format!("{}@{alias} is {}{was}\n", m.name, m.dataset_version);
    print_aliases(ctx, &name, Some(text))
}

/// Parses a reference into name and version.
fn parse_name(text: &str) -> Result<(OwnedName, VersionPick), Failure> {
    match text.parse::<Reference>()? {
        Reference::Name {
            publisher,
            name,
            version,
            ..
        } => Ok((OwnedName { publisher, name }, version)),
        Reference::Content(_) => Err(Failure::usage(
            "aliases belong to names, not to content ids",
        )),
    }
}

/// Parses `NAME@ALIAS`.
fn parse_alias_of_name(text: &str) -> Result<(OwnedName, VersionAlias), Failure> {
    let Some((before, alias)) = text.rsplit_once('@') else {
        return Err(Failure::usage(
            "an alias stands behind a name and `@`, such as corpus@prod",
        ));
    };
    let alias = alias.parse::<VersionAlias>()?;
    Ok((parse_name(before)?.0, alias))
}

/// Prints the result of a change, or the aliases of a name. JSON has all aliases in either case.
fn print_aliases(ctx: &Context, name: &OwnedName, change: Option<String>) -> Result<(), Failure> {
    let entries = ctx
        .registry()?
        .descriptions()
        .aliases(&name.name, name.publisher.as_ref())?;
    let objects = entries.iter().map(|e| {
        let m = &e.dataset.manifest;
        AliasObject {
            alias: e.alias.to_string(),
            version: m.dataset_version.to_string(),
            content_id: m.content_id.to_string(),
            publisher_key: m.signer.map(|k| k.to_hex()),
        }
    });
    let output = AliasOutput {
        aliases: objects.collect(),
    };
    let short_ids = entries
        .iter()
        .map(|e| e.dataset.manifest.content_id.short());
    let row =
        |(a, short_id): (&AliasObject, String)| vec![a.alias.clone(), a.version.clone(), short_id];
    let rows: Vec<Vec<String>> = output.aliases.iter().zip(short_ids).map(row).collect();
    let text = match (change, rows.is_empty()) {
        (Some(change), _) => printable(&change),
        (None, true) => format!(
            "{} has no aliases: `registry alias {0}@prod VERSION` gives one\n",
            name.name
        ),
        (None, false) => ctx.out.table(&["ALIAS", "VERSION", "ID"], &rows),
    };
    let lines: Vec<String> = output.aliases.iter().map(|a| a.alias.clone()).collect();
    Ok(ctx.out.result(&output, &lines, &text)?)
}
