//! Names of a server, which requests have to use.

use std::net::IpAddr;
use std::net::SocketAddr;

/// The names of the address that a server listens at. A page in a browser on this machine must not reach the server
/// by a name of its own (DNS rebinding).
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostNames {
    /// The address, if hosts are compared with it.
    bound: Option<IpAddr>,
}

impl HostNames {
    /// Names of hosts are compared, unless the address stands for all: any name may lead there.
    pub(crate) fn new(bound: SocketAddr) -> Self {
        Self {
            bound: Some(bound.ip()).filter(|ip| !ip.is_unspecified()),
        }
    }

    /// Returns true if a `host` or `host:port` may be a name of the server.
    pub(crate) fn admits(&self, host: &str) -> bool {
        let Some(bound) = self.bound else {
            return true;
        };
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        name.parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback() || ip == bound)
    }
}
