//! Known kinds of files without readable rows.

/// Bytes at the front of a file that identify it.
pub(super) const NAMED_BYTES: usize = 512;

/// Describes a file without readable rows, with advice. If the file name extension promises text,
/// only bytes that no text contains count.
pub(super) fn no_rows(front: &[u8], is_text: bool) -> Option<&'static str> {
    let begins = |magic: &FileSignature| {
        let there = front.get(magic.at..).unwrap_or_default();
        there.starts_with(magic.bytes) && (magic.is_binary || !is_text)
    };
    MAGICS.iter().find(|m| begins(m)).map(|m| m.what)
}

struct FileSignature {
    at: usize,
    bytes: &'static [u8],
    /// True if no text starts with these bytes.
    is_binary: bool,
    what: &'static str,
}

const fn binary(bytes: &'static [u8], what: &'static str) -> FileSignature {
    FileSignature {
        at: 0,
        bytes,
        is_binary: true,
        what,
    }
}

/// Creates a signature of letters, which a text may start with too.
const fn letters(bytes: &'static [u8], what: &'static str) -> FileSignature {
    FileSignature {
        at: 0,
        bytes,
        is_binary: false,
        what,
    }
}

const MAGICS: [FileSignature; 27] = [
    letters(b"PARE", "its footer is encrypted"),
    binary(b"PK\x03\x04", "it is a ZIP archive; unpack it first"),
    letters(b"BZh", "it is compressed with bzip2; decompress it first"),
    binary(
        b"\xfd7zXZ\0",
        "it is compressed with xz; decompress it first",
    ),
    binary(
        b"\x04\x22\x4d\x18",
        "it is compressed with lz4; decompress it first",
    ),
    binary(b"7z\xbc\xaf\x27\x1c", "it is a 7z archive; unpack it first"),
    binary(b"Rar!\x1a\x07", "it is a RAR archive; unpack it first"),
    letters(
        b"FEA1",
        "it is a Feather file of version 1; write it as version 2, which is Arrow IPC",
    ),
    letters(b"ORC", "it is an ORC file; write it as Parquet"),
    binary(
        b"Obj\x01",
        "it is an Avro file; write it as Parquet or JSON Lines",
    ),
    binary(
        b"SQLite format 3\0",
        "it is an SQLite database; write its tables as CSV or Parquet",
    ),
    FileSignature {
        at: 8,
        bytes: b"DUCK",
        is_binary: false,
        what: "it is a DuckDB database; write its tables as Parquet",
    },
    binary(b"\x93NUMPY", "it is a NumPy array, which has no rows here"),
    binary(
        b"\x89HDF\r\n\x1a\n",
        "it is an HDF5 file, which has no rows here",
    ),
    binary(b"\x89PNG\r\n\x1a\n", "it is a PNG image, which has no rows"),
    binary(b"\xff\xd8\xff", "it is a JPEG image, which has no rows"),
    letters(b"GIF8", "it is a GIF image, which has no rows"),
    binary(b"II*\0", "it is a TIFF image, which has no rows"),
    binary(b"MM\0*", "it is a TIFF image, which has no rows"),
    FileSignature {
        at: 8,
        bytes: b"WEBPVP8",
        is_binary: false,
        what: "it is a WebP image, which has no rows",
    },
    FileSignature {
        at: 8,
        bytes: b"WAVEfmt ",
        is_binary: false,
        what: "it is a WAVE recording, which has no rows",
    },
    letters(b"fLaC", "it is a FLAC recording, which has no rows"),
    letters(b"OggS", "it is an Ogg recording, which has no rows"),
    letters(b"%PDF-", "it is a PDF document, which has no rows"),
    binary(
        b"\x80\x04\x95",
        "it is a Python pickle, which is not read: it may run code",
    ),
    FileSignature {
        at: 257,
        bytes: b"ustar\0",
        is_binary: true,
        what: "it is a tar archive; unpack it first",
    },
    FileSignature {
        at: 257,
        bytes: b"ustar  \0",
        is_binary: true,
        what: "it is a tar archive; unpack it first",
    },
];
