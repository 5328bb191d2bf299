//! What was typed makes no sense: said as clap says it, or with `--json` as an object.

use clap::error::ErrorKind;
use serde_json::json;

use crate::cli::out::Out;

/// Reports what clap found: an answer such as help, or an error.
pub(crate) fn report(error: &clap::Error) {
    // The arguments could not be read, so the flag is looked for among the words.
    let is_json = std::env::args_os()
        .skip(1)
        .take_while(|word| word != "--")
        .any(|word| word == "--json");
    if !error.use_stderr() || !is_json {
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
