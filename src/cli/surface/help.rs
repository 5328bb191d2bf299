//! `help`: of the program, of a command, or of a topic.

use clap::Args;
use clap::Command;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::surface::PROGRAM;
use crate::cli::surface::reference::ENVIRONMENT;
use crate::cli::surface::reference::EXIT_CODES;
use crate::cli::surface::reference::format_terms;
use crate::cli::surface::topics::TOPICS;

/// Help with a command, or with a topic: references, trust, exit-codes, scripting, air-gap
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  alimentar help references
  alimentar help trust add")]
pub(crate) struct HelpArgs {
    /// A topic, or a command
    words: Vec<String>,
}

#[derive(Serialize)]
struct HelpOutput {
    topic: String,
    help: String,
}

/// Prints help. `program` is the whole command line.
///
/// # Errors
/// [`Failure::Misused`] for words that name nothing; the hint suggests similar ones.
pub(crate) fn run(ctx: &Context, args: &HelpArgs, program: Command) -> Result<(), Failure> {
    let (out, words) = (ctx.out, args.words.as_slice());
    let text = match find_topic(words) {
        Some(text) => text
            .replace("{EXIT_CODES}", &format_terms(EXIT_CODES))
            .replace("{ENVIRONMENT}", &format_terms(ENVIRONMENT)),
        None => {
            let help = find_command(program, words)?.render_long_help();
            if out.has_style() {
                help.ansi().to_string()
            } else {
                help.to_string()
            }
        }
    };
    if out.is_json() {
        let output = HelpOutput {
            topic: words.join(" "),
            help: text,
        };
        return Ok(out.result(&output, &[], "")?);
    }
    Ok(out.bytes(text.as_bytes())?)
}

/// Finds a topic, which may be typed as several words.
fn find_topic(words: &[String]) -> Option<&'static str> {
    let wanted = words.join("-").to_ascii_lowercase();
    let found = TOPICS.iter().find(|t| t.names.contains(&wanted.as_str()));
    found.map(|t| t.text)
}

fn find_command(mut program: Command, words: &[String]) -> Result<Command, Failure> {
    program.build();
    let mut at = program;
    for word in words.iter().filter(|word| *word != PROGRAM) {
        at = match at.find_subcommand(word) {
            Some(below) => below.clone(),
            None => return Err(unknown_words(&at, words, word)),
        };
    }
    Ok(at)
}

fn unknown_words(at: &Command, words: &[String], word: &str) -> Failure {
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
