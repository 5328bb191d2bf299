//! `inspect info`.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::InfoArgs;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::inspect::left_out;
use crate::cli::inspect::targets;
use crate::cli::inspect::tell_columns;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::cli::show::field_objects;
use crate::cli::show::field_rows;
use crate::inspect::Orient;
use crate::inspect::TextEncoding;
use crate::inspect::common_schema;
use crate::inspect::table::SchemaFrom;
use crate::registry::FileDescription;
use crate::registry::host;

/// Files that are listed on a terminal.
const FILES_SHOWN: usize = 20;

pub(crate) fn run(args: &InfoArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let target = targets(&args.target, cli, out)?;
    let notes = tell_columns(&target, out)?;
    let (mut files, mut schemas, mut formats) = (Vec::new(), Vec::new(), BTreeSet::new());
    let (mut dialects, mut schema_from) = (Vec::new(), SchemaFrom::Metadata);
    for file in target.files() {
        let found = file.described()?;
        let dialect = dialect(&found);
        formats.insert(found.format.name());
        schema_from = schema_from.max(found.schema_from);
        schemas.extend(found.schema);
        files.push((file.path(), file.size_bytes(), found.format.name()));
        dialects.push(dialect);
    }
    let common = dialects
        .first()
        .filter(|f| dialects.iter().all(|d| d == *f));
    let common = common.cloned().unwrap_or_default();
    let schema = common_schema(&schemas);
    let open_seconds = began.elapsed().as_secs_f64();
    let rows = target.rows(&Bar::new(out.is_quiet()))?;
    let index_seconds = began.elapsed().as_secs_f64() - open_seconds;
    let format = formats.into_iter().collect::<Vec<_>>().join(", ");
    let listed = files
        .iter()
        .zip(&dialects)
        .map(|((path, size, format), dialect)| {
            json!({"path": path, "size_bytes": size, "format": format, "dialect": dialect})
        });
    let answer = json!({
        "format": format, "rows": rows, "size_bytes": target.size_bytes(),
        "schema": {"fields": field_objects(schema.as_ref())},
        "schema_from": schema_from.to_string(), "dialect": common,
        "left_out": left_out(&notes.unread),
        "files": listed.collect::<Vec<_>>(),
        "open_seconds": open_seconds, "index_seconds": index_seconds,
    });
    let mut text = printable(&format!(
        "{}\n  format  {format}\n  rows    {rows}\n  size    {}\n  files   {}\n  opened  in {:.1} ms; rows counted in {:.1} ms\n",
        target.name(),
        human_bytes(target.size_bytes()),
        files.len(),
        open_seconds * 1e3,
        index_seconds * 1e3,
    ));
    if files.len() > 1 {
        let cells = |(path, size, format): &(&str, u64, &str)| {
            vec![human_bytes(*size), (*format).to_owned(), (*path).to_owned()]
        };
        let shown: Vec<Vec<String>> = files.iter().take(FILES_SHOWN).map(cells).collect();
        text += &format!("\n{}", table(&["SIZE", "FORMAT", "PATH"], &shown));
        if files.len() > FILES_SHOWN {
            text += &format!(
                "… and {} more; --json lists all\n",
                files.len() - FILES_SHOWN
            );
        }
    }
    if let Some(dialect) = in_words(&common) {
        text += &printable(&format!("  written {dialect}\n"));
    }
    if matches!(schema_from, SchemaFrom::Front(_)) && schema.is_some() {
        text += &format!("  columns from the {schema_from}\n");
    }
    let fields = field_rows(schema.as_ref());
    if !fields.is_empty() {
        text += &format!("\n{}", table(&["FIELD", "TYPE", ""], &fields));
    }
    Ok(out.result(&answer, &[rows.to_string()], &text)?)
}

/// How a file is written, as far as that had to be decided; null where there was nothing to decide.
fn dialect(found: &FileDescription) -> Value {
    let text = |byte: u8| char::from(byte).to_string();
    let encoding = found.encoding.name();
    match &found.dialect {
        Some(dialect) => json!({
            "delimiter": text(dialect.separator), "quote": dialect.quote.map(text),
            "header": dialect.has_header, "encoding": encoding,
        }),
        None if found.orient.is_some() => {
            json!({"orient": found.orient.map(Orient::name), "encoding": encoding})
        }
        None if found.list.is_some() => json!({"list": found.list, "encoding": encoding}),
        None if found.encoding != TextEncoding::Utf8 => json!({"encoding": encoding}),
        None => Value::Null,
    }
}

/// The same for people.
fn in_words(dialect: &Value) -> Option<String> {
    let encoding = dialect.get("encoding")?.as_str()?;
    if let Some(list) = dialect.get("list").and_then(Value::as_str) {
        return Some(format!(
            "as one object; rows are the elements of `{list}`, in {encoding}"
        ));
    }
    if let Some(orient) = dialect.get("orient").and_then(Value::as_str) {
        return Some(format!(
            "as one object of columns (`{orient}`), in {encoding}"
        ));
    }
    let Some(delimiter) = dialect.get("delimiter").and_then(Value::as_str) else {
        return Some(format!("in {encoding}"));
    };
    let delimiter = match delimiter {
        "\t" => "tabs".to_owned(),
        other => format!("`{other}`"),
    };
    let quote = match dialect.get("quote").and_then(Value::as_str) {
        Some(quote) => format!("quoted with {quote}"),
        None => "never quoted".to_owned(),
    };
    let header = match dialect.get("header").and_then(Value::as_bool) {
        Some(true) => "a header",
        _ => "no header",
    };
    Some(format!(
        "with {delimiter} between fields, {quote}, {header}, in {encoding}"
    ))
}
