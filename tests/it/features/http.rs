//! Rows over HTTP, in every form.

use serde_json::json;

use super::Place;

const ARROW: &str = "application/vnd.apache.arrow.stream";

#[test]
fn fetch_answers_in_the_forms_of_both_generations() {
    let place = Place::new();
    let server = place.serve(&[]);
    let path = "/api/v1/table/users/fetch";
    let dense = server.post(
        path,
        &json!({"keys": ["c", "nope", "b", "c"], "columns": ["score"]}),
    );
    assert_eq!(
        (dense.status, dense.header("content-type")),
        (200, Some("application/json"))
    );
    assert_eq!(
        dense.json(),
        json!({"columns": {"score": [2.5, null, null, 2.5]}, "missing": [1]})
    );
    assert_eq!(dense.header("x-alimentar-partition"), Some("2024-01-13"));
    assert!(
        dense
            .header("x-alimentar-loaded-at")
            .is_some_and(|at| at.ends_with('Z'))
    );
    assert!(dense.header("etag").is_some_and(|tag| tag.len() > 10));
    let sparse = server.post(
        path,
        &json!({"keys": {"user_id": ["c", "nope", "b"]}, "columns": ["visits", "user_id"]}),
    );
    let wanted = json!({"_idx": [0, 2], "visits": [null, 2], "user_id": ["c", "b"]});
    assert_eq!(sparse.json(), json!({"columns": wanted}));
    let all = server.post(path, &json!({"keys": ["a"], "status": true}));
    assert_eq!(
        all.json()["columns"],
        json!({"score": [0.5], "visits": [1], "_status": [0]})
    );
    let list = server.post(
        "/v1/users/_fetch",
        &json!({"keys": ["a"], "columns": ["visits"]}),
    );
    assert_eq!(list.json()["num_rows"], 1);
    assert_eq!(
        list.json()["columns"],
        json!([{"name": "visits", "values": [1]}])
    );
    let several = json!({"tables": {"users": {"keys": ["b"], "columns": ["visits"]}}});
    let several = server.post("/api/v1/fetch", &several).json();
    assert_eq!(
        several["tables"]["users"]["columns"],
        json!({"visits": [2]})
    );
    assert_eq!(several["tables"]["users"]["partition"], "2024-01-13");
    let empty = server.post(path, &json!({"keys": [], "columns": ["score"]}));
    assert_eq!(empty.json()["columns"], json!({"score": []}));
}

#[test]
fn arrow_answer_is_sent_back_as_a_request() {
    let place = Place::new();
    let server = place.serve(&[]);
    let path = "/api/v1/table/users/fetch";
    let body = json!({"keys": ["a", "x", "c"], "columns": ["user_id"]}).to_string();
    let answer = server.ask("POST", path, &[("Accept", ARROW)], body.as_bytes());
    assert_eq!(answer.header("content-type"), Some(ARROW));
    assert!(answer.text().contains("loaded_at"));
    // A stream of the key's column is a request for all columns.
    let again = server.ask("POST", path, &[("Content-Type", ARROW)], &answer.body);
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(
        again.json()["columns"],
        json!({"_idx": [0, 2], "score": [0.5, 2.5], "visits": [1, null]})
    );
    for at in (0..answer.body.len()).step_by(7) {
        let cut = server.ask("POST", path, &[("Content-Type", ARROW)], &answer.body[..at]);
        assert!([200, 400].contains(&cut.status), "{}", cut.text());
        let mut flipped = answer.body.clone();
        flipped[at] ^= 0x41;
        let flipped = server.ask("POST", path, &[("Content-Type", ARROW)], &flipped);
        assert!(
            [200, 400, 404].contains(&flipped.status),
            "{} {}",
            flipped.status,
            flipped.text()
        );
    }
}

#[test]
fn requests_that_are_none_have_the_right_status() {
    let place = Place::new();
    let server = place.serve(&[]);
    let path = "/api/v1/table/users/fetch";
    for (path, body, status, named) in [
        (
            path,
            json!({"keys": ["a"], "columns": ["nope"]}),
            400,
            "`nope`",
        ),
        (
            path,
            json!({"keys": [1], "columns": ["score"]}),
            400,
            "utf8",
        ),
        (path, json!({"keys": {"id": ["a"]}}), 400, "`user_id`"),
        (
            path,
            json!({"keys": {"user_id": ["a"], "id": ["a"]}}),
            400,
            "`id`",
        ),
        (path, json!({"columns": ["score"]}), 400, "keys"),
        (path, json!([1]), 400, "JSON"),
        (
            "/api/v1/table/nope/fetch",
            json!({"keys": ["a"]}),
            404,
            "`nope`",
        ),
        (
            "/api/v1/table/..%2Fusers/fetch",
            json!({"keys": ["a"]}),
            404,
            "users",
        ),
        (
            "/api/v1/fetch",
            json!({"tables": {"nope": {"keys": ["a"]}}}),
            404,
            "`nope`",
        ),
        (
            "/api/v1/fetch",
            json!({"tables": {"users": {"keys": ["a"], "columns": ["z"]}}}),
            400,
            "`users`",
        ),
        ("/reload/nope", json!({}), 404, "`nope`"),
        ("/nope", json!({}), 404, "path"),
        ("/health", json!({}), 405, "methods"),
    ] {
        let reply = server.post(path, &body);
        assert_eq!(reply.status, status, "{path} {body}: {}", reply.text());
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(named), "{path} {body}: {error}");
    }
    assert_eq!(
        server.ask("DELETE", "/health", &[], b"").header("allow"),
        Some("GET")
    );
}

