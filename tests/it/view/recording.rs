//! The recording of a session for the README: an animated SVG, which this test makes from the screens
//! of the real program. `ALIMENTAR_GOLDEN=write` writes it.

use std::fmt::Write as _;
use std::path::Path;

use crate::view::pty::Terminal;

/// Columns and lines of the recording.
const SIZE: (u16, u16) = (92, 24);
/// Seconds that a frame stays.
const SECONDS: f64 = 2.2;

/// A step of the session.
struct Step {
    keys: &'static [u8],
    /// Texts that only the screen has which the keys lead to.
    wanted: &'static [&'static str],
    is_shown: bool,
}

const fn shown(keys: &'static [u8], wanted: &'static [&'static str]) -> Step {
    Step {
        keys,
        wanted,
        is_shown: true,
    }
}

/// A step on the way. Keys that do not wait for the rows before them meet another cursor now and then.
const fn passed(keys: &'static [u8], wanted: &'static [&'static str]) -> Step {
    Step {
        keys,
        wanted,
        is_shown: false,
    }
}

const SCRIPT: &[Step] = &[
    shown(b"", &["1,319 rows", " row 0 (0 %)", "Janet’s ducks"]),
    shown(b"G", &[" row 1,318 (100 %)", "Henry and 3 of his"]),
    passed(b"g", &[" row 0 (0 %)", "Janet’s ducks"]),
    shown(b"/dollars?", &["/dollars? 65 matches"]),
    passed(b"\r", &["65 matches", "? help"]),
    passed(b"n", &["row 26 (2 %) · question · /dollars? 65 matches"]),
    shown(b"n", &["row 29 (2 %) · question · /dollars? 65 matches"]),
    shown(b"\r", &["answer:", "row 29 (2 %)"]),
    passed(b"\t", &["Gloria is shoe", "row 29 (2 %)"]),
    shown(b"\t", &["token 0 of 67"]),
    shown(b"lllllll", &["token 7 of 67"]),
    passed(b"q", &["row 29 (2 %) · question · /dollars? 65 matches"]),
    passed(b"\x1b", &["row 29 (2 %) · question\n"]),
    shown(
        b"&question=apples\r",
        &["question ~ apples", "row 25 (2 %) · 1 of 25 · question"],
    ),
    passed(b"\x1b", &["row 25 (2 %) · question\n"]),
    passed(b"l", &["row 25 (2 %) · answer\n"]),
    shown(b"I", &["quantiles"]),
    passed(b"q", &["row 25 (2 %) · answer\n", "question  "]),
    shown(b"D", &["no duplicates"]),
    shown(b":dup", &["next-duplicate"]),
];

#[test]
fn recording_shows_what_the_program_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_alimentar");
    let words = [
        program,
        "--home",
        home.path().to_str().unwrap(),
        "view",
        "test.jsonl",
    ];
    let data = root.join("tests/data/gsm8k");
    let mut terminal = Terminal::start(&data, &words, SIZE, &[]);
    let mut frames = Vec::new();
    for step in SCRIPT {
        terminal.type_bytes(step.keys);
        let screen = terminal.wait_for_screen(step.wanted);
        if step.is_shown {
            frames.push(frame(&screen));
        }
    }
    terminal.type_bytes(b"\x1bqq");
    assert_eq!(terminal.end(), Some(0));
    let svg = animation(&frames);
    let path = root.join("docs/view.svg");
    if crate::support::variable("ALIMENTAR_GOLDEN").is_some() {
        std::fs::write(&path, &svg).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        svg == kept,
        "docs/view.svg is not what the program shows: ALIMENTAR_GOLDEN=write writes it"
    );
}

/// Draws a screen as rows of text.
fn frame(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let mut text = String::new();
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            let Some(cell) = screen.cell(row, column) else {
                break;
            };
            let style = style_of(cell);
            let (start, mut run) = (column, String::new());
            while let Some(next) = screen
                .cell(row, column)
                .filter(|next| style_of(next) == style)
            {
                if !next.is_wide_continuation() {
                    run.push_str(if next.has_contents() {
                        next.contents()
                    } else {
                        " "
                    });
                }
                column += 1;
            }
            piece(&mut text, (row, start, column), &run, &style);
        }
    }
    text
}

/// Foreground, background and weight.
type Style = (String, Option<String>, bool, bool);

fn style_of(cell: &vt100::Cell) -> Style {
    let (mut front, mut back) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
    if cell.inverse() {
        (front, back) = (
            Some(back.unwrap_or_else(|| "#1b1d23".to_owned())),
            Some(front.unwrap_or_else(|| "#d7dae0".to_owned())),
        );
    }
    let front = front.unwrap_or_else(|| "#d7dae0".to_owned());
    (front, back, cell.bold(), cell.underline())
}

fn colour(colour: vt100::Color) -> Option<String> {
    const NAMES: [&str; 16] = [
        "#1b1d23", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
        "#7f848e", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#ffffff",
    ];
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Idx(n) => Some(NAMES[usize::from(n) % 16].to_owned()),
        vt100::Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
    }
}

fn piece(to: &mut String, (row, from, behind): (u16, u16, u16), run: &str, style: &Style) {
    let (x, y) = (f64::from(from) * 8.4 + 10.0, f64::from(row) * 17.0 + 10.0);
    let width = f64::from(behind - from) * 8.4;
    let (front, back, is_bold, is_underlined) = style;
    if let Some(back) = back {
        writeln!(
            to,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="17" fill="{back}"/>"#
        )
        .unwrap();
    }
    let shown = run.trim_end();
    if shown.is_empty() {
        return;
    }
    let mut more = String::new();
    if *is_bold {
        more += r#" font-weight="bold""#;
    }
    if *is_underlined {
        more += r#" text-decoration="underline""#;
    }
    let escaped = shown
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let y = y + 13.0;
    writeln!(
        to,
        r#"<text x="{x:.1}" y="{y:.1}" fill="{front}"{more}>{escaped}</text>"#
    )
    .unwrap();
}

fn animation(frames: &[String]) -> String {
    let (width, height) = (
        f64::from(SIZE.0) * 8.4 + 20.0,
        f64::from(SIZE.1) * 17.0 + 20.0,
    );
    let whole = SECONDS * frames.len() as f64;
    let share = 100.0 / frames.len() as f64;
    let mut svg = format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" "#,
            r#"width="{width:.0}" height="{height:.0}" role="img" aria-label="A session of alimentar view">"#,
            "\n<style>\n",
            "text {{ font: 14px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }}\n",
            ".f {{ visibility: hidden; animation: f {whole:.1}s step-end infinite }}\n",
            "@keyframes f {{ 0% {{ visibility: visible }} {share:.3}% {{ visibility: hidden }} }}\n",
            "</style>\n",
            r##"<rect width="100%" height="100%" rx="8" fill="#1b1d23"/>"##,
            "\n",
        ),
        width = width,
        height = height,
        whole = whole,
        share = share,
    );
    for (n, frame) in frames.iter().enumerate() {
        let delay = SECONDS * n as f64;
        writeln!(
            svg,
            r#"<g class="f" style="animation-delay: {delay:.1}s" xml:space="preserve">"#
        )
        .unwrap();
        svg += frame;
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}
