//! Pieces that several pages have: command lines, badges, lists of facts.

use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::words;
use crate::trust::Trust;

/// Writes the trust of a dataset as a badge, with the sentence beside it for everybody.
pub(super) fn trust(h: &mut Html, trust: Trust) {
    let (word, class) = words::trust_badge(trust);
    h.leaf(
        "span",
        &[
            At::Lit("class", class),
            At::Title(words::trust_sentence(trust)),
        ],
        word,
    );
}

/// Writes a fact of a list of facts.
pub(super) fn fact(h: &mut Html, name: &'static str, value: impl FnOnce(&mut Html)) {
    h.element("div", &[], |h| {
        h.leaf("dt", &[], name);
        h.element("dd", &[], value);
    });
}

/// Writes a command line that shows the same as the page.
pub(super) fn command(h: &mut Html, command: &[&str]) {
    commands(h, "On the command line", &[command_line(command)]);
}

/// Writes lines to type, under a heading.
pub(super) fn commands(h: &mut Html, title: &str, lines: &[String]) {
    h.element(
        "section",
        &[At::Lit("class", "type"), At::Label(title)],
        |h| {
            h.leaf("p", &[At::Lit("class", "type-title")], title);
            block(h, &lines.join("\n"));
        },
    );
}

/// Writes text to copy.
pub(super) fn block(h: &mut Html, text: &str) {
    h.element(
        "pre",
        &[At::Lit("tabindex", "0"), At::Lit("class", "copy")],
        |h| {
            h.leaf("code", &[], text);
        },
    );
}

/// Returns a command with its words quoted for a shell.
pub(super) fn command_line(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| shell_word(word)).collect();
    quoted.join(" ")
}

/// Returns a word quoted for a shell, if it needs quotes.
pub(super) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./:@=+,%-".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell_are_quoted_where_they_need_it() {
        assert_eq!(
            command_line(&["a", "b/c@1.0.0:d.csv", "it's $x", ""]),
            "a b/c@1.0.0:d.csv 'it'\\''s $x' ''"
        );
    }
}
