//! The options that say how text is read. They override the format found at the front of a file.

use clap::Args;
use clap::ValueEnum;

use crate::cli::exit::Failure;
use crate::inspect::ReadOptions;
use crate::inspect::TextEncoding;
use crate::inspect::tokens::Encoding;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "How text is read")]
pub(crate) struct ReadingArgs {
    /// The separator of CSV fields: one character, or `tab`
    #[arg(long, global = true, value_name = "C", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// The quote of CSV fields: one character, or `none`
    #[arg(long, global = true, value_name = "C", value_parser = parse_quote)]
    quote: Option<Quote>,
    /// Yes if the first record of CSV names the columns
    #[arg(long, global = true, value_name = "yes|no")]
    header: Option<Header>,
    /// The encoding of characters: utf-8, utf-16le, utf-16be, latin-1, windows-1252; for `tokens`
    /// also the encoding of tokens: o200k_base (the default), cl100k_base
    #[arg(long, global = true, value_name = "NAME", value_parser = parse_encoding)]
    encoding: Vec<AnyEncoding>,
    /// Verify the checksums of Parquet pages; `lint` always does
    #[arg(long, global = true)]
    verify: bool,
    /// Read files and datasets as if their edits were applied
    #[arg(long, global = true)]
    edits: bool,
}

/// The quote of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    Byte(u8),
    None,
}

/// The role of the first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Header {
    /// The first record names the columns
    Yes,
    /// The first record is a row
    No,
}

/// An encoding of characters, or of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnyEncoding {
    Text(TextEncoding),
    Tokens(Encoding),
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text {
        "tab" | "\\t" => Ok(b'\t'),
        _ => parse_mark(text),
    }
}

fn parse_quote(text: &str) -> Result<Quote, String> {
    match text {
        "" | "none" => Ok(Quote::None),
        _ => parse_mark(text).map(Quote::Byte),
    }
}

fn parse_mark(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(*byte),
        _ => Err("one character of ASCII, and no line end".to_owned()),
    }
}

fn parse_encoding(name: &str) -> Result<AnyEncoding, String> {
    if let Some(encoding) = TextEncoding::named(name) {
        return Ok(AnyEncoding::Text(encoding));
    }
    if let Some(encoding) = Encoding::named(name) {
        return Ok(AnyEncoding::Tokens(encoding));
    }
    let text = TextEncoding::ALL.iter().map(|e| e.name());
    let tokens = Encoding::ALL.iter().map(|e| e.name());
    let names: Vec<&str> = text.chain(tokens).collect();
    Err(format!("one of {}", names.join(", ")))
}

impl ReadingArgs {
    /// The options for files.
    ///
    /// # Errors
    /// [`Failure::Usage`] if separator and quote are equal.
    pub(crate) fn options(&self) -> Result<ReadOptions, Failure> {
        let quote = self.quote.map(|quote| match quote {
            Quote::Byte(byte) => Some(byte),
            Quote::None => None,
        });
        if self.delimiter.is_some() && quote == Some(self.delimiter) {
            return Err(Failure::usage("--delimiter and --quote are the same"));
        }
        let mut of_text = self.encoding.iter().filter_map(|e| match e {
            AnyEncoding::Text(encoding) => Some(*encoding),
            AnyEncoding::Tokens(_) => None,
        });
        Ok(ReadOptions {
            separator: self.delimiter,
            quote,
            has_header: self.header.map(|header| header == Header::Yes),
            encoding: of_text.next_back(),
            verify: self.verify,
        })
    }

    /// True if targets are read with their edits.
    pub(super) fn has_edits(&self) -> bool {
        self.edits
    }

    /// The encoding for tokens, if an option names one.
    pub(super) fn token_encoding(&self) -> Option<Encoding> {
        let mut of_tokens = self.encoding.iter().filter_map(|e| match e {
            AnyEncoding::Tokens(encoding) => Some(*encoding),
            AnyEncoding::Text(_) => None,
        });
        of_tokens.next_back()
    }
}
