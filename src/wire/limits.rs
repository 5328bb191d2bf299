//! Limits on input from outside. Rooms that read formats of their own have a `limits.rs` too: `remote`, `documents/format`,
//! `features`, `mcp`, `tui`. `spec/limits.md` lists the same numbers, and a test compares the two.

/// Bytes in a dataset's name.
pub const NAME_BYTES_MAX: usize = 128;
/// Marks in a row in a dataset's name.
pub const NAME_MARKS_MAX: usize = 4;
/// Bytes in an alias of a version.
pub const ALIAS_BYTES_MAX: usize = 40;
/// Bytes in one path inside a dataset.
pub const PATH_BYTES_MAX: usize = 4096;
/// Bytes in one part of a path, between its slashes.
pub const PATH_PART_BYTES_MAX: usize = 255;
/// Bytes in a manifest.
pub const MANIFEST_BYTES_MAX: usize = 2 << 20;
/// Bytes in a description, a licence or a reason.
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// Tags on a dataset.
pub const TAGS_MAX: usize = 64;
/// Bytes in one tag.
pub const TAG_BYTES_MAX: usize = 64;
/// Entries in a vector clock.
pub const CLOCK_ENTRIES_MAX: usize = 64;
/// Edits that one entry of a foreign clock may count. The limit is far above real use and far below the
/// end of the number, so that an edit always has room to win.
pub const CLOCK_EDITS_MAX: u64 = 1 << 48;
/// Heads that one manifest supersedes.
pub const PREV_MAX: usize = 64;
/// Bytes in the URL that a dataset was taken in from.
pub const SOURCE_URL_BYTES_MAX: usize = 4096;
/// Bytes in a revision or a validator of such a source.
pub const SOURCE_TEXT_BYTES_MAX: usize = 512;
/// Bytes of the patterns that say what of such a source was taken, and of those that say what was
/// left out.
pub const SOURCE_FILTERS_BYTES_MAX: usize = 4096;
/// Bytes in a card.
pub const CARD_BYTES_MAX: usize = 1 << 20;
/// Levels of inner nodes in a chunk tree.
pub const TREE_LEVELS_MAX: u8 = 12;
/// Entries in one node of a chunk tree.
pub const NODE_ENTRIES_MAX: usize = 512;
/// Bytes that the data of foreign datasets may claim without regard to repetition.
pub const EXPANSION_FREE_BYTES: u64 = 1 << 30;
/// Bytes that the file tables of foreign datasets may claim without regard to repetition.
pub const EXPANSION_FREE_TABLE_BYTES: u64 = 64 << 20;
/// Ratio of the claimed size of a foreign dataset to the size of its distinct chunks, unless
/// a person agrees.
pub const EXPANSION_RATIO_MAX: u64 = 64;
/// Entries below links to directories, in a directory that is indexed.
pub const LINKED_ENTRIES_MAX: usize = 1 << 20;
/// Files in a dataset.
pub const FILES_MAX: u64 = 100_000_000;
/// Uncompressed bytes in one pack record.
pub const RECORD_RAW_BYTES_MAX: usize = 4 << 20;
/// Stored bytes in one pack record's payload.
pub const RECORD_STORED_BYTES_MAX: usize = RECORD_RAW_BYTES_MAX + (64 << 10);
/// Items in one pack record.
pub const RECORD_ITEMS_MAX: usize = 4096;
/// Bases named by one pack record.
pub const RECORD_BASES_MAX: usize = 64;
/// Bytes of all bases of one pack record.
pub const RECORD_BASE_BYTES_MAX: usize = 4 << 20;
/// Bytes of the header of an age file.
pub const AGE_HEADER_BYTES_MAX: usize = 4 << 20;
/// Bytes of one line of the header of an age file.
pub const AGE_LINE_BYTES_MAX: usize = 4096;
/// Recipients of an age file, those of unknown types among them.
pub const AGE_STANZAS_MAX: usize = 4096;
/// Work for a passphrase that an age file may ask for, as a power of two: 20 takes 1 GiB and some seconds.
pub const AGE_WORK_FACTOR_MAX: u8 = 20;
/// Bytes of a schema message.
pub const SCHEMA_BYTES_MAX: usize = 1 << 20;
/// Fields of one inferred object.
pub const SCHEMA_FIELDS_MAX: usize = 10_000;
/// Bytes of the header of an Arrow message, or of a file's footer.
pub const ARROW_METADATA_BYTES_MAX: usize = 64 << 20;
/// Bytes of a Parquet footer.
pub const PARQUET_FOOTER_BYTES_MAX: usize = 256 << 20;
/// Values in a card's front matter.
pub const YAML_VALUES_MAX: usize = 20_000;
/// Levels of nesting in a card's front matter.
pub const YAML_DEPTH_MAX: usize = 64;
/// Bytes of one row of text that a parser reads.
pub const ROW_BYTES_MAX: usize = 64 << 20;
/// Bytes of a row over [`ROW_BYTES_MAX`] that has to be in memory as a whole, for a conversion
/// or a comparison.
pub const LONG_ROW_BYTES_MAX: usize = 1 << 30;
/// Columns of a file that is written with columns: CSV, Parquet.
pub const WRITTEN_COLUMNS_MAX: usize = 32_768;
/// Elements of the schema of a Parquet file, groups among them.
pub const PARQUET_SCHEMA_ELEMENTS_MAX: usize = 262_144;
/// Bytes of a regular expression.
pub const PATTERN_BYTES_MAX: usize = 64 << 10;
/// Bytes of a compiled regular expression, and of its cache at run time.
pub const PATTERN_PROGRAM_BYTES_MAX: usize = 32 << 20;
/// Bytes of a journal of edits.
pub const EDIT_JOURNAL_BYTES_MAX: usize = 256 << 20;
/// Bytes of one record of a journal of edits.
pub const EDIT_RECORD_BYTES_MAX: usize = 128 << 20;
/// Bytes of the description of an edit.
pub const EDIT_LABEL_BYTES_MAX: usize = 1024;
/// Bytes of the path of an edited file, or of the name of an edited dataset.
pub const EDIT_PATH_BYTES_MAX: usize = 64 << 10;
/// Bytes of a file on disk that is hashed when its first edit is made.
pub const EDIT_HASHED_BYTES_MAX: u64 = 1 << 30;
/// Points of an index of rows.
pub const ROW_INDEX_POINTS_MAX: usize = 1 << 18;
/// Bytes of a stored index of rows.
pub const ROW_INDEX_BYTES_MAX: usize = 4 << 20;
/// Row indexes that a home keeps.
pub const ROW_INDEX_FILES_MAX: usize = 1024;
/// Bytes of all row indexes in a home.
pub const ROW_INDEXES_BYTES_MAX: usize = 256 << 20;
/// Bytes of a page of a Parquet file, compressed and decompressed.
pub const PARQUET_PAGE_BYTES_MAX: usize = 512 << 20;
/// Bytes of the text of columnar rows in one batch.
pub const COLUMNAR_TEXT_BYTES_MAX: usize = 1 << 30;
/// Bytes of the body of an Arrow message.
pub const ARROW_BODY_BYTES_MAX: usize = 1 << 30;
/// Levels of nesting in JSON text.
pub const JSON_DEPTH_MAX: usize = 100_000;
/// Blocks in the line index of one file.
pub const LINE_INDEX_BLOCKS_MAX: usize = 1 << 18;
/// Bytes of a stored line index.
pub const LINE_INDEX_BYTES_MAX: usize = 2 << 20;
/// Line indexes that a home keeps.
pub const LINE_INDEX_FILES_MAX: usize = 1024;
/// Rows in one search for duplicates.
pub const DEDUP_ROWS_MAX: u64 = 0xffff_fff0;
/// Values of a column for which deduplication counts the remaining rows.
pub const DEDUP_SOURCES_MAX: usize = 4096;
/// Bytes of a row's sketch in the sketch cache.
pub const PRINT_BYTES_MAX: usize = 1024;
/// Stop shingles, which sketches leave out, in the sketch cache.
pub const PRINT_COMMON_MAX: usize = 1 << 19;
/// Runs of rows in one file of the sketch cache.
pub const PRINT_RUNS_MAX: usize = 1 << 22;
/// Files of the sketch cache in a home.
pub const PRINT_FILES_MAX: usize = 64;
/// Bytes of all files of the sketch cache in a home.
pub const PRINT_CACHE_BYTES_MAX: u64 = 8 << 30;
/// Stores of documents of datasets in a home's cache.
pub const COLLECTION_STORES_MAX: usize = 64;
/// Bytes of all stores of documents in a home's cache.
pub const COLLECTIONS_BYTES_MAX: u64 = 16 << 30;
/// Bytes of the buckets of the similarity table.
pub const RESEMBLANCE_BYTES_MAX: usize = 256 << 20;
/// Columns of rows whose keys and types lint compares.
pub const LINT_COLUMNS_MAX: usize = 4096;
/// Bytes in the name of such a column.
pub const LINT_COLUMN_BYTES_MAX: usize = 256;
/// Sets of keys that lint distinguishes.
pub const LINT_KEY_SETS_MAX: usize = 1024;
/// Pending tool calls of one chat.
pub const LINT_TOOL_CALLS_MAX: usize = 1024;
/// Columns with statistics.
pub const STATISTICS_COLUMNS_MAX: usize = 1024;
/// Levels of nesting that statistics read.
pub const STATISTICS_DEPTH_MAX: usize = 32;
/// Bytes of a search query.
pub const QUERY_BYTES_MAX: usize = 4096;
/// Clauses of a search query.
pub const QUERY_CLAUSES_MAX: usize = 64;
/// Ratio of a text's length to that of its compressed form, for a text to be read.
pub const DECOMPRESSION_RATIO_MAX: u64 = 250;
/// Bytes of a key file.
pub const KEY_FILE_BYTES_MAX: usize = 16 << 10;
/// KiB of memory that opening a key file may take.
pub const KEY_MEMORY_KIB_MAX: u32 = 1 << 20;
/// Passes that opening a key file may take.
pub const KEY_PASSES_MAX: u32 = 16;
/// Lanes that opening a key file may take.
pub const KEY_LANES_MAX: u32 = 16;
/// Bytes of a publisher's statement.
pub const STATEMENT_BYTES_MAX: usize = 2 << 20;
/// Bytes of `trust.toml`.
pub const TRUST_FILE_BYTES_MAX: usize = 1 << 20;
/// Publishers in `trust.toml`.
pub const PUBLISHERS_MAX: usize = 10_000;
/// Bytes of an encoded tree node.
pub const NODE_BYTES_MAX: usize = 64 << 10;
/// Datasets in one archive.
pub const ARCHIVE_DATASETS_MAX: usize = 100_000;
/// Bytes of an archive's header.
pub const ARCHIVE_HEADER_BYTES_MAX: usize = 64 << 20;
/// Bytes of all manifests in one archive.
pub const ARCHIVE_MANIFESTS_BYTES_MAX: usize = 64 << 20;
/// Statements in one archive.
pub const ARCHIVE_STATEMENTS_MAX: usize = 10_000;
/// Bytes of a receipt.
pub const RECEIPT_BYTES_MAX: usize = 16 << 20;
/// Volumes of one archive.
pub const VOLUMES_MAX: u32 = 10_000;

