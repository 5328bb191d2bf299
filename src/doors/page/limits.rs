//! Limits of pages.

use std::time::Duration;

/// Datasets of a page of the list.
pub(super) const DATASETS_A_PAGE: usize = 50;
/// Tags of a dataset in the list. Its own page has all.
pub(super) const TAGS_MAX: usize = 8;
/// Names that the field for a dataset suggests. Any other can be typed.
pub(super) const SUGGESTIONS_MAX: usize = 200;
/// Results of a search.
pub(super) const FOUND_MAX: usize = 100;
/// Files of a page of a dataset.
pub(super) const FILES_A_PAGE: usize = 100;
/// Versions of the page of a dataset.
pub(super) const VERSIONS_MAX: usize = 50;
/// Columns of a schema.
pub(super) const SCHEMA_COLUMNS_MAX: usize = 300;
/// Bytes of a card that are rendered.
pub(super) const CARD_BYTES_MAX: usize = 256 << 10;
/// Rows of a page.
pub(super) const ROWS_A_PAGE: usize = 50;
/// Columns of rows that are read. Further ones are left out.
pub(super) const READ_COLUMNS_MAX: usize = 1000;
/// Columns of a table of rows.
pub(super) const COLUMNS_MAX: usize = 60;
/// Bytes of a row that are read.
pub(super) const ROW_BYTES_MAX: usize = 1 << 20;
/// Bytes of all rows of a page that are kept.
pub(super) const PAGE_BYTES_MAX: usize = 4 << 20;
/// Characters of a cell in a table.
pub(super) const CELL_CHARS_MAX: usize = 400;
/// Characters of a cell in a table of many columns.
pub(super) const CELL_CHARS_MIN: usize = 60;
/// Characters of a row in a table.
pub(super) const ROW_CHARS_MAX: usize = 9_000;
/// Characters of a field of a single row, and of a text of a message.
pub(super) const FIELD_CHARS_MAX: usize = 20_000;
/// Messages of a row in a list of rows.
pub(super) const MESSAGES_MAX: usize = 40;
/// Markup of the rows of a page. Further rows are on the next one.
pub(super) const MARKUP_BYTES_MAX: usize = 1 << 20;
/// Rows that a search reads before it asks whether to go on.
pub(super) const SEARCHED_ROWS_MAX: u64 = 1_000_000;
/// Time of a search before it asks whether to go on.
pub(super) const SEARCH_TIME: Duration = Duration::from_millis(1500);
/// Rows that statistics are about.
pub(super) const SAMPLE_ROWS_MAX: u64 = 20_000;
/// Bytes of the file that statistics are about.
pub(super) const SAMPLE_BYTES_MAX: u64 = 8 << 20;
/// Time that statistics take before they stop reading.
pub(super) const SAMPLE_TIME: Duration = Duration::from_millis(1500);
/// Columns with statistics.
pub(super) const SAMPLE_COLUMNS_MAX: usize = 64;
/// Bytes of a file of the page that opens files in the browser.
pub(super) const BUNDLE_FILE_BYTES_MAX: usize = 64 << 20;
/// Peers of the page of peers.
pub(super) const PEERS_MAX: usize = 500;
