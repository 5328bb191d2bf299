//! A picture of how publications spread: for each scenario, what share of the nodes has one after
//! how long. SVG by hand.

use std::fmt::Write as _;
use std::time::Duration;

use super::report::Outcome;

/// The curves of one scenario: how many nodes, and the runs with them.
pub type Panel<'a> = (&'a str, Vec<(usize, &'a [Outcome])>);

const COLOURS: [&str; 3] = ["#1f6fb4", "#d1690e", "#2a8a4a"];
const COLUMNS: usize = 3;
/// A panel, and what is around it.
const WIDTH: f64 = 270.0;
const HEIGHT: f64 = 170.0;
const LEFT: f64 = 62.0;
const TOP: f64 = 78.0;
const GAP: (f64, f64) = (62.0, 56.0);
/// Powers of ten of a second.
const DECADES: (i32, i32) = (-3, 2);
const LABELS: [&str; 6] = ["1 ms", "10 ms", "0.1 s", "1 s", "10 s", "100 s"];
const STEPS: usize = 150;

/// The whole picture.
pub fn draw(panels: &[Panel<'_>]) -> String {
    let rows = panels.len().div_ceil(COLUMNS) as f64;
    let width = LEFT + COLUMNS as f64 * (WIDTH + GAP.0) - 30.0;
    let height = TOP + rows * (HEIGHT + GAP.1) - 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"11\" fill=\"#333\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\" font-weight=\"bold\">\
         Share of the nodes that have a publication, by time since they could have it</text>\n"
    );
    let curves = panels.first().map(|p| p.1.as_slice()).unwrap_or_default();
    for (n, (nodes, _)) in curves.iter().enumerate() {
        let x = LEFT + 100.0 * n as f64;
        let colour = COLOURS[n % COLOURS.len()];
        let _ = writeln!(
            svg,
            "<path d=\"M{x} 42h22\" stroke=\"{colour}\" stroke-width=\"2.5\"/>\
             <text x=\"{}\" y=\"46\">{nodes} nodes</text>",
            x + 28.0
        );
    }
    for (n, panel) in panels.iter().enumerate() {
        let x = LEFT + (n % COLUMNS) as f64 * (WIDTH + GAP.0);
        let y = TOP + (n / COLUMNS) as f64 * (HEIGHT + GAP.1);
        let _ = writeln!(svg, "<g transform=\"translate({x} {y})\">");
        frame(&mut svg, panel.0);
        for (n, (_, runs)) in panel.1.iter().enumerate() {
            curve(&mut svg, runs, COLOURS[n % COLOURS.len()]);
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn frame(svg: &mut String, name: &str) {
    let _ = writeln!(
        svg,
        "<text y=\"-8\" font-size=\"12\" font-weight=\"bold\">{name}</text>"
    );
    for percent in [0, 25, 50, 75, 100] {
        let y = HEIGHT * (1.0 - f64::from(percent) / 100.0);
        let _ = writeln!(
            svg,
            "<path d=\"M0 {y}h{WIDTH}\" stroke=\"#ddd\"/>\
             <text x=\"-6\" y=\"{}\" text-anchor=\"end\">{percent} %</text>",
            y + 4.0
        );
    }
    for (n, label) in LABELS.iter().enumerate() {
        let x = WIDTH * n as f64 / f64::from(DECADES.1 - DECADES.0);
        let _ = writeln!(
            svg,
            "<path d=\"M{x} 0v{HEIGHT}\" stroke=\"#ddd\"/>\
             <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            HEIGHT + 16.0
        );
    }
}

fn curve(svg: &mut String, runs: &[Outcome], colour: &str) {
    let times = runs.iter().flat_map(|r| &r.spread).flatten();
    let mut times: Vec<f64> = times.map(Duration::as_secs_f64).collect();
    times.sort_by(f64::total_cmp);
    let mut path = String::new();
    for step in 0..=STEPS {
        let part = step as f64 / STEPS as f64;
        let power = f64::from(DECADES.0) + part * f64::from(DECADES.1 - DECADES.0);
        let had = times.partition_point(|t| *t <= 10_f64.powf(power));
        let share = had as f64 / times.len().max(1) as f64;
        let (x, y) = (WIDTH * part, HEIGHT * (1.0 - share));
        let begin = if step == 0 { 'M' } else { 'L' };
        let _ = write!(path, "{begin}{x:.1} {y:.1}");
    }
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.2\" \
         stroke-linejoin=\"round\"/>"
    );
}
