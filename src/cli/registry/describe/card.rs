//! `registry card`: a dataset's card on the terminal, as JSON or as a page.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Map;
use serde_json::Value;

use crate::card::Card;
use crate::card::to_html;
use crate::catalog::Dataset;
use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::markdown::render_markdown;
use crate::cli::output::text::escape_hidden;
use crate::cli::output::text::printable;

use crate::cli::registry::elsewhere::card_of;
use crate::cli::registry::elsewhere::url_of;
use crate::cli::registry::fields::SourceFields;
use crate::cli::registry::network::look::FoundDataset;
use crate::cli::registry::network::look::LookArgs;
use crate::cli::registry::network::look::Looks;
use crate::cli::registry::publishing::key_pair::KeyArgs;
use crate::cli::registry::publishing::key_pair::open_signers_key_pair;
use crate::manifest::Provenance;
use crate::registry::DatasetError;
use crate::registry::Edit;
use crate::registry::Error;
use crate::remote::RemoteUrl;
use crate::wire::limits::CARD_BYTES_MAX;

/// Show a dataset's card
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar card train
  alimentar card train --html
  alimentar card train --set README.md")]
pub(crate) struct CardArgs {
    /// A reference or a URL
    pub reference: String,
    /// As a web page that is safe to open
    #[arg(long)]
    html: bool,
    /// As Croissant JSON-LD, for tools of machine learning
    #[arg(long, conflicts_with = "html")]
    croissant: bool,
    /// Make this file the card first
    #[arg(long, value_name = "FILE")]
    set: Option<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    look: LookArgs,
}

#[derive(Serialize)]
struct CardOutput<'a> {
    /// Null for what is at a URL.
    content_id: Option<String>,
    /// The program has written the card, because the dataset has none.
    drafted: bool,
    error: Option<String>,
    source: Option<SourceFields<'a>>,
    #[serde(flatten)]
    body: CardBody<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum CardBody<'a> {
    Page {
        html: &'a str,
    },
    Markdown {
        frontmatter: &'a Map<String, Value>,
        markdown: &'a str,
    },
}

pub(crate) fn run(ctx: &Context, args: &CardArgs) -> Result<(), Failure> {
    if let Some(url) = url_of(&args.reference)? {
        return run_elsewhere(ctx, args, &url);
    }
    let registry = ctx.registry()?;
    let looks = Looks::new(ctx, &args.look);
    let mut dataset = match looks.dataset(&args.reference)? {
        FoundDataset::Held(dataset) => *dataset,
        FoundDataset::Look(_) if args.set.is_some() => {
            return Err(Error::from(DatasetError::NotFound(args.reference.clone())).into());
        }
        // Croissant has the hash of every file.
        FoundDataset::Look(look) if args.croissant => looks.fetched(&look)?,
        FoundDataset::Look(look) => {
            look.card()?;
            look.save();
            look.offer().listed.dataset.clone()
        }
    };
    if args.set.is_some() {
        let edit = Edit {
            card: args.set.clone(),
            ..Edit::default()
        };
        let pair = open_signers_key_pair(ctx, &dataset, args.key.path())?;
        dataset = registry
            .descriptions()
            .revise(&dataset, &edit, pair.as_ref())?;
    }
    if args.croissant {
        return print_croissant(ctx, &dataset);
    }
    print_card(ctx, &dataset, args.html)
}

/// Shows the card of what is at a URL, which has no content id.
fn run_elsewhere(ctx: &Context, args: &CardArgs, url: &RemoteUrl) -> Result<(), Failure> {
    if args.croissant || args.set.is_some() {
        let message = "--croissant and --set are for datasets of a registry";
        return Err(Failure::usage(message));
    }
    let bytes = card_of(ctx.remote()?, url, CARD_BYTES_MAX as u64).map_err(Error::from)?;
    let card = Card::read(&bytes);
    let shown = ShownCard {
        card: &card,
        title: &url.to_string(),
        content_id: None,
        drafted: false,
        source: None,
    };
    print_any(ctx, shown, args.html)
}

fn print_card(ctx: &Context, dataset: &Dataset, as_html: bool) -> Result<(), Failure> {
    let report = ctx.registry()?.descriptions().card(dataset)?;
    let m = &dataset.manifest;
    let title = format!("{}@{}", m.name, m.dataset_version);
    let shown = ShownCard {
        card: &report.card,
        title: &title,
        content_id: Some(m.content_id.to_string()),
        drafted: report.is_draft,
        source: m.source.as_ref(),
    };
    print_any(ctx, shown, as_html)
}

/// A card, and what is known beside it.
struct ShownCard<'a> {
    card: &'a Card,
    title: &'a str,
    content_id: Option<String>,
    /// The program has written the card.
    drafted: bool,
    source: Option<&'a Provenance>,
}

fn print_any(ctx: &Context, shown: ShownCard<'_>, as_html: bool) -> Result<(), Failure> {
    let ShownCard {
        card,
        title,
        content_id,
        drafted,
        source,
    } = shown;
    if let Some(error) = &card.error {
        ctx.out
            .diagnostic(&format!("warning: the card's front matter, {error}"));
    }
    let text = if as_html {
        to_html(title, &card.markdown)
    } else {
        format!(
            "{}{}\n{}",
            format_front_matter(card),
            format_source(source.filter(|_| !drafted)),
            render_markdown(&card.markdown, ctx.out)
        )
    };
    let ids: Vec<String> = content_id.iter().cloned().collect();
    let output = CardOutput {
        content_id,
        drafted,
        error: card.error.as_ref().map(ToString::to_string),
        source: source.map(SourceFields::of),
        body: if as_html {
            CardBody::Page { html: &text }
        } else {
            CardBody::Markdown {
                frontmatter: &card.front_matter,
                markdown: &card.markdown,
            }
        },
    };
    Ok(ctx.out.result(&output, &ids, &text)?)
}

fn format_front_matter(card: &Card) -> String {
    let line = |(key, value): (&String, &Value)| match value.as_str() {
        Some(text) => printable(&format!("{key}: {text}\n")),
        None => printable(&format!("{key}: {value}\n")),
    };
    card.front_matter.iter().map(line).collect()
}

/// Formats the place that a dataset was taken in from. A drafted card says it too.
fn format_source(source: Option<&Provenance>) -> String {
    source.map_or_else(String::new, |source| {
        printable(&format!(
            "taken in from: {}\n",
            SourceFields::of(source).line()
        ))
    })
}

fn print_croissant(ctx: &Context, dataset: &Dataset) -> Result<(), Failure> {
    let bar = ctx.progress_bar();
    let object = ctx.registry()?.descriptions().croissant(dataset, &bar)?;
    drop(bar);
    let text = escape_hidden(format!("{object:#}\n"));
    Ok(ctx.out.bytes(text.as_bytes())?)
}
