use std::ffi::OsString;

use clap::Command;
use clap::CommandFactory as _;
use clap::builder::ValueParser;

use super::decorate_program;
use super::groups::GROUPS;
use super::notes::Notes;
use super::paths::expand_paths_of;
use super::synonyms::SYNONYMS;
use crate::cli::Cli;
use crate::cli::named_program;
use crate::cli::parse;

fn program() -> Command {
    decorate_program(Cli::command())
}

#[test]
fn arguments_are_consistent() {
    program().debug_assert();
}

#[test]
fn every_command_stands_in_exactly_one_group() {
    let program = program();
    let visible = program.get_subcommands().filter(|c| !c.is_hide_set());
    for command in visible {
        let name = command.get_name();
        let count = GROUPS
            .iter()
            .flat_map(|group| group.commands)
            .filter(|listed| **listed == name)
            .count();
        assert_eq!(count, 1, "`{name}` stands in {count} groups of GROUPS");
    }
}

#[test]
fn every_registry_command_is_also_one_word_deep() {
    let program = program();
    let registry = program.find_subcommand("registry").unwrap();
    for command in registry.get_subcommands() {
        let name = command.get_name();
        assert!(program.find_subcommand(name).is_some(), "{name}");
    }
}

#[test]
fn every_command_that_runs_has_an_example() {
    fn check(command: &Command, path: &str, without: &mut Vec<String>) {
        if command.is_hide_set() {
            return;
        }
        for below in command.get_subcommands() {
            check(below, &format!("{path} {}", below.get_name()), without);
        }
        let runs = !command.is_subcommand_required_set();
        if runs && Notes::of(command).examples.is_empty() {
            without.push(path.trim().to_owned());
        }
    }
    let mut without = Vec::new();
    let program = Cli::command();
    for below in program.get_subcommands() {
        check(below, below.get_name(), &mut without);
    }
    assert!(
        without.is_empty(),
        "add examples to the `after_help` of {without:?}"
    );
}

#[test]
fn examples_are_parsed_to_the_same_without_the_commands_they_do_not_name() {
    fn examples(command: &Command, of: &mut Vec<String>) {
        of.append(&mut Notes::of(command).examples);
        for below in command.get_subcommands() {
            examples(below, of);
        }
    }
    let mut lines = Vec::new();
    examples(&Cli::command(), &mut lines);
    let mut equal = 0;
    for line in &lines {
        for front in ["", "--json ", "registry ", "help "] {
            let line = line.replacen("alimentar ", &format!("alimentar {front}"), 1);
            let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            let whole = parse(Cli::command(), &words).map(|cli| format!("{cli:?}"));
            let named = parse(named_program(&words), &words).map(|cli| format!("{cli:?}"));
            assert_eq!(named.ok(), whole.ok(), "{line}");
            equal += 1;
        }
    }
    assert!(equal > 300, "{equal}");
}

#[test]
fn every_synonym_leads_to_a_command_that_exists() {
    let program = program();
    for (words, suggested) in SYNONYMS {
        let mut at = &program;
        let mut depth = 0;
        for word in suggested.split_whitespace().skip(1) {
            let Some(below) = at.find_subcommand(word.trim_end_matches(',')) else {
                break;
            };
            at = below;
            depth += 1;
        }
        assert!(depth > 0, "{words:?} {suggested}");
    }
}

#[test]
fn paths_of_every_named_command_are_expanded() {
    fn check(command: &Command, words: &mut Vec<OsString>, paths: &mut usize) {
        // Parsers that expand have the same type of value.
        let plain = format!("{:?}", ValueParser::path_buf());
        let of_paths = |c: &Command| {
            let arguments = c.get_arguments();
            let found = arguments.filter(|a| format!("{:?}", a.get_value_parser()) == plain);
            found.map(|a| a.get_id().to_string()).collect::<Vec<_>>()
        };
        *paths += of_paths(command).len();
        let program = expand_paths_of(Cli::command(), words);
        let mut named = &program;
        for word in words.iter().skip(1) {
            named = named.find_subcommand(word).unwrap();
        }
        assert_eq!(of_paths(named), [""; 0], "{words:?}");
        for below in command.get_subcommands() {
            words.push(below.get_name().into());
            check(below, words, paths);
            words.pop();
        }
    }
    let mut paths = 0;
    check(&Cli::command(), &mut vec!["alimentar".into()], &mut paths);
    assert!(paths > 20, "{paths}");
}
