//! Ranges of rows: the first, and the one behind the last.

/// Sorts ranges, and joins those that touch.
pub(crate) fn merged(ranges: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut sorted: Vec<(u64, u64)> = ranges.iter().filter(|(a, b)| a < b).copied().collect();
    sorted.sort_unstable();
    let mut out: Vec<(u64, u64)> = Vec::new();
    for (from, to) in sorted {
        match out.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => out.push((from, to)),
        }
    }
    out
}

/// Reads ranges as they are typed: numbers and ranges with commas between them, such as `5,10-19`.
///
/// # Errors
/// The form that they should have.
pub fn parse_row_ranges(text: &str) -> Result<Vec<(u64, u64)>, String> {
    let form = || "rows are numbers and ranges, as in 5,10-19".to_owned();
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| form());
    let ranges = text.split(',').map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        let end = last.checked_add(1).filter(|end| first < *end);
        end.map(|end| (first, end))
            .ok_or_else(|| format!("`{part}` ends before it begins"))
    });
    ranges.collect()
}

/// Formats ranges as they are typed.
pub(crate) fn ranges_text(ranges: &[(u64, u64)]) -> String {
    let one = |(from, to): &(u64, u64)| match to - from {
        1 => from.to_string(),
        _ => format!("{from}-{}", to - 1),
    };
    let all: Vec<String> = ranges.iter().map(one).collect();
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::merged;
    use super::ranges_text;

    #[test]
    fn ranges_that_touch_are_one() {
        let ranges = merged(&[(5, 6), (1, 3), (3, 4), (9, 9), (10, 12), (11, 15)]);
        assert_eq!(ranges, [(1, 4), (5, 6), (10, 15)]);
        assert_eq!(ranges_text(&ranges), "1-3,5,10-14");
    }
}
