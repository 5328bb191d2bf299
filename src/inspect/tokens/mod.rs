//! Token counts of rows, in the public encodings of `OpenAI`'s models. The program includes their
//! vocabularies.
//!
//! Counting takes linear time for any text (van Antwerpen, Neubeck: "So many tokens, so little
//! time", 2024; the crate `bpe`). Text that looks like a special token, such as `<|endoftext|>`,
//! counts as ordinary text, because it comes from a dataset.

mod known;
mod merges;
mod pieces;
mod trie;
mod vocabulary;

use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::LazyLock;

use regex_automata::meta::Cache;

use crate::inspect::stats::LengthStats;
use crate::inspect::stats::Lengths;
use crate::inspect::table::Batch;
use crate::inspect::table::Batches;
use crate::inspect::table::Cell;
use crate::inspect::table::Row;
use crate::inspect::table::Scan;
use crate::inspect::table::Scratch;
use crate::inspect::table::StoredColumn;
use crate::inspect::table::StoredType;
use crate::inspect::table::TableError;
use crate::inspect::table::stored_text_into;
use crate::inspect::tokens::known::KnownCounts;
use crate::inspect::tokens::merges::Merges;
use crate::inspect::tokens::pieces::Pieces;
use crate::inspect::tokens::vocabulary::Vocabulary;
use crate::progress::Progress;

/// Tokenizer encoding: a vocabulary and its splitting rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// `cl100k_base`, of GPT-3.5 and GPT-4.
    Cl100kBase,
    /// `o200k_base`, of GPT-4o and later.
    #[default]
    O200kBase,
}

impl Encoding {
    /// All encodings.
    pub const ALL: [Self; 2] = [Self::Cl100kBase, Self::O200kBase];

    /// Name given by `OpenAI`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cl100kBase => "cl100k_base",
            Self::O200kBase => "o200k_base",
        }
    }

    /// Returns the encoding with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.name() == name)
    }

    /// Counts the tokens of a text. The first call unpacks the vocabulary.
    ///
    /// # Errors
    /// [`io::Error`] if the vocabulary in the program is damaged.
    pub fn count(self, text: &str) -> io::Result<u64> {
        let tokenizer = self.tokenizer()?;
        let pieces = tokenizer.pieces.of(text);
        let counts = pieces.map(|piece| tokenizer.merges.count(piece.as_bytes()) as u64);
        Ok(counts.sum())
    }

    /// Returns the tokens of a text: the id of each and its number of bytes, in order. The first call
    /// unpacks the vocabulary.
    ///
    /// # Errors
    /// As [`Encoding::count`].
    pub fn tokens(self, text: &str) -> io::Result<Vec<(u32, usize)>> {
        let tokenizer = self.tokenizer()?;
        let merges = &tokenizer.merges;
        let ids = tokenizer
            .pieces
            .of(text)
            .flat_map(|piece| merges.encode(piece.as_bytes()));
        Ok(ids.map(|id| (id, merges.token_bytes(id))).collect())
    }

    fn tokenizer(self) -> io::Result<&'static Tokenizer> {
        let loaded = match self {
            Self::Cl100kBase => &*CL100K_BASE,
            Self::O200kBase => &*O200K_BASE,
        };
        let copy = |e: &io::Error| io::Error::new(e.kind(), e.to_string());
        loaded.as_ref().map_err(copy)
    }
}

/// An encoding, ready to count.
struct Tokenizer {
    pieces: Pieces,
    merges: Merges,
}

impl Tokenizer {
    fn load(packed: &[u8], pattern: &str) -> io::Result<Self> {
        Ok(Self {
            pieces: Pieces::new(pattern)?,
            merges: Merges::of(Vocabulary::unpack(packed)?),
        })
    }
}

static CL100K_BASE: LazyLock<io::Result<Tokenizer>> = LazyLock::new(|| {
    let packed = include_bytes!("cl100k_base.merges.gz");
    Tokenizer::load(packed, pieces::CL100K_BASE)
});

static O200K_BASE: LazyLock<io::Result<Tokenizer>> = LazyLock::new(|| {
    let packed = include_bytes!("o200k_base.merges.gz");
    Tokenizer::load(packed, pieces::O200K_BASE)
});

