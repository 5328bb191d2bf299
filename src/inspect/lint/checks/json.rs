//! One row of JSON: one walk over its events, with a look at each string.

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
use crate::inspect::lint::checks::columns::Columns;
use crate::inspect::lint::checks::columns::Type;
use crate::inspect::lint::checks::columns::is_null_word;
use crate::inspect::lint::checks::preference_pairs;
use crate::inspect::lint::checks::text::Piece;
use crate::inspect::lint::checks::text::Suspects;
use crate::inspect::lint::checks::text::TextChecks;
use crate::inspect::lint::checks::text::control;
use crate::inspect::lint::checks::text::repeated;
use crate::inspect::lint::checks::text::whole;
use crate::inspect::lint::checks::whole_text::is_blank;
use crate::inspect::lint::scan::escapes::has_odd_escape;
use crate::inspect::lint::scan::findings::Findings;
use crate::inspect::table::each_at;
use crate::wire::limits::LINT_COLUMNS_MAX;

/// Bytes of a text from which on it should not stand in a row twice, and fields that are compared.
const REPEATED_BYTES: usize = 16;
const REPEATED_FIELDS: usize = 64;

/// Looks over rows of JSON, in memory that it keeps.
#[derive(Debug, Default)]
pub(in crate::inspect::lint) struct JsonRows {
    keys: KeyCheck,
    chats: Chats,
    members: Vec<Member>,
    /// What a string or a key says.
    said: String,
    bytes: Vec<u8>,
}

/// A member of the object that a row is.
#[derive(Clone, Copy, Debug)]
struct Member {
    key: Span,
    is_escaped: bool,
    value: Span,
    of: Type,
    is_blank: bool,
}

/// What a row is looked over for.
#[derive(Clone, Copy)]
pub(in crate::inspect::lint) struct Wanted<'a> {
    pub(in crate::inspect::lint) checks: &'a TextChecks,
    /// Columns whose text is looked at; none for all.
    pub(in crate::inspect::lint) columns: &'a [String],
}

/// What strings are looked at for, and which.
struct Strings<'a> {
    suspects: Suspects,
    /// Some string of the row has an escape that says something odd.
    has_odd_escape: bool,
    checks: &'a TextChecks,
    /// Parts of the row outside of which nothing is looked at; none for all of it.
    regions: Option<Vec<Span>>,
}

impl JsonRows {
    /// Looks over a row.
    pub(in crate::inspect::lint) fn check(
        &mut self,
        text: &[u8],
        wanted: Wanted<'_>,
        columns: &mut Columns,
        found: &mut Findings,
    ) {
        let mut strings = Strings {
            suspects: Suspects::default(),
            has_odd_escape: has_odd_escape(text),
            checks: wanted.checks,
            regions: (!wanted.columns.is_empty()).then(|| regions(text, wanted.columns)),
        };
        strings.look(text, found);
        match self.walk(text, &strings, found) {
            Ok(is_empty) => {
                if is_empty {
                    found.tell(RuleId::EmptyRow, text, 0, || "an empty row".to_owned());
                }
                self.enter(text, columns, found);
            }
            Err(error) => match nan_at(text) {
                Some((at, word)) => found.tell(RuleId::NanNumber, text, at, || {
                    format!("`{word}` is no number in JSON")
                }),
                None => malformed(text, error, found),
            },
        }
        self.name_columns(text, found);
    }

