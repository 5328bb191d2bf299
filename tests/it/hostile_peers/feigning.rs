//! Lies on a LAN: services that are not there, in the names of nodes that are, with filters that
//! say what is not so.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use alimentar::ident::ContentId;
use alimentar::ident::NodeId;
use alimentar::net::discovery::Announced;
use alimentar::net::discovery::Discovery;
use alimentar::protocol::Filter;
use alimentar::protocol::Shown;
use alimentar::protocol::ServiceRecord;

use serde_json::Value;

use crate::following::Labs;
use crate::following::PATIENCE;
use crate::following::told;
use crate::support::lines;

/// Services that nobody serves, beside the honest ones.
const FAKES: u8 = 16;

fn shown(ids: &[ContentId]) -> Shown {
    let filter = Filter::build(ids);
    let bytes = filter.encode();
    Shown {
        datasets: ids.len() as u64,
        filter_digest: *filter.digest().as_bytes(),
        filter_bytes: bytes.len() as u64,
        filter: Some(bytes),
    }
}

fn announce(node: NodeId, port: u16, shown: Shown) -> Discovery {
    let announced = Announced {
        port,
        addresses: Vec::new(),
        sighting: ServiceRecord {
            node,
            version: 1,
            shown: Some(shown),
        },
    };
    Discovery::start(Some(announced), Arc::new(|_| {})).unwrap()
}

#[test]
fn made_up_services_keep_nobody_from_what_honest_nodes_have() {
    let labs = Labs::on_a_lan(3);
    let Some(lan) = &labs.lan else { return };
    labs.publisher(&[1]);
    let honest = labs.serve(0, &[]);
    let follower = labs.serve(1, &["--follow", "lab-a"]);
    labs.meets(1, &[&honest]);
    let id = NodeId::parse_hex(&honest.node_id()).unwrap();
    let port = honest.addr().rsplit_once(':').unwrap().1.parse().unwrap();
    let other = ContentId::new([7; 32]);
    let liars: Vec<Discovery> = lan.on(2, || {
        let mut liars = Vec::new();
        // The honest node is elsewhere, and has nothing that anybody wants.
        liars.push(announce(id, 9, shown(&[other])));
        liars.push(announce(id, port, shown(&[other])));
        for n in 0..FAKES {
            let node = NodeId::new(*blake3::hash(&[n]).as_bytes());
            // A filter of so few says yes to what is asked: of nothing else can it be made here.
            liars.push(announce(node, 1000 + u16::from(n), shown(&[other])));
        }
        liars
    });
    let begun = Instant::now();
    loop {
        let peers = labs.ask(1, &["registry", "peers"]);
        if peers["peers"].as_array().unwrap().len() > usize::from(FAKES) / 2 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{peers}");
        std::thread::sleep(Duration::from_millis(100));
    }
    let one = labs.publish("1.0.0", &lines(2_000, 1));
    labs.arrives(1, &[&one]);
    let two = labs.publish("1.1.0", &lines(2_500, 1));
    labs.arrives(1, &[&one, &two]);
    // And who asks by hand, of a registry that trusts as much.
    std::fs::create_dir_all(labs.home(2)).unwrap();
    let trust = std::fs::read(labs.home(1).join("trust.toml")).unwrap();
    std::fs::write(labs.home(2).join("trust.toml"), trust).unwrap();
    let pulled = labs.ask(2, &["registry", "pull", &two]);
    assert_eq!(pulled["content_id"], two.as_str());
    for liar in liars {
        liar.stop();
    }
    let (_, events) = follower.stop();
    assert_eq!(told(&events, "followed").len(), 2, "{events:?}");
    honest.stop();
}

#[test]
fn a_pull_by_content_asks_those_whose_filters_say_yes() {
    const NODES: u8 = 8;
    let labs = Labs::on_a_lan(NODES + 1);
    if labs.lan.is_none() {
        return;
    }
    labs.publisher(&[NODES]);
    let wanted = labs.publish("1.0.0", &lines(500, 1));
    let mut nodes = Vec::new();
    for n in 0..NODES {
        if n > 0 {
            let path = labs.dir.path().join(format!("other{n}.jsonl"));
            std::fs::write(&path, lines(50, u64::from(n) + 100)).unwrap();
            labs.ask(n, &["registry", "index", path.to_str().unwrap()]);
        }
        nodes.push(labs.serve(n, &["-v", "--share-unsigned"]));
    }
    let asking = labs.serve(NODES, &[]);
    labs.meets(NODES, &nodes.iter().collect::<Vec<_>>());
    let begun = Instant::now();
    loop {
        let peers = labs.ask(NODES, &["registry", "peers"]);
        let shows = |p: &&Value| p["datasets_available"].as_u64() == Some(1);
        if peers["peers"]
            .as_array()
            .unwrap()
            .iter()
            .filter(shows)
            .count()
            == usize::from(NODES)
        {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{peers}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let pulled = labs.ask(NODES, &["registry", "pull", &wanted]);
    assert_eq!(pulled["content_id"], wanted.as_str());
    asking.stop();
    let mut lists = Vec::new();
    for node in nodes {
        let (_, events) = node.stop();
        let answered = told(&events, "answered").into_iter();
        lists.push(answered.filter(|e| e["request"] == "list").count());
    }
    // One has it. Of the others, a filter says yes to one in some hundreds by chance.
    assert!(lists[0] > 0, "{lists:?}");
    let others = lists.iter().skip(1).filter(|n| **n > 0).count();
    assert!(others <= 1, "{lists:?}");
}
