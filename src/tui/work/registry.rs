//! Jobs of the browser: lists, descriptions, comparisons, pulls.

use std::sync::Arc;

use crate::catalog::DatasetSummary;
use crate::ident::Reference;
use crate::ident::labels;
use crate::registry::Descriptions;
use crate::registry::Listed;
use crate::registry::LocalRegistry;
use crate::trust::Action;
use crate::trust::Verdict;
use crate::tui::browse::BrowseAnswer;
use crate::tui::browse::BrowseJob;
use crate::tui::browse::DatasetEntry;
use crate::tui::browse::Peers;
use crate::tui::document::DocumentError;
use crate::tui::document::counting::JobProgress;
use crate::tui::job::AnswerBody;
use crate::tui::pane::Line;
use crate::tui::pane::Tone;
use crate::tui::text::grouped;
use crate::tui::text::human_bytes;
use crate::tui::work::Surroundings;
use crate::tui::work::reporter::Reporter;

/// Does the work of the browser.
pub(super) fn run(
    around: &Surroundings,
    job: BrowseJob,
    to: &Reporter,
) -> Result<AnswerBody, DocumentError> {
    let answer = match job {
        BrowseJob::Datasets => BrowseAnswer::Datasets(datasets(around)?),
        BrowseJob::Detail(reference) => {
            let lines = detail(around, &reference)?;
            BrowseAnswer::Detail { reference, lines }
        }
        BrowseJob::Peers => {
            BrowseAnswer::Peers(peers(around)?.peers().map_err(DocumentError::Other)?)
        }
        BrowseJob::Offers(peer) => {
            BrowseAnswer::Offers(peers(around)?.offers(&peer).map_err(DocumentError::Other)?)
        }
        BrowseJob::Pull { peer, reference } => {
            let progress = JobProgress {
                cancel: &to.cancel,
                done: &|bytes| to.advance(bytes),
            };
            let pulled = peers(around)?.pull(&peer, &reference, &progress);
            BrowseAnswer::Pulled(pulled.map_err(DocumentError::Other)?)
        }
        BrowseJob::Compare { old, new } => {
            let lines = compare(around, (&old, &new), to)?;
            BrowseAnswer::Compared {
                title: format!("{old} → {new}"),
                lines,
            }
        }
    };
    Ok(AnswerBody::Browse(answer))
}

fn peers(around: &Surroundings) -> Result<Arc<dyn Peers>, DocumentError> {
    let none = || DocumentError::Other("this program knows no other nodes".to_owned());
    around.peers.clone().ok_or_else(none)
}

/// Lists the datasets, the newest version of each name first.
fn datasets(around: &Surroundings) -> Result<Vec<DatasetEntry>, DocumentError> {
    if !around.home.exists() {
        return Ok(Vec::new());
    }
    let registry = LocalRegistry::open(&around.home)?;
    let mut listed = registry.publishing().list_summaries()?;
    listed.sort_by(|a, b| {
        let (a, b) = (&a.dataset, &b.dataset);
        a.name
            .as_str()
            .cmp(b.name.as_str())
            .then_with(|| b.version.cmp(&a.version))
    });
    Ok(listed.iter().map(entry).collect())
}

/// Makes an entry of a list.
pub(in crate::tui) fn entry(listed: &Listed<DatasetSummary>) -> DatasetEntry {
    let summary = &listed.dataset;
    let mut trust = listed.trust().name().to_owned();
    if listed.withdrawn.is_some() {
        trust += ", withdrawn";
    }
    DatasetEntry {
        name: summary.name.to_string(),
        version: summary.version.to_string(),
        reference: summary.content_id.to_string(),
        rows: summary.rows,
        size_bytes: summary.size_bytes,
        trust,
        publisher: listed.publisher_short().unwrap_or_default(),
        tags: labels(&summary.tags).join(" "),
        is_trusted: listed.accepted || listed.decide(Action::List).verdict == Verdict::Accept,
    }
}