#[test]
fn state_of_the_server_is_told_in_every_form() {
    let place = Place::new();
    let server = place.serve(&[]);
    assert_eq!(server.get("/health").text(), "OK");
    let health = server
        .ask("GET", "/health", &[("Accept", "application/json")], b"")
        .json();
    assert_eq!(
        (&health["status"], &health["tables_loaded"]),
        (&json!("ok"), &json!(1))
    );
    let table = &health["tables"][0];
    assert_eq!(
        (&table["name"], &table["rows"]),
        (&json!("users"), &json!(3))
    );
    assert!(
        table["age_seconds"].as_u64().is_some() && table["checked_at"].is_string(),
        "{table}"
    );
    assert_eq!(server.get("/ready").status, 200);
    let tables = server.get("/api/v1/table").json();
    let columns = &tables["users"]["columns"];
    assert_eq!(
        columns["user_id"],
        json!({"dtype": "utf8", "nullable": false, "key": true, "strict": true})
    );
    assert_eq!(
        server.get("/api/v1/table/users/schema").json(),
        tables["users"]
    );
    let first = server.get("/0.1/api/v1/table/users/schema").json();
    assert_eq!(
        (&first["key"], &first["columns"]["score"]),
        (
            &json!("user_id"),
            &json!({"dtype": "float64", "nullable": true})
        )
    );
    let paths = server.get("/openapi.json").json();
    assert!(paths["paths"]["/api/v1/table/{name}/fetch"]["post"].is_object());
    server.post("/api/v1/table/users/fetch", &json!({"keys": ["a"]}));
    server.post("/api/v1/table/nope/fetch", &json!({"keys": ["a"]}));
    let metrics = server.get("/metrics").text();
    for line in [
        "alimentar_features_rows{table=\"users\"} 3\n",
        "alimentar_features_request_seconds_count{route=\"fetch\"} 2\n",
        "alimentar_features_errors_total{route=\"fetch\"} 1\n",
        "alimentar_features_keys_total 1\n",
    ] {
        assert!(metrics.contains(line), "{line}{metrics}");
    }
}

#[test]
fn reload_by_hand_serves_the_new_partition() {
    let place = Place::new();
    let server = place.serve(&[]);
    let unchanged = server.post("/reload", &json!({})).json();
    assert_eq!(unchanged["tables"][0]["unchanged"], true);
    place.partition("2024-01-14", &[("a", Some(7.0), Some(7))]);
    let reloaded = server.post("/reload/users", &json!({})).json();
    let table = &reloaded["tables"][0];
    assert_eq!(
        (&table["unchanged"], &table["partition"]),
        (&json!(false), &json!("2024-01-14"))
    );
    let fetched = server.post(
        "/api/v1/table/users/fetch",
        &json!({"keys": ["a", "b"], "columns": ["score"]}),
    );
    assert_eq!(
        fetched.json(),
        json!({"columns": {"score": [7.0, null]}, "missing": [1]})
    );
    assert_eq!(fetched.header("x-alimentar-partition"), Some("2024-01-14"));
}

#[test]
fn new_partition_is_loaded_when_the_source_is_due() {
    let place = Place::new();
    let config = std::fs::read_to_string(place.config()).unwrap();
    std::fs::write(
        place.config(),
        config.replace("    key:", "    poll_interval: 100ms\n    key:"),
    )
    .unwrap();
    let mut server = place.serve(&[]);
    place.partition("2024-01-14", &[("a", Some(7.0), Some(7))]);
    // The Parquet file may be seen before its marker.
    let loaded = loop {
        let event = server.event();
        if event["event"] == "loaded" {
            break event;
        }
    };
    assert_eq!(
        (&loaded["partition"], &loaded["rows"]),
        (&json!("2024-01-14"), &json!(1))
    );
}
