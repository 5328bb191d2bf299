//! Limits of answers and requests.

/// Characters of an answer that names no budget, about 5,000 tokens.
pub(crate) const ANSWER_CHARS: usize = 20_000;
/// Greatest budget. Clients move longer answers out of the conversation.
pub(crate) const ANSWER_CHARS_MAX: usize = 48_000;
/// Smallest budget. Less has no room for the fields that every answer has.
pub(crate) const ANSWER_CHARS_MIN: usize = 1_000;
/// Rows of one answer.
pub(crate) const ROWS_MAX: u64 = 1_000;
/// Bytes of a row that is read for an answer. A longer row is cut, and its field is read piece by piece.
pub(crate) const ROW_BYTES: usize = 4 << 20;
/// Bytes of a row whose field is read piece by piece.
pub(crate) const FIELD_ROW_BYTES: usize = 64 << 20;
/// Bytes of one message of a client.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Characters of an error, since clients cut long ones.
pub(crate) const ERROR_CHARS_MAX: usize = 2_000;
/// Answers of scans that are kept for the same question on the same content.
pub(crate) const KEPT_ANSWERS: usize = 64;
/// Targets of the registry that stay open.
pub(crate) const OPEN_TARGETS: usize = 64;
/// Examples that a tool returns at most.
pub(crate) const EXAMPLES_MAX: u64 = 100;
/// Rows of a card's text, versions and files of one dataset in an answer.
pub(crate) const LISTED_MAX: usize = 200;
/// Requests that wait for a scan to end, over all clients.
pub(crate) const WAITING_SCANS_MAX: usize = 128;
/// Requests over a pipe without an answer that was written. More than scans may wait.
pub(crate) const PENDING_MAX: usize = WAITING_SCANS_MAX + 32;
