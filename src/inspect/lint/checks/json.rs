//! Checks of one JSON row: one walk over its events, and a look at each string.

use crate::inspect::json::Event;
use crate::inspect::json::KeyCheck;
use crate::inspect::json::Reason;
use crate::inspect::json::ScanError;
use crate::inspect::json::Scanner;
use crate::inspect::json::Span;
use crate::inspect::json::Text;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::checks::chat;
use crate::inspect::lint::checks::chat::Chats;
use crate::inspect::lint::checks::columns::LintColumns;
use crate::inspect::lint::checks::columns::ValueType;
use crate::inspect::lint::checks::columns::is_null_word;
use crate::inspect::lint::checks::preference_pairs;
use crate::inspect::lint::checks::text::Suspects;
use crate::inspect::lint::checks::text::TextChecks;
use crate::inspect::lint::checks::text::TextPiece;
use crate::inspect::lint::checks::text::control;
use crate::inspect::lint::checks::text::repeated;
use crate::inspect::lint::checks::text::whole;
use crate::inspect::lint::checks::whole_text::is_blank;
use crate::inspect::lint::scan::escapes::has_odd_escape;
use crate::inspect::lint::scan::findings::Findings;
use crate::inspect::table::each_at;
use crate::wire::limits::LINT_COLUMNS_MAX;

/// Least length of a text that must not repeat in a row, and number of fields compared.
const REPEATED_BYTES: usize = 16;
const REPEATED_FIELDS: usize = 64;

/// Checker of JSON rows that reuses its memory.
#[derive(Debug, Default)]
pub(in crate::inspect::lint) struct JsonRows {
    keys: KeyCheck,
    chats: Chats,
    members: Vec<RowMember>,
    /// Unescaped content of a string or key.
    content: String,
    bytes: Vec<u8>,
}

/// A member of the row's object.
#[derive(Clone, Copy, Debug)]
struct RowMember {
    key: Span,
    is_escaped: bool,
    value: Span,
    of: ValueType,
    is_blank: bool,
}

/// Selection of the checks of a row.
#[derive(Clone, Copy)]
pub(in crate::inspect::lint) struct RowChecks<'a> {
    pub(in crate::inspect::lint) checks: &'a TextChecks,
    /// Columns whose text is checked; all if empty.
    pub(in crate::inspect::lint) columns: &'a [String],
}

/// Selection of the strings and their checks.
struct StringChecks<'a> {
    suspects: Suspects,
    /// True if some escape of the row stands for an odd character.
    has_odd_escape: bool,
    checks: &'a TextChecks,
    /// Parts of the row to check; `None` for all of it.
    regions: Option<Vec<Span>>,
}

impl JsonRows {
    /// Checks a row.
    pub(in crate::inspect::lint) fn check(
        &mut self,
        text: &[u8],
        wanted: RowChecks<'_>,
        columns: &mut LintColumns,
        found: &mut Findings,
    ) {
        let mut strings = StringChecks {
            suspects: Suspects::default(),
            has_odd_escape: has_odd_escape(text),
            checks: wanted.checks,
            regions: (!wanted.columns.is_empty()).then(|| regions(text, wanted.columns)),
        };
        strings.look(text, found);
        match self.walk(text, &strings, found) {
            Ok(is_empty) => {
                if is_empty {
                    found.record(RuleId::EmptyRow, text, 0, || "an empty row".to_owned());
                }
                self.enter(text, columns, found);
            }
            Err(error) => match nan_at(text) {
                Some((at, word)) => found.record(RuleId::NanNumber, text, at, || {
                    format!("`{word}` is no number in JSON")
                }),
                None => malformed(text, error, found),
            },
        }
        self.name_columns(text, found);
    }

    /// Walks over the events of a row; true if the row has no content.
    fn walk(
        &mut self,
        text: &[u8],
        strings: &StringChecks<'_>,
        found: &mut Findings,
    ) -> Result<bool, ScanError> {
        self.members.clear();
        self.keys.begin();
        let mut scanner = Scanner::new(text);
        let (mut events, mut is_empty) = (0_u64, true);
        // Members beyond the limit are walked, but not compared.
        let mut is_kept = true;
        while let Some(event) = scanner.next_event()? {
            let at = scanner.token_at();
            if let Some(key) = self.keys.event(text, &event, at) {
                found.record(RuleId::DuplicateKey, text, key.start, || {
                    "a key that the object already has".to_owned()
                });
            }
            let mut level = scanner.depth();
            let of = match event {
                Event::Key(key) => {
                    if level == 1 {
                        is_kept = self.members.len() < LINT_COLUMNS_MAX;
                    }
                    if level == 1 && is_kept {
                        self.members.push(RowMember::of(key, at));
                    }
                    continue;
                }
                Event::ObjectEnd | Event::ArrayEnd => {
                    if level == 1 && is_kept {
                        self.end_member(scanner.at());
                    }
                    events += 1;
                    continue;
                }
                Event::Object | Event::Array => {
                    level -= 1;
                    if matches!(event, Event::Object) {
                        ValueType::Object
                    } else {
                        ValueType::Array
                    }
                }
                Event::String(content) => {
                    self.string(text, at + 1, content, strings, found);
                    ValueType::Text
                }
                Event::Number(_) => ValueType::Number,
                Event::Bool(_) => ValueType::Bool,
                Event::Null => ValueType::Null,
            };
            events += 1;
            let is_blank = match event {
                Event::Null => true,
                Event::String(content) => content.raw.len() <= 64 && is_blank(content.raw),
                _ => false,
            };
            is_empty &= is_blank || matches!(of, ValueType::Array | ValueType::Object);
            if level == 1
                && is_kept
                && let Some(member) = self.members.last_mut()
            {
                member.value = Span {
                    start: at,
                    end: scanner.at(),
                };
                member.of = of;
                member.is_blank = is_blank;
            }
        }
        Ok(is_empty && events <= 2)
    }

