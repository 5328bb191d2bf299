//! `config`: reads and changes the settings in the home.

use std::path::Path;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::Cli;
use crate::cli::args_config::ConfigCommand;
use crate::cli::commands::home_of;
use crate::cli::exit::Failure;
use crate::cli::home;
use crate::cli::out::Out;
use crate::cli::out::table;
use crate::cli::outputs;
use crate::cli::settings::KEYS;
use crate::cli::settings::Key;
use crate::cli::settings::Kind;
use crate::cli::settings::Settings;
use crate::cli::settings::key;
use crate::file_io::IfExists;

pub(crate) fn run(command: &ConfigCommand, cli: &Cli, out: &Out) -> Result<(), Failure> {
    let home = home_of(cli)?;
    match command {
        ConfigCommand::Get { key: name } => {
            let key = key(name)?;
            let value = value_of(key, &Settings::of(&home)?);
            let text = format!("{}\n", shown(&value.0));
            let object = json!({"key": key.name, "value": value.0, "set": value.1});
            Ok(out.result(&object, &[shown(&value.0)], &text)?)
        }
        ConfigCommand::Set { key: name, value } => {
            let key = key(name)?;
            home::make(&home)?;
            let mut settings = Settings::of(&home)?;
            settings.set(key, value)?;
            write(&settings)?;
            let value = value_of(key, &settings);
            let object = json!({"key": key.name, "value": value.0, "set": value.1});
            let text = format!("{} = {}\n", key.name, shown(&value.0));
            Ok(out.result(&object, &[shown(&value.0)], &text)?)
        }
        ConfigCommand::List => list(&Settings::of(&home)?, out),
        ConfigCommand::Edit => edit(&home, out),
    }
}

/// The value that counts, and whether the file has it.
fn value_of(key: &Key, settings: &Settings) -> (Value, bool) {
    let set = settings.get(key.name);
    let is_set = set.is_some();
    let text = set.unwrap_or_else(|| key.default.to_owned());
    let value = match key.kind {
        Kind::Switch => Value::Bool(text == "true"),
        Kind::Peers => {
            let parts = text.split(',').filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        }
        _ if text.is_empty() => Value::Null,
        _ => Value::String(text),
    };
    (value, is_set)
}

/// A value for people.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            parts.join(",")
        }
        other => other.to_string(),
    }
}

fn list(settings: &Settings, out: &Out) -> Result<(), Failure> {
    let (mut objects, mut rows, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for key in KEYS {
        let (value, is_set) = value_of(key, settings);
        rows.push(vec![
            key.name.to_owned(),
            shown(&value),
            if is_set { "set" } else { "default" }.to_owned(),
            key.help.to_owned(),
        ]);
        names.push(key.name.to_owned());
        objects.push(json!({"key": key.name, "value": value, "set": is_set}));
    }
    let path = settings.path().to_string_lossy();
    let text = table(&["KEY", "VALUE", "FROM", "WHAT IT SAYS"], &rows);
    Ok(out.result(&json!({"settings": objects, "path": path}), &names, &text)?)
}

fn write(settings: &Settings) -> Result<(), Failure> {
    outputs::write(
        settings.path(),
        settings.text().as_bytes(),
        IfExists::Replace,
    )
}

/// Opens the file in an editor, and looks afterwards whether it is understood.
#[allow(
    clippy::disallowed_methods,
    reason = "the editor is what the environment names"
)]
fn edit(home: &Path, out: &Out) -> Result<(), Failure> {
    home::make(home)?;
    let path = home.join(crate::cli::settings::FILE);
    if !path.exists() {
        outputs::write(&path, template().as_bytes(), IfExists::Refuse)?;
    }
    let named = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|v| std::env::var(v).ok());
    let editor = named
        .filter(|e| !e.trim().is_empty())
        .unwrap_or_else(|| "vi".to_owned());
    // An editor may have options, which a shell takes apart.
    let ended = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(&path)
        .status();
    match ended {
        Ok(status) if status.success() => {}
        _ => {
            return Err(Failure::Misused {
                message: format!("the editor `{editor}` failed"),
                hint: format!("set EDITOR, or change `{}` by hand", path.display()),
            });
        }
    }
    let settings = Settings::of(home)?;
    list(&settings, out)
}

/// A new file: every key with its default, as a comment.
fn template() -> String {
    let mut text = String::new();
    for key in KEYS {
        let value = match key.kind {
            Kind::Switch => key.default.to_owned(),
            Kind::Peers => "[\"lab-a:8765\"]".to_owned(),
            Kind::Path => "\"~/file\"".to_owned(),
            Kind::Word(_) => format!("\"{}\"", key.default),
        };
        text += &format!("# {}\n# {} = {value}\n", key.help, key.name);
    }
    text
}
