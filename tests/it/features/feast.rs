//! The protocol of Feast's remote online store.

use serde_json::json;

use super::Place;

#[test]
fn features_of_a_view_are_read_by_entities() {
    let place = Place::new();
    let server = place.serve(&[]);
    let path = "/get-online-features";
    let asked = json!({
        "features": ["users:score", "users:visits"],
        "entities": {"user_id": ["a", "nope", "b"]},
        "full_feature_names": false,
    });
    let reply = server.post(path, &asked);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let read = reply.json();
    assert_eq!(
        read["metadata"]["feature_names"],
        json!(["user_id", "score", "visits"])
    );
    let results = &read["results"];
    assert_eq!(results[0]["values"], json!(["a", "nope", "b"]));
    assert_eq!(results[1]["values"], json!([0.5, null, null]));
    assert_eq!(
        results[1]["statuses"],
        json!(["PRESENT", "NOT_FOUND", "NULL_VALUE"])
    );
    assert_eq!(results[2]["values"], json!([1, null, 2]));
    assert_eq!(results[1]["event_timestamps"].as_array().unwrap().len(), 3);
    let mut full = asked.clone();
    full["full_feature_names"] = json!(true);
    let names = &server.post(path, &full).json()["metadata"]["feature_names"];
    assert_eq!(*names, json!(["user_id", "users__score", "users__visits"]));
    for (change, value, status) in [
        ("features", json!(["nope:score"]), 404),
        ("features", json!(["users:nope"]), 400),
        ("features", json!(["score"]), 400),
        ("entities", json!({"id": ["a"]}), 400),
        ("entities", json!({"user_id": ["a"], "other": [1, 2]}), 400),
        ("feature_service", json!("service"), 422),
    ] {
        let mut asked = asked.clone();
        asked[change] = value;
        let reply = server.post(path, &asked);
        assert_eq!(reply.status, status, "{asked}: {}", reply.text());
        assert!(reply.json()["detail"].is_string());
    }
    // The registry of services is the client's. It asks for features by their names.
    let mut asked = asked;
    asked["feature_service"] = json!("fraud");
    let refused = server.post(path, &asked).json();
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("`fraud`") && detail.contains("`view:feature`"),
        "{detail}"
    );
}

#[test]
fn rows_with_times_expire_and_are_written_again() {
    let place = Place::new();
    let text = format!(
        "tables:\n  view:\n    key: [user_id]\n    timestamp: at\n    ttl: 1h\n    columns:\n{}",
        "      user_id: {dtype: utf8}\n      at: {dtype: timestamp}\n      score: {dtype: float32}\n",
    );
    std::fs::write(place.config(), text).unwrap();
    let server = super::Server::start(&place.home(), &["-c", &place.config(), "--http", "0"]);
    let write = json!({
        "feature_view_name": "view",
        "df": {
            "user_id": ["a", "b"], "score": [1.5, 2.5],
            "event_timestamp": ["2024-01-01T00:00:00", "2999-01-01T00:00:00.5"],
            "created": [null, null],
        },
        "allow_registry_cache": false,
    });
    let written = server.post("/write-to-online-store", &write);
    assert_eq!(written.status, 200, "{}", written.text());
    let asked = json!({"features": ["view:score"], "entities": {"user_id": ["a", "b"]}});
    let read = server.post("/get-online-features", &asked).json();
    let score = &read["results"][1];
    assert_eq!(score["statuses"], json!(["OUTSIDE_MAX_AGE", "PRESENT"]));
    assert_eq!(score["values"], json!([null, 2.5]));
    assert_eq!(
        score["event_timestamps"],
        json!(["2024-01-01T00:00:00Z", "2999-01-01T00:00:00.5Z"])
    );
    let fetched = server.post(
        "/api/v1/table/view/fetch",
        &json!({"keys": ["a", "b", "c"], "columns": ["score"]}),
    );
    let wanted = json!({"columns": {"score": [null, 2.5, null]}, "expired": [0], "missing": [2]});
    assert_eq!(fetched.json(), wanted);
    let mut pushed = write.clone();
    pushed["push_source_name"] = json!("view");
    pushed["df"]["event_timestamp"] = json!(["2999-01-01 00:00:00+00:00", "2999-01-01"]);
    pushed["to"] = json!("online");
    assert_eq!(server.post("/push", &pushed).status, 200);
    let read = server.post("/get-online-features", &asked).json();
    assert_eq!(
        read["results"][1]["statuses"],
        json!(["PRESENT", "PRESENT"])
    );
    pushed["to"] = json!("offline");
    assert_eq!(server.post("/push", &pushed).status, 422);
}
