//! `config`: reads and changes the settings of a registry.

use std::path::Path;

use clap::Args;
use clap::Subcommand;
use serde::Serialize;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::env;
use crate::cli::exit::Failure;
use crate::cli::home;
use crate::cli::output::destination::write_file;
use crate::cli::settings::KEYS;
use crate::cli::settings::Key;
use crate::cli::settings::Kind;
use crate::cli::settings::SETTINGS_FILE;
use crate::cli::settings::Settings;
use crate::cli::settings::find_key;
use crate::cli::view_keys::bindings_text;
use crate::cli::view_keys::parse_bindings;
use crate::file_io::IfExists;

/// Read and change the defaults of options
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the value of a setting, or its default
    #[command(after_help = "Examples:
  alimentar config get color")]
    Get {
        /// Its name
        key: String,
    },
    /// Change a setting; an empty value removes it
    #[command(after_help = "Examples:
  alimentar config set color never
  alimentar config set peers lab-a:8765,lab-b:8765
  alimentar config set view_keys 'search=s,/ mark=Space'")]
    Set {
        /// Its name
        key: String,
        /// Its value; addresses have commas between
        value: String,
    },
    /// List all settings
    #[command(after_help = "Examples:
  alimentar config list")]
    List,
    /// Open the settings in an editor
    #[command(after_help = "Examples:
  alimentar config edit")]
    Edit,
}

#[derive(Serialize)]
struct Setting {
    key: &'static str,
    value: Value,
    /// The file has the key.
    set: bool,
}

#[derive(Serialize)]
struct ListOutput {
    settings: Vec<Setting>,
    path: String,
}

pub(crate) fn run(ctx: &Context, args: &ConfigArgs) -> Result<(), Failure> {
    let home = ctx.home()?;
    match &args.command {
        ConfigCommand::Get { key: name } => {
            let setting = Setting::of(find_key(name)?, &Settings::read(&home)?);
            let value = format_value(&setting.value);
            let text = format!("{value}\n");
            Ok(ctx.out.result(&setting, &[value], &text)?)
        }
        ConfigCommand::Set { key: name, value } => {
            let key = find_key(name)?;
            home::create(&home)?;
            let mut settings = Settings::read(&home)?;
            settings.set(key, value)?;
            write_file(
                settings.path(),
                settings.text().as_bytes(),
                IfExists::Replace,
            )?;
            let setting = Setting::of(key, &settings);
            let value = format_value(&setting.value);
            let text = format!("{} = {value}\n", key.name);
            Ok(ctx.out.result(&setting, &[value], &text)?)
        }
        ConfigCommand::List => list(ctx, &Settings::read(&home)?),
        ConfigCommand::Edit => edit(ctx, &home),
    }
}

impl Setting {
    /// The value of a key in the file, or its default.
    fn of(key: &'static Key, settings: &Settings) -> Self {
        let in_file = settings.get(key.name);
        let set = in_file.is_some();
        let text = in_file.unwrap_or_else(|| key.default.to_owned());
        let value = match key.kind {
            Kind::Switch => Value::Bool(text == "true"),
            Kind::ViewKeys => bindings_json(&text),
            Kind::Peers => {
                let parts = text.split(',').filter(|part| !part.is_empty());
                parts.map(str::to_owned).collect()
            }
            _ if text.is_empty() => Value::Null,
            _ => Value::String(text),
        };
        Self {
            key: key.name,
            value,
            set,
        }
    }
}

/// Keys of the viewer by command; null without any.
fn bindings_json(text: &str) -> Value {
    match parse_bindings(text) {
        Ok(bindings) if !bindings.is_empty() => bindings
            .into_iter()
            .map(|(name, keys)| (name, Value::from(keys)))
            .collect(),
        _ => Value::Null,
    }
}

/// Formats a value for people.
fn format_value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
            parts.join(",")
        }
        Value::Object(bindings) => {
            let keys = |value: &Value| -> Vec<String> {
                let keys = value.as_array().into_iter().flatten();
                keys.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            let bindings = bindings
                .iter()
                .map(|(name, value)| (name.clone(), keys(value)));
            bindings_text(&bindings.collect())
        }
        other => other.to_string(),
    }
}

fn list(ctx: &Context, settings: &Settings) -> Result<(), Failure> {
    let listed: Vec<Setting> = KEYS.iter().map(|key| Setting::of(key, settings)).collect();
    let row = |(key, setting): (&Key, &Setting)| {
        vec![
            key.name.to_owned(),
            format_value(&setting.value),
            if setting.set { "set" } else { "default" }.to_owned(),
            key.help.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = KEYS.iter().zip(&listed).map(row).collect();
    let names: Vec<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
    let text = ctx
        .out
        .table(&["KEY", "VALUE", "FROM", "WHAT IT SAYS"], &rows);
    let output = ListOutput {
        settings: listed,
        path: settings.path().to_string_lossy().into_owned(),
    };
    Ok(ctx.out.result(&output, &names, &text)?)
}

/// Opens the file in an editor, and checks it afterwards.
fn edit(ctx: &Context, home: &Path) -> Result<(), Failure> {
    home::create(home)?;
    let path = home.join(SETTINGS_FILE);
    if !path.exists() {
        write_file(&path, template().as_bytes(), IfExists::Refuse)?;
    }
    let editor = env::editor().unwrap_or_else(|| "vi".to_owned());
    // The variable may have options, which a shell splits off.
    let ended = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!("{editor} \"$1\""))
        .arg("sh")
        .arg(&path)
        .status();
    if !ended.is_ok_and(|status| status.success()) {
        return Err(Failure::Misused {
            message: format!("the editor `{editor}` failed"),
            hint: format!("set EDITOR, or change `{}` by hand", path.display()),
        });
    }
    list(ctx, &Settings::read(home)?)
}

/// The text of a new file: every key with its default, as a comment.
fn template() -> String {
    let mut text = String::new();
    for key in KEYS {
        let value = match key.kind {
            Kind::Switch => key.default.to_owned(),
            Kind::Peers => "[\"lab-a:8765\"]".to_owned(),
            Kind::Path => "\"~/file\"".to_owned(),
            Kind::ViewKeys => "{ search = \"s\", quit = [\"q\", \"Ctrl-c\"] }".to_owned(),
            Kind::Size => format!("\"{}\"", key.default),
            Kind::Word(_) => format!("\"{}\"", key.default),
        };
        text += &format!("# {}\n# {} = {value}\n", key.help, key.name);
    }
    text
}
