//! Tables that clients make and write to.

use serde_json::json;

use super::Place;
use super::Server;

#[test]
fn table_of_a_client_lives_until_it_is_removed() {
    let place = Place::new();
    let (config, home) = (place.config(), place.home());
    std::fs::write(&config, "tables: {}\n").unwrap();
    let words = ["-c", config.as_str(), "--http", "0"];
    let server = Server::start(&home, &words);
    let table = "/api/v1/table/t";
    let schema = json!({"columns": {
        "id": {"dtype": "int32", "key": true, "nullable": false},
        "name": {"dtype": "utf8"},
        "v": {"dtype": "float32[2]"},
    }});
    assert_eq!(server.put(table, &schema).status, 201);
    assert_eq!(server.put(table, &schema).status, 409);
    assert_eq!(server.put("/api/v1/table/..%2Fx", &schema).status, 400);
    assert_eq!(
        server
            .put("/api/v1/table/u", &json!({"columns": {}}))
            .status,
        400
    );
    let rows = json!({"columns": {"id": [1, 2], "name": ["one", null], "v": [[0.5, 1], null]}});
    let written = server.put(&format!("{table}/write"), &rows);
    assert_eq!(written.status, 200, "{}", written.text());
    let rows = json!({"columns": {"id": [2], "name": ["two"], "v": [[2, "NaN"]], "other": [1]}});
    assert_eq!(server.put(&format!("{table}/write"), &rows).status, 200);
    for rows in [
        json!({"columns": {"id": [1]}}),
        json!({"columns": {"id": ["x"], "name": ["x"], "v": [null]}}),
        json!({"columns": {"id": [3_000_000_000_u64], "name": ["x"], "v": [null]}}),
    ] {
        assert_eq!(
            server.put(&format!("{table}/write"), &rows).status,
            400,
            "{rows}"
        );
    }
    let fetched = || {
        let keys = json!({"keys": [2, 1, 7, -1]});
        server.post(&format!("{table}/fetch"), &keys).json()
    };
    let wanted = json!({
        "columns": {"name": ["two", "one", null, null], "v": [[2.0, "NaN"], [0.5, 1.0], null, null]},
        "missing": [2, 3],
    });
    assert_eq!(fetched(), wanted);
    assert_eq!(
        server.post(&format!("{table}/compact"), &json!({})).status,
        200
    );
    assert_eq!(fetched(), wanted);
    assert_eq!(server.stop(), Some(0));
    // It is there after a restart.
    let server = Server::start(&home, &words);
    let again = server.post(
        &format!("{table}/fetch"),
        &json!({"keys": [1], "columns": ["name"]}),
    );
    assert_eq!(again.json()["columns"], json!({"name": ["one"]}));
    assert_eq!(server.ask("DELETE", table, &[], b"").status, 204);
    assert_eq!(server.ask("DELETE", table, &[], b"").status, 404);
    assert_eq!(server.get(&format!("{table}/schema")).status, 404);
}

#[test]
fn table_with_a_source_is_not_written_to() {
    let place = Place::new();
    let server = place.serve(&[]);
    let rows = json!({"columns": {"user_id": ["a"], "score": [1], "visits": [1]}});
    assert_eq!(server.put("/api/v1/table/users/write", &rows).status, 403);
    assert_eq!(
        server.ask("DELETE", "/api/v1/table/users", &[], b"").status,
        403
    );
}

#[test]
fn parquet_file_is_written_to_a_table() {
    let place = Place::new();
    let server = place.serve(&[]);
    let schema = json!({"key": "user_id", "columns": {
        "user_id": {"dtype": "utf8", "nullable": false}, "visits": {"dtype": "int64"},
    }});
    assert_eq!(server.put("/api/v1/table/p", &schema).status, 201);
    let file = std::fs::read(place.path("source/2024-01-13/part.parquet")).unwrap();
    let headers = [("Content-Type", "application/vnd.apache.parquet")];
    let written = server.ask("PUT", "/api/v1/table/p/write", &headers, &file);
    assert_eq!(written.status, 200, "{}", written.text());
    let fetched = server.post(
        "/api/v1/table/p/fetch",
        &json!({"keys": ["b"], "columns": ["visits"]}),
    );
    assert_eq!(fetched.json()["columns"], json!({"visits": [2]}));
    let broken = server.ask(
        "PUT",
        "/api/v1/table/p/write",
        &headers,
        &file[..file.len() / 2],
    );
    assert_eq!(broken.status, 400, "{}", broken.text());
}
