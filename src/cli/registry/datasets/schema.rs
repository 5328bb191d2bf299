//! `registry schema`: the columns of a dataset as a tree, with the types of all its values, or of those in
//! the front of what is not here.

use std::sync::Arc;

use arrow_schema::DataType;
use arrow_schema::Fields;
use clap::Args;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::output::text::printable;
use crate::cli::prompt::dataset::check_size;
use crate::cli::registry::elsewhere::open_target;
use crate::cli::registry::elsewhere::url_of;
use crate::cli::registry::network::look::FoundDataset;
use crate::cli::registry::network::look::LookArgs;
use crate::cli::registry::network::look::Looks;
use crate::inspect::FieldProfile;
use crate::inspect::ReadOptions;
use crate::registry::Descriptions;
use crate::registry::FileSchema;
use crate::registry::Target;
use crate::registry::peers::Look;

/// Show the columns as a tree, with the types of all values of the dataset
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar schema train
  alimentar schema train --peer 10.0.0.7:4820
  alimentar schema https://example.org/train.jsonl --full")]
pub(crate) struct SchemaArgs {
    /// REF, REF:path/in/dataset, or a URL
    pub target: String,
    /// Read all values of what is not here, not those in the first MiB of each file
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    look: LookArgs,
}

#[derive(Serialize)]
struct SchemaOutput<'a> {
    /// Null for what is at a URL.
    content_id: Option<String>,
    files: Vec<FileObject<'a>>,
    declared: Vec<DeclaredField<'a>>,
    /// Number of files that were not read.
    files_left: usize,
}

#[derive(Serialize)]
struct FileObject<'a> {
    path: &'a str,
    format: &'static str,
    rows: u64,
    unreadable: u64,
    first_unreadable: Option<u64>,
    /// Number of bytes of text that were read, if not all; else null.
    first_bytes: Option<u64>,
    fields: Vec<FieldObject>,
}

#[derive(Serialize)]
struct FieldObject {
    name: String,
    path: Vec<String>,
    r#type: String,
    nullable: bool,
    nulls: u64,
    absent: u64,
    conflict: bool,
    types: Vec<TypeObject>,
}

#[derive(Serialize)]
struct TypeObject {
    r#type: &'static str,
    count: u64,
    first_row: u64,
}

/// A column of the schema in the manifest.
#[derive(Serialize)]
struct DeclaredField<'a> {
    name: &'a str,
    depth: usize,
    r#type: &'a str,
}

/// Bytes of the front of a file that is not here.
const FRONT_BYTES: u64 = 1 << 20;
/// Files that are not here and of which the front is read.
const FRONT_FILES: usize = 64;

/// A line of the tree.
struct TreeRow {
    depth: usize,
    name: String,
    kind: String,
    note: String,
}

pub(crate) fn run(ctx: &Context, args: &SchemaArgs) -> Result<(), Failure> {
    if url_of(&args.target)?.is_some() {
        let target = open_target(ctx, &args.target)?;
        return show_front(ctx, None, &target, args.full);
    }
    let registry = ctx.registry()?;
    let looks = Looks::new(ctx, &args.look);
    let (found, path) = looks.target(&args.target)?;
    let dataset = match found {
        FoundDataset::Held(dataset) => *dataset,
        FoundDataset::Look(look) => return show_look(ctx, &look, path, args),
    };
    check_size(ctx, &dataset)?;
    let bar = ctx.progress_bar();
    let files = registry.descriptions().profiles(&dataset, path, &bar)?;
    drop(bar);
    let mut declared_rows = Vec::new();
    if let Some(schema) = Descriptions::schema(&dataset.manifest) {
        add_arrow_rows(schema.fields(), 0, &mut declared_rows);
    }
    let id = dataset.manifest.content_id.to_string();
    print(ctx, Some(id), (&files, 0), &declared_rows)
}

/// Shows the schema of a dataset of which only a part is here.
fn show_look(
    ctx: &Context,
    look: &Arc<Look>,
    path: Option<&str>,
    args: &SchemaArgs,
) -> Result<(), Failure> {
    let home = ctx.home()?;
    let options = ReadOptions::default();
    let target = Target::of_look(&args.target, look, path, (&home, options))?;
    let id = look.manifest().content_id.to_string();
    show_front(ctx, Some(id), &target, args.full)
}

/// Shows the schema of what is not here, from the front of its files.
fn show_front(
    ctx: &Context,
    content_id: Option<String>,
    target: &Target,
    is_full: bool,
) -> Result<(), Failure> {
    let most = match is_full {
        true => (u64::MAX, usize::MAX),
        false => (FRONT_BYTES, FRONT_FILES),
    };
    let bar = ctx.progress_bar();
    let (files, left) = target.profiles(most, &bar)?;
    drop(bar);
    let mut declared_rows = Vec::new();
    if files.is_empty()
        && let Some(schema) = target.declared_schema()?
    {
        add_arrow_rows(schema.fields(), 0, &mut declared_rows);
    }
    print(ctx, content_id, (&files, left), &declared_rows)
}

