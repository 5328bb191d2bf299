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
use crate::cli::registry::network::look::FoundDataset;
use crate::cli::registry::network::look::LookArgs;
use crate::cli::registry::network::look::Looks;
use crate::cli::registry::publishing::key_pair::KeyArgs;
use crate::cli::registry::publishing::key_pair::open_signers_key_pair;
use crate::registry::DatasetError;
use crate::registry::Edit;
use crate::registry::Error;

/// Show a dataset's card
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar card train
  alimentar card train --html
  alimentar card train --set README.md")]
pub(crate) struct CardArgs {
    /// A reference
    reference: String,
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
    content_id: String,
    /// The program has written the card, because the dataset has none.
    drafted: bool,
    error: Option<String>,
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
        dataset = registry.revise(&dataset, &edit, pair.as_ref())?;
    }
    if args.croissant {
        return print_croissant(ctx, &dataset);
    }
    print_card(ctx, &dataset, args.html)
}

fn print_card(ctx: &Context, dataset: &Dataset, as_html: bool) -> Result<(), Failure> {
    let report = ctx.registry()?.card(dataset)?;
    let card = &report.card;
    let m = &dataset.manifest;
    if let Some(error) = &card.error {
        ctx.out
            .diagnostic(&format!("warning: the card's front matter, {error}"));
    }
    let text = if as_html {
        to_html(&format!("{}@{}", m.name, m.dataset_version), &card.markdown)
    } else {
        format!(
            "{}\n{}",
            format_front_matter(card),
            render_markdown(&card.markdown, ctx.out)
        )
    };
    let output = CardOutput {
        content_id: m.content_id.to_string(),
        drafted: report.is_draft,
        error: card.error.as_ref().map(ToString::to_string),
        body: if as_html {
            CardBody::Page { html: &text }
        } else {
            CardBody::Markdown {
                frontmatter: &card.front_matter,
                markdown: &card.markdown,
            }
        },
    };
    Ok(ctx
        .out
        .result(&output, &[m.content_id.to_string()], &text)?)
}

fn format_front_matter(card: &Card) -> String {
    let line = |(key, value): (&String, &Value)| match value.as_str() {
        Some(text) => printable(&format!("{key}: {text}\n")),
        None => printable(&format!("{key}: {value}\n")),
    };
    card.front_matter.iter().map(line).collect()
}

fn print_croissant(ctx: &Context, dataset: &Dataset) -> Result<(), Failure> {
    let bar = ctx.progress_bar();
    let object = ctx.registry()?.croissant(dataset, &bar)?;
    drop(bar);
    let text = escape_hidden(format!("{object:#}\n"));
    Ok(ctx.out.bytes(text.as_bytes())?)
}
