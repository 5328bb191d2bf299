//! The table of commands. Help, hints, palette, `--print-keys` and `docs/reference/keys.md` are made
//! from it.

use ratatui::crossterm::event::KeyCode;
use ratatui::crossterm::event::KeyEvent;
use ratatui::crossterm::event::KeyModifiers;

/// A command of the viewer.
#[derive(Clone, Copy, Debug)]
pub(in crate::tui) struct Command {
    pub act: Act,
    /// Keys, the usual one first.
    pub keys: &'static [&'static str],
    /// Name in the palette.
    pub name: &'static str,
    pub help: &'static str,
    pub places: &'static [Place],
    /// Word of the hints bar; empty if it is not there.
    pub hint: &'static str,
}

/// A part of the program that takes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum Place {
    Table,
    Record,
    Registry,
}

impl Place {
    pub(in crate::tui) const ALL: [Self; 3] = [Self::Table, Self::Record, Self::Registry];

    pub(in crate::tui) const fn title(self) -> &'static str {
        match self {
            Self::Table => "Table",
            Self::Record => "Record",
            Self::Registry => "Registry",
        }
    }
}

/// The effect of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum Act {
    Back,
    Chat,
    ColumnFilter,
    Compare,
    Contract,
    ChangeCell,
    CopyCell,
    CopyCommand,
    Delete,
    Duplicates,
    Down,
    Expand,
    Export,
    FilterLike,
    FilterNot,
    FirstColumn,
    FirstRow,
    FixRule,
    Fit,
    Fold,
    FoldAll,
    Freeze,
    Frequency,
    HalfDown,
    HalfUp,
    Help,
    Hide,
    Insert,
    LastColumn,
    LastRow,
    Left,
    Mark,
    MarkVersion,
    Narrower,
    NextDuplicate,
    NextFinding,
    NextForm,
    NextHit,
    NextRecord,
    Open,
    PageDown,
    PageUp,
    Palette,
    Peers,
    PreviousFinding,
    PreviousHit,
    PreviousRecord,
    Print,
    Pull,
    Quit,
    Raw,
    Redo,
    Redraw,
    Reload,
    Reset,
    Right,
    RowFilter,
    Search,
    SearchLike,
    ShowAll,
    SortDown,
    SortUp,
    Statistics,
    Suspend,
    Undo,
    Unmark,
    Up,
    Versions,
    Wider,
    Wrap,
}

const EVERYWHERE: &[Place] = &Place::ALL;
const ROWS: &[Place] = &[Place::Table, Place::Record];
const TABLE: &[Place] = &[Place::Table];
const RECORD: &[Place] = &[Place::Record];
const REGISTRY: &[Place] = &[Place::Registry];

const fn command(
    act: Act,
    keys: &'static [&'static str],
    name: &'static str,
    help: &'static str,
    places: &'static [Place],
) -> Command {
    Command {
        act,
        keys,
        name,
        help,
        places,
        hint: "",
    }
}

impl Command {
    const fn hinted(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }
}

