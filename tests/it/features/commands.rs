//! The commands of `features`.

use serde_json::json;

use super::Place;
use crate::support::program;
use crate::support::refused;

#[test]
fn features_commands_answer_with_the_keys_of_the_contract() {
    let place = Place::new();
    let checked = place.answer(&["check"]);
    assert_eq!(checked["ok"], true);
    let table = &checked["tables"][0];
    assert_eq!(
        (&table["name"], &table["partition"]),
        (&json!("users"), &json!("2024-01-13"))
    );
    assert_eq!((&table["rows"], &table["files"]), (&json!(3), &json!(1)));
    assert_eq!(
        table["columns"][0],
        json!({"name": "user_id", "dtype": "utf8", "key": true})
    );
    // Nothing is loaded yet.
    let listed = place.answer(&["list"]);
    assert_eq!(
        (
            &listed["tables"][0]["rows"],
            &listed["tables"][0]["partition"]
        ),
        (&json!(0), &json!(null))
    );
    let loaded = place.answer(&["load"]);
    let table = &loaded["tables"][0];
    assert_eq!(
        (&table["rows"], &table["unchanged"]),
        (&json!(3), &json!(false))
    );
    let listed = place.answer(&["list"]);
    let table = &listed["tables"][0];
    assert_eq!(
        (&table["name"], &table["rows"]),
        (&json!("users"), &json!(3))
    );
    assert_eq!(table["partition"], "2024-01-13");
    assert!(table["bytes"].as_u64().unwrap() > 0);
    assert!(table["loaded_at"].as_str().unwrap().ends_with('Z'));
    assert!(table["content_id"].is_null());
    let got = place.answer(&[
        "get", "users", "--key", "c", "--key", "nope", "--key", "b", "--column", "visits",
        "--column", "score",
    ]);
    assert_eq!(
        got["columns"],
        json!({"visits": [null, null, 2], "score": [2.5, null, null]})
    );
    assert_eq!(got["missing"], json!(["nope"]));
    assert_eq!(got["partition"], "2024-01-13");
    let bench = place.answer(&["bench", "users", "--keys", "2", "--seconds", "1"]);
    assert_eq!(
        (&bench["rows"], &bench["keys"], &bench["columns"]),
        (&json!(3), &json!(2), &json!(2))
    );
    assert!(bench["median_us"].as_f64().unwrap() > 0.0);
}

#[test]
fn load_of_a_bad_partition_takes_the_one_before_and_says_so() {
    let place = Place::new();
    place.partition_of("2024-01-14", "{\"user_id\":\"a\",\"other\":1}\n");
    let loaded = place.answer(&["load"]);
    let table = &loaded["tables"][0];
    assert_eq!(table["partition"], "2024-01-13");
    assert_eq!(table["refused"][0]["partition"], "2024-01-14");
    assert!(
        table["refused"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("score")
    );
    let out = program(&place.home())
        .args(place.words(&["check"]))
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    assert!(
        String::from_utf8_lossy(&out.stdout).contains("score"),
        "{out:?}"
    );
    // A newer one that is good comes at the next load.
    place.partition("2024-01-15", &[("a", Some(9.0), Some(9))]);
    let loaded = place.answer(&["load"]);
    assert_eq!(loaded["tables"][0]["partition"], "2024-01-15");
}

#[test]
fn get_without_a_load_before_loads_first() {
    let place = Place::new();
    let got = place.answer(&["get", "users", "-k", "a"]);
    assert_eq!(got["columns"], json!({"score": [0.5], "visits": [1]}));
    let out = program(&place.home())
        .args(place.words(&["get", "users", "-k", "b", "-k", "x"]))
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("null") && text.contains("(missing)"),
        "{text}"
    );
}

#[test]
fn features_errors_have_their_exit_codes() {
    let place = Place::new();
    let home = place.home();
    let error = refused(&home, &place.words(&["get", "nope", "-k", "a"]), 3);
    assert!(
        error["message"].as_str().unwrap().contains("`nope`"),
        "{error}"
    );
    let error = refused(
        &home,
        &place.words(&["get", "users", "-k", "a", "--column", "x"]),
        3,
    );
    assert!(
        error["message"].as_str().unwrap().contains("score"),
        "{error}"
    );
    std::fs::write(place.path("features.yaml"), "tables:\n  t:\n    kee: [a]\n").unwrap();
    let error = refused(&home, &place.words(&["list"]), 2);
    assert!(
        error["message"].as_str().unwrap().contains(":3:"),
        "{error}"
    );
    std::fs::remove_file(place.path("features.yaml")).unwrap();
    refused(&home, &place.words(&["list"]), 3);
}
