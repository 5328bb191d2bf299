//! Places that pages lead to.

use crate::doors::shown::ShownDataset;

/// A place in this server, or a page elsewhere. It cannot be a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link(String);

impl Link {
    /// A place in this server, by the parts of its path.
    pub(super) fn to(parts: &[&str]) -> Self {
        let mut link = String::new();
        for part in parts {
            link.push('/');
            encode_into(part, &mut link);
        }
        Self(link)
    }

    /// A literal place of this program.
    pub(super) fn literal(place: &'static str) -> Self {
        Self(place.to_owned())
    }

    /// A page elsewhere; `None` unless its URL is one of HTTP.
    pub(super) fn outside(url: &str) -> Option<Self> {
        let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
        let is_http = lower.starts_with("https://") || lower.starts_with("http://");
        is_http.then(|| Self(url.to_owned()))
    }

    /// The same place with a parameter.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0.push_str(name);
        self.0.push('=');
        encode_into(value, &mut self.0);
        self
    }

    /// The same place with a parameter, unless it is empty.
    #[must_use]
    pub(super) fn with_some(self, name: &'static str, value: &str) -> Self {
        match value {
            "" => self,
            value => self.with(name, value),
        }
    }

    /// The same place with a part of the page.
    #[must_use]
    pub(super) fn part(mut self, id: &'static str) -> Self {
        self.0.push('#');
        self.0.push_str(id);
        self
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The page of a dataset in its newest version.
    pub(super) fn newest(dataset: &ShownDataset) -> Self {
        Self::to(&["d", &dataset.publisher, dataset.name.as_str()])
    }

    /// The page of a version.
    pub(super) fn version(dataset: &ShownDataset) -> Self {
        Self::to(&["d", &dataset.publisher, &named(dataset)])
    }

    /// A place below a version: rows of a file, or its bytes.
    pub(super) fn file(dataset: &ShownDataset, kind: &str, path: &str) -> Self {
        let named = named(dataset);
        let mut parts = vec!["d", &dataset.publisher, &named, kind];
        parts.extend(path.split('/'));
        Self::to(&parts)
    }
}

fn named(dataset: &ShownDataset) -> String {
    format!("{}@{}", dataset.name, dataset.version)
}

/// Appends a text in percent-encoding.
fn encode_into(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                out.push(char::from(byte));
            }
            byte => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                let digit = |n: u8| DIGITS.get(usize::from(n)).copied().map_or('0', char::from);
                out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

/// Returns a text in percent-encoding, with its slashes.
pub(super) fn encoded_path(path: &str) -> String {
    let mut out = String::new();
    for (n, part) in path.split('/').enumerate() {
        if n > 0 {
            out.push('/');
        }
        encode_into(part, &mut out);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_parameters_are_encoded() {
        let link = Link::to(&["d", "a lab", "x/y?#\"<é"])
            .with("q", "a&b=c d")
            .with_some("x", "");
        assert_eq!(
            link.as_str(),
            "/d/a%20lab/x%2Fy%3F%23%22%3C%C3%A9?q=a%26b%3Dc%20d"
        );
        assert_eq!(
            Link::literal("/connect")
                .with("a", "1")
                .with("b", "2")
                .as_str(),
            "/connect?a=1&b=2"
        );
        assert_eq!(encoded_path("a b/c#"), "a%20b/c%23");
    }

    #[test]
    fn links_outside_are_pages_only() {
        assert!(Link::outside("HTTPS://x.example/").is_some());
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "hf://datasets/a/b",
            " http://x",
            "é",
        ] {
            assert_eq!(Link::outside(url), None, "{url}");
        }
    }
}
