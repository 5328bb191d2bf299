//! `help`: of the program, of a command, or of a topic.

use clap::Command;

use crate::cli::exit::Failure;
use crate::cli::out::Out;
use crate::cli::surface::PROGRAM;
use crate::cli::surface::topics::TOPICS;

/// Prints help of what the words name: nothing, a topic, or a command.
///
/// # Errors
/// [`Failure::Misused`] of words that name nothing, with what is near.
pub(crate) fn run(words: &[String], out: &Out) -> Result<(), Failure> {
    let text = match topic(words) {
        Some(text) => text.to_owned(),
        None => {
            let help = of_command(words)?.render_long_help();
            match out.has_style() {
                true => help.ansi().to_string(),
                false => help.to_string(),
            }
        }
    };
    if out.is_json() {
        let object = serde_json::json!({"topic": words.join(" "), "help": text});
        return Ok(out.result(&object, &[], "")?);
    }
    Ok(out.bytes(text.as_bytes())?)
}

/// A topic, also where it was typed as several words.
fn topic(words: &[String]) -> Option<&'static str> {
    let wanted = words.join("-").to_ascii_lowercase();
    let found = TOPICS.iter().find(|t| t.names.contains(&wanted.as_str()));
    found.map(|t| t.text)
}

fn of_command(words: &[String]) -> Result<Command, Failure> {
    let mut program = crate::cli::surface::command();
    program.build();
    let mut at = program;
    for word in words.iter().filter(|word| *word != PROGRAM) {
        at = match at.find_subcommand(word) {
            Some(below) => below.clone(),
            None => return Err(nothing(&at, words, word)),
        };
    }
    Ok(at)
}

fn nothing(at: &Command, words: &[String], word: &str) -> Failure {
    let topics = TOPICS.iter().flat_map(|t| t.names).copied();
    let commands = at.get_subcommands().map(Command::get_name);
    let near = commands
        .chain(topics)
        .map(|name| (strsim::jaro_winkler(name, word), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let names: Vec<&str> = TOPICS
        .iter()
        .filter_map(|t| t.names.first())
        .copied()
        .collect();
    Failure::Misused {
        message: format!("there is no command or topic `{}`", words.join(" ")),
        hint: match near {
            Some((_, near)) => format!("did you mean `alimentar help {near}`?"),
            None => format!(
                "topics: {}; `alimentar --help` lists the commands",
                names.join(", ")
            ),
        },
    }
}
