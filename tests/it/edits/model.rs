//! Random edits through the library, against a plain list of rows.

use std::path::Path;

use alimentar::progress::NoProgress;
use alimentar::protocol::Random;
use alimentar::registry::CellChange;
use alimentar::registry::EditSession;
use alimentar::registry::Target;
use alimentar::registry::TargetOptions;

/// A file of rows: records of CSV with two columns, or objects.
#[derive(Clone, Debug)]
pub struct Model {
    pub front: String,
    pub rows: Vec<String>,
    pub is_csv: bool,
}

impl Model {
    pub fn text(&self) -> String {
        let rows: String = self.rows.iter().map(|row| format!("{row}\n")).collect();
        format!("{}{rows}", self.front)
    }

    /// A row with a number and a word.
    pub fn row(&self, number: u64, word: &str) -> String {
        match self.is_csv {
            true => format!("{number},\"{word}\""),
            false => format!("{{\"n\":{number},\"t\":\"{word}\"}}"),
        }
    }

    pub fn new(rows: u64, is_csv: bool, random: &mut Random) -> Self {
        let mut made = Self {
            front: if is_csv {
                "n,t\n".to_owned()
            } else {
                String::new()
            },
            rows: Vec::new(),
            is_csv,
        };
        for number in 0..rows {
            let word = word(random);
            made.rows.push(made.row(number, &word));
        }
        made
    }
}

pub fn word(random: &mut Random) -> String {
    let letters = random.below(40);
    let letter = |n: u64| char::from(b'a' + n as u8);
    (0..letters).map(|_| letter(random.below(26))).collect()
}

/// Makes one edit at random, of the target and of the model.
pub fn random_edit(session: &mut EditSession, model: &mut Model, dir: &Path, random: &mut Random) {
    let rows = model.rows.len() as u64;
    match random.below(3) {
        0 if rows > 0 => {
            let row = random.below(rows);
            let (number, word) = (random.below(1000), word(random));
            let cell = |column: &str, value: String| CellChange {
                row,
                column: column.to_owned(),
                value,
                form: Default::default(),
            };
            let changes = [cell("n", number.to_string()), cell("t", word.clone())];
            session.set(&changes, &NoProgress).unwrap();
            model.rows[row as usize] = model.row(number, &word);
        }
        1 if rows > 0 => {
            let from = random.below(rows);
            let to = (from + 1 + random.below(3)).min(rows);
            session.delete(&[(from, to)], &NoProgress).unwrap();
            drop(model.rows.drain(from as usize..to as usize));
        }
        _ => {
            let at = random.below(rows + 1);
            let new: Vec<String> = (0..=random.below(3))
                .map(|_| {
                    let (number, word) = (random.below(1000), word(random));
                    model.row(number, &word)
                })
                .collect();
            let name = if model.is_csv { "new.csv" } else { "new.jsonl" };
            let path = dir.join(name);
            let text: String = new.iter().map(|row| format!("{row}\n")).collect();
            std::fs::write(&path, format!("{}{text}", model.front)).unwrap();
            let from = Target::open(path.to_str().unwrap(), &dir.join("home")).unwrap();
            session.insert(&from, at, &NoProgress).unwrap();
            // Fields without special characters lose their quotes.
            let new = new.into_iter().map(|row| match model.is_csv {
                true => unquoted(&row),
                false => row,
            });
            drop(model.rows.splice(at as usize..at as usize, new));
        }
    }
}

/// A record as it is written anew: its word without quotes.
fn unquoted(row: &str) -> String {
    row.replace('"', "")
}

#[test]
fn random_edits_of_a_file_give_rows_of_plain_list() {
    for seed in 0..24 {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let mut random = Random::new(seed);
        let is_csv = seed % 2 == 1;
        let rows = random.below(200);
        let mut model = Model::new(rows, is_csv, &mut random);
        let file = dir.path().join(if is_csv { "x.csv" } else { "x.jsonl" });
        std::fs::write(&file, model.text()).unwrap();
        let path = file.to_str().unwrap();
        let options = TargetOptions::default();
        let mut session = EditSession::open(path, &home, &options, &NoProgress).unwrap();
        let mut texts = vec![model.text()];
        for step in 0..10 {
            random_edit(&mut session, &mut model, dir.path(), &mut random);
            let out = dir.path().join("out");
            let replace = alimentar::file_io::IfExists::Replace;
            session
                .target()
                .copy_bytes(&out, replace, &NoProgress)
                .unwrap();
            let found = std::fs::read_to_string(&out).unwrap();
            let now = match is_csv {
                true => without_quotes(&model.text()),
                false => model.text(),
            };
            let found = match is_csv {
                true => without_quotes(&found),
                false => found,
            };
            assert_eq!(found, now, "seed {seed}, step {step}");
            let count = session.target().count(&NoProgress).unwrap();
            assert_eq!(count, model.rows.len() as u64, "seed {seed}, step {step}");
            texts.push(now);
        }
        let edits = session.counts().unwrap().edits as usize;
        session.undo(edits, &NoProgress).unwrap();
        assert_eq!(session.target().size_bytes(), texts[0].len() as u64);
        session.redo(edits, &NoProgress).unwrap();
        assert_eq!(session.counts().unwrap().edits as usize, edits);
    }
}

fn without_quotes(text: &str) -> String {
    text.replace('"', "")
}
