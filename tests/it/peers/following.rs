//! Nodes find each other, tell each other what is new, and fetch what they follow: on machines of
//! their own where namespaces can be made, and over loopback where not.

use crate::support::answer;
use crate::support::labs::Labs;
use crate::support::labs::held;
use crate::support::labs::told;
use crate::support::lines;
use crate::support::serving::Serving;
use crate::support::wait::until;

#[test]
fn followers_find_each_other_and_a_fourth_catches_up() {
    let labs = Labs::on_a_lan(4);
    labs.publisher(&[1, 2, 3]);
    let first = labs.serve(0, &[]);
    let second = labs.serve(1, &["--follow", "lab-a"]);
    let third = labs.serve(2, &["--follow", "corpus"]);
    labs.meets(0, &[&second, &third]);
    labs.meets(1, &[&first, &third]);
    labs.meets(2, &[&first, &second]);
    let one = labs.publish("1.0.0", &lines(3_000, 1));
    labs.arrives(1, &[&one]);
    labs.arrives(2, &[&one]);
    let two = labs.publish("1.1.0", &lines(3_500, 1));
    labs.arrives(1, &[&one, &two]);
    labs.arrives(2, &[&one, &two]);
    let fourth = labs.serve(3, &["--follow", "lab-a"]);
    labs.arrives(3, &[&one, &two]);
    // The publisher goes; whoever has it has it for others, and says so.
    first.stop();
    let knows_both_copies = || {
        let peers = labs.peers(3);
        let has_both = |p: &&serde_json::Value| p["datasets_available"].as_u64() == Some(2);
        peers.iter().filter(has_both).count() == 2 && peers.len() == 2
    };
    until(
        "the fourth knows the other two and what they have",
        knows_both_copies,
    );
    for node in [second, third, fourth] {
        let (code, events) = node.stop();
        assert_eq!(code, Some(0));
        // Each version came once.
        assert_eq!(told(&events, "followed").len(), 2, "{events:?}");
        assert!(told(&events, "trouble").is_empty(), "{events:?}");
    }
}

/// A pins B and B pins C; A and C know nothing of each other.
#[test]
fn publication_reaches_a_follower_through_another() {
    let labs = Labs::here();
    labs.publisher(&[1, 2]);
    let far = labs.serve(2, &["--no-mdns", "--follow", "lab-a"]);
    std::fs::write(
        {
            std::fs::create_dir_all(labs.home(1)).unwrap();
            labs.home(1).join("known_peers")
        },
        format!("{} {}\n", far.addr(), far.node_id()),
    )
    .unwrap();
    let middle = labs.serve(1, &["--no-mdns", "--follow", "corpus"]);
    std::fs::write(
        labs.home(0).join("known_peers"),
        format!("{} {}\n", middle.addr(), middle.node_id()),
    )
    .unwrap();
    let near = labs.serve(0, &["--no-mdns"]);
    // A caller states the address at which it serves.
    labs.meets(2, &[&middle]);
    labs.meets(1, &[&near]);
    let one = labs.publish("1.0.0", &lines(1_000, 1));
    labs.arrives(1, &[&one]);
    labs.arrives(2, &[&one]);
    for node in [near, middle, far] {
        assert_eq!(node.stop().0, Some(0));
    }
}

