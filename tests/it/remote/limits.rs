//! The limits of reading from elsewhere, against their table in the specification.

use std::time::Duration;

use alimentar::remote::limits;

#[test]
fn limits_of_reading_from_elsewhere_match_the_specification() {
    let spec = include_str!("../../../spec/remote.md");
    let milliseconds = |time: Duration| format!("{} ms", time.as_millis());
    let seconds = |time: Duration| format!("{} s", time.as_secs());
    let answer = format!(
        "{} s, and a second more for each {} bytes received",
        limits::ANSWER_TIMEOUT.as_secs(),
        limits::SLOWEST_BYTES_PER_SECOND
    );
    let table = [
        ("redirects_max", limits::REDIRECTS_MAX.to_string()),
        ("tries_max", limits::TRIES_MAX.to_string()),
        ("retry_pause", milliseconds(limits::RETRY_PAUSE)),
        ("retry_after_max", seconds(limits::RETRY_AFTER_MAX)),
        ("connect_timeout", seconds(limits::CONNECT_TIMEOUT)),
        ("stall_timeout", seconds(limits::STALL_TIMEOUT)),
        ("answer_timeout", answer),
        ("header_bytes_max", limits::HEADER_BYTES_MAX.to_string()),
        ("url_bytes_max", limits::URL_BYTES_MAX.to_string()),
        (
            "listing_page_bytes_max",
            limits::LISTING_PAGE_BYTES_MAX.to_string(),
        ),
        ("listing_pages_max", limits::LISTING_PAGES_MAX.to_string()),
        ("listing_files_max", limits::LISTING_FILES_MAX.to_string()),
        (
            "error_text_bytes_max",
            limits::ERROR_TEXT_BYTES_MAX.to_string(),
        ),
        ("block_bytes", limits::BLOCK_BYTES.to_string()),
        ("memory_bytes_max", limits::MEMORY_BYTES_MAX.to_string()),
        ("opening_bytes", limits::OPENING_BYTES.to_string()),
        ("footer_bytes", limits::FOOTER_BYTES.to_string()),
        ("small_bytes_max", limits::SMALL_BYTES_MAX.to_string()),
        ("window_bytes_min", limits::WINDOW_BYTES_MIN.to_string()),
        ("window_bytes_max", limits::WINDOW_BYTES_MAX.to_string()),
        ("gap_bytes_max", limits::GAP_BYTES_MAX.to_string()),
        ("requests_max", limits::REQUESTS_MAX.to_string()),
        ("spooled_bytes_max", limits::SPOOLED_BYTES_MAX.to_string()),
        ("cache_bytes_max", limits::CACHE_BYTES_MAX.to_string()),
        ("cache_files_max", limits::CACHE_FILES_MAX.to_string()),
    ];
    let shown = spec.lines().filter_map(|line| {
        let (name, value) = line
            .strip_prefix("| `")?
            .strip_suffix(" |")?
            .split_once("` | ")?;
        Some((name, value.to_owned()))
    });
    let limits: Vec<_> = shown
        .filter(|(name, _)| table.iter().any(|(n, _)| n == name))
        .collect();
    assert_eq!(limits, table);
}
