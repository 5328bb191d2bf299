//! Shards: the files of an upload, each as ranges of chunks in xorbs.

use std::io;
use std::io::Read;

/// The first bytes of a shard.
const TAG: [u8; 32] = *b"HFRepoMetaData\0UigEj{\x81W\x83\xa5\xbd\xd9\\\xcd\xd1J\xa9";
/// Versions of the form that are known.
const VERSIONS: [u64; 1] = [2];
/// The hash of the record that ends the list of files.
const END: [u8; 32] = [0xff; 32];
/// Bit of a file with hashes of its ranges.
const HAS_VERIFICATION: u32 = 1 << 31;
/// Bit of a file with its SHA-256.
const HAS_METADATA: u32 = 1 << 30;

/// A range of chunks of a xorb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) xorb: [u8; 32],
    pub(super) bytes: u32,
    pub(super) first: u32,
    /// The number behind that of the last chunk.
    pub(super) end: u32,
}

/// Receives the files of a shard.
pub(super) trait FileSink {
    /// A file begins.
    fn begin(&mut self) -> io::Result<()>;
    /// The next segment of the file.
    fn segment(&mut self, segment: &Segment) -> io::Result<()>;
    /// The file ends. It has this SHA-256, if that is known.
    fn end(&mut self, sha256: Option<&[u8; 32]>) -> io::Result<()>;
}

/// A record of a shard: a hash, and four numbers.
struct Record {
    hash: [u8; 32],
    numbers: [u32; 4],
}

/// Reads the files of a shard as they come. The list of xorbs behind them is left.
///
/// # Errors
/// `InvalidData` for bytes of another form, and the errors of both sides.
pub(super) fn read_files(from: &mut impl Read, sink: &mut impl FileSink) -> io::Result<()> {
    let mut tag = [0; 32];
    from.read_exact(&mut tag)?;
    let mut numbers = [[0; 8]; 2];
    for number in &mut numbers {
        from.read_exact(number)?;
    }
    let [version, _footer] = numbers.map(u64::from_le_bytes);
    if tag != TAG || !VERSIONS.contains(&version) {
        return Err(invalid());
    }
    loop {
        let file = record(from)?;
        if file.hash == END {
            return Ok(());
        }
        let [flags, segments, ..] = file.numbers;
        sink.begin()?;
        for _ in 0..segments {
            let Record {
                hash: xorb,
                numbers: [_, bytes, first, end],
            } = record(from)?;
            sink.segment(&Segment {
                xorb,
                bytes,
                first,
                end,
            })?;
        }
        if flags & HAS_VERIFICATION != 0 {
            for _ in 0..segments {
                record(from)?;
            }
        }
        let metadata = match flags & HAS_METADATA != 0 {
            true => Some(record(from)?.hash),
            false => None,
        };
        sink.end(metadata.as_ref())?;
    }
}

fn record(from: &mut impl Read) -> io::Result<Record> {
    let mut hash = [0; 32];
    from.read_exact(&mut hash)?;
    let mut numbers = [[0; 4]; 4];
    for number in &mut numbers {
        from.read_exact(number)?;
    }
    let numbers = numbers.map(u32::from_le_bytes);
    Ok(Record { hash, numbers })
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the shard has another form")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<(Vec<Segment>, Option<[u8; 32]>)>);

    impl FileSink for Seen {
        fn begin(&mut self) -> io::Result<()> {
            self.0.push((Vec::new(), None));
            Ok(())
        }

        fn segment(&mut self, segment: &Segment) -> io::Result<()> {
            self.0.last_mut().unwrap().0.push(*segment);
            Ok(())
        }

        fn end(&mut self, sha256: Option<&[u8; 32]>) -> io::Result<()> {
            self.0.last_mut().unwrap().1 = sha256.copied();
            Ok(())
        }
    }

    fn record_of(hash: u8, numbers: [u32; 4]) -> Vec<u8> {
        let numbers = numbers.iter().flat_map(|n| n.to_le_bytes());
        [hash; 32].into_iter().chain(numbers).collect()
    }

    fn shard(records: &[Vec<u8>]) -> Vec<u8> {
        let head = [&TAG[..], &2_u64.to_le_bytes(), &[0; 8]].concat();
        [&head, &records.concat()[..]].concat()
    }

    #[test]
    fn files_are_read_with_and_without_their_digests() {
        let records = [
            record_of(1, [HAS_VERIFICATION | HAS_METADATA, 2, 0, 0]),
            record_of(2, [0, 10, 0, 3]),
            record_of(3, [0, 20, 5, 6]),
            record_of(4, [0; 4]),
            record_of(5, [0; 4]),
            record_of(6, [0; 4]),
            record_of(7, [0, 1, 0, 0]),
            record_of(2, [0, 5, 3, 4]),
            record_of(0xff, [0; 4]),
            b"xorbs".to_vec(),
        ];
        let mut seen = Seen::default();
        read_files(&mut shard(&records).as_slice(), &mut seen).unwrap();
        let segment = |xorb, bytes, first, end| Segment {
            xorb: [xorb; 32],
            bytes,
            first,
            end,
        };
        let wanted = [
            (
                vec![segment(2, 10, 0, 3), segment(3, 20, 5, 6)],
                Some([6; 32]),
            ),
            (vec![segment(2, 5, 3, 4)], None),
        ];
        assert_eq!(seen.0, wanted);
        let whole = shard(&records);
        let needed = whole.len() - b"xorbs".len();
        for end in 0..needed {
            let read = read_files(&mut &whole[..end], &mut Seen::default());
            let cut = read.unwrap_err();
            assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof, "{end}");
        }
        let mut other = whole;
        other[32] = 9;
        let error = read_files(&mut other.as_slice(), &mut Seen::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
