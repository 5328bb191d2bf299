//! The exceptions that are left, in `tables.txt`. They may only shrink:
//! `ALIMENTAR_TABLES=write cargo test --test it layering::` rewrites the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use super::modules::Modules;
use crate::support::variable;

/// Rust files of a folder at most.
pub const FOLDER_FILES_MAX: usize = 14;

/// First words of a documentation comment that is a relative clause instead of a sentence.
const RELATIVE_WORDS: [&str; 6] = ["What", "Who", "Whether", "Where", "How", "Which"];

const HEAD: &str = "\
# Exceptions to the rules of `tests/it/layering.rs`, exact; they may only shrink.
# `ALIMENTAR_TABLES=write cargo test --test it layering::` rewrites this file.
#
# crowded FOLDER FILES: a folder with more Rust files than are allowed.
# knot FILES: files of one room that name each other in a circle.
# prose ROOM CLAUSES WORDS: documentation comments that begin with a relative clause, and those of one
#   word. An upper limit; it has to be lowered when a tenth of them is gone.
";

/// The exceptions, as they are kept or as they are found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tables {
    pub crowded: BTreeMap<String, usize>,
    pub knots: Vec<Vec<String>>,
    pub prose: BTreeMap<String, Prose>,
}

/// Documentation comments of a room that say too little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prose {
    pub clauses: usize,
    pub words: usize,
}

impl Tables {
    /// The tables of the file, which is written before if the environment says so.
    pub fn kept() -> &'static Self {
        static KEPT: OnceLock<Tables> = OnceLock::new();
        KEPT.get_or_init(|| {
            let path = root().join("tests/it/layering/tables.txt");
            if variable("ALIMENTAR_TABLES").is_some_and(|v| v == "write") {
                std::fs::write(&path, Self::found().to_text()).unwrap();
            }
            Self::parse(&std::fs::read_to_string(&path).unwrap())
        })
    }

    /// The tables of the sources as they are.
    pub fn found() -> &'static Self {
        static FOUND: OnceLock<Tables> = OnceLock::new();
        FOUND.get_or_init(Self::find)
    }

    fn find() -> Self {
        let mut found = Self {
            knots: Modules::read(&root().join("src")).knots(),
            ..Self::default()
        };
        for name in ["src", "tests", "benches"] {
            found.count_files(name);
        }
        for path in super::all_sources() {
            let inside = path.strip_prefix(root().join("src")).unwrap();
            let prose = found.prose.entry(super::room(inside)).or_default();
            for (clause, word) in doc_comments(&std::fs::read_to_string(&path).unwrap()) {
                prose.clauses += usize::from(clause);
                prose.words += usize::from(word);
            }
        }
        found.prose.retain(|_, prose| *prose != Prose::default());
        found
    }

    fn count_files(&mut self, folder: &str) {
        let mut files = 0;
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && name != "target" {
                self.count_files(&format!("{folder}/{name}"));
            }
            files += usize::from(path.extension().is_some_and(|e| e == "rs"));
        }
        if files > FOLDER_FILES_MAX {
            self.crowded.insert(folder.to_owned(), files);
        }
    }

    fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (folder, files) in &self.crowded {
            text += &format!("crowded {folder} {files}\n");
        }
        for knot in &self.knots {
            text += &format!("knot {}\n", knot.join(" "));
        }
        for (room, Prose { clauses, words }) in &self.prose {
            text += &format!("prose {room} {clauses} {words}\n");
        }
        text
    }

    fn parse(text: &str) -> Self {
        let mut tables = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<&str> = line.split(' ').collect();
            let number = |n: usize| words[n].parse::<usize>().unwrap();
            match words[0] {
                "crowded" => {
                    tables.crowded.insert(words[1].to_owned(), number(2));
                }
                "knot" => {
                    let files = words[1..].iter().map(|w| (*w).to_owned());
                    tables.knots.push(files.collect());
                }
                "prose" => {
                    let (clauses, words_of_docs) = (number(2), number(3));
                    let prose = Prose {
                        clauses,
                        words: words_of_docs,
                    };
                    tables.prose.insert(words[1].to_owned(), prose);
                }
                _ => panic!("not a line of the tables: {line}"),
            }
        }
        tables
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Of each documentation comment: whether it begins with a relative clause, and whether it is one word.
fn doc_comments(text: &str) -> Vec<(bool, bool)> {
    let mark = |line: &str| ["///", "//!"].into_iter().find(|m| line.starts_with(m));
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let mut found = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let Some(own) = mark(line) else { continue };
        if n > 0 && mark(lines[n - 1]) == Some(own) {
            continue;
        }
        let is_single = lines.get(n + 1).and_then(|next| mark(next)) != Some(own);
        let words: Vec<&str> = line[3..].split_whitespace().collect();
        let first = words.first().map_or("", |w| w.trim_end_matches([',', '.']));
        found.push((
            RELATIVE_WORDS.contains(&first),
            is_single && words.len() == 1,
        ));
    }
    found
}

#[test]
fn doc_comment_of_one_word_or_a_relative_clause_is_counted() {
    let text = "//! What a node is.\n\n/// Who.\n///\n/// Two.\nfn a();\n    /// Who.\n\n/// A peer.\n/// Where it is.\n";
    let found = doc_comments(text);
    let expected = [(true, false), (true, false), (true, true), (false, false)];
    assert_eq!(found, expected);
}
