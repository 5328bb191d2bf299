//! Candidates for the last word of a command line. The completion scripts of bash, zsh and fish ask for
//! them. Nothing here writes, and an error means no candidates.

use std::path::PathBuf;

use clap::Arg;
use clap::Command;

use crate::cli::context::Context;
use crate::cli::parse::expand_tilde;
use crate::cli::settings::KEYS;
use crate::cli::settings::Kind;
use crate::cli::surface::topics::TOPICS;
use crate::inspect::lint::RULES;
use crate::keyring::AccessTokens;
use crate::net::AccessList;
use crate::net::KnownPeers;
use crate::registry::LocalRegistry;

/// Finds the candidates for the last word, in alphabetical order. `program` is the whole command line.
pub(crate) fn find_candidates(
    ctx: &Context,
    words: &[String],
    mut program: Command,
) -> Vec<String> {
    let Some((typed, before)) = words.split_last() else {
        return Vec::new();
    };
    program.build();
    let position = Position::after(&program, before);
    let registry = open_registry(ctx, before);
    let mut found = position.candidates(typed, registry.as_ref());
    found.retain(|candidate| candidate.starts_with(typed.as_str()));
    found.sort();
    found.dedup();
    found
}

/// Opens the registry that the line names, if it exists.
fn open_registry(ctx: &Context, words: &[String]) -> Option<LocalRegistry> {
    let mut by_option = words.iter().zip(words.iter().skip(1));
    let given = by_option.rfind(|(option, _)| *option == "--home");
    let home = match given {
        Some((_, home)) => expand_tilde(PathBuf::from(home)).ok()?,
        None => ctx.home().ok()?,
    };
    // Opening a registry that does not exist would make it.
    let is_there = home.join("registry.redb").is_file();
    is_there.then(|| LocalRegistry::open(&home).ok()).flatten()
}

/// The position of the last word on the line.
struct Position<'a> {
    program: &'a Command,
    /// The names of the commands, outermost first.
    path: Vec<&'a str>,
    command: &'a Command,
    /// The option whose value the word is.
    option: Option<&'a Arg>,
    /// The positional arguments before the word.
    positionals: Vec<&'a str>,
}

impl<'a> Position<'a> {
    fn after(program: &'a Command, words: &'a [String]) -> Self {
        let mut position = Self {
            program,
            path: Vec::new(),
            command: program,
            option: None,
            positionals: Vec::new(),
        };
        for word in words {
            position.step(word);
        }
        position
    }

    fn step(&mut self, word: &'a str) {
        if self.option.take().is_some() {
            return;
        }
        if let Some(long) = word.strip_prefix("--") {
            if !long.contains('=') {
                let by_name = |a: &&Arg| a.get_long() == Some(long);
                self.option = self
                    .command
                    .get_arguments()
                    .find(by_name)
                    .filter(takes_value);
            }
        } else if let Some(last) = word.strip_prefix('-').and_then(|w| w.chars().next_back()) {
            let by_name = |a: &&Arg| a.get_short() == Some(last);
            self.option = self
                .command
                .get_arguments()
                .find(by_name)
                .filter(takes_value);
        } else if let Some(below) = self.below(word) {
            self.path.push(below.get_name());
            self.command = below;
        } else {
            self.positionals.push(word);
        }
    }

