//! The style, the script and the icon of pages. The hash of the content is in the path, so browsers keep them for ever.

use std::sync::LazyLock;

use hyper::Response;
use hyper::header;

use crate::doors::body::Answer;
use crate::doors::body::DoorBody;
use crate::doors::page::headers::harden;
use crate::doors::page::headers::set;
use crate::doors::page::links::Link;
use crate::doors::request::DoorRequest;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const ICON: &str = include_str!("icon.svg");
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

static STYLE_LINK: LazyLock<Link> = LazyLock::new(|| link("style", STYLE, "css"));
static SCRIPT_LINK: LazyLock<Link> = LazyLock::new(|| link("script", SCRIPT, "js"));
static ICON_LINK: LazyLock<Link> = LazyLock::new(|| link("icon", ICON, "svg"));

fn link(name: &str, content: &str, ending: &str) -> Link {
    let hash = blake3::hash(content.as_bytes()).to_hex();
    let hash = hash.get(..16).unwrap_or_default();
    Link::to(&["assets", &format!("{name}.{hash}.{ending}")])
}

/// The place of the style.
pub(super) fn style() -> &'static Link {
    &STYLE_LINK
}

/// The place of the script.
pub(super) fn script_path() -> &'static str {
    SCRIPT_LINK.as_str()
}

/// The place of the icon.
pub(super) fn icon() -> &'static Link {
    &ICON_LINK
}

/// Answers with the file at a path; `None` if it is none of these, or one of another version of this program.
pub(super) fn answer(request: &DoorRequest) -> Option<Answer> {
    let files = [
        (&STYLE_LINK, STYLE, "text/css; charset=utf-8"),
        (&SCRIPT_LINK, SCRIPT, "text/javascript; charset=utf-8"),
        (&ICON_LINK, ICON, "image/svg+xml"),
    ];
    let (_, content, kind) = files
        .into_iter()
        .find(|(link, ..)| link.as_str() == request.raw_path)?;
    let mut answer = Response::new(match request.is_head() {
        true => DoorBody::empty(),
        false => DoorBody::of(content.as_bytes()),
    });
    let headers = answer.headers_mut();
    harden(headers, POLICY);
    set(headers, header::CONTENT_TYPE, kind);
    set(
        headers,
        header::CACHE_CONTROL,
        "public, max-age=31536000, immutable",
    );
    set(headers, header::CONTENT_LENGTH, &content.len().to_string());
    Some(answer)
}