/// Bytes of a frame's body between nodes: a whole record, its header included.
pub const FRAME_BYTES_MAX: usize = 5 << 20;
/// Bytes of a request between nodes.
pub const REQUEST_BYTES_MAX: usize = 9 << 20;
/// Codecs that a node names in its hello.
pub const HELLO_CODECS_MAX: usize = 32;
/// Bytes of a node's program name, and of its reason for a refusal.
pub const AGENT_BYTES_MAX: usize = 256;
/// Unpacked bytes of one batch of manifests or statements.
pub const BATCH_BYTES_MAX: usize = 4 << 20;
/// Manifests or statements in one batch.
pub const BATCH_ITEMS_MAX: usize = 16_384;
/// Elements of one reconciliation by plain list.
pub const RECONCILE_ELEMENTS_MAX: usize = 1_000_000;
/// Coded symbols of one catalogue in one reconciliation.
pub const RECONCILE_SYMBOLS_MAX: usize = 1 << 20;
/// Coded symbols of one catalogue in one response.
pub const RECONCILE_SYMBOLS_ASKED_MAX: usize = 128 << 10;
/// Elements whose manifests and statements one request asks for.
pub const RECONCILE_WANTED_MAX: usize = 16_384;
/// Tree nodes in one request.
pub const NODES_ASKED_MAX: usize = 512;
/// Runs of chunks in one request.
pub const RUNS_ASKED_MAX: usize = 4096;
/// Chunks that one request skips or asks for.
pub const CHUNKS_ASKED_MAX: u64 = 8192;
/// Datasets in the table of those that peers announced.
pub const KNOWN_MAX: usize = 20_000;
/// Announced datasets of one peer in that table.
pub const KNOWN_PER_PEER_MAX: usize = 10_000;
/// Announced datasets in that table of one publisher without full trust.
pub const KNOWN_PER_STRANGER_MAX: usize = 1_000;
/// Items in the table of those that peers sent and this node does not forward.
pub const ASIDE_MAX: usize = 100_000;
/// Items of one peer in that table.
pub const ASIDE_PER_PEER_MAX: usize = 10_000;
/// Peers that a node gossips with.
pub const GOSSIP_PEERS_MAX: usize = 1024;
/// Items that wait for transmission to one peer.
pub const GOSSIP_QUEUE_MAX: usize = 500;
/// Bytes of all manifests and statements in one response.
pub const LIST_BYTES_MAX: usize = 256 << 20;
/// Bytes of all manifests and statements in one response to a comparison of catalogues, which no user
/// asked for.
pub const COMPARED_BYTES_MAX: usize = 16 << 20;
/// Bytes of a filter of content ids.
pub const FILTER_BYTES_MAX: usize = 4 << 20;
/// Content ids in a filter.
pub const FILTER_IDS_MAX: usize = 100_000_000;
/// Bytes of `known_peers`, `access.txt`, `node_names`, `accepted`, `recipients`, `tokens.json`, and of a node's settings.
pub const NODE_FILE_BYTES_MAX: usize = 4 << 20;
/// Datasets that the user accepted by hand; the oldest are forgotten first.
pub const ACCEPTED_DATASETS_MAX: usize = 8192;
/// Receipts that an import takes from one directory.
pub const DIRECTORY_RECEIPTS_MAX: usize = 64;
/// Bytes of `.alimentarignore`.
pub const IGNORE_FILE_BYTES_MAX: usize = 1 << 20;
/// Bytes of the record of one checkout.
pub const CHECKOUT_RECORD_BYTES_MAX: usize = 1 << 30;
/// Checkout records that a home keeps.
pub const CHECKOUT_RECORDS_MAX: usize = 10_000;
/// Rows of one file that a full comparison with another reads.
pub const DIFF_ROWS_MAX: usize = 1 << 22;

