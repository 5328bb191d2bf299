//! Small charts: histograms and bars.

use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::inspect::stats::Bin;
use crate::inspect::stats::chart::short;

/// Width and height of a histogram.
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 48.0;

/// Draws a histogram. Its name tells its range and its largest bin to people who do not see it.
pub(super) fn histogram(h: &mut Html, name: &str, bins: &[Bin]) {
    let (Some(first), Some(last)) = (bins.first(), bins.last()) else {
        return;
    };
    // Values of one size are told by their number alone.
    if bins.len() < 2 {
        return;
    }
    let highest = bins.iter().map(|bin| bin.count).max().unwrap_or(0).max(1);
    let tallest = bins.iter().find(|bin| bin.count == highest);
    let label = tallest.map_or_else(String::new, |bin| {
        format!(
            "{name} from {} to {}; most, {highest}, from {} to {}",
            short(first.from),
            short(last.to),
            short(bin.from),
            short(bin.to)
        )
    });
    let step = WIDTH / bins.len() as f64;
    let figure = [At::Lit("class", "chart")];
    h.element("div", &figure, |h| {
        let picture = [
            At::Lit("viewBox", "0 0 240 48"),
            At::Lit("preserveAspectRatio", "none"),
            At::Lit("role", "img"),
            At::Label(&label),
        ];
        h.element("svg", &picture, |h| {
            for (n, bin) in bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
                // A bin that is not empty is never invisible.
                let height = (bin.count as f64 / highest as f64 * HEIGHT).max(1.5);
                let bar = [
                    At::Number("x", n as f64 * step),
                    At::Number("y", HEIGHT - height),
                    At::Number("width", (step - 1.0).max(0.5)),
                    At::Number("height", height),
                ];
                h.element("rect", &bar, |_| {});
            }
        });
        h.element(
            "div",
            &[At::Lit("class", "axis"), At::Lit("aria-hidden", "true")],
            |h| {
                h.leaf("span", &[], &short(first.from));
                h.leaf("span", &[], name).leaf("span", &[], &short(last.to));
            },
        );
    });
}

/// Draws a bar whose length is a share.
pub(super) fn bar(h: &mut Html, count: u64, whole: u64) {
    let width = count as f64 / whole.max(1) as f64 * 100.0;
    let picture = [
        At::Lit("viewBox", "0 0 100 8"),
        At::Lit("preserveAspectRatio", "none"),
        At::Lit("aria-hidden", "true"),
        At::Lit("class", "bar"),
    ];
    h.element("svg", &picture, |h| {
        let bar = [
            At::Number("width", width.clamp(1.0, 100.0)),
            At::Number("height", 8.0),
        ];
        h.element("rect", &bar, |_| {});
    });
}
