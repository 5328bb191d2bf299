//! The frame of every page, and the headers of its answer.

use hyper::Response;
use hyper::StatusCode;
use hyper::header;

use crate::doors::body::Answer;
use crate::doors::body::DoorBody;
use crate::doors::error::DoorError;
use crate::doors::page::assets;
use crate::doors::page::headers::harden;
use crate::doors::page::headers::set;
use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::links::Link;
use crate::doors::request::DoorRequest;

/// The policy of a page: it has the style, the script and the forms of this server.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The same for the list, whose script asks for the results of a search while it is typed.
const SEARCH_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page without its frame.
pub(super) struct Page {
    /// The title of the window, without the name of this program.
    pub(super) title: String,
    /// The part of the site.
    pub(super) part: Part,
    /// The words in the field of the search.
    pub(super) words: String,
    /// The content, which begins with a heading of level 1.
    pub(super) main: Html,
}

/// A part of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Connect,
    Dataset,
    List,
    Peers,
}

impl Page {
    pub(super) fn new(title: impl Into<String>, part: Part, main: Html) -> Self {
        Self {
            title: title.into(),
            part,
            words: String::new(),
            main,
        }
    }

    fn into_html(self) -> Html {
        let mut html = Html::new();
        html.literal("<!doctype html>\n<html lang=\"en\">");
        html.element("head", &[], |h| {
            h.literal("<meta charset=\"utf-8\">");
            h.literal("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
            h.literal("<meta name=\"color-scheme\" content=\"light dark\">");
            h.literal("<meta name=\"description\" content=\"Datasets on this node\">");
            h.leaf("title", &[], &format!("{} · alimentar", self.title));
            h.void(
                "link",
                &[At::Lit("rel", "stylesheet"), At::Href(assets::style())],
            );
            h.void(
                "link",
                &[
                    At::Lit("rel", "icon"),
                    At::Lit("type", "image/svg+xml"),
                    At::Href(assets::icon()),
                ],
            );
            h.element(
                "script",
                &[At::Lit("src", assets::script_path()), At::Flag("defer")],
                |_| {},
            );
        });
        html.element("body", &[], |h| {
            h.literal("<a class=\"skip\" href=\"#main\">Skip to the content</a>");
            self.header(h);
            h.element(
                "main",
                &[At::Lit("id", "main"), At::Lit("tabindex", "-1")],
                |h| {
                    h.append(self.main);
                },
            );
            h.element("footer", &[], |h| {
                h.leaf(
                    "p",
                    &[],
                    "Bytes of datasets are compared with their hashes before they are shown.",
                );
            });
        });
        html.literal("</html>\n");
        html
    }
}

impl Page {
    fn header(&self, h: &mut Html) {
        h.element("header", &[], |h| {
            h.leaf(
                "a",
                &[At::Lit("class", "brand"), At::Href(&Link::literal("/"))],
                "alimentar",
            );
            h.element("nav", &[At::Label("Site")], |h| {
                let entries = [
                    ("Datasets", Part::List, "/"),
                    ("Connect", Part::Connect, "/connect"),
                    ("Peers", Part::Peers, "/peers"),
                ];
                for (name, part, place) in entries {
                    let place = Link::literal(place);
                    match part == self.part {
                        true => h.leaf(
                            "a",
                            &[At::Href(&place), At::Lit("aria-current", "page")],
                            name,
                        ),
                        false => h.link(&place, name),
                    };
                }
            });
            let form = [
                At::Lit("role", "search"),
                At::Lit("method", "get"),
                At::Action(&Link::literal("/")),
            ];
            h.element("form", &form, |h| {
                h.leaf(
                    "label",
                    &[At::Lit("for", "q"), At::Lit("class", "unseen")],
                    "Search datasets",
                );
                h.void(
                    "input",
                    &[
                        At::Lit("id", "q"),
                        At::Lit("name", "q"),
                        At::Lit("type", "search"),
                        At::Lit("autocomplete", "off"),
                        At::Lit("spellcheck", "false"),
                        At::Lit("maxlength", "500"),
                        At::Lit("placeholder", "Names, cards, columns…"),
                        At::Value(&self.words),
                    ],
                );
                h.leaf("button", &[At::Lit("type", "submit")], "Search");
            });
        });
    }
}

/// Answers with a page.
pub(super) fn page(request: &DoorRequest, status: StatusCode, page: Page) -> Answer {
    let policy = match page.part {
        Part::List => SEARCH_POLICY,
        _ => POLICY,
    };
    let bytes = page.into_html().into_bytes();
    let etag = format!(
        "\"{}\"",
        blake3::hash(&bytes).to_hex().get(..32).unwrap_or_default()
    );
    let known = request.text(&header::IF_NONE_MATCH);
    let is_known = status == StatusCode::OK
        && known.is_some_and(|known| {
            known
                .split(',')
                .any(|tag| tag.trim().trim_start_matches("W/") == etag)
        });
    let (status, body) = match is_known {
        true => (StatusCode::NOT_MODIFIED, None),
        false => (status, Some(bytes)),
    };
    let mut answer = Response::new(DoorBody::empty());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    harden(headers, policy);
    set(headers, header::CONTENT_TYPE, "text/html; charset=utf-8");
    // A page shows what its visitor may see, as it is now.
    set(headers, header::CACHE_CONTROL, "private, no-cache");
    set(headers, header::VARY, "Authorization");
    if status == StatusCode::OK || status == StatusCode::NOT_MODIFIED {
        set(headers, header::ETAG, &etag);
    }
    if let Some(bytes) = body {
        set(headers, header::CONTENT_LENGTH, &bytes.len().to_string());
        if !request.is_head() {
            *answer.body_mut() = DoorBody::of(bytes);
        }
    }
    answer
}

/// Answers with an error, as a page.
pub(super) fn failed(request: &DoorRequest, error: &DoorError) -> Answer {
    let status = error.status();
    let title = match status {
        StatusCode::NOT_FOUND => "There is no such page",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "This needs a token",
        StatusCode::SERVICE_UNAVAILABLE => "The server has too much to do",
        StatusCode::INTERNAL_SERVER_ERROR => "This failed",
        _ => "This request makes no sense",
    };
    let mut html = Html::new();
    html.leaf("h1", &[], title);
    html.leaf("p", &[], &sentence(error.message()));
    html.element("p", &[], |h| {
        h.link(&Link::literal("/"), "All datasets");
    });
    page(request, status, Page::new(title, Part::Dataset, html))
}

/// Answers that a path takes no such method.
pub(super) fn method_not_allowed(request: &DoorRequest) -> Answer {
    let error = DoorError::Invalid("Pages are read, not written.".to_owned());
    let mut answer = failed(request, &error);
    *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    set(answer.headers_mut(), header::ALLOW, "GET, HEAD");
    answer
}

/// Sends the browser to another place of this server.
pub(super) fn moved(to: &Link) -> Answer {
    let mut answer = Response::new(DoorBody::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    let headers = answer.headers_mut();
    harden(headers, POLICY);
    set(headers, header::LOCATION, to.as_str());
    set(headers, header::CONTENT_LENGTH, "0");
    answer
}

/// Returns a message as a sentence.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    let end = if message.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.unwrap_or_default(), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("it is gone"), "It is gone.");
        assert_eq!(sentence("Why?"), "Why?");
        assert_eq!(sentence(""), ".");
    }
}
