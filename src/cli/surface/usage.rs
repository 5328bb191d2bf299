//! Errors of the command line, as clap words them, or with `--json` as an object.

use std::error::Error as _;
use std::net::AddrParseError;
use std::num::ParseFloatError;
use std::num::ParseIntError;

use clap::builder::StyledStr;
use clap::error::ContextKind;
use clap::error::ContextValue;
use clap::error::ErrorKind;

use crate::cli::exit::error_object;
use crate::cli::output::out::Out;
use crate::cli::output::out::OutOptions;
use crate::cli::surface::synonyms::suggest_command;

/// True if the arguments have this word. Needed before they are parsed, and after parsing failed.
pub(crate) fn has_word(wanted: &str) -> bool {
    std::env::args_os()
        .skip(1)
        .take_while(|word| word != "--")
        .any(|word| word == wanted)
}

/// Improves an error: the message names the kind of value, and a tip translates words of other
/// programs.
pub(crate) fn improve(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        // If the variable is set, clap lists its option as one that was typed.
        let plain = usage.to_string().replace(" --home <DIR>", "");
        let plain = ContextValue::StyledStr(StyledStr::from(plain));
        error.insert(ContextKind::Usage, plain);
    }
    if error.kind() == ErrorKind::InvalidSubcommand {
        let word = context_text(&error, ContextKind::InvalidSubcommand);
        if let Some(suggested) = word.as_deref().and_then(suggest_command) {
            error.remove(ContextKind::SuggestedSubcommand);
            let tip = StyledStr::from(format!("`{suggested}` does that here"));
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
        }
    }
    let wanted = error.source().and_then(|source| {
        if source.is::<ParseIntError>() {
            let message = source.to_string();
            let is_out_of_range = message.contains("large") || message.contains("small");
            return Some(if is_out_of_range {
                "the number is out of range"
            } else {
                "a whole number is wanted"
            });
        }
        if source.is::<ParseFloatError>() {
            return Some("a number is wanted");
        }
        let is_address = source.is::<AddrParseError>();
        is_address.then_some("an IP address is wanted, such as 192.168.1.20 or ::1")
    });
    let Some(wanted) = wanted else {
        return error;
    };
    let value = context_text(&error, ContextKind::InvalidValue).unwrap_or_default();
    let argument = context_text(&error, ContextKind::InvalidArg).unwrap_or_default();
    let message = format!(
        "invalid value '{value}' for '{argument}': {wanted}\n\nFor more information, try '--help'.\n"
    );
    clap::Error::raw(error.kind(), message)
}

fn context_text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Prints an error of clap, or an answer such as help.
pub(crate) fn report(error: clap::Error) {
    if !error.use_stderr() || !has_word("--json") {
        let _ = error.print();
        return;
    }
    let (message, hint) = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ("a command is missing".to_owned(), None)
        }
        _ => split_tip(&error.render().to_string()),
    };
    let hint = hint.unwrap_or_else(|| "`--help` behind a command shows what it takes".to_owned());
    let out = Out::new(OutOptions {
        json: true,
        ..OutOptions::default()
    });
    out.json_diagnostic(&error_object("usage", &message, Some(&hint)));
}

/// Splits an error that clap has rendered into message and tip.
fn split_tip(rendered: &str) -> (String, Option<String>) {
    let text = rendered.strip_prefix("error: ").unwrap_or(rendered);
    let ends = ["\n\nUsage:", "\n\nFor more information"];
    let end = ends.iter().filter_map(|end| text.find(end)).min();
    let text = text.get(..end.unwrap_or(text.len())).unwrap_or(text);
    let in_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.split_once("\n\n  tip: ") {
        Some((message, tip)) => (in_one_line(message), Some(in_one_line(tip))),
        None => (in_one_line(text), None),
    }
}

#[cfg(test)]
mod tests {
    use super::split_tip;

    #[test]
    fn rendered_error_is_split_into_message_and_tip() {
        let said = "error: unexpected argument '--nmae' found\n\n  tip: a similar argument exists: '--name'\n\nUsage: alimentar registry index --name <NAME> <PATH>\n\nFor more information, try '--help'.\n";
        let (message, hint) = split_tip(said);
        assert_eq!(message, "unexpected argument '--nmae' found");
        assert_eq!(hint.as_deref(), Some("a similar argument exists: '--name'"));
        let said = "error: the following required arguments were not provided:\n  <PATH>\n\nUsage: x <PATH>\n";
        assert_eq!(
            split_tip(said).0,
            "the following required arguments were not provided: <PATH>"
        );
    }
}
