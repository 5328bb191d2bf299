//! `inspect info`: format, rows and columns of a file or dataset.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use crate::cli::exit::Failure;
use crate::cli::inspect::columns::LeftOutColumn;
use crate::cli::inspect::columns::warn_about_columns;
use crate::cli::inspect::context::InspectContext;
use crate::cli::inspect::context::TargetArgs;
use crate::cli::output::out::Out;
use crate::cli::output::text::human_bytes;
use crate::cli::output::text::printable;
use crate::cli::registry::fields::SchemaObject;
use crate::cli::registry::fields::field_rows;
use crate::inspect::Orient;
use crate::inspect::TextEncoding;
use crate::inspect::common_schema;
use crate::inspect::table::SchemaFrom;
use crate::registry::FileDescription;
use crate::registry::host;

/// Show the format, the rows and the columns of a file or dataset
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar inspect info train.parquet
  alimentar inspect info gsm8k@^1 --json")]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    targets: TargetArgs,
}

#[derive(Serialize)]
struct InfoOutput {
    format: String,
    rows: u64,
    size_bytes: u64,
    schema: SchemaObject,
    schema_from: String,
    /// The dialect of all files, if they have the same.
    dialect: Option<Dialect>,
    left_out: Vec<LeftOutColumn>,
    files: Vec<FileObject>,
    open_seconds: f64,
    index_seconds: f64,
}

#[derive(Serialize)]
struct FileObject {
    path: String,
    size_bytes: u64,
    format: &'static str,
    dialect: Option<Dialect>,
}

/// The dialect of a text file, as far as it had to be decided.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Dialect {
    Csv {
        delimiter: String,
        quote: Option<String>,
        header: bool,
        encoding: &'static str,
    },
    /// One object of columns.
    Columns {
        orient: &'static str,
        encoding: &'static str,
    },
    /// One object with a list of rows.
    List {
        list: String,
        encoding: &'static str,
    },
    Encoding {
        encoding: &'static str,
    },
}

/// The most files that a terminal shows.
const FILES_SHOWN: usize = 20;

pub(super) fn run(ctx: &InspectContext<'_>, args: &InfoArgs) -> Result<(), Failure> {
    let out = ctx.base.out;
    let began = host::instant();
    let target = ctx.open_targets(&args.targets.target)?;
    let notes = warn_about_columns(out, &target)?;
    let (mut files, mut schemas, mut formats) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut schema_from = SchemaFrom::Metadata;
    for file in target.files() {
        let found = file.described()?;
        formats.insert(found.format.name());
        schema_from = schema_from.max(found.schema_from);
        files.push(FileObject {
            path: file.path().to_owned(),
            size_bytes: file.size_bytes(),
            format: found.format.name(),
            dialect: Dialect::of(&found),
        });
        schemas.extend(found.schema);
    }
    let common = files
        .first()
        .filter(|first| files.iter().all(|f| f.dialect == first.dialect));
    let dialect = common.and_then(|first| first.dialect.clone());
    let schema = common_schema(&schemas);
    let open_seconds = began.elapsed().as_secs_f64();
    let rows = target.rows(&ctx.base.progress_bar())?;
    let output = InfoOutput {
        format: formats.into_iter().collect::<Vec<_>>().join(", "),
        rows,
        size_bytes: target.size_bytes(),
        schema: SchemaObject::of(schema.as_ref()),
        schema_from: schema_from.to_string(),
        dialect,
        left_out: LeftOutColumn::all(&notes.unread),
        files,
        open_seconds,
        index_seconds: began.elapsed().as_secs_f64() - open_seconds,
    };
    let mut text = output.text(target.name(), out);
    if matches!(schema_from, SchemaFrom::Front(_)) && schema.is_some() {
        text += &format!("  columns from the {schema_from}\n");
    }
    let fields = field_rows(schema.as_ref());
    if !fields.is_empty() {
        text += &format!("\n{}", out.table(&["FIELD", "TYPE", ""], &fields));
    }
    Ok(out.result(&output, &[rows.to_string()], &text)?)
}

impl InfoOutput {
    fn text(&self, name: &str, out: Out) -> String {
        let mut text = printable(&format!(
            "{name}\n  format  {}\n  rows    {}\n  size    {}\n  files   {}\n  opened  in {:.1} ms; rows counted in {:.1} ms\n",
            self.format,
            self.rows,
            human_bytes(self.size_bytes),
            self.files.len(),
            self.open_seconds * 1e3,
            self.index_seconds * 1e3,
        ));
        if self.files.len() > 1 {
            let cells = |f: &FileObject| {
                vec![
                    human_bytes(f.size_bytes),
                    f.format.to_owned(),
                    f.path.clone(),
                ]
            };
            let shown: Vec<Vec<String>> = self.files.iter().take(FILES_SHOWN).map(cells).collect();
            text += &format!("\n{}", out.table(&["SIZE", "FORMAT", "PATH"], &shown));
            if self.files.len() > FILES_SHOWN {
                text += &format!(
                    "… and {} more; --json lists all\n",
                    self.files.len() - FILES_SHOWN
                );
            }
        }
        if let Some(dialect) = &self.dialect {
            text += &printable(&format!("  written {}\n", dialect.text()));
        }
        text
    }
}

impl Dialect {
    fn of(found: &FileDescription) -> Option<Self> {
        let text = |byte: u8| char::from(byte).to_string();
        let encoding = found.encoding.name();
        if let Some(dialect) = &found.dialect {
            return Some(Self::Csv {
                delimiter: text(dialect.separator),
                quote: dialect.quote.map(text),
                header: dialect.has_header,
                encoding,
            });
        }
        if let Some(orient) = found.orient.map(Orient::name) {
            return Some(Self::Columns { orient, encoding });
        }
        if let Some(list) = found.list.clone() {
            return Some(Self::List { list, encoding });
        }
        (found.encoding != TextEncoding::Utf8).then_some(Self::Encoding { encoding })
    }

    /// The dialect for people.
    fn text(&self) -> String {
        match self {
            Self::List { list, encoding } => {
                format!("as one object; rows are the elements of `{list}`, in {encoding}")
            }
            Self::Columns { orient, encoding } => {
                format!("as one object of columns (`{orient}`), in {encoding}")
            }
            Self::Encoding { encoding } => format!("in {encoding}"),
            Self::Csv {
                delimiter,
                quote,
                header,
                encoding,
            } => {
                let delimiter = match delimiter.as_str() {
                    "\t" => "tabs".to_owned(),
                    other => format!("`{other}`"),
                };
                let quote = match quote {
                    Some(quote) => format!("quoted with {quote}"),
                    None => "never quoted".to_owned(),
                };
                let header = if *header { "a header" } else { "no header" };
                format!("with {delimiter} between fields, {quote}, {header}, in {encoding}")
            }
        }
    }
}
