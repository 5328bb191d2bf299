//! Rules of text: what may stand in a row, whatever the row's format.

use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;
use crate::inspect::lint::checks::contacts;
use crate::inspect::lint::checks::secrets::secret;
use crate::inspect::lint::checks::unicode::each_odd;
use crate::inspect::lint::checks::whole_text::ThinkFault;
use crate::inspect::lint::checks::whole_text::looping;
use crate::inspect::lint::checks::whole_text::only_thinks;
use crate::inspect::lint::checks::whole_text::open_fence;
use crate::inspect::lint::checks::whole_text::think_fault;
use crate::inspect::lint::scan::excerpt::excerpt;
use crate::inspect::lint::scan::excerpt::masked;
use crate::inspect::lint::scan::excerpt::masked_contact;
use crate::inspect::lint::scan::findings::Findings;
use crate::inspect::lint::scan::markers::Marker;
use crate::inspect::lint::scan::markers::Markers;

/// The rules of text that are on.
#[derive(Debug)]
pub(in crate::inspect::lint) struct TextChecks {
    markers: Markers,
    unicode: bool,
    signs: bool,
}

/// A text of a row.
#[derive(Clone, Copy)]
pub(in crate::inspect::lint) struct Piece<'a> {
    /// The row.
    pub(in crate::inspect::lint) row: &'a [u8],
    /// The text.
    pub(in crate::inspect::lint) text: &'a [u8],
    /// Where in the row it stands.
    pub(in crate::inspect::lint) at: usize,
    /// Whether it stands there as it is, or was made from what does by taking escapes out of it.
    pub(in crate::inspect::lint) is_raw: bool,
}

/// What there may be in some string of the row, which must be seen as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::inspect::lint) struct Suspects {
    pub(in crate::inspect::lint) fence: bool,
    pub(in crate::inspect::lint) think: bool,
}

impl TextChecks {
    pub(in crate::inspect::lint) fn new(options: &LintOptions) -> Self {
        Self {
            markers: Markers::new(options),
            unicode: options.any(&[
                RuleId::ControlCharacter,
                RuleId::ReplacementCharacter,
                RuleId::Mojibake,
                RuleId::ZeroWidth,
                RuleId::BidiControl,
                RuleId::TagCharacter,
                RuleId::LineSeparator,
            ]),
            signs: options.any(&[
                RuleId::EmailAddress,
                RuleId::PhoneNumber,
                RuleId::SpecialToken,
            ]),
        }
    }

    /// Looks at everything that does not need strings to be apart.
    pub(in crate::inspect::lint) fn look(
        &self,
        piece: Piece<'_>,
        found: &mut Findings,
    ) -> Suspects {
        let mut suspects = Suspects::default();
        self.markers.each(piece.text, |marker, at| match marker {
            Marker::Fence => suspects.fence = true,
            Marker::Think => suspects.think = true,
            Marker::Special => {
                piece.tell(
                    found,
                    RuleId::SpecialToken,
                    at,
                    "a marker of a chat template",
                );
            }
            Marker::Html => piece.tell(found, RuleId::HtmlMarkup, at, "markup of HTML"),
            Marker::Boilerplate => piece.tell(
                found,
                RuleId::AssistantBoilerplate,
                at,
                "an assistant speaks of itself",
            ),
            Marker::Secret | Marker::PrivateKey | Marker::WebToken => {
                hidden(piece, marker, at, RuleId::Secret, found);
            }
            Marker::SecretName => hidden(piece, marker, at, RuleId::PossibleSecret, found),
        });
        if self.signs {
            signs(piece, found);
        }
        if self.unicode && !piece.text.is_ascii() {
            each_odd(piece.text, |rule, at, code| {
                odd(piece, rule, at, code, found)
            });
        }
        suspects
    }
}

/// Control characters, in a text that is not JSON any more.
pub(in crate::inspect::lint) fn control(piece: Piece<'_>, found: &mut Findings) {
    let is_odd = |b: &u8| matches!(b, 0..=8 | 0xb | 0xc | 0xe..=0x1f | 0x7f);
    // Whole rows have none, mostly.
    if !piece.text.iter().fold(false, |any, b| any | is_odd(b)) {
        return;
    }
    for (at, byte) in piece.text.iter().enumerate().filter(|(_, b)| is_odd(b)) {
        match byte {
            0 => piece.tell(found, RuleId::NulCharacter, at, "the character U+0000"),
            _ => odd(piece, RuleId::ControlCharacter, at, u32::from(*byte), found),
        }
    }
}