/// All commands, in the order of the help.
pub(in crate::tui) const COMMANDS: &[Command] = &[
    command(Act::Help, &["?", "F1"], "help", "show the keys", EVERYWHERE).hinted("help"),
    command(Act::Palette, &[":"], "palette", "type a command by its name, or the number of a row", EVERYWHERE)
        .hinted("commands"),
    command(Act::Back, &["Esc"], "back", "take back one layer: a pane, the search, the last filter, the sort", EVERYWHERE),
    command(Act::Quit, &["q", "Ctrl-c"], "quit", "close the pane, or leave", EVERYWHERE).hinted("quit"),
    command(Act::Down, &["j", "Down"], "down", "one row down; a number before it repeats it", EVERYWHERE),
    command(Act::Up, &["k", "Up"], "up", "one row up", EVERYWHERE),
    command(Act::Left, &["h", "Left"], "left", "one column to the left; in tokens, the token before", ROWS),
    command(Act::Right, &["l", "Right"], "right", "one column to the right; in tokens, the next token", ROWS),
    command(Act::PageDown, &["Ctrl-f", "PageDown", "Space"], "page-down", "one screen down", EVERYWHERE),
    command(Act::PageUp, &["Ctrl-b", "PageUp"], "page-up", "one screen up", EVERYWHERE),
    command(Act::HalfDown, &["Ctrl-d"], "half-down", "half a screen down", EVERYWHERE),
    command(Act::HalfUp, &["Ctrl-u"], "half-up", "half a screen up", EVERYWHERE),
    command(Act::FirstRow, &["g", "Home"], "first", "the first row", EVERYWHERE),
    command(Act::LastRow, &["G", "End"], "last", "the last row; with a number before it, that row", EVERYWHERE),
    command(Act::FirstColumn, &["^", "0"], "first-column", "the first column", TABLE),
    command(Act::LastColumn, &["$"], "last-column", "the last column", TABLE),
    command(Act::Open, &["Enter"], "open", "open the record under the cursor; in the registry, the dataset", &[Place::Table, Place::Registry])
        .hinted("open"),
    command(Act::NextForm, &["Tab"], "next-form", "show the record as text, as tokens, as a tree", ROWS)
        .hinted("text/tokens/tree"),
    command(Act::Chat, &["c"], "chat", "show the messages of a record as a chat", ROWS),
    command(Act::Raw, &["w"], "raw", "show the bytes of a record as they are", ROWS),
    command(Act::Fold, &["Enter", "o"], "fold", "fold or unfold what begins on this line", RECORD).hinted("fold"),
    command(Act::FoldAll, &["O"], "fold-all", "fold or unfold everything", RECORD),
    command(Act::NextRecord, &["J", "]"], "next-record", "the record of the next row", RECORD).hinted("next row"),
    command(Act::PreviousRecord, &["K", "["], "previous-record", "the record of the row before", RECORD),
    command(Act::Search, &["/"], "search", "find rows by a regular expression, from the first key on", EVERYWHERE)
        .hinted("search"),
    command(Act::NextHit, &["n"], "next", "the next match, also while the search runs", ROWS),
    command(Act::PreviousHit, &["N"], "previous", "the match before", ROWS),
    command(Act::SearchLike, &["#"], "search-like", "find the rows with the value of this cell", TABLE),
    command(Act::RowFilter, &["&"], "filter", "keep the rows that match; filters add up; `name=expression` means one column, and `!` in front means the others", TABLE)
        .hinted("filter"),
    command(Act::FilterLike, &["@"], "filter-like", "keep the rows with the value of this cell", TABLE),
    command(Act::FilterNot, &["!"], "filter-unlike", "keep the rows with another value than this cell", TABLE),
    command(Act::ColumnFilter, &["*"], "columns", "show the columns whose names match", TABLE),
    command(Act::SortUp, &["["], "sort-up", "sort by this column, smallest first", TABLE),
    command(Act::SortDown, &["]"], "sort-down", "sort by this column, largest first", TABLE),
    command(Act::Reset, &["r"], "reset", "take back all filters, the sort, the search and changes of columns", TABLE),
    command(Act::Freeze, &["f"], "freeze", "keep the columns up to this one in view; again to let them go", TABLE),
    command(Act::Hide, &["-"], "hide", "hide this column", TABLE),
    command(Act::ShowAll, &["+"], "show-all", "show all hidden columns", TABLE),
    command(Act::Wider, &[">"], "wider", "widen this column", TABLE),
    command(Act::Narrower, &["<"], "narrower", "narrow this column", TABLE),
    command(Act::Fit, &["_"], "fit", "as wide as the longest cell in view; again for the usual width", TABLE),
    command(Act::Wrap, &["W"], "wrap", "wrap long cells over several lines", TABLE),
    command(Act::Expand, &["("], "expand", "make columns of the keys of a nested column", TABLE),
    command(Act::Contract, &[")"], "contract", "take the columns of nested keys back", TABLE),
    command(Act::Statistics, &["I"], "statistics", "describe this column, with a histogram", TABLE).hinted("statistics"),
    command(Act::Frequency, &["F"], "frequency", "list the frequent values of this column; Enter keeps their rows", TABLE),
    command(Act::NextFinding, &["e"], "next-finding", "look for faults, and go to the next one", ROWS).hinted("next fault"),
    command(Act::PreviousFinding, &["E"], "previous-finding", "the fault before", ROWS),
    command(Act::Duplicates, &["D"], "duplicates", "find duplicates and light them up; again to turn the lights off", TABLE)
        .hinted("duplicates"),
    command(Act::NextDuplicate, &["d"], "next-duplicate", "the next row of this cluster of duplicates, or the next duplicate", TABLE),
    command(
        Act::ChangeCell,
        &["="],
        "change",
        "change this cell; edits are kept beside the data, which stays as it is",
        TABLE,
    ),
    command(
        Act::Insert,
        &["a"],
        "insert",
        "insert a row of JSON before this one",
        TABLE,
    ),
    command(
        Act::Delete,
        &["X"],
        "delete",
        "delete the marked rows, or this one",
        TABLE,
    ),
    command(
        Act::FixRule,
        &["Z"],
        "fix",
        "mend all rows with a fault, by the name of the rule",
        TABLE,
    ),
    command(Act::Undo, &["u"], "undo", "take the last edit back", TABLE),
    command(Act::Redo, &["U"], "redo", "make the edit again that was taken back", TABLE),
    command(Act::Mark, &["m"], "mark", "mark this row, or take the mark off", TABLE),
    command(Act::Unmark, &["M"], "unmark", "take all marks off", TABLE),
    command(Act::Print, &["Ctrl-e"], "print", "leave, and print the marked rows, or this one, on standard output", TABLE),
    command(Act::Export, &["x"], "export", "write the marked rows, or those that the filters keep, to a file", TABLE),
    command(Act::CopyCell, &["y"], "copy", "copy the cell, or the record, to the clipboard of the terminal", ROWS),
    command(Act::CopyCommand, &["Y"], "copy-command", "copy the command line that prints what is shown", ROWS),
    command(Act::Versions, &["v"], "versions", "the versions of this dataset; again to close them", REGISTRY).hinted("versions"),
    command(Act::Peers, &["p"], "peers", "the peers, and what they have", REGISTRY).hinted("peers"),
    command(Act::Pull, &["P"], "pull", "pull this dataset of a peer", REGISTRY).hinted("pull"),
    command(Act::MarkVersion, &["m"], "mark-version", "mark this version; `=` compares it with another", REGISTRY),
    command(Act::Compare, &["="], "compare", "the differences of the marked version and this one, by rows", REGISTRY),
    command(Act::Reload, &["R"], "reload", "read everything anew", EVERYWHERE),
    command(Act::Redraw, &["Ctrl-l"], "redraw", "draw the screen anew", EVERYWHERE),
    command(Act::Suspend, &["Ctrl-z"], "suspend", "go back to the shell; `fg` returns", EVERYWHERE),
];

