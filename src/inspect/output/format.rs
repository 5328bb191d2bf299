//! Output formats, and their choice by path or by input.

use crate::inspect::format::detect::Format;
use crate::inspect::table::Shape;

/// Output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Arrow IPC file.
    Arrow,
    /// Arrow IPC stream.
    ArrowStream,
    /// CSV (RFC 4180) with a header.
    Csv,
    /// JSON Lines.
    Jsonl,
    /// Apache Parquet with Snappy compression.
    Parquet,
    /// Texts of rows, one per line.
    Text,
    /// Tab-separated values with a header.
    Tsv,
}

impl OutputFormat {
    /// Returns the format for a path's extension.
    pub fn of_path(path: &str) -> Option<Self> {
        let (_, last) = path.rsplit_once('.')?;
        Some(match last.to_ascii_lowercase().as_str() {
            "arrow" | "ipc" => Self::Arrow,
            "arrows" => Self::ArrowStream,
            "csv" => Self::Csv,
            "jsonl" | "ndjson" | "jsonlines" => Self::Jsonl,
            "parquet" => Self::Parquet,
            "txt" | "text" => Self::Text,
            "tsv" | "tab" => Self::Tsv,
            _ => return None,
        })
    }

    /// Returns the format that preserves rows of this shape from a file of a format.
    pub fn preserving(format: Format, shape: &Shape) -> Self {
        match (format, shape) {
            (Format::Parquet, _) => Self::Parquet,
            (Format::ArrowFile, _) => Self::Arrow,
            (Format::ArrowStream, _) => Self::ArrowStream,
            (_, Shape::Delimited(header)) if header.separator == b'\t' => Self::Tsv,
            (_, Shape::Delimited(_)) => Self::Csv,
            (_, Shape::Json) => Self::Jsonl,
            (_, Shape::Text) => Self::Text,
        }
    }

    /// File name extension without a dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::ArrowStream => "arrows",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Text => "txt",
            Self::Tsv => "tsv",
        }
    }

    /// Returns true if the format has columns.
    pub fn has_columns(self) -> bool {
        !matches!(self, Self::Jsonl | Self::Text)
    }

    /// Returns true if the format has typed columns that accept decoded batches.
    pub fn is_columnar(self) -> bool {
        matches!(self, Self::Arrow | Self::ArrowStream | Self::Parquet)
    }
}
