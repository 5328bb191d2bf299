//! Sentences of the pages and comments of the code: none begins with a relative clause.

use std::path::Path;
use std::path::PathBuf;

/// First words of a sentence whose subject is a relative clause.
const RELATIVE_WORDS: [&str; 6] = ["What", "Who", "Whoever", "Whatever", "Whom", "Whose"];

/// Pages that the program writes; its own texts have tests of their own.
const GENERATED: [&str; 4] = [
    "docs/reference/cli.md",
    "docs/reference/help-topics.md",
    "docs/reference/json-output.md",
    "docs/reference/keys.md",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Adds the files of a folder with an extension, and of the folders in it.
fn add_files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            add_files(&path, extension, found);
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
}

/// The paragraphs, list items, headings and table cells of a page, outside of its code blocks.
fn texts(page: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut is_code = false;
    for line in page.lines().map(str::trim) {
        let is_fence = line.starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence || line.is_empty() {
            found.push(String::new());
        } else if line.starts_with('|') {
            found.extend(line.split('|').map(|cell| cell.trim().to_owned()));
            found.push(String::new());
        } else if let Some(text) = block_start(line) {
            found.push(text.to_owned());
        } else if let Some(text) = found.last_mut() {
            *text += " ";
            *text += line;
        }
    }
    found
}

/// The text of a line that begins a list item or a heading.
fn block_start(line: &str) -> Option<&str> {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = digits.strip_prefix(". ").filter(|_| digits != line);
    let mark = line.starts_with('#').then(|| line.trim_start_matches('#'));
    line.strip_prefix("- ").or(number).or(mark)
}

/// The sentences of a text that begin with a relative clause. Questions may.
fn relative_sentences(text: &str) -> Vec<&str> {
    let sentences = text.split_inclusive(['.', '?', '!']).map(str::trim);
    let is_relative = |sentence: &&str| {
        let plain = sentence.trim_start_matches(['*', '_', '"', '(']);
        let word = plain.split(|c: char| !c.is_alphabetic()).next();
        word.is_some_and(|word| RELATIVE_WORDS.contains(&word)) && !sentence.ends_with('?')
    };
    sentences.filter(is_relative).collect()
}

/// The text of a line of comment.
fn comment_text(line: &str) -> Option<&str> {
    let marks = ["// ", "//! ", "/// "];
    marks.iter().find_map(|mark| line.strip_prefix(mark))
}

#[test]
fn pages_have_no_sentence_with_a_relative_clause_as_its_subject() {
    let mut pages = Vec::new();
    add_files(&root().join("spec"), "md", &mut pages);
    add_files(&root().join("docs"), "md", &mut pages);
    pages.retain(|page| !GENERATED.iter().any(|name| page.ends_with(name)));
    assert!(pages.len() > 60, "{} pages", pages.len());
    let mut found = Vec::new();
    for page in &pages {
        for text in texts(&std::fs::read_to_string(page).unwrap()) {
            let sentences = relative_sentences(&text).into_iter();
            found.extend(sentences.map(|s| format!("{}: {s}", page.display())));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn comments_do_not_begin_with_a_relative_clause() {
    let mut files = Vec::new();
    for folder in ["src", "tests", "benches", "fuzz"] {
        add_files(&root().join(folder), "rs", &mut files);
    }
    let mut found = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().map(str::trim_start);
        let comments = lines.filter_map(comment_text);
        for comment in comments.filter(|c| !relative_sentences(c).is_empty()) {
            found.push(format!("{}: {comment}", file.display()));
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn relative_sentences_of_a_page_are_found_outside_of_code_and_questions() {
    let page = "# What is kept\n\nA row. What is left\nstays. What is it?\n\n```\nWhat code says.\n```\n\
        \n| a | Whoever asks |\n1. **Who** calls.\n- `What` is a word.\n";
    let found: Vec<String> = texts(page)
        .iter()
        .flat_map(|text| relative_sentences(text))
        .map(str::to_owned)
        .collect();
    let expected = [
        "What is kept",
        "What is left stays.",
        "Whoever asks",
        "**Who** calls.",
    ];
    assert_eq!(found, expected);
}