    fn end_member(&mut self, end: usize) {
        if let Some(member) = self.members.last_mut() {
            member.value.end = end;
        }
    }

    /// Checks one string whose content starts at `at`.
    fn string(
        &mut self,
        row: &[u8],
        at: usize,
        content: Text<'_>,
        strings: &StringChecks<'_>,
        found: &mut Findings,
    ) {
        if !strings.covers(at) {
            return;
        }
        let mut piece = TextPiece {
            row,
            text: content.raw,
            at,
            is_raw: true,
        };
        repeated(piece, found);
        let is_odd = strings.has_odd_escape && content.is_escaped && has_odd_escape(content.raw);
        if !is_odd && strings.suspects == Suspects::default() {
            return;
        }
        if content.is_escaped {
            if let Err(lone) = content.content_into(&mut self.bytes) {
                found.record(RuleId::LoneSurrogate, row, at + lone.at, || {
                    format!("\\u{:04x} is a lone surrogate", lone.unit)
                });
            }
            piece.text = &self.bytes;
            piece.is_raw = false;
        }
        let mut suspects = strings.suspects;
        if is_odd {
            let more = strings.checks.look(piece, found);
            suspects.fence |= more.fence;
            suspects.think |= more.think;
            control(piece, found);
        }
        whole(piece, suspects, found);
    }

    /// Records the members of a valid row in the columns.
    fn enter(&mut self, text: &[u8], columns: &mut LintColumns, found: &mut Findings) {
        columns.begin_row();
        for member in &self.members {
            let (raw, is_escaped) = (member.key.of(text), member.is_escaped);
            let name = if is_escaped {
                let _ = Text { raw, is_escaped }.unescape_into(&mut self.content);
                self.content.as_bytes()
            } else {
                raw
            };
            let (row, at) = (found.row(), member.value.start);
            if let Some(column) = columns.column_in_row(name) {
                columns.value(column, member.of, row, text, at);
                if member.is_blank {
                    columns.add_empty(column, row, text, at);
                }
                let value = member.value.of(text);
                let inner = value.get(1..value.len().saturating_sub(1));
                if member.of == ValueType::Text && inner.is_some_and(is_null_word) {
                    columns.add_placeholder(column, row, text, at);
                }
            }
            if chat::COLUMNS.contains(&name) {
                match member.of {
                    ValueType::Array => self.chats.check(text, member.value, found),
                    ValueType::Text if name == b"messages" => {
                        found.record(RuleId::ChatShape, text, at, || {
                            "`messages` is a text".to_owned()
                        });
                    }
                    _ => {}
                }
            }
        }
        columns.end_row(found.row(), text);
        self.prompts(text, found);
        self.preference(text, found);
        self.repeated_fields(text, found);
    }

    /// Checks rows of an instruction or prompt with its answer; neither may be empty.
    fn prompts(&self, text: &[u8], found: &mut Findings) {
        let one_of = |names: &[&[u8]]| {
            let mut members = self.members.iter();
            members.find(|m| names.contains(&m.key.of(text)))
        };
        let Some(asked) = one_of(&[b"instruction", b"prompt"]) else {
            return;
        };
        let Some(content) = one_of(&[b"output", b"completion", b"response"]) else {
            return;
        };
        for member in [asked, content].into_iter().filter(|m| m.is_blank) {
            found.record(RuleId::ChatEmptyContent, text, member.value.start, || {
                let which = String::from_utf8_lossy(member.key.of(text));
                format!("`{which}` says nothing")
            });
        }
    }

    /// Checks rows of a preferred and a rejected answer.
    fn preference(&self, text: &[u8], found: &mut Findings) {
        let member = |name: &[u8]| self.members.iter().find(|m| m.key.of(text) == name);
        let (Some(chosen), Some(rejected)) = (member(b"chosen"), member(b"rejected")) else {
            return;
        };
        if let Some(fault) = preference_pairs::fault(chosen.value.of(text), rejected.value.of(text))
        {
            let at = rejected.value.start;
            found.record(RuleId::PreferencePair, text, at, || fault.to_owned());
        }
    }

