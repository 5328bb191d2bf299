//! Texts that are read.

use std::path::PathBuf;
use std::time::Duration;

use super::parsed;
use super::refused;
use crate::features::config::SourceConfig;
use crate::features::schema::DataType;
use crate::features::table::MemoryMode;

/// The example of the original, word by word.
const ORIGINAL: &str = "
server:
  host: localhost
  port: 8080
  data_dir: /var/lib/cache

tables:
  user_features:
    source:
      s3:
        bucket: my-bucket
        prefix: features/
        region: us-east-1
        endpoint: http://localhost:9000  # optional
    poll_interval: 5m  # default: 1m
    parts: 8           # default: 8
    key: [user_id]
    columns:
      user_id:
        dtype: utf8
        nullable: false
      click_rate:
        dtype: float32
        nullable: true  # default: true

  local_features:
    source:
      local:
        path: /data/features
    key: [doc_id]
    columns: {}
";

#[test]
fn configuration_of_the_original_is_read_as_it_stands() {
    let config = parsed(ORIGINAL);
    assert_eq!(config.server.host, "localhost");
    assert_eq!(config.server.port, 8080);
    assert_eq!(
        config.server.data_dir,
        Some(PathBuf::from("/var/lib/cache"))
    );
    let [user, local] = config.tables.as_slice() else {
        panic!("{config:?}");
    };
    let wanted = SourceConfig::S3 {
        bucket: "my-bucket".to_owned(),
        prefix: "features/".to_owned(),
        endpoint: Some("http://localhost:9000".to_owned()),
        region: Some("us-east-1".to_owned()),
    };
    assert_eq!(
        (user.name.as_str(), &user.source),
        ("user_features", &Some(wanted))
    );
    assert_eq!(user.poll_interval, Duration::from_secs(300));
    assert_eq!(
        (user.parts, user.key.as_slice()),
        (8, &["user_id".to_owned()][..])
    );
    let columns: Vec<_> = user
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.data_type, c.is_nullable))
        .collect();
    assert_eq!(
        columns,
        [
            ("user_id", DataType::Utf8, false),
            ("click_rate", DataType::Float32, true)
        ]
    );
    assert_eq!(
        local.source,
        Some(SourceConfig::Local {
            path: PathBuf::from("/data/features")
        })
    );
    assert!(local.columns.is_empty());
}

/// The original has `/var/lib/…` as the directory; here it is left to the program.
#[test]
fn settings_that_are_left_out_have_the_defaults_of_the_original() {
    let config = parsed("tables: {t: {source: {local: {path: /d}}, key: [k]}}");
    assert_eq!(
        (config.server.host.as_str(), config.server.port),
        ("localhost", 8080)
    );
    assert_eq!(
        (config.server.data_dir, config.server.flight_port),
        (None, None)
    );
    let table = &config.tables[0];
    assert_eq!(
        (table.poll_interval, table.parts),
        (Duration::from_secs(60), 8)
    );
    assert!(table.columns.is_empty());
    assert_eq!(
        (table.memory, table.ttl, &table.timestamp),
        (MemoryMode::Auto, None, &None)
    );
    // The original has `us-east-1` here; here the environment comes before that.
    let s3 = parsed("tables: {t: {source: {s3: {bucket: b-1, prefix: ''}}, key: [k]}}");
    assert!(matches!(
        &s3.tables[0].source,
        Some(SourceConfig::S3 { region: None, endpoint: None, prefix, .. }) if prefix.is_empty()
    ));
}

