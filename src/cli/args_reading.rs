//! How text is read, where a person knows better than what its front says.

use clap::Args;
use clap::ValueEnum;

use crate::cli::args::Cli;
use crate::cli::args::Command;
use crate::cli::exit::Failure;
use crate::inspect::ReadOptions;
use crate::inspect::TextEncoding;
use crate::inspect::tokens::Encoding;

#[derive(Debug, Default, Args)]
#[command(next_help_heading = "How text is read")]
pub(crate) struct ReadingArgs {
    /// What stands between the fields of CSV: one character, or `tab`
    #[arg(long, global = true, value_name = "C", value_parser = delimiter)]
    pub delimiter: Option<u8>,
    /// What quotes the fields of CSV: one character, or `none`
    #[arg(long, global = true, value_name = "C", value_parser = quote)]
    pub quote: Option<Quote>,
    /// Whether the first record of CSV names the columns
    #[arg(long, global = true, value_name = "yes|no")]
    pub header: Option<Header>,
    /// How characters are written: utf-8, utf-16le, utf-16be, latin-1, windows-1252; for `tokens`
    /// also how tokens are counted: o200k_base (the default), cl100k_base
    #[arg(long, global = true, value_name = "NAME", value_parser = encoding)]
    pub encoding: Vec<AnyEncoding>,
    /// Compare the checksums of Parquet pages; `lint` always does
    #[arg(long, global = true)]
    pub verify: bool,
}

/// What quotes fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quote {
    Byte(u8),
    None,
}

/// Whether there is a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Header {
    /// The first record names the columns
    Yes,
    /// The first record is a row
    No,
}

/// An encoding of characters, or of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnyEncoding {
    Text(TextEncoding),
    Tokens(Encoding),
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "tab" | "\\t" => Ok(b'\t'),
        _ => mark(text),
    }
}

fn quote(text: &str) -> Result<Quote, String> {
    match text {
        "" | "none" => Ok(Quote::None),
        _ => mark(text).map(Quote::Byte),
    }
}

fn mark(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(*byte),
        _ => Err("one character of ASCII, and no line end".to_owned()),
    }
}

fn encoding(name: &str) -> Result<AnyEncoding, String> {
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

/// What was said of how files are read.
pub(crate) fn reading(cli: &Cli) -> Result<ReadOptions, Failure> {
    let Command::Inspect { reading, .. } = &cli.command else {
        return Ok(ReadOptions::default());
    };
    let quote = reading.quote.map(|quote| match quote {
        Quote::Byte(byte) => Some(byte),
        Quote::None => None,
    });
    if reading.delimiter.is_some() && quote == Some(reading.delimiter) {
        return Err(Failure::usage("--delimiter and --quote are the same"));
    }
    let mut of_text = reading.encoding.iter().filter_map(|e| match e {
        AnyEncoding::Text(encoding) => Some(*encoding),
        AnyEncoding::Tokens(_) => None,
    });
    Ok(ReadOptions {
        separator: reading.delimiter,
        quote,
        has_header: reading.header.map(|header| header == Header::Yes),
        encoding: of_text.next_back(),
        verify: reading.verify,
    })
}

/// How tokens are counted, where that was said.
pub(crate) fn token_encoding(cli: &Cli) -> Option<Encoding> {
    let Command::Inspect { reading, .. } = &cli.command else {
        return None;
    };
    let mut of_tokens = reading.encoding.iter().filter_map(|e| match e {
        AnyEncoding::Tokens(encoding) => Some(*encoding),
        AnyEncoding::Text(_) => None,
    });
    of_tokens.next_back()
}