    fn repeated_fields(&self, text: &[u8], found: &mut Findings) {
        if !found.wants(RuleId::RepeatedField) {
            return;
        }
        let long = |m: &&RowMember| {
            m.of == ValueType::Text && m.value.of(text).len() >= REPEATED_BYTES + 2
        };
        let fields = || self.members.iter().filter(long).take(REPEATED_FIELDS);
        for (n, member) in fields().enumerate() {
            let value = member.value.of(text);
            let before = fields().take(n).find(|m| m.value.of(text) == value);
            if let Some(before) = before {
                found.record(RuleId::RepeatedField, text, member.value.start, || {
                    let other = String::from_utf8_lossy(before.key.of(text));
                    format!("the same text as in `{other}`")
                });
                return;
            }
        }
    }

    /// Adds the column names to the examples of the row.
    fn name_columns(&self, text: &[u8], found: &mut Findings) {
        for example in found.of_row() {
            let at = example.at;
            let holds = |m: &&RowMember| m.value.start <= at && at < m.value.end;
            let member = self.members.iter().find(holds);
            example.column = member.map(|m| {
                let raw = m.key.of(text);
                let short = raw.get(..raw.len().min(256)).unwrap_or_default();
                String::from_utf8_lossy(short).into_owned()
            });
        }
    }
}

impl RowMember {
    fn of(key: Text<'_>, at: usize) -> Self {
        let start = at + 1;
        Self {
            key: Span {
                start,
                end: start + key.raw.len(),
            },
            is_escaped: key.is_escaped,
            value: Span { start, end: start },
            of: ValueType::Null,
            is_blank: false,
        }
    }
}

impl StringChecks<'_> {
    /// Checks the raw text of the row.
    fn look(&mut self, row: &[u8], found: &mut Findings) {
        let all = [Span {
            start: 0,
            end: row.len(),
        }];
        for region in self.regions.as_deref().unwrap_or(&all) {
            let piece = TextPiece {
                row,
                text: region.of(row),
                at: region.start,
                is_raw: true,
            };
            let suspects = self.checks.look(piece, found);
            self.suspects.fence |= suspects.fence;
            self.suspects.think |= suspects.think;
        }
    }

    fn covers(&self, at: usize) -> bool {
        let Some(regions) = &self.regions else {
            return true;
        };
        let behind = regions.partition_point(|r| r.start <= at);
        let before = behind.checked_sub(1).and_then(|n| regions.get(n));
        before.is_some_and(|r| at < r.end)
    }
}

/// Returns the spans of the values of some columns, in ascending order.
fn regions(text: &[u8], columns: &[String]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut scanner = Scanner::new(text);
    if !matches!(scanner.next_event(), Ok(Some(Event::Object))) {
        return found;
    }
    // A key may repeat.
    while let Ok(Some(Event::Key(key))) = scanner.next_event() {
        let Ok(Some(value)) = scanner.skip_value() else {
            break;
        };
        for column in columns {
            if key.is(column) {
                found.push(value.span());
                continue;
            }
            let first = column.find(['.', '[']).unwrap_or(column.len());
            let (first, rest) = column.split_at_checked(first).unwrap_or((column, ""));
            if rest.is_empty() || !key.is(first) {
                continue;
            }
            let rest = rest.strip_prefix('.').unwrap_or(rest);
            let _ = each_at(value.raw, rest, &mut |inner| {
                let before = inner.as_ptr().addr() - value.raw.as_ptr().addr();
                let start = value.at + before;
                let end = start + inner.len();
                found.push(Span { start, end });
            });
        }
    }
    found.sort_unstable_by_key(|span| span.start);
    // Of nested spans, the outer one counts.
    let mut end = 0;
    found.retain(|span| {
        let is_outer = span.end > end;
        end = end.max(span.end);
        is_outer
    });
    found
}

/// Returns the first non-finite number of a row that is otherwise valid JSON.
fn nan_at(text: &[u8]) -> Option<(usize, String)> {
    let has_word = |word: &[u8]| memchr::memmem::find(text, word).is_some();
    if !has_word(b"NaN") && !has_word(b"Infinity") {
        return None;
    }
    let mut scanner = Scanner::with_nan(text);
    let mut first = None;
    while let Some(event) = scanner.next_event().ok()? {
        if let Event::Number(number) = event
            && number.raw.ends_with(b"N") | number.raw.ends_with(b"y")
        {
            let word = || String::from_utf8_lossy(number.raw).into_owned();
            first.get_or_insert_with(|| (scanner.token_at(), word()));
        }
    }
    first
}

fn malformed(text: &[u8], error: ScanError, found: &mut Findings) {
    let rule = match error.reason {
        Reason::Utf8 => RuleId::BadUtf8,
        _ => RuleId::MalformedJson,
    };
    found.record(rule, text, error.at, || error.reason.to_string());
}
