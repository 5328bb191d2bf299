//! Panes in front of everything: help, statistics, frequent values, results; and the palette.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::inspect::stats::chart;
use crate::tui::commands::Command;
use crate::tui::commands::matching;
use crate::tui::draw::put::Spot;
use crate::tui::draw::put::Styles;
use crate::tui::draw::put::put;
use crate::tui::draw::put::put_filled;
use crate::tui::draw::record::draw_lines;
use crate::tui::draw::theme::Theme;
use crate::tui::job::StatsFacts;
use crate::tui::model::State;
use crate::tui::model::parts::panes::Pane;
use crate::tui::model::parts::panes::StatsForm;
use crate::tui::model::parts::prompt::Prompt;
use crate::tui::model::parts::prompt::PromptKind;
use crate::tui::text::grouped;

/// Draws the pane in front.
pub(super) fn draw_pane(
    buffer: &mut Buffer,
    body: Rect,
    (state, pane): (&State, &Pane),
    theme: &Theme,
) {
    let inner = Rect {
        x: body.x + 1.min(body.width),
        width: body.width.saturating_sub(1),
        ..body
    };
    match pane {
        Pane::Help { top } => help(buffer, inner, state, *top, theme),
        Pane::Stats { facts: None, .. } => {
            let spot = Spot {
                x: inner.x,
                y: inner.y,
                right: inner.right(),
            };
            put(buffer, spot, "counting…", &Styles::plain(theme.quiet()));
        }
        Pane::Stats {
            facts: Some(facts),
            form: StatsForm::Description,
            top,
            ..
        } => {
            heading(buffer, inner, &facts.column, theme);
            draw_lines(buffer, below(inner), &facts.lines, *top, theme);
        }
        Pane::Stats {
            facts: Some(facts),
            selected,
            ..
        } => {
            heading(buffer, inner, &facts.column, theme);
            frequency(buffer, below(inner), facts, *selected, theme);
        }
        Pane::Lines { title, lines, top } => {
            heading(buffer, inner, title, theme);
            draw_lines(buffer, below(inner), lines, *top, theme);
        }
    }
}

fn below(area: Rect) -> Rect {
    Rect {
        y: area.y + 1.min(area.height),
        height: area.height.saturating_sub(1),
        ..area
    }
}

fn heading(buffer: &mut Buffer, area: Rect, text: &str, theme: &Theme) {
    let spot = Spot {
        x: area.x,
        y: area.y,
        right: area.right(),
    };
    if area.height > 0 {
        put(buffer, spot, text, &Styles::plain(theme.heading()));
    }
}

fn help(buffer: &mut Buffer, area: Rect, state: &State, top: usize, theme: &Theme) {
    let commands = state.keymap.commands(state.place());
    for ((command, keys), y) in commands.skip(top).zip(area.y..area.bottom()) {
        let spot = Spot {
            x: area.x,
            y,
            right: area.right(),
        };
        command_line(buffer, spot, (command, keys), theme);
    }
}

fn command_line(
    buffer: &mut Buffer,
    spot: Spot,
    (command, keys): (&Command, &[String]),
    theme: &Theme,
) {
    let keys = keys.join(" ");
    let column = |x: u16| spot.x.saturating_add(x).min(spot.right);
    put(
        buffer,
        Spot {
            right: column(20),
            ..spot
        },
        &keys,
        &Styles::plain(theme.strong()),
    );
    let name = Spot {
        x: column(21),
        right: column(39),
        ..spot
    };
    put(buffer, name, command.name, &Styles::plain(theme.mark()));
    put(
        buffer,
        Spot {
            x: column(40),
            ..spot
        },
        command.help,
        &Styles::plain(theme.plain()),
    );
}

/// Draws frequent values with bars.
fn frequency(buffer: &mut Buffer, area: Rect, facts: &StatsFacts, selected: usize, theme: &Theme) {
    let fits = usize::from(area.height);
    let top = (selected + 1).saturating_sub(fits.max(1));
    let most = facts.values.first().map_or(1, |value| value.count);
    if facts.values.is_empty() {
        let spot = Spot {
            x: area.x,
            y: area.y,
            right: area.right(),
        };
        put(
            buffer,
            spot,
            "no value occurs twice",
            &Styles::plain(theme.quiet()),
        );
    }
    for ((n, value), y) in facts
        .values
        .iter()
        .enumerate()
        .skip(top)
        .zip(area.y..area.bottom())
    {
        let spot = Spot {
            x: area.x,
            y,
            right: area.right(),
        };
        let style = if n == selected {
            theme.cursor()
        } else {
            theme.plain()
        };
        let sign = if value.is_least { "+" } else { " " };
        let share = 100.0 * value.count as f64 / facts.rows.max(1) as f64;
        let bar = chart::bar(value.count, most, BAR_WIDTH, chart::Style::Blocks);
        let front = format!("{:>12}{sign}{share:>6.1} %  {bar}  ", grouped(value.count));
        let x = put(
            buffer,
            spot,
            &front,
            &Styles::plain(theme.tone(crate::tui::pane::Tone::Bar)),
        );
        put_filled(
            buffer,
            Spot { x, ..spot },
            &value.text,
            &Styles::plain(style),
        );
    }
}

/// Columns of the bars.
const BAR_WIDTH: usize = 16;
/// Commands that the palette shows.
const PALETTE_LINES: u16 = 10;

/// Draws the commands that the palette offers, above the line that is typed.
pub(super) fn draw_palette(buffer: &mut Buffer, (state, prompt): (&State, &Prompt), theme: &Theme) {
    if prompt.kind != PromptKind::Palette || prompt.text.trim().parse::<u64>().is_ok() {
        return;
    }
    let found = matching(prompt.text.trim(), state.place());
    let screen = buffer.area;
    let room = screen.height.saturating_sub(2).min(PALETTE_LINES);
    let selected = prompt.selected;
    let top = (selected + 1).saturating_sub(usize::from(room).max(1));
    let count = u16::try_from(found.len().saturating_sub(top))
        .unwrap_or(u16::MAX)
        .min(room);
    let first = screen.bottom().saturating_sub(1 + count);
    for ((n, command), y) in found.iter().enumerate().skip(top).zip(first..first + count) {
        let spot = Spot {
            x: screen.x,
            y,
            right: screen.right(),
        };
        put_filled(buffer, spot, "", &Styles::plain(theme.plain()));
        command_line(
            buffer,
            Spot {
                x: spot.x + 2.min(screen.width),
                ..spot
            },
            (command, state.keymap.keys(command)),
            theme,
        );
        if n == selected {
            put(
                buffer,
                Spot {
                    right: spot.x + 1,
                    ..spot
                },
                ">",
                &Styles::plain(theme.strong()),
            );
        }
    }
}
