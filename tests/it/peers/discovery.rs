//! Nodes find each other: bytes of the record, and over loopback and network namespaces.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use alimentar::ident::NodeId;
use alimentar::ident::to_hex;
use alimentar::net::Stop;
use alimentar::net::discovery;
use alimentar::net::discovery::Announcement;
use alimentar::net::discovery::Discovery;
use alimentar::net::discovery::DiscoveryEvent;
use alimentar::protocol::PeerTable;
use alimentar::protocol::SERVICE;
use alimentar::protocol::ServiceRecord;
use alimentar::protocol::SharedSummary;
use socket2::Domain;
use socket2::Socket;
use socket2::Type;

use crate::support::lan::Lan;
use crate::support::wait::until_some;

const VECTORS: &str = include_str!("../../../spec/vectors/discovery.txt");

/// Every record of the vectors.
pub fn vectors() -> Vec<Vec<u8>> {
    let hex = VECTORS.lines().map(|l| l.split_once(' ').unwrap().1);
    let digit = |h: &str, at: usize| u8::from_str_radix(&h[at..at + 2], 16).unwrap();
    let bytes = |h: &str| (0..h.len()).step_by(2).map(|at| digit(h, at)).collect();
    hex.map(bytes).collect()
}

fn sightings() -> Vec<(&'static str, ServiceRecord)> {
    let node = NodeId::new(std::array::from_fn(|n| n as u8));
    let showing = |filter_bytes, filter| ServiceRecord {
        node,
        version: 1,
        summary: Some(SharedSummary {
            datasets: 12,
            filter_digest: [1, 2, 3, 4, 5, 6, 7, 0xff],
            filter_bytes,
            filter,
        }),
    };
    let listed = ServiceRecord {
        summary: None,
        ..showing(0, None)
    };
    vec![
        ("listed", listed),
        ("empty", showing(0, None)),
        ("small", showing(3, Some(vec![0, b'=', 0xff]))),
        ("pieces", showing(600, Some(vec![0xa5; 600]))),
        ("large", showing(1001, None)),
    ]
}

#[test]
fn service_records_match_the_vectors() {
    let lines = sightings().into_iter();
    let found: String = lines
        .map(|(name, s)| format!("{name} {}\n", to_hex(&s.to_txt())))
        .collect();
    assert_eq!(found, VECTORS, "\n{found}");
    for ((name, record), txt) in sightings().into_iter().zip(vectors()) {
        assert_eq!(ServiceRecord::from_txt(&txt), Ok(record), "{name}");
    }
}

/// Somebody who watches, and may announce himself.
struct Watch {
    found: Arc<Mutex<Vec<DiscoveryEvent>>>,
    discovery: Discovery,
}

impl Watch {
    fn start(own: Option<Announcement>) -> Self {
        let found = Arc::new(Mutex::new(Vec::new()));
        let tell = {
            let found = found.clone();
            Arc::new(move |f: DiscoveryEvent| found.lock().unwrap().push(f))
        };
        let discovery = Discovery::start(own, tell).unwrap();
        Self { found, discovery }
    }

    fn forget(&self) {
        self.found.lock().unwrap().clear();
    }

    /// Waits until something is found.
    fn wait(&self, what: &str, is_it: impl Fn(&DiscoveryEvent) -> bool) {
        until_some(|| {
            let found = self.found.lock().unwrap().len();
            let has = self.has(&is_it);
            has.then_some(())
                .ok_or(format!("{what} among {found} events"))
        });
    }

    fn has(&self, is_it: impl Fn(&DiscoveryEvent) -> bool) -> bool {
        self.found.lock().unwrap().iter().any(is_it)
    }

    fn wait_for(&self, id: NodeId, at: SocketAddr) {
        self.wait(&format!("{id} at {at}"), |found| {
            matches!(found, DiscoveryEvent::Seen { record, addresses }
                if record.node == id && addresses.contains(&at))
        });
    }

    fn wait_for_word(&self, word: &ServiceRecord) {
        let said = |found: &DiscoveryEvent| matches!(found, DiscoveryEvent::Seen { record, .. } if record == word);
        self.wait(&format!("{word:?}"), said);
    }

    fn wait_until_gone(&self, id: NodeId) {
        self.wait(&format!("{id} gone"), |found| {
            *found == DiscoveryEvent::Gone { node: id }
        });
    }

    /// Everywhere that a node was found to be.
    fn places(&self, id: NodeId) -> BTreeSet<SocketAddr> {
        let found = self.found.lock().unwrap();
        let places = found.iter().filter_map(|found| match found {
            DiscoveryEvent::Seen { record, addresses } if record.node == id => {
                Some(addresses.clone())
            }
            _ => None,
        });
        places.flatten().collect()
    }
}

