//! The command line that prints what is on the screen.

use crate::tui::job::Filter;
use crate::tui::model::State;

/// Returns the command line for the screen.
pub(super) fn command_line(state: &State) -> String {
    let target = quoted(&state.facts.name);
    if let Some(record) = &state.record {
        let number = record
            .number
            .or_else(|| state.guess(record.place))
            .unwrap_or_default();
        return format!("alimentar inspect lines {target} --start {number} --count 1");
    }
    let mut filters: Vec<&Filter> = state.sifting.filters.iter().collect();
    if let Some(search) = &state.search
        && filters.is_empty()
    {
        filters.push(&search.filter);
    }
    let Some((first, more)) = filters.split_first() else {
        let top = state.table.rows.get(state.table.top);
        let number = top.and_then(|row| row.number.or_else(|| state.guess(row.place)));
        let (start, count) = (number.unwrap_or_default(), state.table.fits.max(1));
        return format!("alimentar inspect lines {target} --start {start} --count {count}");
    };
    let mut line = search_command(&target, first);
    for filter in more {
        line += &format!(" | {}", search_command("-", filter));
    }
    line
}

fn search_command(target: &str, filter: &Filter) -> String {
    let mut line = format!("alimentar inspect search {target}");
    let has_capitals = filter.text.contains(char::is_uppercase);
    let pattern = match filter.is_exact {
        true => exact(&filter.text),
        false => filter.text.clone(),
    };
    if !has_capitals && !filter.is_exact {
        line += " -i";
    }
    if let Some(column) = &filter.column {
        line += &format!(" --column {}", quoted(column));
    }
    if filter.is_inverted {
        line += " --invert";
    }
    if pattern.starts_with('-') {
        line += " --";
    }
    line += &format!(" {}", quoted(&pattern));
    line
}

fn exact(value: &str) -> String {
    let mut pattern = String::from("^");
    for c in value.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('$');
    pattern
}

/// Quotes a word for a shell, if it needs that.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+%,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_with_a_quote_is_one_word_for_a_shell() {
        assert_eq!(quoted("a.jsonl"), "a.jsonl");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
