//! The tables, and the settings of the server.

use std::path::PathBuf;
use std::time::Duration;

use crate::features::config::Config;
use crate::features::config::ServerConfig;
use crate::features::config::TableConfig;
use crate::features::config::columns::columns;
use crate::features::config::fault::Fault;
use crate::features::config::fields::Fields;
use crate::features::config::fields::duration;
use crate::features::config::fields::list;
use crate::features::config::fields::map;
use crate::features::config::fields::number;
use crate::features::config::fields::text;
use crate::features::config::fields::word;
use crate::features::config::node::Key;
use crate::features::config::node::Node;
use crate::features::config::source::source;
use crate::features::config::table_name::check_table_name;
use crate::features::limits::KEY_COLUMNS_MAX;
use crate::features::limits::PARTS_MAX;
use crate::features::limits::POLL_MILLISECONDS_MIN;
use crate::features::limits::TABLES_MAX;
use crate::features::schema::DataType;
use crate::features::schema::TableSchema;
use crate::features::table::MemoryMode;

/// The fields of a table.
const TABLE_FIELDS: [&str; 8] = [
    "source",
    "key",
    "poll_interval",
    "parts",
    "columns",
    "memory",
    "timestamp",
    "ttl",
];
/// Hash partitions where none are named.
const PARTS: u32 = 8;
/// Time between two looks at a source where none is named.
const POLL_INTERVAL: Duration = Duration::from_secs(60);
/// The longest interval and the longest time to live: 100 years.
const LONGEST: Duration = Duration::from_secs(36_525 * 86_400);

/// Reads the whole.
pub(super) fn config(root: &Node) -> Result<Config, Fault> {
    let fields = Fields::of(root, "the configuration", &["server", "tables"])?;
    let server = match fields.get("server") {
        Some(node) => server(node)?,
        None => default_server(),
    };
    let node = fields.required("tables")?;
    let named = map(node, "tables")?;
    if named.len() > TABLES_MAX {
        return Fault::at(
            node.place,
            format!("there are more than {TABLES_MAX} tables"),
        );
    }
    let tables = named.iter().map(|(key, node)| table(key, node));
    Ok(Config {
        server,
        tables: tables.collect::<Result<_, _>>()?,
    })
}

fn default_server() -> ServerConfig {
    ServerConfig {
        host: "localhost".to_owned(),
        port: 8080,
        flight_port: None,
        data_dir: None,
    }
}

fn server(node: &Node) -> Result<ServerConfig, Fault> {
    let known = ["host", "port", "data_dir", "flight_port"];
    let fields = Fields::of(node, "server", &known)?;
    let port = |field: &str| match fields.get(field) {
        Some(node) => {
            let port = number(node, field, 0..=u64::from(u16::MAX))?;
            Ok(u16::try_from(port).ok())
        }
        None => Ok(None),
    };
    let default = default_server();
    Ok(ServerConfig {
        host: match fields.get("host") {
            Some(node) => text(node, "host")?.to_owned(),
            None => default.host,
        },
        port: port("port")?.unwrap_or(default.port),
        flight_port: port("flight_port")?,
        data_dir: match fields.optional("data_dir") {
            Some(node) => Some(PathBuf::from(text(node, "data_dir")?)),
            None => None,
        },
    })
}

fn table(key: &Key, node: &Node) -> Result<TableConfig, Fault> {
    if let Err(why) = check_table_name(&key.text) {
        return Fault::at(key.place, why);
    }
    let fields = Fields::of(node, &key.text, &TABLE_FIELDS)?;
    let memory = [
        ("auto", MemoryMode::Auto),
        ("map", MemoryMode::Map),
        ("huge", MemoryMode::Huge),
    ];
    let least = Duration::from_millis(POLL_MILLISECONDS_MIN);
    let table = TableConfig {
        name: key.text.clone(),
        source: match fields.get("source") {
            Some(node) => Some(source(node)?),
            None => None,
        },
        key: key_names(fields.required("key")?)?,
        poll_interval: match fields.get("poll_interval") {
            Some(node) => duration(node, "poll_interval", least..=LONGEST)?,
            None => POLL_INTERVAL,
        },
        parts: match fields.get("parts") {
            Some(node) => {
                let parts = number(node, "parts", 1..=u64::from(PARTS_MAX))?;
                u32::try_from(parts).unwrap_or(PARTS)
            }
            None => PARTS,
        },
        columns: match fields.get("columns") {
            Some(node) => columns(node)?,
            None => Vec::new(),
        },
        memory: match fields.get("memory") {
            Some(node) => word(node, "memory", &memory)?,
            None => MemoryMode::Auto,
        },
        timestamp: match fields.optional("timestamp") {
            Some(node) => Some(text(node, "timestamp")?.to_owned()),
            None => None,
        },
        ttl: match fields.optional("ttl") {
            Some(node) => Some(duration(node, "ttl", Duration::from_micros(1)..=LONGEST)?),
            None => None,
        },
    };
    check(&table, &fields)?;
    Ok(table)
}

fn key_names(node: &Node) -> Result<Vec<String>, Fault> {
    let items = list(node, "key")?;
    if items.is_empty() || items.len() > KEY_COLUMNS_MAX {
        let why = format!("`key` names from 1 to {KEY_COLUMNS_MAX} columns");
        return Fault::at(node.place, why);
    }
    let mut names: Vec<String> = Vec::new();
    for item in items {
        let name = text(item, "key")?;
        if names.iter().any(|known| known == name) {
            return Fault::at(item.place, format!("`{name}` is twice in the key"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// Checks the fields of a table against each other. Columns that are not named here come from the files.
fn check(table: &TableConfig, fields: &Fields<'_>) -> Result<(), Fault> {
    let place = |field: &str| fields.get(field).map_or(fields.place, |node| node.place);
    if table.ttl.is_some() && table.timestamp.is_none() {
        let why = "`ttl` needs `timestamp`, the column with the time of a row";
        return Fault::at(place("ttl"), why);
    }
    if table.source.is_none() {
        if table.columns.is_empty() {
            let why = format!(
                "`{}` has no source, so that clients write to it, and needs `columns`",
                table.name
            );
            return Fault::at(fields.place, why);
        }
        let time = table.timestamp.as_deref();
        let schema = TableSchema::new(table.columns.clone(), &table.key, time);
        return match schema {
            Ok(_) => Ok(()),
            Err(e) => Fault::at(fields.place, e.to_string()),
        };
    }
    let column = |name: &String| table.columns.iter().find(|c| c.name == *name);
    for found in table.key.iter().filter_map(column) {
        if !found.data_type.is_key() {
            let (name, kind) = (&found.name, found.data_type);
            let why = format!("`{name}` is {kind}, and keys are integers and strings");
            return Fault::at(place("key"), why);
        }
    }
    match table.timestamp.as_ref().and_then(column) {
        Some(found) if found.data_type != DataType::Timestamp => {
            let why = format!("`{}` is {}, not timestamp", found.name, found.data_type);
            Fault::at(place("timestamp"), why)
        }
        _ => Ok(()),
    }
}