/// A node of this run: other runs on this machine may announce theirs at the same time.
fn node_id(n: u8) -> NodeId {
    let seed = [&std::process::id().to_le_bytes()[..], &[n]].concat();
    NodeId::new(*blake3::hash(&seed).as_bytes())
}

fn showing(n: u8, datasets: u64) -> ServiceRecord {
    let summary = SharedSummary {
        datasets,
        filter_digest: [n; 8],
        filter_bytes: 1000,
        filter: Some(vec![0xff; 1000]),
    };
    ServiceRecord {
        node: node_id(n),
        version: 1,
        summary: Some(summary),
    }
}

fn announced(n: u8, port: u16, addresses: &[IpAddr]) -> Announcement {
    Announcement {
        port,
        addresses: addresses.to_vec(),
        record: showing(n, 1),
    }
}

fn at(ip: impl Into<IpAddr>, port: u16) -> SocketAddr {
    SocketAddr::new(ip.into(), port)
}

#[test]
fn discovery_on_loopback_finds_nodes() {
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    let a = Watch::start(Some(announced(1, 1001, &[loopback])));
    let b = Watch::start(Some(announced(2, 1002, &[loopback])));
    a.wait_for(node_id(2), at(loopback, 1002));
    b.wait_for(node_id(1), at(loopback, 1001));
    assert_eq!(a.places(node_id(2)), [at(loopback, 1002)].into());
    a.wait_for_word(&showing(2, 1));
    b.discovery.update(&showing(2, 7)).unwrap();
    a.wait_for_word(&showing(2, 7));
    a.forget();
    a.discovery.refresh();
    a.wait_for_word(&showing(2, 7));
    assert!(
        a.places(node_id(1)).is_empty(),
        "a node does not find itself"
    );
    assert!(b.discovery.stop());
    a.wait_until_gone(node_id(2));
    let looked = discovery::look(Duration::from_secs(2), &Stop::default()).unwrap();
    assert!(looked.iter().any(|(s, _)| s.node == node_id(1)));
    assert!(looked.iter().all(|(s, _)| s.node != node_id(2)));
}

#[test]
fn discovery_on_a_lan_finds_nodes_over_ipv4_and_ipv6() {
    let Some(lan) = Lan::new(3) else { return };
    let a = lan.on(0, || Watch::start(Some(announced(11, 8765, &[]))));
    // Two on one machine, one of them bound to one address.
    let b = lan.on(1, || Watch::start(Some(announced(12, 8765, &[]))));
    let one = [IpAddr::from(Lan::v4(1))];
    let c = lan.on(1, || Watch::start(Some(announced(13, 9000, &one))));
    for watch in [&a, &c] {
        watch.wait_for(node_id(12), at(Lan::v4(1), 8765));
        watch.wait_for(node_id(12), at(Lan::v6(1), 8765));
    }
    for watch in [&a, &b] {
        watch.wait_for(node_id(13), at(Lan::v4(1), 9000));
        assert_eq!(watch.places(node_id(13)), [at(Lan::v4(1), 9000)].into());
    }
    b.wait_for(node_id(11), at(Lan::v6(0), 8765));
    a.wait("a link-local address with its interface", |found| {
        matches!(found, DiscoveryEvent::Seen { record, addresses } if record.node == node_id(12)
            && addresses.iter().any(|a| matches!(a, SocketAddr::V6(a)
                if a.ip().is_unicast_link_local() && a.scope_id() != 0)))
    });
    assert!(a.places(node_id(12)).iter().all(|a| !a.ip().is_loopback()));

    let found = lan.on(2, || {
        discovery::look(Duration::from_secs(3), &Stop::default()).unwrap()
    });
    let found: BTreeSet<NodeId> = found.into_iter().map(|(s, _)| s.node).collect();
    assert_eq!(found, (11..14).map(node_id).collect());

    b.discovery.update(&showing(12, 5)).unwrap();
    a.wait_for_word(&showing(12, 5));
    assert!(b.discovery.stop() && c.discovery.stop());
    a.wait_until_gone(node_id(12));
    a.wait_until_gone(node_id(13));
}

