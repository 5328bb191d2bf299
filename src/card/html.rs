//! Renders Markdown as a safe HTML page: no script, no raw markup, no external content, and links
//! only to allowed schemes.

use pulldown_cmark::CowStr;
use pulldown_cmark::Event;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;

const STYLE: &str = "body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 sans-serif}\
pre{overflow-x:auto;padding:.8rem;background:#8881}table{border-collapse:collapse}\
td,th{border:1px solid #8886;padding:.2rem .6rem}";

/// Renders a whole page with a title. The policy in its head also forbids everything that the
/// markup cannot contain.
pub fn to_html(title: &str, markdown: &str) -> String {
    let mut body = String::new();
    let events = safe_events(markdown);
    pulldown_cmark::html::push_html(&mut body, events);
    let title = escape(title);
    format!(
        "<!doctype html>\n<html><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )
}

/// Parses Markdown without everything that could run or load something.
pub(super) fn safe_events(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    Parser::new_ext(markdown, options).map(safe)
}

fn safe(event: Event<'_>) -> Event<'_> {
    match event {
        // The renderer escapes text.
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        // An image becomes a link, so that opening the page loads nothing.
        Event::Start(
            Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }
            | Tag::Image {
                link_type,
                dest_url,
                title,
                id,
            },
        ) => Event::Start(Tag::Link {
            link_type,
            dest_url: allowed(dest_url),
            title,
            id,
        }),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        other => other,
    }
}

/// Returns the target of a link, or an empty one if it is not allowed.
fn allowed(url: CowStr<'_>) -> CowStr<'_> {
    let scheme = url.split(['/', '?', '#']).next().unwrap_or_default();
    let lower = scheme.to_ascii_lowercase();
    let known = ["http:", "https:", "mailto:"]
        .iter()
        .any(|s| lower.starts_with(s));
    if known || !scheme.contains(':') {
        url
    } else {
        CowStr::Borrowed("#")
    }
}

fn escape(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}
