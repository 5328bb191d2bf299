//! The minimap: a strip that shows where in the whole matches, faults and duplicates are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::draw::put::Spot;
use crate::tui::draw::put::Styles;
use crate::tui::draw::put::put;
use crate::tui::draw::theme::Theme;
use crate::tui::model::State;

/// Draws the strip.
pub(super) fn draw(buffer: &mut Buffer, strip: Rect, state: &State, theme: &Theme) {
    let height = f64::from(strip.height.max(1));
    let top = state.table.rows.get(state.table.top);
    let here = top.and_then(|row| state.share(row.place, row.number));
    for n in 0..strip.height {
        let from = f64::from(n) / height;
        let to = f64::from(n + 1) / height;
        let is_here = here.is_some_and(|here| here >= from && (here < to || n + 1 == strip.height));
        let (sign, style) = match () {
            () if is_here => ("█", theme.plain()),
            () if has_hit(state, from, to) => ("•", theme.hit()),
            () if has_finding(state, from, to) => ("!", theme.error()),
            () if has_duplicate(state, from, to) => ("=", theme.duplicate()),
            () => ("│", theme.quiet()),
        };
        let spot = Spot {
            x: strip.x,
            y: strip.y + n,
            right: strip.right(),
        };
        put(buffer, spot, sign, &Styles::plain(style));
    }
}

fn has_hit(state: &State, from: f64, to: f64) -> bool {
    let Some(search) = &state.search else {
        return false;
    };
    let share = |n: usize| {
        let hit = search.hits.get(n)?;
        state.share(hit.place, Some(hit.number))
    };
    has(search.hits.len(), &share, from, to)
}

fn has_finding(state: &State, from: f64, to: f64) -> bool {
    let (Some(findings), Some(total)) = (&state.findings, state.table.total) else {
        return false;
    };
    let share = |n: usize| Some(findings.get(n)?.row as f64 / total.max(1) as f64);
    has(findings.len(), &share, from, to)
}

fn has_duplicate(state: &State, from: f64, to: f64) -> bool {
    let Some(facts) = state.duplicates.as_ref().filter(|_| state.shows_duplicates) else {
        return false;
    };
    let share = |n: usize| Some(facts.pairs.get(n)?.0 as f64 / facts.rows.max(1) as f64);
    has(facts.pairs.len(), &share, from, to)
}

/// Returns true if one of `count` ascending shares is in a range. It looks at few of them.
fn has(count: usize, share: &dyn Fn(usize) -> Option<f64>, from: f64, to: f64) -> bool {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        match share(middle) {
            Some(at) if at < from => low = middle + 1,
            Some(_) => high = middle,
            None => return false,
        }
    }
    low < count && share(low).is_some_and(|at| at < to)
}
