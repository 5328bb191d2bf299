//! Text charts of statistics.

use crate::inspect::stats::Bin;

/// Characters of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Unicode block elements.
    Blocks,
    /// ASCII only.
    Ascii,
}

/// Eighths of a character, from the bottom up.
const RISING: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Eighths of a character, from the left.
const GROWING: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/// Rising levels in ASCII.
const ASCII_RISING: [char; 9] = [' ', '.', '.', ':', '-', '=', '+', '*', '#'];

/// Draws a line of at most `width` characters: one per bin, or per several neighbouring bins.
/// Height shows the count; a bin that is not empty is never blank.
pub fn sparkline(bins: &[Bin], width: usize, style: Style) -> String {
    let columns = bins.len().min(width);
    let mut counts = vec![0_u64; columns];
    for (n, bin) in bins.iter().enumerate() {
        let at = n * columns / bins.len().max(1);
        if let Some(count) = counts.get_mut(at) {
            *count += bin.count;
        }
    }
    let highest = counts.iter().copied().max().unwrap_or_default();
    let levels = match style {
        Style::Blocks => RISING,
        Style::Ascii => ASCII_RISING,
    };
    let level = |count: &u64| levels.get(eighths(*count, highest, 1)).copied();
    counts.iter().filter_map(level).collect()
}

/// Draws a bar of `width` characters, filled in the proportion `count / whole`.
pub fn bar(count: u64, whole: u64, width: usize, style: Style) -> String {
    let eighths = eighths(count, whole, width);
    let full = eighths / 8;
    let (fill, part) = match style {
        Style::Blocks => ('█', GROWING.get(eighths % 8).copied()),
        Style::Ascii => ('#', Some(if eighths % 8 >= 4 { '+' } else { ' ' })),
    };
    let mut bar: String = std::iter::repeat_n(fill, full).collect();
    if full < width {
        bar.extend(part);
        bar.extend(std::iter::repeat_n(' ', width - full - 1));
    }
    bar
}

/// Eighths of `width` characters; at least one if `count` is not zero.
fn eighths(count: u64, whole: u64, width: usize) -> usize {
    let full = width as u128 * 8;
    let share = u128::from(count.min(whole)) * full;
    let eighths = (share + u128::from(whole) / 2) / u128::from(whole.max(1));
    let eighths = usize::try_from(eighths).unwrap_or_default();
    eighths.max(usize::from(count > 0 && whole > 0 && width > 0))
}

/// Draws one line per bin: its start, a bar relative to the fullest bin, and its count. Lines have
/// at most `width` characters if the numbers leave room.
pub fn histogram(bins: &[Bin], width: usize, style: Style) -> Vec<String> {
    let fullest = bins.iter().map(|b| b.count).max().unwrap_or_default();
    let labels: Vec<String> = bins.iter().map(|b| short(b.from)).collect();
    let label_width = labels.iter().map(String::len).max().unwrap_or_default();
    let count_width = fullest.to_string().len();
    let bar_width = width.saturating_sub(label_width + count_width + 2).max(1);
    let line = |(bin, label): (&Bin, &String)| {
        let bar = bar(bin.count, fullest, bar_width, style);
        format!("{label:>label_width$} {bar} {:>count_width$}", bin.count)
    };
    bins.iter().zip(&labels).map(line).collect()
}

/// Formats a number briefly: an integer below ten million in full, otherwise four significant digits.
pub fn short(number: f64) -> String {
    let size = number.abs();
    if number.fract() == 0.0 && size < 1e7 {
        return format!("{number:.0}");
    }
    if !(1e-3..1e7).contains(&size) {
        return format!("{number:.3e}");
    }
    let decimals = match size {
        x if x >= 1000.0 => 0,
        x if x >= 100.0 => 1,
        x if x >= 10.0 => 2,
        x if x >= 1.0 => 3,
        _ => 4,
    };
    format!("{number:.decimals$}")
}
