//! What was typed makes no sense: said as clap says it, or with `--json` as an object.

use std::error::Error as _;
use std::net::AddrParseError;
use std::num::ParseFloatError;
use std::num::ParseIntError;

use clap::builder::StyledStr;
use clap::error::ContextKind;
use clap::error::ContextValue;
use clap::error::ErrorKind;
use serde_json::json;

use crate::cli::out::Out;
use crate::cli::surface;

/// Whether a word stands among the arguments. It is looked for where they could not be read.
pub(crate) fn has_word(wanted: &str) -> bool {
    std::env::args_os()
        .skip(1)
        .take_while(|word| word != "--")
        .any(|word| word == wanted)
}

/// The error with a message that names what is wanted, and a tip where another program's word was
/// typed.
pub(crate) fn improved(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        // Where the variable is set, clap takes the option as one that was typed.
        let plain = usage.to_string().replace(" --home <DIR>", "");
        let plain = ContextValue::StyledStr(StyledStr::from(plain));
        error.insert(ContextKind::Usage, plain);
    }
    if error.kind() == ErrorKind::InvalidSubcommand {
        let word = text_of(&error, ContextKind::InvalidSubcommand);
        if let Some(suggested) = word.as_deref().and_then(surface::suggestion) {
            error.remove(ContextKind::SuggestedSubcommand);
            let tip = StyledStr::from(format!("`{suggested}` does that here"));
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
        }
    }
    let wanted = error.source().and_then(|source| {
        if source.is::<ParseIntError>() {
            let message = source.to_string();
            return Some(
                match message.contains("large") || message.contains("small") {
                    true => "the number is out of range",
                    false => "a whole number is wanted",
                },
            );
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
    let value = text_of(&error, ContextKind::InvalidValue).unwrap_or_default();
    let argument = text_of(&error, ContextKind::InvalidArg).unwrap_or_default();
    let message = format!(
        "invalid value '{value}' for '{argument}': {wanted}\n\nFor more information, try '--help'.\n"
    );
    clap::Error::raw(error.kind(), message)
}

fn text_of(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Reports what clap found: an answer such as help, or an error.
pub(crate) fn report(error: clap::Error) {
    if !error.use_stderr() || !has_word("--json") {
        let _ = error.print();
        return;
    }
    let (message, hint) = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            ("a command is missing".to_owned(), None)
        }
        _ => parts(&error.render().to_string()),
    };
    let hint = hint.unwrap_or_else(|| "`--help` behind a command shows what it takes".to_owned());
    let object = json!({"error": {"kind": "usage", "message": message, "hint": hint}});
    Out::new(true, false, false).json_diagnostic(&object);
}
/// The message and the tip of an error as clap renders it.
fn parts(rendered: &str) -> (String, Option<String>) {
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
    use super::parts;

    #[test]
    fn a_message_and_its_tip_are_taken_out_of_what_clap_says() {
        let said = "error: unexpected argument '--nmae' found\n\n  tip: a similar argument exists: '--name'\n\nUsage: alimentar registry index --name <NAME> <PATH>\n\nFor more information, try '--help'.\n";
        let (message, hint) = parts(said);
        assert_eq!(message, "unexpected argument '--nmae' found");
        assert_eq!(hint.as_deref(), Some("a similar argument exists: '--name'"));
        let said = "error: the following required arguments were not provided:\n  <PATH>\n\nUsage: x <PATH>\n";
        assert_eq!(
            parts(said).0,
            "the following required arguments were not provided: <PATH>"
        );
    }
}
