//! Stored indexes, and their validity after changes of the file.

use super::Zeros;
use super::built;
use super::random_text;
use super::stamp;
use crate::inspect::line_index::FileChange;
use crate::inspect::line_index::FileStamp;
use crate::inspect::line_index::LinesError;
use crate::inspect::line_index::StoredIndex;
use crate::testing::Random;
use crate::wire::DecodeError;

#[test]
fn what_became_of_a_file_is_told_by_stamp_and_ends() {
    let text = random_text(&mut Random::new(5), 300_000);
    let size = text.len() as u64;
    let stored = |settled| StoredIndex::new(built(&text, 1), stamp(size), settled, &text).unwrap();
    let now = stamp(size);
    let verdict = |s: &StoredIndex, now, text: &[u8]| s.change(&now, &text).unwrap();
    assert_eq!(verdict(&stored(true), now, &text), FileChange::Unchanged);
    assert_eq!(verdict(&stored(false), now, &text), FileChange::Rewritten);
    let other = |change: fn(&mut FileStamp)| {
        let mut stamp = stamp(size);
        change(&mut stamp);
        verdict(&stored(true), stamp, &text)
    };
    assert_eq!(other(|s| s.modified.1 += 1), FileChange::Rewritten);
    assert_eq!(other(|s| s.changed.0 += 1), FileChange::Rewritten);
    assert_eq!(other(|s| s.inode += 1), FileChange::Rewritten);
    assert_eq!(other(|s| s.size -= 1), FileChange::Rewritten);

    let longer = [text.as_slice(), b"more\n"].concat();
    let now = FileStamp {
        size: size + 5,
        modified: (1_790_000_009, 0),
        ..now
    };
    for settled in [true, false] {
        assert_eq!(
            verdict(&stored(settled), now, &longer),
            FileChange::Appended
        );
    }
    for at in [0, 4095, text.len() - 4096, text.len() - 1] {
        let mut rewritten = longer.clone();
        rewritten[at] ^= 1;
        assert_eq!(
            verdict(&stored(true), now, &rewritten),
            FileChange::Rewritten
        );
    }
    let elsewhere = FileStamp { device: 1, ..now };
    assert_eq!(
        verdict(&stored(true), elsewhere, &longer),
        FileChange::Rewritten
    );
    let cut = stored(true).change(&now, &&text[..100]);
    assert!(matches!(cut, Err(LinesError::Shrunk)));
}

#[test]
fn a_changed_bit_is_refused() {
    let text = random_text(&mut Random::new(2), 400_000);
    let stored = StoredIndex::new(built(&text, 1), stamp(400_000), true, &text).unwrap();
    let bytes = stored.encode();
    assert_eq!(StoredIndex::decode(&bytes), Ok(stored));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            assert!(
                matches!(
                    StoredIndex::decode(&bytes),
                    Err(DecodeError::Checksum { .. }
                        | DecodeError::Magic { .. }
                        | DecodeError::Version { .. })
                ),
                "{at} {bit}"
            );
        }
        assert!(matches!(
            StoredIndex::decode(&bytes[..at]),
            Err(DecodeError::Checksum { .. } | DecodeError::Truncated)
        ));
    }
    assert!(matches!(
        StoredIndex::decode(&[bytes.as_slice(), &[0]].concat()),
        Err(DecodeError::Checksum { .. })
    ));
}

#[test]
fn stored_index_breaking_rule_is_refused_with_valid_checksum() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 1..200 {
        let mut random = Random::new(seed * 31);
        let bytes = random.below(400_000);
        let text = random_text(&mut random, bytes as usize);
        let stored = StoredIndex::new(built(&text, 1), stamp(bytes), true, &text).unwrap();
        let good = stored.encode();
        for _ in 0..50 {
            let mut bytes = good[..good.len() - 32].to_vec();
            // From the size on.
            let at = 12 + random.below(bytes.len() as u64 - 12) as usize;
            match random.below(3) {
                0 => bytes[at] = random.below(256) as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, random.below(3) as u8),
            }
            let check = *blake3::hash(&bytes).as_bytes();
            bytes.extend(check);
            match StoredIndex::decode(&bytes) {
                Ok(stored) => {
                    assert_eq!(stored.encode(), bytes);
                    accepted += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    assert!(accepted > 100 && refused > 100, "{accepted} {refused}");
}

#[test]
fn stored_index_has_one_form_for_zero_runs() {
    let source = Zeros {
        bytes: 5 << 16,
        newlines: Vec::new(),
    };
    let stored = StoredIndex::new(built(&source, 1), stamp(5 << 16), true, &source).unwrap();
    let good = stored.encode();
    let front = &good[..good.len() - 34];
    assert_eq!(good[front.len()..][..2], [0, 4]);
    let decode = |counts: &[u8]| {
        let bytes = [front, counts].concat();
        let check = *blake3::hash(&bytes).as_bytes();
        StoredIndex::decode(&[bytes.as_slice(), &check].concat())
    };
    assert_eq!(decode(&[0, 4]), Ok(stored));
    let invalid = Err(DecodeError::Invalid("number of lines"));
    for counts in [
        [0, 2, 0, 1].as_slice(),
        &[0, 5],
        &[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        &[0x81, 0x80, 4, 0, 3],
    ] {
        assert_eq!(decode(counts), invalid, "{counts:?}");
    }
    assert_eq!(decode(&[0, 3]), Err(DecodeError::Truncated));
    assert_eq!(decode(&[0, 4, 0]), Err(DecodeError::Trailing(1)));
}