/// What pairs must close in one string, and whether it ends in a loop.
pub(in crate::inspect::lint) fn whole(piece: Piece<'_>, suspects: Suspects, found: &mut Findings) {
    if suspects.fence
        && let Some(at) = open_fence(piece.text)
    {
        piece.tell(
            found,
            RuleId::UnbalancedFence,
            at,
            "a code fence that is not closed",
        );
    }
    if suspects.think
        && let Some((at, fault)) = think_fault(piece.text)
    {
        let message = match fault {
            ThinkFault::Open => "a think tag that is not closed",
            ThinkFault::Stray => "the end of a think tag that is not open",
            ThinkFault::Nested => "a think tag within another",
        };
        piece.tell(found, RuleId::UnbalancedThink, at, message);
    }
    if suspects.think
        && let Some(at) = only_thinks(piece.text)
    {
        let message = "nothing follows the thinking";
        piece.tell(found, RuleId::ThinkingOnly, at, message);
    }
}

/// Whether one string ends in a loop.
pub(in crate::inspect::lint) fn repeated(piece: Piece<'_>, found: &mut Findings) {
    if let Some(period) = looping(piece.text) {
        let at = piece.text.len().saturating_sub(512);
        let (rule, at) = (RuleId::RepeatedText, piece.at + at);
        found.tell(rule, piece.row, at, || {
            format!("the text ends with the same {period} bytes over and over")
        });
    }
}

impl Piece<'_> {
    fn tell(&self, found: &mut Findings, rule: RuleId, at: usize, message: &str) {
        self.tell_shown(
            found,
            rule,
            at,
            || message.to_owned(),
            || excerpt(self.text, at),
        );
    }

    fn tell_shown(
        &self,
        found: &mut Findings,
        rule: RuleId,
        at: usize,
        message: impl FnOnce() -> String,
        shown: impl FnOnce() -> String,
    ) {
        // Where in the row a character stands that is written as an escape is not known exactly.
        let at = if self.is_raw { self.at + at } else { self.at };
        found.tell_shown(rule, self.row, at, message, shown);
    }
}

fn odd(piece: Piece<'_>, rule: RuleId, at: usize, code: u32, found: &mut Findings) {
    // As an escape it ends no line.
    if rule == RuleId::LineSeparator && !piece.is_raw {
        return;
    }
    let message = || match rule {
        RuleId::Mojibake => "characters that are UTF-8 read as Windows-1252".to_owned(),
        _ => format!("the character U+{code:04X}"),
    };
    piece.tell_shown(found, rule, at, message, || excerpt(piece.text, at));
}

/// `<|name|>`, of which the first bar is here.
fn special(piece: Piece<'_>, bar: usize, found: &mut Findings) {
    let is_opened = piece
        .text
        .get(..bar)
        .is_some_and(|b| b.last() == Some(&b'<'));
    let rest = piece.text.get(bar + 1..).unwrap_or_default();
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(**b, b'_' | b'-');
    let name = rest.iter().take(40).take_while(is_name).count();
    let is_closed = rest.get(name..).is_some_and(|r| r.starts_with(b"|>"));
    if is_opened && name > 0 && is_closed {
        piece.tell(
            found,
            RuleId::SpecialToken,
            bar - 1,
            "a token of a model's control",
        );
    }
}

fn hidden(piece: Piece<'_>, marker: Marker, at: usize, rule: RuleId, found: &mut Findings) {
    if !found.wants(rule) {
        return;
    }
    if let Some(one) = secret(marker, piece.text, at) {
        let text = piece.text.get(one.start..one.end).unwrap_or_default();
        piece.tell_shown(
            found,
            rule,
            one.start,
            || one.name.to_owned(),
            || masked(text),
        );
    }
}

/// What is known by one character.
fn signs(piece: Piece<'_>, found: &mut Findings) {
    let text = piece.text;
    for at in memchr::memchr3_iter(b'@', b'+', b'|', text) {
        let (rule, span, message) = match text.get(at) {
            Some(b'|') => {
                special(piece, at, found);
                continue;
            }
            Some(b'@') => (
                RuleId::EmailAddress,
                contacts::email(text, at),
                "an e-mail address",
            ),
            _ => (
                RuleId::PhoneNumber,
                contacts::phone(text, at).map(|end| (at, end)),
                "a telephone number",
            ),
        };
        if let Some((start, end)) = span {
            let shown = || masked_contact(text.get(start..end).unwrap_or_default());
            piece.tell_shown(found, rule, start, || message.to_owned(), shown);
        }
    }
}
