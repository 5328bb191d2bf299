//! Turns in one collection: theirs, ours, theirs.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::Check;
use crate::ours::Documents;
use crate::ours::Lab;
use crate::theirs;

pub const CHECKS: &[Check] = &[
    ("turns_with_puts_updates_and_deletions_agree", turns),
    (
        "deletions_of_each_side_stay_when_the_other_writes",
        deletions,
    ),
    ("compactions_in_turns_agree", compactions),
];

/// Puts and deletions by the other implementation, of one opening.
pub fn their_turn(lab: &Lab, puts: &[(String, Value)], gone: &[&str]) {
    let mut store = theirs::store(&lab.root);
    for (id, document) in puts {
        store.put(id, document.clone()).unwrap();
    }
    for id in gone {
        store.delete(id).unwrap();
    }
}

/// The same by the program.
pub fn our_turn(lab: &Lab, puts: &[(String, Value)], gone: &[&str]) {
    if !puts.is_empty() {
        lab.put(puts);
    }
    if !gone.is_empty() {
        lab.delete(gone);
    }
}

/// Both have exactly these documents.
pub fn agree(lab: &Lab, expected: &Documents, when: &str) {
    assert_eq!(&lab.all(), expected, "ours, {when}");
    assert_eq!(&theirs::log(&lab.root), expected, "theirs, {when}");
}

fn turns(lab: &Lab) {
    let mut expected: BTreeMap<String, Value> = BTreeMap::new();
    for round in 0..8_u64 {
        let mut puts = theirs::documents(round * 7..round * 7 + 20);
        for (id, document) in &mut puts {
            document["round"] = json!(round);
            expected.insert(id.clone(), document.clone());
        }
        let gone: Vec<String> = expected
            .keys()
            .step_by(5 + round as usize)
            .cloned()
            .collect();
        let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
        expected.retain(|id, _| !gone.contains(&id.as_str()));
        match round % 2 {
            0 => their_turn(lab, &puts, &gone),
            _ => our_turn(lab, &puts, &gone),
        }
        agree(lab, &expected, &format!("round {round}"));
    }
}

fn deletions(lab: &Lab) {
    let documents = theirs::documents(0..10);
    our_turn(lab, &documents, &[]);
    their_turn(lab, &[], &["plain-0", "UPPER-1"]);
    our_turn(lab, &[], &["with.dot-2"]);
    their_turn(lab, &[("last".to_owned(), json!({}))], &["with-dash-3"]);
    let mut expected: Documents = documents.into_iter().collect();
    expected.insert("last".to_owned(), json!({}));
    for id in ["plain-0", "UPPER-1", "with.dot-2", "with-dash-3"] {
        expected.remove(id);
    }
    agree(lab, &expected, "after both");
    // The program has taken them over, and needs no index for it.
    lab.put(&[("mine".to_owned(), json!({}))]);
    expected.insert("mine".to_owned(), json!({}));
    std::fs::remove_file(lab.meta("index.bin")).unwrap();
    assert_eq!(lab.all(), expected);
    lab.done("reindex", &[]);
    agree(lab, &expected, "with a new index");
    // A document that one side deleted, and the other puts again.
    their_turn(lab, &[("with.dot-2".to_owned(), json!({"again": 1}))], &[]);
    our_turn(lab, &[("plain-0".to_owned(), json!({"again": 2}))], &[]);
    expected.insert("with.dot-2".to_owned(), json!({"again": 1}));
    expected.insert("plain-0".to_owned(), json!({"again": 2}));
    agree(lab, &expected, "after puts of what was deleted");
}

fn compactions(lab: &Lab) {
    our_turn(lab, &theirs::documents(0..60), &["plain-0"]);
    let mut store = theirs::store(&lab.root);
    store.delete("UPPER-1").unwrap();
    store.compact().unwrap();
    drop(store);
    let mut expected: Documents = theirs::documents(0..60).into_iter().collect();
    expected.retain(|id, _| id != "plain-0" && id != "UPPER-1");
    agree(lab, &expected, "after theirs");
    our_turn(lab, &theirs::documents(60..70), &["with.dot-2"]);
    expected.extend(theirs::documents(60..70));
    expected.remove("with.dot-2");
    agree(lab, &expected, "after puts behind theirs");
    lab.done("compact", &[]);
    agree(lab, &expected, "after ours");
    their_turn(lab, &theirs::documents(70..75), &["with-dash-3"]);
    expected.extend(theirs::documents(70..75));
    expected.remove("with-dash-3");
    agree(lab, &expected, "after puts behind ours");
}
