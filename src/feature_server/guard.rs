//! Access to a server: tokens, and names of hosts.

use std::net::SocketAddr;

use hyper::HeaderMap;
use hyper::StatusCode;
use hyper::Uri;
use hyper::header::AUTHORIZATION;
use hyper::header::HOST;
use hyper::header::ORIGIN;

use crate::feature_server::refusal::Refusal;
use crate::http_server::HostNames;
use crate::keyring::BearerToken;

/// The conditions of access at an address.
pub(super) struct Guard {
    token: Option<BearerToken>,
    names: HostNames,
}

impl Guard {
    /// Names of hosts are compared, unless the address stands for all: any name may lead there, and the token protects.
    pub(super) fn new(bound: SocketAddr, token: Option<BearerToken>) -> Self {
        Self {
            token,
            names: HostNames::new(bound),
        }
    }

    /// Checks a request. A page in a browser on this machine must not reach the server by a name of its own
    /// (DNS rebinding).
    ///
    /// # Errors
    /// A refusal for another host or origin, and for a token that is missing or wrong.
    pub(super) fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name| {
            headers
                .get(name)
                .map(|v: &hyper::http::HeaderValue| v.to_str().unwrap_or(""))
        };
        let host = uri.authority().map(|a| a.as_str()).or_else(|| text(HOST));
        let origin = text(ORIGIN).map(|o| o.split_once("://").map_or(o, |(_, host)| host));
        let named = [host, origin].into_iter().flatten();
        if let Some(other) = named.into_iter().find(|host| !self.names.admits(host)) {
            let shown: String = other.chars().take(80).collect();
            let why = format!("`{shown}` is no name of this server");
            return Err(Refusal::new(StatusCode::FORBIDDEN, why));
        }
        match &self.token {
            Some(token) if !token.is_in(text(AUTHORIZATION)) => Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "a bearer token is needed",
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(guard: &Guard, headers: &[(&'static str, &'static str)]) -> Option<StatusCode> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        guard
            .check(&Uri::from_static("/x"), &map)
            .err()
            .map(|e| e.status)
    }

    #[test]
    fn guard_on_loopback_knows_its_own_names_only() {
        let guard = Guard::new("127.0.0.1:80".parse().unwrap(), None);
        for host in ["localhost:80", "127.0.0.1", "[::1]:80", "LOCALHOST"] {
            assert_eq!(checked(&guard, &[("host", host)]), None, "{host}");
        }
        let forbidden = Some(StatusCode::FORBIDDEN);
        for host in ["example.com", "127.0.0.1.example.com:80", "", "10.0.0.1"] {
            assert_eq!(checked(&guard, &[("host", host)]), forbidden, "{host}");
        }
        let page = [("host", "localhost"), ("origin", "http://example.com")];
        assert_eq!(checked(&guard, &page), forbidden);
        let page = [("host", "localhost"), ("origin", "http://localhost:3000")];
        assert_eq!(checked(&guard, &page), None);
    }

    #[test]
    fn guard_with_a_token_wants_it() {
        let token = BearerToken::new("0123456789abcdef");
        let guard = Guard::new("0.0.0.0:80".parse().unwrap(), token);
        let refused = Some(StatusCode::UNAUTHORIZED);
        assert_eq!(checked(&guard, &[("host", "node.example")]), refused);
        let given = [
            ("host", "node.example"),
            ("authorization", "Bearer 0123456789abcdef"),
        ];
        assert_eq!(checked(&guard, &given), None);
    }
}
