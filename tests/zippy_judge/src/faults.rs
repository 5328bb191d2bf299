//! The faults of the other implementation: its wrong answer is recorded by running it, with the program's beside it.

mod crashes;
mod indexes;
mod paths;

use crate::Check;

pub const CHECKS: &[Check] = &[
    (
        "stale_index_after_a_crash_hides_documents_of_theirs_and_none_of_ours",
        crashes::stale_index,
    ),
    (
        "document_is_read_before_a_flush_by_ours_alone",
        crashes::get_before_flush,
    ),
    (
        "two_writers_of_theirs_lose_a_document_and_ours_queue",
        crashes::two_writers,
    ),
    (
        "append_after_a_missing_line_feed_joins_lines_of_theirs",
        crashes::missing_line_feed,
    ),
    (
        "compaction_of_theirs_leaves_old_versions_and_a_handle_that_reads_nothing",
        crashes::compaction,
    ),
    (
        "deleted_document_of_theirs_returns_without_the_index",
        indexes::resurrection,
    ),
    (
        "last_deletion_of_theirs_brings_all_documents_back",
        indexes::last_deletion,
    ),
    (
        "reader_of_theirs_writes_the_index_and_changes_nothing_of_ours",
        indexes::writing_reader,
    ),
    (
        "deletion_of_theirs_at_the_end_of_the_log_counts_once_something_follows",
        indexes::deletion_at_the_end,
    ),
    (
        "lines_without_ids_shift_offsets_of_theirs",
        indexes::lines_without_ids,
    ),
    (
        "unreadable_lines_vanish_for_theirs_and_are_set_aside_by_ours",
        indexes::unreadable_lines,
    ),
    (
        "scan_of_theirs_has_any_order_and_ours_that_of_the_log",
        indexes::order,
    ),
    (
        "lock_of_theirs_keeps_no_store_out_and_is_removed",
        crashes::lock,
    ),
    (
        "blank_lines_in_a_blob_shift_offsets_of_theirs",
        indexes::blank_lines,
    ),
    (
        "spaces_and_nested_ids_are_lost_by_their_rebuild",
        indexes::rebuild,
    ),
    ("index_that_claims_too_much_ends_theirs", indexes::claims),
    (
        "document_with_another_id_or_none_is_stored_by_theirs",
        indexes::other_id,
    ),
    (
        "archive_of_files_has_no_documents_for_their_engine",
        paths::archive_without_index,
    ),
    ("unpacking_writes_outside_for_theirs", paths::zip_slip),
    ("id_with_a_path_reads_any_file_for_theirs", paths::id),
    (
        "name_with_a_path_makes_directories_anywhere_for_theirs",
        paths::name,
    ),
];