/// Options of a token count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenOptions {
    /// Number of worker threads.
    pub threads: usize,
    /// Encoding of the tokens.
    pub encoding: Encoding,
    /// Columns to count; if empty, all strings of a row, without JSON keys.
    pub columns: Vec<String>,
}

/// Result of a token count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenReport {
    /// Number of rows; blank lines do not count in formats that ignore them.
    pub rows: u64,
    /// Total number of tokens.
    pub tokens: u64,
    /// Bytes of the counted text.
    pub bytes: u64,
    /// Number of rows that violate their format. The text before the error is counted.
    pub malformed: u64,
    /// Tokens per row: minimum, maximum, mean, quantiles and histogram; `None` without rows.
    pub per_row: Option<LengthStats>,
}

/// Counts the tokens of all rows.
///
/// # Errors
/// [`TableError`] of the first unreadable batch, in row order.
pub fn count_tokens(
    batches: &dyn Batches,
    options: &TokenOptions,
    progress: &dyn Progress,
) -> Result<TokenReport, TableError> {
    let mut report = TokenReport::default();
    let mut lengths = Lengths::default();
    let tokenizer = options.encoding.tokenizer()?;
    let scan = Scan {
        batches,
        threads: options.threads,
        progress,
    };
    scan.run(
        || Counter::new(tokenizer),
        |counter, batch| Ok(counter.batch(batch, &options.columns)),
        |made| {
            let made = made.value;
            report.rows += made.tokens.len() as u64;
            report.bytes += made.bytes;
            report.malformed += made.malformed;
            made.tokens.iter().for_each(|n| lengths.add(*n));
            Ok::<_, TableError>(ControlFlow::Continue(()))
        },
    )?;
    report.tokens = lengths.sum();
    report.per_row = lengths.stats(&QUANTILES);
    Ok(report)
}

/// Shares of the quantiles of tokens per row.
const QUANTILES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// State of one counting thread.
struct Counter {
    tokenizer: &'static Tokenizer,
    cache: Cache,
    /// Token counts of short pieces seen before, mostly words.
    known: KnownCounts,
    scratch: Scratch,
    text: Vec<u8>,
}

#[derive(Default)]
struct BatchTokens {
    tokens: Vec<u64>,
    bytes: u64,
    malformed: u64,
}

impl Counter {
    fn new(tokenizer: &'static Tokenizer) -> Self {
        Self {
            tokenizer,
            cache: tokenizer.pieces.cache(),
            known: KnownCounts::new(),
            scratch: Scratch::default(),
            text: Vec::new(),
        }
    }

    fn batch(&mut self, batch: &Batch, columns: &[String]) -> BatchTokens {
        let mut made = BatchTokens::default();
        let has_bytes = |s: &&Arc<[StoredColumn]>| s.iter().any(|c| c.stored == StoredType::Bytes);
        let stored = batch.stored().filter(has_bytes);
        for row in batch.rows() {
            self.text.clear();
            let is_whole = match stored {
                None => {
                    let (scratch, text) = (&mut self.scratch, &mut self.text);
                    batch.shape().text_into(row.text, columns, scratch, text)
                }
                Some(stored) => self.stored_text(&row, batch, columns, stored),
            };
            made.malformed += u64::from(!is_whole);
            made.bytes += self.text.len() as u64;
            let text = std::mem::take(&mut self.text);
            // Invalid UTF-8 counts as U+FFFD.
            made.tokens
                .push(self.count(&String::from_utf8_lossy(&text)));
            self.text = text;
        }
        made
    }