#[test]
fn discovery_follows_a_network_that_changes() {
    let Some(lan) = Lan::new(2) else { return };
    let a = lan.on(0, || Watch::start(Some(announced(21, 1, &[]))));
    let b = lan.on(1, || Watch::start(Some(announced(22, 2, &[]))));
    a.wait_for(node_id(22), at(Lan::v4(1), 2));
    b.wait_for(node_id(21), at(Lan::v4(0), 1));

    let moved: IpAddr = "10.77.0.200".parse().unwrap();
    lan.add_address(1, "10.77.0.200/24");
    a.wait_for(node_id(22), at(moved, 2));

    lan.remove_address(1, "10.77.0.200/24");
    // Down for longer than it takes to be noticed.
    lan.link(1, false);
    std::thread::sleep(Duration::from_secs(7));
    lan.link(1, true);
    b.discovery.update(&showing(22, 9)).unwrap();
    a.wait_for_word(&showing(22, 9));
    b.forget();
    a.discovery.update(&showing(21, 3)).unwrap();
    b.wait_for_word(&showing(21, 3));
}

#[test]
fn discovery_without_a_network_reports_it_and_recovers() {
    let Some(lan) = Lan::new(2) else { return };
    lan.link(0, false);
    let mut down = lan.command(0, "ip");
    let down = down.args(["link", "set", "lo", "down"]).status();
    assert!(down.unwrap().success());
    let a = lan.on(0, || Watch::start(Some(announced(51, 1, &[]))));
    let b = lan.on(1, || Watch::start(Some(announced(52, 2, &[]))));
    a.wait("trouble", |found| {
        matches!(found, DiscoveryEvent::Trouble { .. })
    });
    lan.link(0, true);
    a.wait_for(node_id(52), at(Lan::v4(1), 2));
    b.wait_for(node_id(51), at(Lan::v4(0), 1));
}