#[test]
fn types_of_the_original_and_the_new_ones_are_read() {
    for (name, wanted) in [
        ("utf8", DataType::Utf8),
        ("int8", DataType::Int8),
        ("int16", DataType::Int16),
        ("int32", DataType::Int32),
        ("int64", DataType::Int64),
        ("uint8", DataType::UInt8),
        ("uint16", DataType::UInt16),
        ("uint32", DataType::UInt32),
        ("uint64", DataType::UInt64),
        ("float32", DataType::Float32),
        ("float64", DataType::Float64),
        ("bool", DataType::Bool),
        ("timestamp", DataType::Timestamp),
        ("float32[128]", DataType::Float32.list(128).unwrap()),
        ("int8, length: 3", DataType::Int8.list(3).unwrap()),
    ] {
        let text = format!(
            "tables: {{t: {{source: {{local: {{path: d}}}}, key: [k], columns: {{c: {{dtype: \"{}\"{}}}}}}}}}",
            name.split(',').next().unwrap(),
            name.split_once(',')
                .map_or(String::new(), |(_, rest)| format!(",{rest}")),
        );
        assert_eq!(
            parsed(&text).tables[0].columns[0].data_type,
            wanted,
            "{text}"
        );
    }
}

#[test]
fn fields_that_the_original_lacks_are_read() {
    let config = parsed(
        "server: {flight_port: 8081}
tables:
  events:
    source: {registry: {name: lab/events, version: 1.2, path: features/}}
    key: [tenant, user]
    memory: huge
    timestamp: at
    ttl: 7d
    columns:
      at: {dtype: timestamp}
      tenant: {dtype: uint32}
      score: {dtype: float32, strict: false}
  written:
    key: [id]
    columns: {id: {dtype: int64}, v: {dtype: float64}}
",
    );
    assert_eq!(config.server.flight_port, Some(8081));
    let [events, written] = config.tables.as_slice() else {
        panic!("{config:?}");
    };
    let wanted = SourceConfig::Registry {
        name: "lab/events".to_owned(),
        version: Some("1.2".to_owned()),
        path: Some("features/".to_owned()),
    };
    assert_eq!(events.source, Some(wanted));
    assert_eq!(events.key, ["tenant", "user"]);
    assert_eq!(events.memory, MemoryMode::Huge);
    assert_eq!(events.timestamp.as_deref(), Some("at"));
    assert_eq!(events.ttl, Some(Duration::from_secs(7 * 86_400)));
    assert!(!events.columns[2].is_strict && events.columns[0].is_strict);
    assert_eq!((&written.source, written.columns.len()), (&None, 2));
}

/// The original lets the key be a column that `columns` does not name.
#[test]
fn key_that_the_columns_leave_out_comes_from_the_files() {
    let text = "tables: {t: {source: {local: {path: d}}, key: [k], columns: {c: {dtype: bool}}}}";
    assert_eq!(parsed(text).tables[0].key, ["k"]);
}

#[test]
fn spans_of_time_have_units_and_add_up() {
    for (text, milliseconds) in [
        ("1m", 60_000),
        ("5m 30s", 330_000),
        ("5m30s", 330_000),
        ("100ms", 100),
        ("2 hours 3 min", 7_380_000),
        ("1d", 86_400_000),
        ("2weeks", 1_209_600_000),
        ("1M", 2_630_016_000),
        ("1y", 31_557_600_000),
        ("1000000usec", 1000),
        ("100000000ns", 100),
    ] {
        let text = format!(
            "tables: {{t: {{source: {{local: {{path: d}}}}, key: [k], poll_interval: {text}}}}}"
        );
        let found = parsed(&text).tables[0].poll_interval;
        assert_eq!(found, Duration::from_millis(milliseconds), "{text}");
    }
    for (text, wanted) in [
        ("60", "`60` lacks a unit, such as `60s`"),
        ("1.5h", "`.5h`"),
        (
            "5 parsecs",
            "`parsecs` is no unit of time; the units are ms",
        ),
        ("5 minuts", "did you mean `minute`?"),
        ("-5s", "no span of time"),
        ("99ms", "is from 100ms to 36525 days"),
        ("101y", "is from 100ms to 36525 days"),
        ("99999999999999999999s", "longer than 584 years"),
        ("600y", "longer than 584 years"),
        ("\"\"", "this is empty"),
        ("[]", "and this is a list"),
    ] {
        let text = format!(
            "tables: {{t: {{source: {{local: {{path: d}}}}, key: [k], poll_interval: {text}}}}}"
        );
        let why = refused(&text);
        assert!(
            why.contains(wanted) || text.contains("1.5h") && why.contains("lacks a unit"),
            "{text}: {why}"
        );
    }
}
