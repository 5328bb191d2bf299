//! Front matter of every form, and attempts to inject markup into pages.

use serde_json::json;

use crate::card::Card;
use crate::card::to_html;

#[test]
fn front_matter_is_read_and_the_text_kept() {
    let text = "---\nlicense: mit\ntags:\n- nlp\n- \"2024\"\nversion: 1.0.0\nrows: 12\n\
        dataset_info:\n  features:\n  - {name: text, dtype: string}\nx-own: [~, yes, 1.5]\n---\n# Title\n";
    for text in [
        text.to_owned(),
        text.replace('\n', "\r\n"),
        format!("\u{feff}{text}"),
    ] {
        let card = Card::read(text.as_bytes());
        assert_eq!(card.error, None);
        assert_eq!(
            (card.license(), card.tags()),
            (Some("mit"), vec!["nlp".to_owned(), "2024".to_owned()])
        );
        assert_eq!(card.front_matter["version"], "1.0.0");
        assert_eq!(card.front_matter["rows"], 12);
        assert_eq!(card.front_matter["x-own"], json!([null, "yes", 1.5]));
        assert_eq!(
            card.front_matter["dataset_info"]["features"][0]["dtype"],
            "string"
        );
        assert_eq!(card.markdown.trim(), "# Title");
    }
}

#[test]
fn front_matter_broken_reports_line_and_keeps_text() {
    for (text, line) in [
        ("---\nlicense: mit\n  bad: [1,\n---\ntext", 3..=5),
        ("---\na: 1\nb: &x 1\nc: *x\n---\ntext", 3..=3),
        ("---\n- a\n---\ntext", 2..=2),
        ("---\na: \"unclosed\n---\ntext", 2..=4),
    ] {
        let card = Card::read(text.as_bytes());
        let error = card.error.unwrap_or_else(|| panic!("{text:?}"));
        assert!(line.contains(&error.line), "{text:?}: {error}");
        assert_eq!(card.markdown, "text");
        assert!(card.front_matter.is_empty());
    }
    let deep = format!("---\na: {}\n---\n", "[".repeat(100_000));
    assert!(Card::read(deep.as_bytes()).error.is_some());
    let wide = format!("---\na: [{}]\n---\n", "1,".repeat(100_000));
    assert!(Card::read(wide.as_bytes()).error.is_some());
    let none = Card::read(b"---\nnever closed");
    assert_eq!(
        (none.error, none.markdown.as_str()),
        (None, "---\nnever closed")
    );
    assert_eq!(Card::read(&[0xff; 100]).front_matter.len(), 0);
}

#[test]
fn page_has_no_script_and_loads_nothing() {
    let page = to_html(
        "<b>&",
        "# Hi\n\n<script>alert(1)</script>\n\ntext <img src=x onerror=alert(1)> more\n\n\
         ![pic](https://x.example/p.png) [a](javascript:alert(1)) [b](JaVaScRiPt:x) \
         [c](https://ok.example/a:b) [d](data:text/html,x) [e](#part) [f](notes.md)\n\n\
         | a | b |\n|---|---|\n| 1 | 2 |\n",
    );
    for bad in [
        "<script",
        "<img",
        "<b>",
        "javascript:",
        "JaVaScRiPt:",
        "data:text",
    ] {
        assert!(!page.contains(bad), "{bad} in {page}");
    }
    for good in [
        "href=\"https://ok.example/a:b\"",
        "<table>",
        "&lt;script&gt;",
        "<h1>Hi</h1>",
        "href=\"#part\"",
        "href=\"notes.md\"",
    ] {
        assert!(page.contains(good), "{good} not in {page}");
    }
}

#[test]
fn front_matter_that_is_nested_deeply_is_refused_without_recursion() {
    for deep in [
        "- ".repeat(200_000),
        "? ".repeat(200_000),
        "[".repeat(200_000),
    ] {
        let card = Card::read(format!("---\n{deep}\n---\ntext\n").as_bytes());
        assert!(card.error.is_some());
    }
}
