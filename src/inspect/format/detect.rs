//! The formats that are recognised, and how: binary ones by their first bytes, text by the name's
//! ending.

/// What a file's rows are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Anything; no rows.
    Bytes,
    /// JSON values, one a line.
    Jsonl,
    /// One JSON array; its elements are the rows.
    JsonArray,
    /// RFC 4180, or the same with another separator.
    Csv,
    /// As CSV, with tabs.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, the file form.
    ArrowFile,
    /// Arrow IPC, the stream form.
    ArrowStream,
}

/// What a file as a whole is compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// Nothing.
    None,
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
}

/// A format and what is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileFormat {
    /// What the rows are in.
    pub format: Format,
    /// What that is compressed with.
    pub compression: Compression,
}

impl FileFormat {
    /// Plain bytes.
    pub const BYTES: Self = Self {
        format: Format::Bytes,
        compression: Compression::None,
    };

    /// The number in file tables, as `spec/manifest.md` lists them.
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

    /// The format of a number; plain bytes for one this program does not know.
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

    /// The word for it in tables.
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

/// What a name's ending promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The text format, where it is one. A `.json` file is an array until its bytes say otherwise.
    pub(crate) text: Option<Format>,
    pub(crate) compression: Compression,
    /// Arrow IPC: streams older than 2019 have nothing at their front that tells.
    pub(crate) arrow: bool,
}

pub(crate) fn ending(path: &str) -> Ending {
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
    Ending {
        text,
        compression,
        arrow,
    }
}
