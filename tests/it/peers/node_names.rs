//! Names of nodes, wherever an id or an address is taken.

use serde_json::Value;
use serde_json::json;

use crate::support::answer;
use crate::support::run;
use crate::support::serving::Serving;

#[test]
fn node_name_is_listed_and_reaches_the_node() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    let own = answer(&b, &["registry", "node"])["node_id"].clone();
    let own = own.as_str().unwrap();
    let added = answer(&a, &["registry", "access", "add", own, "--name", "lab b"]);
    assert_eq!(added["access"], json!([own]));
    assert_eq!(added["nodes"], json!([{"node_id": own, "name": "lab b"}]));
    // The name stands for the id, and for no other node.
    let other = "ab".repeat(32);
    let taken = run(
        &a,
        &["registry", "access", "add", &other, "--name", "Lab B"],
    );
    assert_eq!(taken.status.code(), Some(1), "{taken:?}");
    assert_eq!(
        answer(&a, &["registry", "access", "list"])["access"],
        json!([own])
    );
    let removed = answer(&a, &["registry", "access", "remove", "lab b"]);
    assert_eq!(
        (&removed["access"], &removed["changed"]),
        (&json!([]), &json!(true))
    );
    let unknown = run(&a, &["registry", "access", "add", "lab c"]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
    answer(&a, &["registry", "access", "add", "lab b"]);

    let node = Serving::start(&a, &["--access", "listed"]);
    let (addr, id) = (node.addr(), node.node_id());
    let list = |peer: &str| run(&b, &["registry", "list", "--peer", peer]);
    assert_eq!(list(&format!("lab-a@{addr}")).status.code(), Some(3));
    assert!(list(&addr).status.success());
    let named = answer(&b, &["registry", "peers", "name", &addr, "lab-a"]);
    assert_eq!(named["node_id"], id.as_str());
    assert!(list(&format!("lab-a@{addr}")).status.success());
    // Alone it stands for the place where the node was met.
    assert!(list("lab-a").status.success());
    let peers = answer(&b, &["registry", "peers", "--wait", "0"]);
    let is_it = |p: &&Value| p["node_id"] == id.as_str();
    let mut around = peers["peers"].as_array().unwrap().iter();
    assert_eq!(around.find(is_it).unwrap()["name"], "lab-a");
    // Another node at that place is not taken for it.
    answer(&b, &["registry", "peers", "unname", "lab-a"]);
    answer(&b, &["registry", "peers", "name", &other, "lab-a"]);
    let wrong = list(&format!("lab-a@{addr}"));
    assert_eq!(wrong.status.code(), Some(5), "{wrong:?}");
    answer(&b, &["registry", "peers", "name", &id, "here"]);
    let forgot = answer(&b, &["registry", "peers", "forget", "here"]);
    assert_eq!(forgot["address"], addr.as_str());
}