/// Describes a dataset: facts, schema, files, card.
fn detail(around: &Surroundings, reference: &str) -> Result<Vec<Line>, DocumentError> {
    let registry = LocalRegistry::open(&around.home)?;
    let parsed: Reference = reference
        .parse()
        .map_err(|e| DocumentError::Other(format!("{e}")))?;
    let dataset = registry.resolve(&parsed)?;
    let m = &dataset.manifest;
    let listed = Listed::of(&registry.trust().store()?, dataset.clone());
    let mut lines = vec![Line::of(
        Tone::Title,
        format!("{}@{}", m.name, m.dataset_version),
    )];
    let mut fact = |name: &str, value: String| {
        lines.push(Line::of(Tone::Key, format!("{name:<10}")).with(Tone::Plain, value));
    };
    fact("rows", grouped(m.num_rows));
    fact(
        "size",
        format!("{} in {} file(s)", human_bytes(m.size_bytes), m.num_files),
    );
    fact(
        "stored",
        human_bytes(registry.maintenance().stored_bytes(m)?),
    );
    fact(
        "trust",
        match listed.publisher() {
            Some(publisher) => format!("{}, signed by {publisher}", listed.trust().name()),
            None => format!("{}, not signed", listed.trust().name()),
        },
    );
    if let Some(why) = &listed.withdrawn {
        fact("withdrawn", why.clone());
    }
    fact(
        "licence",
        m.license.clone().unwrap_or_else(|| "-".to_owned()),
    );
    fact("tags", labels(&m.tags).join(", "));
    fact("created", m.created_at.to_rfc3339());
    fact("id", m.content_id.to_string());
    if let Some(text) = &m.description {
        lines.push(Line::default());
        lines.push(Line::of(Tone::Plain, text.as_str()));
    }
    if let Some(schema) = Descriptions::schema(m) {
        lines.push(Line::default());
        lines.push(Line::of(Tone::Title, "schema"));
        for field in schema.fields().iter().take(SCHEMA_LINES) {
            let name = format!("{:<24} ", field.name());
            lines.push(Line::of(Tone::Key, name).with(Tone::Quiet, field.data_type().to_string()));
        }
    }
    let card = registry.descriptions().card(&dataset)?;
    lines.push(Line::default());
    let title = if card.is_draft {
        "card (a draft)"
    } else {
        "card"
    };
    lines.push(Line::of(Tone::Title, title));
    let text = card.card.markdown.lines().take(CARD_LINES);
    lines.extend(text.map(|line| {
        let tone = if line.starts_with('#') {
            Tone::Title
        } else {
            Tone::Plain
        };
        Line::of(tone, line)
    }));
    Ok(lines)
}

/// Fields and lines that a description shows.
const SCHEMA_LINES: usize = 100;
const CARD_LINES: usize = 500;

/// Compares two versions by rows.
fn compare(
    around: &Surroundings,
    (old, new): (&str, &str),
    to: &Reporter,
) -> Result<Vec<Line>, DocumentError> {
    let registry = LocalRegistry::open(&around.home)?;
    let find = |text: &str| {
        let parsed: Reference = text
            .parse()
            .map_err(|e| DocumentError::Other(format!("{e}")))?;
        Ok::<_, DocumentError>(registry.resolve(&parsed)?)
    };
    let (a, b) = (find(old)?, find(new)?);
    let progress = JobProgress {
        cancel: &to.cancel,
        done: &|bytes| to.advance(bytes),
    };
    let diffs = registry.comparison().diff_rows(&a, &b, &progress)?;
    let mut lines = Vec::new();
    for diff in diffs {
        lines.push(Line::of(Tone::Title, diff.path.clone()));
        if let Some(why) = &diff.not_compared {
            lines.push(Line::of(Tone::Warning, format!("not compared: {why}")));
            continue;
        }
        let counts = [
            (diff.added, "added"),
            (diff.removed, "removed"),
            (diff.changed, "changed"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .map(|(n, what)| format!("{} {what}", grouped(*n)))
            .collect();
        lines.push(Line::of(Tone::Quiet, counts.join(", ")));
        for sample in &diff.samples {
            for (side, sign, tone) in [
                (&sample.before, "-", Tone::Error),
                (&sample.after, "+", Tone::Text),
            ] {
                if let Some((number, text)) = side {
                    let line = Line::of(Tone::Number, format!("{number:>10} "));
                    lines.push(line.with(tone, format!("{sign} {text}")));
                }
            }
        }
        lines.push(Line::default());
    }
    if lines.is_empty() {
        lines.push(Line::of(Tone::Quiet, "no differences"));
    }
    Ok(lines)
}
