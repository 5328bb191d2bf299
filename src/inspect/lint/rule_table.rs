//! The table of rules. `spec/lint.md` lists the same, and a test compares the two.

use crate::inspect::lint::Rule;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::Severity;

/// Every rule.
pub const RULES: &[Rule] = &[
    Rule {
        id: RuleId::MalformedJson,
        name: "malformed-json",
        short: "A row that is not JSON",
        full: "The row is not one JSON value as RFC 8259 says; the byte is the first that \
              cannot stand where it does.",
        help: "Write the row again with a JSON library. A row that was cut ends too early: \
              look whether its writer was stopped.",
        severity: Severity::Error,
    },
    Rule {
        id: RuleId::BadUtf8,
        name: "bad-utf8",
        short: "Bytes that are not UTF-8",
        full: "The row has bytes that are not UTF-8 by RFC 3629.",
        help: "Find out which encoding the file was written in and convert it.",
        severity: Severity::Error,
    },
    Rule {
        id: RuleId::CutRow,
        name: "cut-row",
        short: "A row too long to be looked at whole",
        full: "The row is longer than `row_bytes_max` of the limits; only its beginning was \
              looked at.",
        help: "Look for a missing newline, or cut the document into rows.",
        severity: Severity::Error,
    },
    Rule {
        id: RuleId::DamagedFile,
        name: "damaged-file",
        short: "A file that is not what its format says",
        full: "A file is cut off, or its bytes are not those of its format: a compressed stream, an \
              array or a column that ends too early, a page with another checksum. Rows before the \
              damage were looked at; those behind it in the file were not.",
        help: "Get the file again, or write it again from where it came from.",
        severity: Severity::Error,
    },
    Rule {
        id: RuleId::NanNumber,
        name: "nan-number",
        short: "NaN or an infinity in JSON",
        full: "The row has `NaN`, `Infinity` or `-Infinity` where a number should be, and is JSON besides. Python writes these; RFC 8259 has no such numbers.",
        help: "Write `null`, or give `inspect export` the option `--nan null` or `--nan text`.",
        severity: Severity::Error,
    },
    Rule {
        id: RuleId::DuplicateKey,
        name: "duplicate-key",
        short: "A key twice in one object",
        full: "An object has two keys that say the same. Readers differ in which of them \
              counts.",
        help: "Keep one of the two.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::KeyCase,
        name: "key-case",
        short: "Keys that differ in case alone",
        full: "A column has the name of another but for the case of letters. The rows of the rarer one are counted.",
        help: "Write one of the two.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::DuplicateColumn,
        name: "duplicate-column",
        short: "Two columns with one name",
        full: "The header or the schema of a file has a name twice. The second column is called `NAME_1` here; other readers drop it or refuse the file.",
        help: "Rename one of the two.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::FileColumns,
        name: "file-columns",
        short: "Files with different columns",
        full: "A file has not the same columns as the first file of the target, or has one with another type.",
        help: "Write all files with the same columns.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::LoneSurrogate,
        name: "lone-surrogate",
        short: "Half a character",
        full: "A string has a `\\u` escape of one half of a surrogate pair. Many readers \
              refuse the row or put U+FFFD there.",
        help: "Cut texts between characters, not between UTF-16 units.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ByteOrderMark,
        name: "byte-order-mark",
        short: "A byte order mark before a row",
        full: "A row begins with U+FEFF. Many JSON readers refuse it, and in CSV it becomes \
              part of the first column's name.",
        help: "Write the file as UTF-8 without a mark.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ControlCharacter,
        name: "control-character",
        short: "A control character in text",
        full: "A text has a control character other than tab, line feed and carriage \
              return.",
        help: "Often the rest of a lost backslash (a form feed from `\\frac`) or of a \
              terminal's colours: repair or remove it.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::NulCharacter,
        name: "nul-character",
        short: "A NUL in text",
        full: "A text has the character U+0000, at which programs in C end it.",
        help: "Remove it; whole runs of them are a sign of a file that was not written to \
              its end.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::LineSeparator,
        name: "line-separator",
        short: "A line break within a row",
        full: "A row has a carriage return that is no part of its line end, or U+2028 or U+2029 as it is. Many programs end the line there.",
        help: "Write it as an escape, or remove it.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::MixedLineEnds,
        name: "mixed-line-ends",
        short: "Both kinds of line ends",
        full: "Some rows end with a line feed and some with a carriage return before it. \
              The rarer kind is counted.",
        help: "Write all rows with line feeds.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::MissingFinalNewline,
        name: "missing-final-newline",
        short: "No newline behind the last row",
        full: "The last row of a file has no line feed behind it. Appending to the file \
              would join two rows, and the row may be cut.",
        help: "Check the last row, and end it with a newline.",
        severity: Severity::Note,
    },
    Rule {
        id: RuleId::BlankLine,
        name: "blank-line",
        short: "A line without a row",
        full: "A line between rows has nothing but white space. Readers differ in whether \
              it is a row.",
        help: "Remove it.",
        severity: Severity::Note,
    },
    Rule {
        id: RuleId::EmptyRow,
        name: "empty-row",
        short: "A row without a value",
        full: "The row is `null`, an empty object, array or string, or a record whose \
              fields are all empty.",
        help: "Remove it.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::FieldCount,
        name: "field-count",
        short: "Another number of fields than the header",
        full: "A record has more or fewer fields than the header has names.",
        help: "Look for separators that are not quoted, and for a quote that swallowed a \
              newline.",
        severity: Severity::Error,
    },
    Rule {
        id: RuleId::StrayQuote,
        name: "stray-quote",
        short: "A quote where none may stand",
        full: "A quote stands in a field that is not quoted, or something follows the end \
              of a quoted one, or a quote is never closed (RFC 4180).",
        help: "Quote the field, and double the quotes in it.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::MissingKey,
        name: "missing-key",
        short: "A row without a key that nearly all have",
        full: "At least nine rows of ten have the key and this one has not.",
        help: "Give it the key, with `null` if there is nothing to say.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::UnexpectedKey,
        name: "unexpected-key",
        short: "A key that nearly no row has",
        full: "Of twenty rows or more, at most one in twenty has the key.",
        help: "Look for a misspelled key.",
        severity: Severity::Note,
    },
    Rule {
        id: RuleId::TypeDrift,
        name: "type-drift",
        short: "A column that changes its type",
        full: "Most rows have one type in this column and these have another. `null` has no \
              type. In CSV: fields that are no numbers where nineteen of twenty are.",
        help: "Write one type, or move the others to a column of their own.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::NullWord,
        name: "null-word",
        short: "A word for nothing among numbers",
        full: "In a column of numbers a field is a text such as `N/A`, `NULL`, `None` or `-`.",
        help: "Leave the field empty, or write `null`.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::EmptyField,
        name: "empty-field",
        short: "A field that is empty in few rows",
        full: "The field is `null`, empty or white space, while nineteen rows of twenty \
              have something there.",
        help: "Fill it, or remove the row.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::RepeatedField,
        name: "repeated-field",
        short: "Two fields with the same text",
        full: "Two columns of the row have the same text of 16 bytes or more.",
        help: "Look whether a column was copied into the wrong one.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ExtremeLength,
        name: "extreme-length",
        short: "A row far longer than the rest",
        full: "Of a hundred rows or more, it is over eight times as long as 99 of 100 are.",
        help: "Look whether documents were joined, or markup or data was taken for text.",
        severity: Severity::Note,
    },
    Rule {
        id: RuleId::RepeatedText,
        name: "repeated-text",
        short: "A text that ends in a loop",
        full: "The last 512 bytes or more of a text are the same piece over and over, at \
              least four times: what a model writes that cannot stop.",
        help: "Remove the row, or cut it before the loop.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ReplacementCharacter,
        name: "replacement-character",
        short: "U+FFFD in text",
        full: "A text has the character that stands for bytes somebody could not read.",
        help: "Go back to the source and read it in its own encoding.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::Mojibake,
        name: "mojibake",
        short: "UTF-8 that was read as Latin-1",
        full: "A text has characters that, as bytes of Latin-1 or Windows-1252, are one \
              character of UTF-8: `\u{c3}\u{a9}` for `\u{e9}`.",
        help: "Convert it back: encode as Windows-1252, decode as UTF-8.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ZeroWidth,
        name: "zero-width",
        short: "An invisible character",
        full: "A text has a zero-width space, a word joiner or a byte order mark within it, \
              or a zero-width joiner or non-joiner between ASCII characters.",
        help: "Remove it: it changes tokens and comparisons, and is used to mark texts.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::BidiControl,
        name: "bidi-control",
        short: "A character that turns the direction of text",
        full: "A text has an embedding, override or isolate of the Unicode bidirectional \
              algorithm (U+202A to U+202E, U+2066 to U+2069), with which text can be made to \
              look like another (CVE-2021-42574).",
        help: "Remove it unless the language needs it.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::TagCharacter,
        name: "tag-character",
        short: "An invisible tag character",
        full: "A text has a tag character (U+E0000 to U+E007F) outside of a flag. They are invisible, spell ASCII, and are used to hide instructions to a model.",
        help: "Remove them, and look at where the row comes from.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::SpecialToken,
        name: "special-token",
        short: "A token of a model's control in text",
        full: "A text has a marker such as `<|endoftext|>`, `[INST]`, `<end_of_turn>` or `</s>`, \
              which a tokenizer may read as control.",
        help: "Remove it: the trainer adds its own.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::UnbalancedFence,
        name: "unbalanced-fence",
        short: "A code fence that is not closed",
        full: "A text opens a fenced block of code (three backticks or more at the \
              beginning of a line) and does not close it.",
        help: "Close it, or look whether the text was cut.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::UnbalancedThink,
        name: "unbalanced-think",
        short: "A think tag without its other half",
        full: "`<think>` and `</think>` (or `thinking`, `reasoning`) of a text do not pair: \
              one is not closed, not opened, or within another.",
        help: "Repair the pair, or look whether the text was cut.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ThinkingOnly,
        name: "thinking-only",
        short: "Thinking without an answer",
        full: "A text ends with the end of a think tag: nothing follows the thinking.",
        help: "Add the answer, or remove the row.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::HtmlMarkup,
        name: "html-markup",
        short: "HTML in text",
        full: "A text has common tags or entities of HTML.",
        help: "Convert it to text or Markdown, if it is not meant to be code.",
        severity: Severity::Note,
    },
    Rule {
        id: RuleId::AssistantBoilerplate,
        name: "assistant-boilerplate",
        short: "An assistant speaking of itself",
        full: "A text has a phrase such as `As an AI language model`.",
        help: "Remove the row, if a model is not to learn to say that.",
        severity: Severity::Note,
    },
    Rule {
        id: RuleId::Secret,
        name: "secret",
        short: "A key or token",
        full: "A text has something in the form of a secret: AWS, GitHub, GitLab, Slack, \
              Google, Stripe, Hugging Face, OpenAI or Anthropic keys, a private key, or a \
              JSON web token. It is shown masked.",
        help: "Revoke it, then remove it from the data and its history.",
        severity: Severity::Error,
    },
    Rule {
        id: RuleId::PossibleSecret,
        name: "possible-secret",
        short: "A value that may be a secret",
        full: "A name such as `api_key`, `secret` or `password` is given a value of 16 \
              characters or more that looks random. It is shown masked.",
        help: "Look at it; revoke and remove it if it is one.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::EmailAddress,
        name: "email-address",
        short: "An e-mail address",
        full: "A text has an e-mail address. It is shown masked.",
        help: "Remove or replace it, if it is that of a person.",
        severity: Severity::Note,
    },
    Rule {
        id: RuleId::PhoneNumber,
        name: "phone-number",
        short: "A telephone number",
        full: "A text has a telephone number in international form. It is shown masked.",
        help: "Remove or replace it, if it is that of a person.",
        severity: Severity::Note,
    },
    Rule {
        id: RuleId::ChatShape,
        name: "chat-shape",
        short: "A chat that is not written as one",
        full: "`messages` or `conversations` is empty or a text, or a message is no object, \
              has no role or no content, or says `from` where others say `role`.",
        help: "Write each message as an object with a role and a content.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ChatRoleUnknown,
        name: "chat-role-unknown",
        short: "A role that no template knows",
        full: "A message has a role other than system, developer, user, human, assistant, \
              gpt, model, tool and the like.",
        help: "Use the roles of the chat template.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ChatRoleOrder,
        name: "chat-role-order",
        short: "Messages out of order",
        full: "A system message stands behind others, an assistant speaks first, or two \
              messages of the system, the user or the assistant follow each other, channels of \
              one answer aside. Most chat templates refuse that.",
        help: "Join or reorder the messages.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ChatNoAnswer,
        name: "chat-no-answer",
        short: "A chat without a last answer",
        full: "The chat does not end with the assistant, so that there is nothing to learn \
              from its end.",
        help: "Cut it behind the last answer.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ChatEmptyContent,
        name: "chat-empty-content",
        short: "A message or an answer that is empty",
        full: "A message without a tool call has no text, or an instruction, prompt, \
              output, completion or response is empty.",
        help: "Remove the message or the row.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::PreferencePair,
        name: "preference-pair",
        short: "A pair of answers that teaches nothing",
        full: "Of `chosen` and `rejected` one is empty, both are the same, or as chats they have other roles or answer other prompts.",
        help: "Remove the row, or repair the pair.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ToolArguments,
        name: "tool-arguments",
        short: "Arguments of a tool call that are not JSON",
        full: "The `arguments` of a function call are a text that is not a JSON object.",
        help: "Write the arguments as the text of a JSON object.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ToolCallUnanswered,
        name: "tool-call-unanswered",
        short: "A tool call without a result",
        full: "A tool call is followed by something else than its result. One that ends the \
              chat is waiting for it, and is let be.",
        help: "Add the result, with the id of the call.",
        severity: Severity::Warning,
    },
    Rule {
        id: RuleId::ToolResultUnasked,
        name: "tool-result-unasked",
        short: "A tool result without a call",
        full: "A tool result has the id of no call before it, or of one that was answered.",
        help: "Add the call, or repair the id.",
        severity: Severity::Warning,
    },
];