    /// Goes over the events of a row; whether there is nothing in it.
    fn walk(
        &mut self,
        text: &[u8],
        strings: &Strings<'_>,
        found: &mut Findings,
    ) -> Result<bool, ScanError> {
        self.members.clear();
        self.keys.begin();
        let mut scanner = Scanner::new(text);
        let (mut events, mut is_empty) = (0_u64, true);
        // Of more members than are compared, the rest is only walked over.
        let mut is_kept = true;
        while let Some(event) = scanner.next_event()? {
            let at = scanner.token_at();
            if let Some(key) = self.keys.event(text, &event, at) {
                found.tell(RuleId::DuplicateKey, text, key.start, || {
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
                        self.members.push(Member::of(key, at));
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
                        Type::Object
                    } else {
                        Type::Array
                    }
                }
                Event::String(said) => {
                    self.string(text, at + 1, said, strings, found);
                    Type::Text
                }
                Event::Number(_) => Type::Number,
                Event::Bool(_) => Type::Bool,
                Event::Null => Type::Null,
            };
            events += 1;
            let is_blank = match event {
                Event::Null => true,
                Event::String(said) => said.raw.len() <= 64 && is_blank(said.raw),
                _ => false,
            };
            is_empty &= is_blank || matches!(of, Type::Array | Type::Object);
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

    /// Looks at one string, whose inside begins at `at`.
    fn string(
        &mut self,
        row: &[u8],
        at: usize,
        said: Text<'_>,
        strings: &Strings<'_>,
        found: &mut Findings,
    ) {
        if !strings.covers(at) {
            return;
        }
        let mut piece = Piece {
            row,
            text: said.raw,
            at,
            is_raw: true,
        };
        repeated(piece, found);
        let is_odd = strings.has_odd_escape && said.is_escaped && has_odd_escape(said.raw);
        if !is_odd && strings.suspects == Suspects::default() {
            return;
        }
        if said.is_escaped {
            if let Err(lone) = said.said_into(&mut self.bytes) {
                found.tell(RuleId::LoneSurrogate, row, at + lone.at, || {
                    format!("\\u{:04x} is half a character", lone.unit)
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

    /// Enters the members of a row that is whole into the columns.
    fn enter(&mut self, text: &[u8], columns: &mut Columns, found: &mut Findings) {
        columns.begin_row();
        for member in &self.members {
            let (raw, is_escaped) = (member.key.of(text), member.is_escaped);
            let name = match is_escaped {
                false => raw,
                true => {
                    let _ = Text { raw, is_escaped }.unescape_into(&mut self.said);
                    self.said.as_bytes()
                }
            };
            let (row, at) = (found.row(), member.value.start);
            if let Some(column) = columns.enter(name) {
                columns.value(column, member.of, row, text, at);
                if member.is_blank {
                    columns.empty(column, row, text, at);
                }
                let value = member.value.of(text);
                let inner = value.get(1..value.len().saturating_sub(1));
                if member.of == Type::Text && inner.is_some_and(is_null_word) {
                    columns.nothing(column, row, text, at);
                }
            }
            if chat::COLUMNS.contains(&name) {
                match member.of {
                    Type::Array => self.chats.check(text, member.value, found),
                    Type::Text if name == b"messages" => {
                        found.tell(RuleId::ChatShape, text, at, || {
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

    /// Rows of an instruction or a prompt and what is answered, of which neither may be empty.
    fn prompts(&self, text: &[u8], found: &mut Findings) {
        let one_of = |names: &[&[u8]]| {
            let mut members = self.members.iter();
            members.find(|m| names.contains(&m.key.of(text)))
        };
        let Some(asked) = one_of(&[b"instruction", b"prompt"]) else {
            return;
        };
        let Some(said) = one_of(&[b"output", b"completion", b"response"]) else {
            return;
        };
        for member in [asked, said].into_iter().filter(|m| m.is_blank) {
            found.tell(RuleId::ChatEmptyContent, text, member.value.start, || {
                let which = String::from_utf8_lossy(member.key.of(text));
                format!("`{which}` says nothing")
            });
        }
    }

    /// Rows of two answers, of which one is to be preferred.
    fn preference(&self, text: &[u8], found: &mut Findings) {
        let member = |name: &[u8]| self.members.iter().find(|m| m.key.of(text) == name);
        let (Some(chosen), Some(rejected)) = (member(b"chosen"), member(b"rejected")) else {
            return;
        };
        if let Some(fault) = preference_pairs::fault(chosen.value.of(text), rejected.value.of(text))
        {
            let at = rejected.value.start;
            found.tell(RuleId::PreferencePair, text, at, || fault.to_owned());
        }
    }

    fn repeated_fields(&self, text: &[u8], found: &mut Findings) {
        if !found.wants(RuleId::RepeatedField) {
            return;
        }
        let long = |m: &&Member| m.of == Type::Text && m.value.of(text).len() >= REPEATED_BYTES + 2;
        let fields = || self.members.iter().filter(long).take(REPEATED_FIELDS);
        for (n, member) in fields().enumerate() {
            let value = member.value.of(text);
            let before = fields().take(n).find(|m| m.value.of(text) == value);
            if let Some(before) = before {
                found.tell(RuleId::RepeatedField, text, member.value.start, || {
                    let other = String::from_utf8_lossy(before.key.of(text));
                    format!("the same text as in `{other}`")
                });
                return;
            }
        }
    }

    /// Tells the row's examples which column they are in.
    fn name_columns(&self, text: &[u8], found: &mut Findings) {
        for example in found.of_row() {
            let at = example.at;
            let holds = |m: &&Member| m.value.start <= at && at < m.value.end;
            let member = self.members.iter().find(holds);
            example.column = member.map(|m| {
                let raw = m.key.of(text);
                let short = raw.get(..raw.len().min(256)).unwrap_or_default();
                String::from_utf8_lossy(short).into_owned()
            });
        }
    }
}

impl Member {
    fn of(key: Text<'_>, at: usize) -> Self {
        let start = at + 1;
        Self {
            key: Span {
                start,
                end: start + key.raw.len(),
            },
            is_escaped: key.is_escaped,
            value: Span { start, end: start },
            of: Type::Null,
            is_blank: false,
        }
    }
}

impl Strings<'_> {
    /// Looks at the row as it is written.
    fn look(&mut self, row: &[u8], found: &mut Findings) {
        let all = [Span {
            start: 0,
            end: row.len(),
        }];
        for region in self.regions.as_deref().unwrap_or(&all) {
            let piece = Piece {
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

/// Where the values of some columns stand, in their order.
fn regions(text: &[u8], columns: &[String]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut scanner = Scanner::new(text);
    if !matches!(scanner.next_event(), Ok(Some(Event::Object))) {
        return found;
    }
    // A key may stand there again and again.
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
    // Of those within each other, the outer one.
    let mut end = 0;
    found.retain(|span| {
        let is_outer = span.end > end;
        end = end.max(span.end);
        is_outer
    });
    found
}

/// The first number that is none of a row that is JSON besides.
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
    found.tell(rule, text, error.at, || error.reason.to_string());
}