/// One answer record; numbers are in the order of the network.
#[allow(clippy::big_endian_bytes, reason = "so says RFC 1035")]
fn record(name: &str, kind: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = domain(name);
    bytes.extend(kind.to_be_bytes());
    bytes.extend(1_u16.to_be_bytes());
    bytes.extend(ttl.to_be_bytes());
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

fn domain(name: &str) -> Vec<u8> {
    let labels = name.trim_end_matches('.').split('.');
    let bytes = labels.flat_map(|l| [&[l.len() as u8], l.as_bytes()].concat());
    bytes.chain([0]).collect()
}

/// A response as a responder of multicast DNS would send it, of a service with any text.
#[allow(clippy::big_endian_bytes, reason = "so says RFC 1035")]
fn forged(instance: &str, txt: &[u8], ip: Ipv4Addr, port: u16) -> Vec<u8> {
    let full = format!("{instance}.{SERVICE}");
    let host = format!("{}.local.", &instance[..16.min(instance.len())]);
    let srv = [&[0, 0, 0, 0][..], &port.to_be_bytes(), &domain(&host)].concat();
    let mut packet = vec![0, 0, 0x84, 0, 0, 0, 0, 4, 0, 0, 0, 0];
    packet.extend(record(SERVICE, 12, 4500, &domain(&full)));
    packet.extend(record(&full, 33, 120, &srv));
    packet.extend(record(&full, 16, 4500, txt));
    packet.extend(record(&host, 1, 120, &ip.octets()));
    packet
}

/// Sends packets to everybody on the link of a machine that has this address.
fn shout(from: Ipv4Addr, packets: &mut dyn Iterator<Item = Vec<u8>>) {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5353));
    socket.bind(&any.into()).unwrap();
    socket.set_multicast_if_v4(&from).unwrap();
    let everybody = SocketAddr::from(([224, 0, 0, 251], 5353));
    for (n, packet) in packets.enumerate() {
        socket.send_to(&packet, &everybody.into()).unwrap();
        if n % 16 == 15 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Checks that discovery survives any packets that a machine on the LAN may send.
/// The victim knows one node before, and must find a new one afterwards.
fn lies_are_survived(
    on: &(dyn Fn(u8, &mut (dyn FnMut() + Send)) + Sync),
    ip: [Ipv4Addr; 3],
    seed: u8,
) {
    let start = |machine: u8, own: Announcement| {
        let mut started = None;
        on(machine, &mut || {
            started = Some(Watch::start(Some(own.clone())))
        });
        started.unwrap()
    };
    let a = start(0, announced(seed, 1, &[ip[0].into()]));
    let b = start(1, announced(seed + 1, 2, &[ip[1].into()]));
    a.wait_for(node_id(seed + 1), at(ip[1], 2));
    a.forget();

    let real = showing(seed + 1, 1);
    let id =
        |n: u64| NodeId::new(*blake3::hash(&[&[seed][..], &n.to_le_bytes()].concat()).as_bytes());
    let name = |id: NodeId| id.to_hex()[..32].to_owned();
    let with = |key: &str, value: &[u8], txt: Vec<u8>| {
        let text = [key.as_bytes(), b"=", value].concat();
        [&[text.len() as u8], &text[..], &txt].concat()
    };
    let plain = |node: NodeId| ServiceRecord {
        node,
        version: 1,
        summary: None,
    };
    let claim = |n: u64| plain(id(n));
    let long = (0..30).fold(claim(1).to_txt(), |txt, n| {
        with(&format!("x{n}"), &[b'y'; 240], txt)
    });
    let lies = vec![
        forged(&name(id(1)), &long, ip[2], 9),
        forged(&name(id(2)), &[4, 0xff, 0xfe, b'=', 0xff], ip[2], 9),
        forged(
            &name(id(3)),
            &with("id", &[0xff; 64], claim(3).to_txt()),
            ip[2],
            9,
        ),
        forged(&name(id(4)), &claim(4).to_txt()[..20], ip[2], 9),
        forged(&name(id(5)), &[200, b'v'], ip[2], 9),
        forged("somebody else", &claim(6).to_txt(), ip[2], 9),
        forged(&name(id(7)), &claim(7).to_txt(), Ipv4Addr::UNSPECIFIED, 9),
        vec![0xff; 1400],
        vec![0, 0, 0x84, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    // One that is well made, to know when the others were read.
    let last = forged(&name(id(8)), &claim(8).to_txt(), ip[2], 9);
    let mut lies = lies.into_iter().chain([last]);
    on(2, &mut || shout(ip[2], &mut lies));
    a.wait_for(id(8), at(ip[2], 9));
    for n in 1..7 {
        assert!(a.places(id(n)).is_empty(), "lie {n}");
    }

    // Another's id: it is a claim like any, and the directory is who knows better.
    let mut directory = PeerTable::new(Some(node_id(seed)), Duration::ZERO);
    let proven = at(ip[1], 2);
    directory.record_claim(Duration::ZERO, real.clone(), &[proven]);
    directory.record_proof(Duration::ZERO, real.node, proven);
    let mask = forged(&name(real.node), &real.to_txt(), ip[2], 6666);
    on(2, &mut || shout(ip[2], &mut [mask.clone()].into_iter()));
    a.wait("the liar", |found| {
        matches!(found, DiscoveryEvent::Seen { record, addresses }
            if record.node == real.node && addresses.iter().any(|a| a.port() == 6666))
    });
    for found in a.found.lock().unwrap().iter() {
        if let DiscoveryEvent::Seen { record, addresses } = found {
            directory.record_claim(Duration::from_secs(1), record.clone(), addresses);
        }
    }
    assert_eq!(directory.candidates(&real.node)[0], proven);

    // Thousands of services, until it is too much; then it begins anew.
    let is_trouble = |found: &DiscoveryEvent| matches!(found, DiscoveryEvent::Trouble { .. });
    let mut sent = 0;
    while !a.has(is_trouble) {
        assert!(sent < 200_000, "no bound");
        let fakes = (sent + 100..sent + 1100).map(id);
        let fakes = fakes.map(|id| forged(&name(id), &plain(id).to_txt(), ip[2], 9));
        on(2, &mut || shout(ip[2], &mut fakes.clone()));
        sent += 1000;
    }
    for found in a.found.lock().unwrap().iter() {
        if let DiscoveryEvent::Seen { record, addresses } = found {
            directory.record_claim(Duration::from_secs(2), record.clone(), addresses);
        }
    }
    assert!(directory.len() <= 270, "{}", directory.len());
    assert_eq!(directory.candidates(&real.node)[0], proven);

    a.forget();
    let c = start(2, announced(seed + 2, 3, &[ip[2].into()]));
    a.wait_for(node_id(seed + 2), at(ip[2], 3));
    a.wait_for(node_id(seed + 1), at(ip[1], 2));
    assert!(a.discovery.stop() && b.discovery.stop());
    assert!(c.discovery.stop());
}

#[test]
fn discovery_survives_lies_within_bounds() {
    match Lan::new(3) {
        Some(lan) => {
            let on = |machine: u8, run: &mut (dyn FnMut() + Send)| lan.on(machine, run);
            lies_are_survived(&on, [0, 1, 2].map(Lan::v4), 31);
        }
        None => {
            let on = |_: u8, run: &mut (dyn FnMut() + Send)| run();
            lies_are_survived(&on, [Ipv4Addr::LOCALHOST; 3], 31);
        }
    }
}

#[test]
fn discovery_survives_lies_on_loopback() {
    // In a namespace, so that nobody else on this machine has to hear them.
    let Some(lan) = Lan::new(1) else { return };
    let on = |_: u8, run: &mut (dyn FnMut() + Send)| lan.on(0, run);
    lies_are_survived(&on, [Ipv4Addr::LOCALHOST; 3], 41);
}
