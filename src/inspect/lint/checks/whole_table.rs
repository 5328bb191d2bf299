//! What only all rows together tell.

use crate::inspect::json::Place;
use crate::inspect::lint::Example;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::checks::columns::Column;
use crate::inspect::lint::checks::columns::ColumnNote;
use crate::inspect::lint::checks::columns::Columns;
use crate::inspect::lint::checks::columns::Group;
use crate::inspect::lint::checks::columns::Type;
use crate::inspect::lint::checks::columns::has;
use crate::inspect::lint::checks::lengths::Lengths;

/// Findings of one rule.
#[derive(Debug, Default)]
pub(in crate::inspect::lint) struct Judged {
    pub(in crate::inspect::lint) count: u64,
    pub(in crate::inspect::lint) examples: Vec<Example>,
}

/// Whether the rows are records of a table, whose values have no types of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::inspect::lint) enum Typing {
    /// They have types.
    #[default]
    Written,
    /// Some look like numbers.
    Guessed,
}

/// Keys that few rows lack, and keys that few rows have.
pub(in crate::inspect::lint) fn keys(columns: &Columns, rule: RuleId) -> Judged {
    let all = columns.rows;
    let mut judged = Judged::default();
    for (number, column) in columns.list.iter().enumerate() {
        let lack = all - column.rows;
        let name = &column.name;
        let (count, message, spots) = match rule {
            RuleId::MissingKey if lack > 0 && column.rows >= share(all, 9, 10) => (
                lack,
                format!("no `{name}`, which {} of {all} rows have", column.rows),
                columns.rows_where(|set| !has(set, number)),
            ),
            RuleId::UnexpectedKey if all >= 20 && column.rows <= all / 20 => (
                column.rows,
                format!("`{name}`, which only {} of {all} rows have", column.rows),
                columns.rows_where(|set| has(set, number)),
            ),
            _ => continue,
        };
        judged.add(count, spots, name, &message);
    }
    judged
}

/// Values of another type than most of their column.
pub(in crate::inspect::lint) fn types(columns: &Columns, typing: Typing) -> Judged {
    let mut judged = Judged::default();
    for column in &columns.list {
        let with_type = || Type::ALL.iter().zip(&column.types).skip(1);
        let Some((usual, group)) = with_type().rev().max_by_key(|(_, group)| group.count) else {
            continue;
        };
        let all: u64 = with_type().map(|(_, group)| group.count).sum();
        let is_usual = match typing {
            Typing::Written => group.count > 0,
            Typing::Guessed => *usual == Type::Number && group.count >= share(all, 19, 20),
        };
        for (other, found) in with_type().filter(|(t, g)| is_usual && *t != usual && g.count > 0) {
            let message = format!(
                "{} in `{}`, which is {} in {} of {all} rows",
                other.name(),
                column.name,
                usual.name(),
                group.count,
            );
            judged.add_group(found, column, &message);
        }
    }
    judged
}

/// Words for nothing in columns of numbers.
pub(in crate::inspect::lint) fn null_words(columns: &Columns) -> Judged {
    let mut judged = Judged::default();
    for column in &columns.list {
        let of = |kind: Type| {
            column
                .types
                .get(kind as usize)
                .map_or(0, |group| group.count)
        };
        let (numbers, texts) = (of(Type::Number), of(Type::Text));
        // Texts besides those words make it a column of texts.
        let is_of_numbers = numbers > 0 && texts - column.nothing.count.min(texts) <= numbers / 20;
        if column.nothing.count > 0 && is_of_numbers {
            let message = format!(
                "a word for nothing in `{}`, which is a number in {numbers} rows",
                column.name
            );
            judged.add_group(&column.nothing, column, &message);
        }
    }
    judged
}

/// Columns whose names differ in the case of letters alone.
pub(in crate::inspect::lint) fn key_cases(columns: &Columns) -> Judged {
    let mut by_name: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let mut judged = Judged::default();
    for (number, column) in columns.list.iter().enumerate() {
        let lower = column.name.to_lowercase();
        let Some(other) = by_name.get(&lower).copied() else {
            by_name.insert(lower, number);
            continue;
        };
        let Some(known) = columns.list.get(other) else {
            continue;
        };
        let (rarer, at, usual) = match column.rows <= known.rows {
            true => (column, number, known),
            false => (known, other, column),
        };
        if rarer.rows == column.rows || column.rows > known.rows {
            by_name.insert(
                lower,
                if column.rows > known.rows {
                    number
                } else {
                    other
                },
            );
        }
        let message = format!("`{}` beside `{}`", rarer.name, usual.name);
        let spots = columns.rows_where(|set| has(set, at));
        judged.add(rarer.rows, spots, &rarer.name, &message);
    }
    judged
}

/// Fields that are empty though they are not in nearly all rows.
pub(in crate::inspect::lint) fn empty_fields(columns: &Columns) -> Judged {
    let mut judged = Judged::default();
    for column in &columns.list {
        let empty = &column.empty;
        if empty.count > 0 && column.rows - empty.count >= share(column.rows, 19, 20) {
            let full = column.rows - empty.count;
            let message = format!(
                "nothing in `{}`, where {full} of {} rows have something",
                column.name, column.rows
            );
            judged.add_group(empty, column, &message);
        }
    }
    judged
}

/// Rows far longer than the rest.
pub(in crate::inspect::lint) fn lengths(lengths: &Lengths, kept: usize) -> Judged {
    let extreme = lengths.extreme(kept);
    let mut judged = Judged::default();
    for spot in &extreme.spots {
        let message = format!(
            "{} bytes, where 99 of 100 rows have fewer than {}",
            spot.at,
            extreme.limit / 8
        );
        let at_start = ColumnNote {
            at: 0,
            ..spot.clone()
        };
        judged.examples.push(example(&at_start, None, &message));
    }
    judged.count = extreme.count;
    judged
}

/// Rows whose line ends are those of fewer.
pub(in crate::inspect::lint) fn line_ends(feeds: &Group, returns: &Group) -> Judged {
    let mut judged = Judged::default();
    let (fewer, message) = match feeds.count < returns.count {
        true => (feeds, "ends with a line feed alone, unlike most rows"),
        false => (
            returns,
            "ends with a carriage return and a line feed, unlike most rows",
        ),
    };
    if feeds.count > 0 && returns.count > 0 {
        judged.count = fewer.count;
        let spots = fewer.spots.iter();
        judged.examples = spots.map(|s| example(s, None, message)).collect();
    }
    judged
}

impl Judged {
    fn add(&mut self, count: u64, spots: Vec<&ColumnNote>, name: &str, message: &str) {
        self.count += count;
        let examples = spots.into_iter().map(|s| example(s, Some(name), message));
        self.examples.extend(examples);
    }

    fn add_group(&mut self, group: &Group, column: &Column, message: &str) {
        self.add(
            group.count,
            group.spots.iter().collect(),
            &column.name,
            message,
        );
    }
}

/// That many of so many, rounded up.
fn share(of: u64, parts: u64, of_parts: u64) -> u64 {
    let product = u128::from(of) * u128::from(parts);
    u64::try_from(product.div_ceil(u128::from(of_parts))).unwrap_or(of)
}

fn example(spot: &ColumnNote, column: Option<&str>, message: &str) -> Example {
    Example {
        row: spot.row,
        at: spot.at,
        place: Place {
            line: 1,
            column: spot.at + 1,
        },
        column: column.map(str::to_owned),
        message: message.to_owned(),
        excerpt: spot.shown.clone(),
    }
}
