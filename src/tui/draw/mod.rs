//! Drawing of the state. It takes the state as it is and changes nothing.
//!
//! `screen.rs` draws everything, `bars.rs` the lines around the body, `table.rs` the rows, `record.rs` lines of panes,
//! `overlays.rs` help, statistics and the palette, `browser.rs` the registry; `theme.rs` has the styles
//! and `put.rs` writes text.

mod bars;
mod browser;
mod minimap;
mod overlays;
pub(super) mod put;
mod record;
mod screen;
mod table;
#[cfg(test)]
mod tests;
pub(super) mod theme;

pub(super) use screen::draw;
