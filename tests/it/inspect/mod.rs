//! The `inspect` commands over every format, and the indexes of lines and rows.

mod columnar;
mod columns;
mod commands;
mod datasets;
mod detection;
mod every_format;
pub mod json;
pub mod line_index;
mod row_diff;
pub mod row_index;
mod row_output;
mod schema;
mod targets;

use std::path::Path;
use std::path::PathBuf;

use crate::support::answer;

/// 1,319 rows of questions and answers.
pub fn gsm8k() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gsm8k/test.jsonl")
}

/// A path as a word of a command line.
pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// The same rows in every format, below a directory.
pub fn everywhere(dir: &Path, home: &Path) -> Vec<String> {
    let source = text(&gsm8k());
    let mut targets = vec![source.clone()];
    for name in ["rows.parquet", "rows.csv", "rows.tsv"] {
        let path = text(&dir.join(name));
        let made = answer(home, &["inspect", "export", &source, "-o", &path]);
        assert_eq!(
            (&made["rows_in"], &made["rows_out"]),
            (&1319.into(), &1319.into())
        );
        targets.push(path);
    }
    let lines = std::fs::read_to_string(gsm8k()).unwrap();
    let array = dir.join("rows.json");
    let rows: Vec<&str> = lines.lines().collect();
    std::fs::write(&array, format!("[{}]", rows.join(",\n "))).unwrap();
    targets.push(text(&array));
    let packed = dir.join("rows.jsonl.gz");
    let file = std::fs::File::create(&packed).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, lines.as_bytes()).unwrap();
    encoder.finish().unwrap();
    targets.push(text(&packed));
    let names = ["lines", "columns", "records", "tabs", "array", "packed"];
    for (path, name) in targets.clone().iter().zip(names) {
        answer(home, &["registry", "index", path, "--name", name]);
        targets.push(name.to_owned());
    }
    targets
}