    /// Appends the text of a row, with binary data decoded from its stored strings.
    fn stored_text(
        &mut self,
        row: &Row<'_>,
        batch: &Batch,
        columns: &[String],
        stored: &[StoredColumn],
    ) -> bool {
        if columns.is_empty() {
            return stored_text_into(row.text, "", stored, &mut self.text);
        }
        let mut is_whole = true;
        for column in columns {
            let Some(cell) = batch.shape().cell(row.text, column, &mut self.scratch) else {
                continue;
            };
            if !self.text.is_empty() {
                self.text.push(b'\n');
            }
            match cell {
                Cell::Nested(raw) => {
                    is_whole &= stored_text_into(raw, column, stored, &mut self.text);
                }
                Cell::Text(text) => {
                    let is_bytes = |c: &&StoredColumn| c.path == *column;
                    let is_bytes = stored.iter().find(is_bytes).map(|c| c.stored);
                    if is_bytes == Some(StoredType::Bytes) {
                        let raw = [b"\"", text, b"\""].concat();
                        stored_text_into(&raw, column, stored, &mut self.text);
                    } else {
                        self.text.extend_from_slice(text)
                    }
                }
                other => self.text.extend_from_slice(other.bytes()),
            }
        }
        is_whole
    }

    /// Counts like [`Encoding::count`]: the sum over the pieces of the text.
    fn count(&mut self, text: &str) -> u64 {
        let (known, merges) = (&mut self.known, &self.tokenizer.merges);
        let pieces = self.tokenizer.pieces.of_with(&mut self.cache, text);
        let counts = pieces.map(|piece| {
            let piece = piece.as_bytes();
            known.count(piece, || merges.count(piece))
        });
        counts.map(|count| count as u64).sum()
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::inspect::table::LineTable;
    use crate::inspect::table::Selection;
    use crate::inspect::table::Shape;
    use crate::inspect::table::Table;
    use crate::progress::NoProgress;

    fn of(text: &[u8], options: &TokenOptions) -> TokenReport {
        let table = Arc::new(LineTable::new(Arc::new(text.to_vec()), Shape::Json));
        let batches = table.batches(&Selection::default()).unwrap();
        count_tokens(&*batches, options, &NoProgress).unwrap()
    }

    /// Counts published in the cookbook and the tests of tiktoken.
    #[test]
    fn token_counts_match_published_ones() {
        for (text, cl100k, o200k) in [
            ("", 0, 0),
            ("tiktoken is great!", 6, 6),
            ("antidisestablishmentarianism", 6, 6),
            ("2 + 2 = 4", 7, 7),
            ("お誕生日おめでとう", 9, 8),
            ("hello world", 2, 2),
        ] {
            assert_eq!(Encoding::Cl100kBase.count(text).unwrap(), cl100k, "{text}");
            assert_eq!(Encoding::O200kBase.count(text).unwrap(), o200k, "{text}");
        }
        // Text as any other, and not one token.
        assert_eq!(Encoding::Cl100kBase.count("<|endoftext|>").unwrap(), 7);
    }

    #[test]
    fn token_count_of_rows_counts_strings() {
        let text = b"{\"a\":\"hello world\",\"n\":12,\"b\":[\"hello world\"]}\n\n{\"a\":\"\"}\n{\"a\":\"hi\"";
        let options = |columns: &[&str], threads| TokenOptions {
            threads,
            encoding: Encoding::O200kBase,
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        };
        let all = of(text, &options(&[], 1));
        // Two and two, the newline between them, and one before the error.
        assert_eq!((all.rows, all.tokens, all.malformed), (3, 6, 1));
        assert_eq!(all.per_row.unwrap().max, 5);
        let only = of(text, &options(&["a"], 2));
        assert_eq!((only.rows, only.tokens), (3, 3));
    }

    #[test]
    fn what_is_kept_in_mind_is_right() {
        let data = include_str!("../../../tests/data/gsm8k/test.jsonl");
        for encoding in Encoding::ALL {
            let mut counter = Counter::new(encoding.tokenizer().unwrap());
            for line in data.lines().take(300) {
                assert_eq!(counter.count(line), encoding.count(line).unwrap());
            }
            for text in [
                "a\0",
                "a",
                "\0",
                "",
                "\0\0\0",
                "fifteen-bytes-x",
                "sixteen-bytes-xx",
            ] {
                assert_eq!(counter.count(text), encoding.count(text).unwrap());
            }
        }
    }

    /// A quadratic algorithm would not end.
    #[test]
    fn long_runs_are_counted() {
        for (unit, tokens) in [("a", 625_000), (" ", 39_063)] {
            let text = unit.repeat(5_000_000);
            assert_eq!(Encoding::Cl100kBase.count(&text).unwrap(), tokens);
        }
    }
}
