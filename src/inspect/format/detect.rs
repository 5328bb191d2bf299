//! Format detection: binary formats by their first bytes, text formats by the file name extension.

/// Format of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Plain bytes, without rows.
    Bytes,
    /// JSON Lines: one JSON value per line.
    Jsonl,
    /// One JSON array; its elements are the rows.
    JsonArray,
    /// Comma-separated values (RFC 4180), or with another separator.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, the file form.
    ArrowFile,
    /// Arrow IPC, the stream form.
    ArrowStream,
}

/// Compression of a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// No compression.
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// Format and compression of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileFormat {
    /// Format of the rows.
    pub format: Format,
    /// Compression around it.
    pub compression: Compression,
}

impl FileFormat {
    /// Plain bytes without compression.
    pub const BYTES: Self = Self {
        format: Format::Bytes,
        compression: Compression::None,
    };

    /// Returns the format that the extensions of a path name; plain bytes if they name none.
    pub fn of_path(path: &str) -> Self {
        let ending = ending(path);
        let last = path.rsplit('.').next().unwrap_or_default();
        let format = match ending.text {
            Some(format) => format,
            None if last.eq_ignore_ascii_case("parquet") => Format::Parquet,
            None if ending.arrow => Format::ArrowFile,
            None => Format::Bytes,
        };
        Self {
            format,
            compression: ending.compression,
        }
    }

    /// Number of the format in file tables, per `spec/manifest.md`.
    pub const fn number(self) -> u8 {
        let format = match self.format {
            Format::Bytes => 0,
            Format::Jsonl => 1,
            Format::JsonArray => 2,
            Format::Csv => 3,
            Format::Tsv => 4,
            Format::Parquet => 5,
            Format::ArrowFile => 6,
            Format::ArrowStream => 7,
        };
        let compression = match self.compression {
            Compression::None => 0,
            Compression::Gzip => 1,
            Compression::Zstd => 2,
        };
        compression << 4 | format
    }

    /// Returns the format with a number; plain bytes for an unknown one.
    pub const fn from_number(number: u8) -> Self {
        let format = match number & 0x0f {
            1 => Format::Jsonl,
            2 => Format::JsonArray,
            3 => Format::Csv,
            4 => Format::Tsv,
            5 => Format::Parquet,
            6 => Format::ArrowFile,
            7 => Format::ArrowStream,
            _ => Format::Bytes,
        };
        let compression = match number >> 4 {
            0 => Compression::None,
            1 => Compression::Gzip,
            2 => Compression::Zstd,
            _ => return Self::BYTES,
        };
        Self {
            format,
            compression,
        }
    }

    /// Name of the format in tables.
    pub const fn name(self) -> &'static str {
        match (self.format, self.compression) {
            (Format::Bytes, _) => "bytes",
            (Format::Jsonl, Compression::None) => "jsonl",
            (Format::Jsonl, Compression::Gzip) => "jsonl.gz",
            (Format::Jsonl, Compression::Zstd) => "jsonl.zst",
            (Format::JsonArray, Compression::None) => "json",
            (Format::JsonArray, Compression::Gzip) => "json.gz",
            (Format::JsonArray, Compression::Zstd) => "json.zst",
            (Format::Csv, Compression::None) => "csv",
            (Format::Csv, Compression::Gzip) => "csv.gz",
            (Format::Csv, Compression::Zstd) => "csv.zst",
            (Format::Tsv, Compression::None) => "tsv",
            (Format::Tsv, Compression::Gzip) => "tsv.gz",
            (Format::Tsv, Compression::Zstd) => "tsv.zst",
            (Format::Parquet, _) => "parquet",
            (Format::ArrowFile, _) => "arrow",
            (Format::ArrowStream, _) => "arrow stream",
        }
    }
}

/// Format promised by a file name extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExtensionFormat {
    /// The text format, if it is one. A `.json` file counts as an array until its bytes show
    /// otherwise.
    pub(crate) text: Option<Format>,
    pub(crate) compression: Compression,
    /// True for Arrow IPC: streams older than 2019 have no magic at their front.
    pub(crate) arrow: bool,
}

pub(crate) fn ending(path: &str) -> ExtensionFormat {
    let name = path.to_ascii_lowercase();
    let (name, compression) = if let Some(inner) = name.strip_suffix(".gz") {
        (inner, Compression::Gzip)
    } else if let Some(inner) = name.strip_suffix(".zst").or(name.strip_suffix(".zstd")) {
        (inner, Compression::Zstd)
    } else {
        (name.as_str(), Compression::None)
    };
    let last = name.rsplit_once('.').map(|(_, ending)| ending);
    let arrow = matches!(last, Some("arrow" | "arrows" | "ipc" | "stream"));
    let text = match last {
        Some("jsonl" | "ndjson" | "jsonlines") => Some(Format::Jsonl),
        Some("json") => Some(Format::JsonArray),
        Some("csv") => Some(Format::Csv),
        Some("tsv" | "tab") => Some(Format::Tsv),
        _ => None,
    };
    ExtensionFormat {
        text,
        compression,
        arrow,
    }
}