    fn below(&self, word: &str) -> Option<&'a Command> {
        if self.positionals.is_empty() {
            self.command.find_subcommand(word)
        } else {
            None
        }
    }

    fn candidates(&self, typed: &str, registry: Option<&LocalRegistry>) -> Vec<String> {
        if let Some(option) = self.option {
            return self.values(option, typed, registry);
        }
        if let Some((option, value)) = typed.strip_prefix("--").and_then(|t| t.split_once('=')) {
            let by_name = |a: &&Arg| a.get_long() == Some(option);
            let found = self.command.get_arguments().find(by_name);
            let values = found.map(|arg| self.values(arg, value, registry));
            let whole = |value| format!("--{option}={value}");
            return values.unwrap_or_default().into_iter().map(whole).collect();
        }
        if typed.starts_with('-') {
            let shown = self.command.get_arguments().filter(|a| !a.is_hide_set());
            let long = shown.filter_map(|a| a.get_long());
            return long.map(|long| format!("--{long}")).collect();
        }
        let mut found = Vec::new();
        if self.positionals.is_empty() {
            let below = self.command.get_subcommands().filter(|c| !c.is_hide_set());
            let names = below.flat_map(Command::get_name_and_visible_aliases);
            found.extend(names.map(str::to_owned));
        }
        let mut positionals = self.command.get_positionals();
        let last = self.command.get_positionals().last();
        if let Some(argument) = positionals.nth(self.positionals.len()).or(last) {
            found.extend(self.values(argument, typed, registry));
        }
        found
    }

    /// The values that an argument may have.
    fn values(&self, arg: &Arg, typed: &str, registry: Option<&LocalRegistry>) -> Vec<String> {
        let possible = arg.get_possible_values();
        if !possible.is_empty() {
            return possible.iter().map(|v| v.get_name().to_owned()).collect();
        }
        let path: Vec<&str> = self
            .path
            .iter()
            .copied()
            .filter(|p| *p != "registry")
            .collect();
        match (path.as_slice(), arg.get_id().as_str()) {
            (["config", ..], "key") => KEYS.iter().map(|key| key.name.to_owned()).collect(),
            (["config", ..], "value") => self.settings(),
            (["help", ..], "words") => {
                let topics = TOPICS.iter().filter_map(|t| t.names.first());
                let commands = self.program.get_subcommands().filter(|c| !c.is_hide_set());
                let commands: Vec<String> = commands.map(|c| c.get_name().to_owned()).collect();
                topics.map(|t| (*t).to_owned()).chain(commands).collect()
            }
            (["inspect", ..], "rule" | "without") => {
                RULES.iter().map(|rule| rule.name.to_owned()).collect()
            }
            (["trust", what, ..], "name") if *what != "add" => publishers(registry),
            (_, "publishers") => publishers(registry),
            (_, "follow") => [publishers(registry), datasets(typed, registry)].concat(),
            (["log" | "forget", ..], "name" | "names") => datasets("", registry),
            (["access", "remove"], "node") => listed(registry),
            (["token", "revoke"], "name") => tokens(registry),
            (_, "peer" | "address") => peers(registry),
            (_, "reference" | "references" | "target" | "targets" | "a" | "b" | "since") => {
                datasets(typed, registry)
            }
            _ => Vec::new(),
        }
    }

    /// The values that the named setting may have.
    fn settings(&self) -> Vec<String> {
        let named = KEYS
            .iter()
            .find(|key| self.positionals.first() == Some(&key.name));
        let words: &[&str] = match named.map(|key| key.kind) {
            Some(Kind::Word(words)) => words,
            Some(Kind::Switch) => &["true", "false"],
            _ => &[],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

fn takes_value(arg: &&Arg) -> bool {
    arg.get_action().takes_values()
}

/// The names of datasets; after an `@`, with their versions.
fn datasets(typed: &str, registry: Option<&LocalRegistry>) -> Vec<String> {
    let listed = registry
        .and_then(|r| r.publishing().list_summaries().ok())
        .unwrap_or_default();
    let name = |l: &crate::registry::Listed<crate::catalog::DatasetSummary>| {
        let brief = &l.dataset;
        if typed.contains('@') {
            format!("{}@{}", brief.name, brief.version)
        } else {
            brief.name.to_string()
        }
    };
    listed.iter().map(name).collect()
}

fn publishers(registry: Option<&LocalRegistry>) -> Vec<String> {
    let Some(trust) = registry.and_then(|r| r.trust().store().ok()) else {
        return Vec::new();
    };
    let publishers = trust.file().publishers();
    publishers.map(|p| p.name.to_string()).collect()
}

fn peers(registry: Option<&LocalRegistry>) -> Vec<String> {
    let known = registry.and_then(|r| KnownPeers::of(r).all().ok());
    let known = known.unwrap_or_default();
    known.into_iter().map(|(place, _)| place).collect()
}

fn listed(registry: Option<&LocalRegistry>) -> Vec<String> {
    let nodes = registry.and_then(|r| AccessList::of(r).all().ok());
    let nodes = nodes.unwrap_or_default();
    nodes.iter().map(|node| node.to_hex()).collect()
}

fn tokens(registry: Option<&LocalRegistry>) -> Vec<String> {
    let tokens = registry.and_then(|r| AccessTokens::open(r.home()).ok()?.list().ok());
    let tokens = tokens.unwrap_or_default();
    tokens.into_iter().map(|token| token.name).collect()
}