#[test]
fn follower_ignores_strangers_and_retires_old_versions() {
    let labs = Labs::here();
    labs.publisher(&[1]);
    std::fs::create_dir_all(labs.home(2)).unwrap();
    let config = "follow = [\"corpus\"]\nkeep_versions = 2\nno_mdns = true\n";
    std::fs::write(labs.home(1).join("serve.toml"), config).unwrap();
    std::fs::write(labs.home(2).join("serve.toml"), config).unwrap();
    let publisher = labs.serve(0, &["--no-mdns"]);
    let pin = format!("{} {}\n", publisher.addr(), publisher.node_id());
    std::fs::write(labs.home(1).join("known_peers"), &pin).unwrap();
    std::fs::write(labs.home(2).join("known_peers"), &pin).unwrap();
    let ids: Vec<String> = ["1.0.0", "1.1.0", "1.2.0"]
        .iter()
        .enumerate()
        .map(|(n, version)| labs.publish(version, &lines(500 + n, 1)))
        .collect();
    let follower = labs.serve(1, &[]);
    let stranger = labs.serve(2, &[]);
    labs.arrives(1, &[&ids[1], &ids[2]]);
    assert!(!held(&labs.home(1)).contains(&ids[0]));
    let fourth = labs.publish("2.0.0", &lines(600, 1));
    labs.arrives(1, &[&ids[2], &fourth]);
    until("the oldest version is given up", || {
        !held(&labs.home(1)).contains(&ids[1])
    });
    // It has heard of all of them, and nobody trusts who says so.
    let (_, events) = stranger.stop();
    assert!(told(&events, "followed").is_empty(), "{events:?}");
    let all = answer(&labs.home(2), &["registry", "list", "--all"]);
    assert_eq!(all["datasets"].as_array().unwrap().len(), 0);
    let (_, events) = follower.stop();
    let retired = told(&events, "retired");
    assert_eq!(retired.len(), 1, "{events:?}");
    assert_eq!(retired[0]["datasets"][0], "corpus@1.1.0");
    publisher.stop();
}

#[test]
fn follower_in_quiet_hours_hears_and_does_not_fetch() {
    let labs = Labs::here();
    labs.publisher(&[1]);
    let id = labs.publish("1.0.0", &lines(300, 1));
    let publisher = labs.serve(0, &["--no-mdns"]);
    let pin = format!("{} {}\n", publisher.addr(), publisher.node_id());
    std::fs::write(labs.home(1).join("known_peers"), &pin).unwrap();
    let config = labs.home(1).join("serve.toml");
    let follow = "follow = [\"lab-a\"]\nno_mdns = true\nbandwidth_limit = \"50MB\"\n";
    std::fs::write(&config, format!("{follow}quiet_hours = \"00:00-24:00\"\n")).unwrap();
    let quiet = labs.serve(1, &[]);
    let registry = alimentar::LocalRegistry::open(&labs.home(1)).unwrap();
    let hears_of = |count: usize| registry.peers().remote_manifests().unwrap().len() == count;
    until("it is heard of", || hears_of(1));
    // A second one is heard of later: by then the first would have been fetched.
    labs.publish("1.1.0", &lines(310, 1));
    until("the second is heard of", || hears_of(2));
    let (_, events) = quiet.stop();
    assert!(told(&events, "followed").is_empty(), "{events:?}");
    assert!(held(&labs.home(1)).is_empty());
    std::fs::write(&config, follow).unwrap();
    let awake = labs.serve(1, &[]);
    labs.arrives(1, &[&id]);
    awake.stop();
    publisher.stop();
}

/// To compare catalogues is to show them: a closed circle calls nobody outside of it.
#[test]
fn node_with_listed_access_calls_only_listed_nodes() {
    let labs = Labs::here();
    labs.publisher(&[1, 2]);
    labs.publish("1.0.0", &lines(200, 1));
    let pin = |node: &Serving| format!("{} {}\n", node.addr(), node.node_id());
    let follow = ["--no-mdns", "--follow", "lab-a"];
    let (open, listed) = (labs.serve(1, &follow), labs.serve(2, &follow));
    std::fs::write(labs.home(0).join("known_peers"), pin(&open) + &pin(&listed)).unwrap();
    answer(
        &labs.home(0),
        &["registry", "access", "add", &listed.node_id()],
    );
    let closed = labs.serve(0, &["--no-mdns", "--access", "listed"]);
    // By the time that the listed node has it, the other one would have been called too.
    until("the listed node has it", || !held(&labs.home(2)).is_empty());
    closed.stop();
    let (_, events) = open.stop();
    assert!(told(&events, "connected").is_empty(), "{events:?}");
    listed.stop();
    // Once it is on the list, it may know.
    let open = labs.serve(1, &follow);
    std::fs::write(labs.home(0).join("known_peers"), pin(&open)).unwrap();
    answer(
        &labs.home(0),
        &["registry", "access", "add", &open.node_id()],
    );
    let closed = labs.serve(0, &["--no-mdns", "--access", "listed"]);
    until("the listed one has it", || !held(&labs.home(1)).is_empty());
    let listed = answer(&labs.home(1), &["registry", "list"]);
    assert_eq!(listed["datasets"][0]["private"], true);
    closed.stop();
    open.stop();
}
