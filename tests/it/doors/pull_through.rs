//! Datasets that are not here: a door fetches the ranges that clients ask for, and keeps them.

use super::Server;
use crate::support::http::ask;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::serving::Serving;

const FILE: &str = "/datasets/lab-a/corpus/resolve/main/corpus.jsonl";

#[test]
fn dataset_of_a_peer_is_read_by_ranges_and_kept_in_part() {
    let (a, b) = (Lab::new(), Lab::new());
    let made = a.done(&["registry", "keygen"]);
    let bytes = lines(60_000, 3);
    let corpus = a.write("corpus.jsonl", &bytes);
    a.done(&["registry", "index", &corpus, "--sign"]);
    let node = Serving::start(&a.home(), &[]);
    let peer = format!("{}@{}", node.node_id(), node.addr());
    let synced = b.answer(&["registry", "sync", "--peer", &peer]);
    assert_eq!(synced["manifests_received"], 1);

    // A stranger's dataset is not passed on, and so no door shows it.
    let server = Server::start(&b.home(), &[]);
    assert_eq!(
        server
            .get(&FILE.replace("lab-a", made["public_key"].as_str().unwrap()))
            .status,
        404
    );
    b.answer(&[
        "registry",
        "trust",
        "add",
        "lab-a",
        made["public_key"].as_str().unwrap(),
    ]);
    let range = ("Range", "bytes=5000000-5000099");
    let part = server.ask("GET", FILE, &[range], b"");
    assert_eq!(part.status, 206, "{}", part.text());
    assert_eq!(part.body, bytes[5_000_000..5_000_100]);
    assert!(
        b.answer(&["registry", "list"])["datasets"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    // A list of all keys looks at no peer. One of this dataset does.
    let listed = |query: &str| {
        server
            .get_s3(&format!("/datasets?list-type=2&{query}"), &[])
            .text()
    };
    let (key, beginning) = (
        "<Key>lab-a/corpus@0.1.0/corpus.jsonl</Key>",
        "<Prefix>lab-a/corpus@0.1.0/</Prefix>",
    );
    assert!(!listed("").contains(key));
    assert!(listed("delimiter=/&prefix=lab-a/").contains(beginning));
    assert!(listed("prefix=lab-a/corpus@0.1.0/").contains(key));
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&b.home(), &[]);
    let stats = b.answer(&["registry", "stats"]);
    assert_eq!(stats["partial_datasets"], 1);
    assert!(
        stats["partial_bytes"].as_u64().unwrap() < bytes.len() as u64 / 2,
        "{stats}"
    );
    let key = "/datasets/lab-a/corpus@0.1.0/corpus.jsonl";
    assert!(ask(&server.s3(), "GET", key, &[], b"").body == bytes);

    // All of it is here when the peer has gone.
    drop(node);
    assert_eq!(server.stop(), Some(0));
    let server = Server::start(&b.home(), &[]);
    assert!(server.get(FILE).body == bytes);
}