fn print(
    ctx: &Context,
    content_id: Option<String>,
    (files, files_left): (&[FileSchema], usize),
    declared_rows: &[TreeRow],
) -> Result<(), Failure> {
    let mut text = String::new();
    if files.is_empty() {
        text += &format_tree(declared_rows);
        if declared_rows.is_empty() {
            text += "No file of this dataset has columns\n";
        }
    }
    for file in files {
        text += &format_file(file);
    }
    if files_left > 0 {
        text += &format!("{files_left} more file(s) are not read; --full reads all\n");
    }
    let declared = declared_rows.iter().map(|r| DeclaredField {
        name: &r.name,
        depth: r.depth,
        r#type: &r.kind,
    });
    let ids: Vec<String> = content_id.iter().cloned().collect();
    let output = SchemaOutput {
        content_id,
        files: files.iter().map(FileObject::of).collect(),
        declared: declared.collect(),
        files_left,
    };
    Ok(ctx.out.result(&output, &ids, &text)?)
}

impl<'a> FileObject<'a> {
    fn of(file: &'a FileSchema) -> Self {
        let (unreadable, first_unreadable) = file.profile.unreadable();
        Self {
            path: &file.path,
            format: file.format.name(),
            rows: file.profile.rows(),
            unreadable,
            first_unreadable,
            first_bytes: file.first_bytes,
            fields: file.profile.fields().iter().map(FieldObject::of).collect(),
        }
    }
}

impl FieldObject {
    fn of(f: &FieldProfile) -> Self {
        let types = f.kinds.iter().map(|(kind, seen)| TypeObject {
            r#type: kind.name(),
            count: seen.count,
            first_row: seen.first_row,
        });
        Self {
            name: f.path.join("."),
            path: f.path.clone(),
            r#type: f.type_name(),
            nullable: f.nulls + f.absent() > 0,
            nulls: f.nulls,
            absent: f.absent(),
            conflict: f.is_conflict(),
            types: types.collect(),
        }
    }
}

fn format_file(file: &FileSchema) -> String {
    let mut text = printable(&format!("{} ({})\n", file.path, file.format.name()));
    let fields = file.profile.fields();
    let rows: Vec<TreeRow> = fields.iter().map(field_row).collect();
    text += &format_tree(&rows);
    let (unreadable, first) = file.profile.unreadable();
    text += &format!("  {} rows", file.profile.rows());
    if let Some(bytes) = file.first_bytes {
        text += &format!(" from the first {} MiB", bytes >> 20);
    }
    if let Some(first) = first {
        text += &format!(", {unreadable} not readable, the first is row {first}");
    }
    let conflicts = fields.iter().filter(|f| f.is_conflict()).count();
    if conflicts > 0 {
        text += &format!(", {conflicts} column(s) with types that do not agree");
    }
    text.push('\n');
    text
}

fn field_row(field: &FieldProfile) -> TreeRow {
    let mut notes = Vec::new();
    if field.is_conflict() {
        let each = field.kinds.iter().map(|(kind, seen)| {
            format!("{} {} from row {}", seen.count, kind.name(), seen.first_row)
        });
        notes.push(format!("conflict: {}", each.collect::<Vec<_>>().join(", ")));
    }
    if field.nulls > 0 {
        notes.push(format!("{} null", field.nulls));
    }
    if field.absent() > 0 {
        notes.push(format!("{} without", field.absent()));
    }
    TreeRow {
        depth: field.path.len().saturating_sub(1),
        name: field.path.last().cloned().unwrap_or_default(),
        kind: field.type_name(),
        note: notes.join("; "),
    }
}

fn add_arrow_rows(fields: &Fields, depth: usize, rows: &mut Vec<TreeRow>) {
    for field in fields {
        let (mut kind, mut inner) = (String::new(), field.data_type());
        while let DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _) = inner
        {
            kind += "list of ";
            inner = item.data_type();
        }
        let below = match inner {
            DataType::Struct(fields) => Some(fields),
            _ => None,
        };
        kind += &match below {
            Some(_) => "object".to_owned(),
            None => inner.to_string(),
        };
        rows.push(TreeRow {
            depth,
            name: field.name().clone(),
            kind,
            note: if field.is_nullable() { "" } else { "required" }.to_owned(),
        });
        if let Some(fields) = below {
            add_arrow_rows(fields, depth + 1, rows);
        }
    }
}

/// Names below this depth are not indented further.
const INDENT_MAX: usize = 20;

fn format_tree(rows: &[TreeRow]) -> String {
    let label = |r: &TreeRow| {
        let name = printable(&r.name).replace('\n', "\u{fffd}");
        format!("{}{name}", "  ".repeat(r.depth.min(INDENT_MAX) + 1))
    };
    let wide = |n: usize, limit: usize| n.min(limit);
    let names = rows.iter().map(|r| label(r).chars().count()).max();
    let kinds = rows.iter().map(|r| r.kind.chars().count()).max();
    let (names, kinds) = (wide(names.unwrap_or(0), 48), wide(kinds.unwrap_or(0), 32));
    let line = |r: &TreeRow| {
        let text = format!("{:<names$}  {:<kinds$}  {}", label(r), r.kind, r.note);
        printable(text.trim_end()) + "\n"
    };
    rows.iter().map(line).collect()
}