/// Bytes of a service record: with the DNS records beside it, one packet.
pub const SIGHTING_BYTES_MAX: usize = 1300;
/// Bytes of one piece of a filter in a service record.
pub const SIGHTING_PIECE_BYTES_MAX: usize = 250;
/// Pieces of a filter in a service record.
pub const SIGHTING_PIECES_MAX: usize = 4;
/// Nodes in the table of those seen on LANs.
pub const NODES_SEEN_MAX: usize = 1024;
/// Addresses that the table keeps of one node.
pub const NODE_ADDRESSES_MAX: usize = 8;

/// Nodes in that table from one host that called and never answered at their stated address.
pub const CALLERS_PER_HOST_MAX: usize = 16;
/// Bytes of all filters of other nodes.
pub const FILTERS_BYTES_MAX: usize = 16 << 20;

/// Name in the specification, and value, of every limit above.
pub const ALL: &[(&str, u64)] = &[
    ("name_bytes_max", NAME_BYTES_MAX as u64),
    ("name_marks_max", NAME_MARKS_MAX as u64),
    ("alias_bytes_max", ALIAS_BYTES_MAX as u64),
    ("path_bytes_max", PATH_BYTES_MAX as u64),
    ("path_part_bytes_max", PATH_PART_BYTES_MAX as u64),
    ("manifest_bytes_max", MANIFEST_BYTES_MAX as u64),
    ("text_bytes_max", TEXT_BYTES_MAX as u64),
    ("tags_max", TAGS_MAX as u64),
    ("tag_bytes_max", TAG_BYTES_MAX as u64),
    ("clock_entries_max", CLOCK_ENTRIES_MAX as u64),
    ("clock_edits_max", CLOCK_EDITS_MAX),
    ("prev_max", PREV_MAX as u64),
    ("source_url_bytes_max", SOURCE_URL_BYTES_MAX as u64),
    ("source_text_bytes_max", SOURCE_TEXT_BYTES_MAX as u64),
    ("source_filters_bytes_max", SOURCE_FILTERS_BYTES_MAX as u64),
    ("card_bytes_max", CARD_BYTES_MAX as u64),
    ("tree_levels_max", TREE_LEVELS_MAX as u64),
    ("node_entries_max", NODE_ENTRIES_MAX as u64),
    ("expansion_free_bytes", EXPANSION_FREE_BYTES),
    ("expansion_free_table_bytes", EXPANSION_FREE_TABLE_BYTES),
    ("expansion_ratio_max", EXPANSION_RATIO_MAX),
    ("linked_entries_max", LINKED_ENTRIES_MAX as u64),
    ("files_max", FILES_MAX),
    ("record_raw_bytes_max", RECORD_RAW_BYTES_MAX as u64),
    ("record_stored_bytes_max", RECORD_STORED_BYTES_MAX as u64),
    ("record_items_max", RECORD_ITEMS_MAX as u64),
    ("record_bases_max", RECORD_BASES_MAX as u64),
    ("record_base_bytes_max", RECORD_BASE_BYTES_MAX as u64),
    ("age_header_bytes_max", AGE_HEADER_BYTES_MAX as u64),
    ("age_line_bytes_max", AGE_LINE_BYTES_MAX as u64),
    ("age_stanzas_max", AGE_STANZAS_MAX as u64),
    ("age_work_factor_max", AGE_WORK_FACTOR_MAX as u64),
    ("schema_bytes_max", SCHEMA_BYTES_MAX as u64),
    ("schema_fields_max", SCHEMA_FIELDS_MAX as u64),
    ("arrow_metadata_bytes_max", ARROW_METADATA_BYTES_MAX as u64),
    ("parquet_footer_bytes_max", PARQUET_FOOTER_BYTES_MAX as u64),
    ("yaml_values_max", YAML_VALUES_MAX as u64),
    ("yaml_depth_max", YAML_DEPTH_MAX as u64),
    ("row_bytes_max", ROW_BYTES_MAX as u64),
    ("long_row_bytes_max", LONG_ROW_BYTES_MAX as u64),
    ("written_columns_max", WRITTEN_COLUMNS_MAX as u64),
    (
        "parquet_schema_elements_max",
        PARQUET_SCHEMA_ELEMENTS_MAX as u64,
    ),
    ("pattern_bytes_max", PATTERN_BYTES_MAX as u64),
    (
        "pattern_program_bytes_max",
        PATTERN_PROGRAM_BYTES_MAX as u64,
    ),
    ("edit_journal_bytes_max", EDIT_JOURNAL_BYTES_MAX as u64),
    ("edit_record_bytes_max", EDIT_RECORD_BYTES_MAX as u64),
    ("edit_label_bytes_max", EDIT_LABEL_BYTES_MAX as u64),
    ("edit_path_bytes_max", EDIT_PATH_BYTES_MAX as u64),
    ("edit_hashed_bytes_max", EDIT_HASHED_BYTES_MAX),
    ("row_index_points_max", ROW_INDEX_POINTS_MAX as u64),
    ("row_index_bytes_max", ROW_INDEX_BYTES_MAX as u64),
    ("row_index_files_max", ROW_INDEX_FILES_MAX as u64),
    ("row_indexes_bytes_max", ROW_INDEXES_BYTES_MAX as u64),
    ("parquet_page_bytes_max", PARQUET_PAGE_BYTES_MAX as u64),
    ("columnar_text_bytes_max", COLUMNAR_TEXT_BYTES_MAX as u64),
    ("arrow_body_bytes_max", ARROW_BODY_BYTES_MAX as u64),
    ("json_depth_max", JSON_DEPTH_MAX as u64),
    ("line_index_blocks_max", LINE_INDEX_BLOCKS_MAX as u64),
    ("line_index_bytes_max", LINE_INDEX_BYTES_MAX as u64),
    ("line_index_files_max", LINE_INDEX_FILES_MAX as u64),
    ("dedup_rows_max", DEDUP_ROWS_MAX),
    ("dedup_sources_max", DEDUP_SOURCES_MAX as u64),
    ("print_bytes_max", PRINT_BYTES_MAX as u64),
    ("print_common_max", PRINT_COMMON_MAX as u64),
    ("print_runs_max", PRINT_RUNS_MAX as u64),
    ("print_files_max", PRINT_FILES_MAX as u64),
    ("print_cache_bytes_max", PRINT_CACHE_BYTES_MAX),
    ("collection_stores_max", COLLECTION_STORES_MAX as u64),
    ("collections_bytes_max", COLLECTIONS_BYTES_MAX),
    ("resemblance_bytes_max", RESEMBLANCE_BYTES_MAX as u64),
    ("lint_columns_max", LINT_COLUMNS_MAX as u64),
    ("lint_column_bytes_max", LINT_COLUMN_BYTES_MAX as u64),
    ("lint_key_sets_max", LINT_KEY_SETS_MAX as u64),
    ("lint_tool_calls_max", LINT_TOOL_CALLS_MAX as u64),
    ("statistics_columns_max", STATISTICS_COLUMNS_MAX as u64),
    ("statistics_depth_max", STATISTICS_DEPTH_MAX as u64),
    ("query_bytes_max", QUERY_BYTES_MAX as u64),
    ("query_clauses_max", QUERY_CLAUSES_MAX as u64),
    ("decompression_ratio_max", DECOMPRESSION_RATIO_MAX),
    ("key_file_bytes_max", KEY_FILE_BYTES_MAX as u64),
    ("key_memory_kib_max", KEY_MEMORY_KIB_MAX as u64),
    ("key_passes_max", KEY_PASSES_MAX as u64),
    ("key_lanes_max", KEY_LANES_MAX as u64),
    ("statement_bytes_max", STATEMENT_BYTES_MAX as u64),
    ("trust_file_bytes_max", TRUST_FILE_BYTES_MAX as u64),
    ("publishers_max", PUBLISHERS_MAX as u64),
    ("node_bytes_max", NODE_BYTES_MAX as u64),
    ("archive_datasets_max", ARCHIVE_DATASETS_MAX as u64),
    ("archive_header_bytes_max", ARCHIVE_HEADER_BYTES_MAX as u64),
    (
        "archive_manifests_bytes_max",
        ARCHIVE_MANIFESTS_BYTES_MAX as u64,
    ),
    ("archive_statements_max", ARCHIVE_STATEMENTS_MAX as u64),
    ("receipt_bytes_max", RECEIPT_BYTES_MAX as u64),
    ("volumes_max", VOLUMES_MAX as u64),
    ("frame_bytes_max", FRAME_BYTES_MAX as u64),
    ("request_bytes_max", REQUEST_BYTES_MAX as u64),
    ("hello_codecs_max", HELLO_CODECS_MAX as u64),
    ("agent_bytes_max", AGENT_BYTES_MAX as u64),
    ("batch_bytes_max", BATCH_BYTES_MAX as u64),
    ("batch_items_max", BATCH_ITEMS_MAX as u64),
    ("reconcile_elements_max", RECONCILE_ELEMENTS_MAX as u64),
    ("reconcile_symbols_max", RECONCILE_SYMBOLS_MAX as u64),
    (
        "reconcile_symbols_asked_max",
        RECONCILE_SYMBOLS_ASKED_MAX as u64,
    ),
    ("reconcile_wanted_max", RECONCILE_WANTED_MAX as u64),
    ("nodes_asked_max", NODES_ASKED_MAX as u64),
    ("runs_asked_max", RUNS_ASKED_MAX as u64),
    ("chunks_asked_max", CHUNKS_ASKED_MAX),
    ("known_max", KNOWN_MAX as u64),
    ("known_per_peer_max", KNOWN_PER_PEER_MAX as u64),
    ("known_per_stranger_max", KNOWN_PER_STRANGER_MAX as u64),
    ("aside_max", ASIDE_MAX as u64),
    ("aside_per_peer_max", ASIDE_PER_PEER_MAX as u64),
    ("gossip_peers_max", GOSSIP_PEERS_MAX as u64),
    ("gossip_queue_max", GOSSIP_QUEUE_MAX as u64),
    ("list_bytes_max", LIST_BYTES_MAX as u64),
    ("compared_bytes_max", COMPARED_BYTES_MAX as u64),
    ("filter_bytes_max", FILTER_BYTES_MAX as u64),
    ("filter_ids_max", FILTER_IDS_MAX as u64),
    ("node_file_bytes_max", NODE_FILE_BYTES_MAX as u64),
    ("accepted_datasets_max", ACCEPTED_DATASETS_MAX as u64),
    ("directory_receipts_max", DIRECTORY_RECEIPTS_MAX as u64),
    ("ignore_file_bytes_max", IGNORE_FILE_BYTES_MAX as u64),
    (
        "checkout_record_bytes_max",
        CHECKOUT_RECORD_BYTES_MAX as u64,
    ),
    ("checkout_records_max", CHECKOUT_RECORDS_MAX as u64),
    ("diff_rows_max", DIFF_ROWS_MAX as u64),
    ("sighting_bytes_max", SIGHTING_BYTES_MAX as u64),
    ("sighting_piece_bytes_max", SIGHTING_PIECE_BYTES_MAX as u64),
    ("sighting_pieces_max", SIGHTING_PIECES_MAX as u64),
    ("nodes_seen_max", NODES_SEEN_MAX as u64),
    ("node_addresses_max", NODE_ADDRESSES_MAX as u64),
    ("callers_per_host_max", CALLERS_PER_HOST_MAX as u64),
    ("filters_bytes_max", FILTERS_BYTES_MAX as u64),
];
