//! Conversion between service records and DNS-SD records, which mDNS carries.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::SocketAddrV6;

use mdns_sd::IfKind;
use mdns_sd::IfPredicate;
use mdns_sd::InterfaceId;
use mdns_sd::ResolvedService;
use mdns_sd::ScopedIp;
use mdns_sd::ServiceInfo;
use mdns_sd::TxtProperty;

use crate::net::discovery::event::Announcement;
use crate::protocol::SERVICE;
use crate::protocol::ServiceRecord;

/// Number of hexadecimal digits of the node id in the names of its service and of its host.
const INSTANCE_DIGITS: usize = 32;
const HOST_DIGITS: usize = 16;

/// Maximum number of addresses of one service that are passed on.
const ADDRESSES_MAX: usize = 32;

/// Makes the DNS-SD service of a node.
pub(super) fn service(own: &Announcement) -> Result<ServiceInfo, mdns_sd::Error> {
    let id = own.record.node.to_hex();
    let digits = |n: usize| id.get(..n).unwrap_or_default();
    let host = format!("{}.local.", digits(HOST_DIGITS));
    let properties = own.record.encode().into_iter();
    let properties: Vec<TxtProperty> = properties.map(TxtProperty::from).collect();
    let instance = digits(INSTANCE_DIGITS);
    let mut service = ServiceInfo::new(SERVICE, instance, &host, (), own.port, properties)?;
    // Names made of a key collide with no other. With probing, a malicious answer could make this node
    // rename itself without end.
    service.set_requires_probe(false);
    service.set_interfaces(interfaces(&own.addresses));
    // Also with given addresses: they may go and come back.
    Ok(service.enable_addr_auto())
}

/// Returns the full name by which a service is withdrawn.
pub(super) fn full_name(own: &Announcement) -> String {
    let id = own.record.node.to_hex();
    format!(
        "{}.{SERVICE}",
        id.get(..INSTANCE_DIGITS).unwrap_or_default()
    )
}

/// Returns the filter of announced interfaces: the crate compares each address of each
/// interface with these.
fn interfaces(bound: &[IpAddr]) -> Vec<IfKind> {
    let every = |is_wanted: fn(IpAddr) -> bool| {
        // Loopback too, which only this machine receives: it may have no other network.
        IfKind::Predicate(IfPredicate::new(move |i| is_wanted(i.ip())))
    };
    match bound {
        [] => vec![every(|_| true)],
        bound => bound
            .iter()
            .map(|ip| match ip {
                IpAddr::V4(any) if any.is_unspecified() => every(|ip| ip.is_ipv4()),
                IpAddr::V6(any) if any.is_unspecified() => every(|ip| ip.is_ipv6()),
                ip => IfKind::Addr(*ip),
            })
            .collect(),
    }
}

/// Returns the record and addresses of a service; `None` where it is no node's.
pub(super) fn claim(service: &ResolvedService) -> Option<(ServiceRecord, Vec<SocketAddr>)> {
    let properties = service.txt_properties.iter();
    let properties: Vec<(&str, &[u8])> = properties
        .map(|p| (p.key(), p.val().unwrap_or_default()))
        .collect();
    let record = ServiceRecord::decode(&properties).ok()?;
    let id = record.node.to_hex();
    let named = service.fullname.get(..INSTANCE_DIGITS)?;
    let is_its_name = id.get(..INSTANCE_DIGITS)?.eq_ignore_ascii_case(named);
    let addresses = addresses(service);
    (is_its_name && !addresses.is_empty()).then_some((record, addresses))
}

fn addresses(service: &ResolvedService) -> Vec<SocketAddr> {
    let mut found: Vec<SocketAddr> = Vec::new();
    // A bound before any sorting; the packets that carry the addresses are bounded too.
    for scoped in service.addresses.iter().take(8 * ADDRESSES_MAX) {
        let ip = scoped.to_ip_addr();
        let (is_from_here, scope) = match scoped {
            ScopedIp::V4(v4) => (v4.interface_ids().iter().any(is_loopback), 0),
            ScopedIp::V6(v6) => (is_loopback(v6.scope_id()), v6.scope_id().index),
            _ => continue,
        };
        // A loopback address is no address on the LAN.
        if ip.is_loopback() && !is_from_here {
            continue;
        }
        found.push(match ip {
            IpAddr::V6(v6) if v6.is_unicast_link_local() => {
                SocketAddrV6::new(v6, service.port, 0, scope).into()
            }
            ip => SocketAddr::new(ip, service.port),
        });
    }
    found.sort_unstable();
    found.dedup();
    found.truncate(ADDRESSES_MAX);
    found
}

/// Returns true for a loopback interface: `lo` on Linux, `lo0` on BSDs and macOS.
fn is_loopback(interface: &InterfaceId) -> bool {
    let number = interface.name.strip_prefix("lo");
    number.is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()))
}
