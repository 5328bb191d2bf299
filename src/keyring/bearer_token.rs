//! Tokens that clients of HTTP servers send.

/// A token that clients send with each request.
#[derive(Clone)]
pub struct BearerToken(String);

impl BearerToken {
    /// Takes a token; `None` if it is shorter than 16 characters or cannot stand in a header.
    pub fn new(text: &str) -> Option<Self> {
        let is_plain = text.bytes().all(|b| b.is_ascii_graphic());
        (is_plain && text.len() >= 16).then(|| Self(text.to_owned()))
    }

    /// Returns true if the header `Authorization` has the token. It compares without a hint by time.
    pub fn is_in(&self, authorization: Option<&str>) -> bool {
        let Some((scheme, token)) = authorization.and_then(|v| v.split_once(' ')) else {
            return false;
        };
        let (a, b) = (
            blake3::hash(token.trim().as_bytes()),
            blake3::hash(self.0.as_bytes()),
        );
        scheme.eq_ignore_ascii_case("bearer") && a == b
    }
}

#[cfg(test)]
mod tests {
    use super::BearerToken;

    #[test]
    fn token_in_a_header_is_compared_whole() {
        let token = BearerToken::new("0123456789abcdef").unwrap();
        assert!(token.is_in(Some("Bearer 0123456789abcdef")));
        assert!(token.is_in(Some("bearer  0123456789abcdef")));
        for wrong in [
            "Bearer 0123456789abcde",
            "Basic 0123456789abcdef",
            "Bearer",
            "",
        ] {
            assert!(!token.is_in(Some(wrong)), "{wrong}");
        }
        assert!(!token.is_in(None));
    }

    #[test]
    fn token_that_is_short_or_has_spaces_is_refused() {
        assert!(BearerToken::new("0123456789").is_none());
        assert!(BearerToken::new("0123456789 abcdef").is_none());
    }
}