/// Returns the name of a key as the table writes it.
pub(in crate::tui) fn key_name(key: &KeyEvent) -> Option<String> {
    let name = match key.code {
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Tab => "Tab".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::Backspace => "Backspace".to_owned(),
        KeyCode::Delete => "Delete".to_owned(),
        KeyCode::Up => "Up".to_owned(),
        KeyCode::Down => "Down".to_owned(),
        KeyCode::Left => "Left".to_owned(),
        KeyCode::Right => "Right".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::PageUp => "PageUp".to_owned(),
        KeyCode::PageDown => "PageDown".to_owned(),
        KeyCode::F(n) => format!("F{n}"),
        _ => return None,
    };
    Some(if key.modifiers.contains(KeyModifiers::CONTROL) {
        format!("Ctrl-{}", name.to_lowercase())
    } else if key.modifiers.contains(KeyModifiers::ALT) {
        format!("Alt-{name}")
    } else {
        name
    })
}

/// Returns the commands that the palette offers for a typed text, best first.
pub(in crate::tui) fn matching(typed: &str, place: Place) -> Vec<&'static Command> {
    let fits = COMMANDS
        .iter()
        .filter(|command| command.places.contains(&place));
    let mut scored: Vec<(u32, &Command)> = fits
        .filter_map(|command| Some((score(typed, command.name)?, command)))
        .collect();
    scored.sort_by_key(|(score, _)| *score);
    scored.into_iter().map(|(_, command)| command).collect()
}

/// Scores the characters of `typed` in their order in `name`: fewer gaps are better.
pub(in crate::tui) fn score(typed: &str, name: &str) -> Option<u32> {
    let mut score = 0;
    let mut rest = name.char_indices();
    let mut last = None;
    for wanted in typed.chars().flat_map(char::to_lowercase) {
        let (at, _) = rest.find(|(_, c)| c.to_lowercase().eq([wanted]))?;
        score += match last {
            Some(last) if at == last + 1 => 0,
            None => u32::try_from(at).unwrap_or(u32::MAX / 4),
            Some(_) => 10,
        };
        last = Some(at);
    }
    Some(score)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn key_means_one_command_in_each_place() {
        for place in Place::ALL {
            let mut seen = HashSet::new();
            for command in COMMANDS.iter().filter(|c| c.places.contains(&place)) {
                for key in command.keys {
                    assert!(seen.insert(*key), "{key} in {}", place.title());
                }
            }
        }
    }

    #[test]
    fn command_names_are_unique_in_each_place() {
        for place in Place::ALL {
            let mut seen = HashSet::new();
            for command in COMMANDS.iter().filter(|c| c.places.contains(&place)) {
                assert!(seen.insert(command.name), "{}", command.name);
                assert!(!command.keys.is_empty() && !command.help.is_empty());
            }
        }
    }

    #[test]
    fn palette_prefers_names_that_begin_as_typed() {
        let found = matching("fil", Place::Table);
        assert_eq!(found.first().map(|c| c.name), Some("filter"));
        assert!(matching("zzz", Place::Table).is_empty());
        assert_eq!(
            matching("", Place::Registry).first().map(|c| c.name),
            Some("help")
        );
    }
}
