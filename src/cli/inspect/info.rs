//! `inspect info`.

use std::collections::BTreeSet;

use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_inspect::InfoArgs;
use crate::cli::bar::Bar;
use crate::cli::exit::Failure;
use crate::cli::inspect::targets;
use crate::cli::inspect::tell_repeated;
use crate::cli::out::Out;
use crate::cli::out::human_bytes;
use crate::cli::out::printable;
use crate::cli::out::table;
use crate::cli::show::field_objects;
use crate::cli::show::field_rows;
use crate::inspect::common_schema;
use crate::registry::host;

/// Files that are listed on a terminal.
const FILES_SHOWN: usize = 20;

pub(crate) fn run(args: &InfoArgs, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let began = host::instant();
    let target = targets(&args.target, cli, out)?;
    tell_repeated(&target, out)?;
    let (mut files, mut schemas, mut formats) = (Vec::new(), Vec::new(), BTreeSet::new());
    for file in target.files() {
        let (format, schema) = file.describe()?;
        formats.insert(format.name());
        schemas.extend(schema);
        files.push((file.path(), file.size_bytes(), format.name()));
    }
    let schema = common_schema(&schemas);
    let open_seconds = began.elapsed().as_secs_f64();
    let rows = target.count(&Bar::new(out.is_quiet()))?;
    let index_seconds = began.elapsed().as_secs_f64() - open_seconds;
    let format = formats.into_iter().collect::<Vec<_>>().join(", ");
    let listed = files
        .iter()
        .map(|(path, size, format)| json!({"path": path, "size_bytes": size, "format": format}));
    let answer = json!({
        "format": format, "rows": rows, "size_bytes": target.size_bytes(),
        "schema": {"fields": field_objects(schema.as_ref())},
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
    let fields = field_rows(schema.as_ref());
    if !fields.is_empty() {
        text += &format!("\n{}", table(&["FIELD", "TYPE", ""], &fields));
    }
    Ok(out.result(&answer, &[rows.to_string()], &text)?)
}
