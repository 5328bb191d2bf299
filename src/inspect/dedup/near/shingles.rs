//! Shingles of a text: hashes of runs of words or of bytes.
//!
//! A word is a run of letters and digits, in lower case. In scripts without spaces (Chinese,
//! Japanese, Thai and the like) each character is a word; otherwise a whole sentence would be one.
//! A text with fewer words or bytes than a shingle is a single shingle. An empty text has no
//! shingle and is similar to nothing.

use crate::inspect::dedup::Shingle;
use crate::splitmix::mix;

/// Passes the hash of every shingle of a text to `each`, in order and with repetitions.
pub(in crate::inspect::dedup) fn each_shingle(
    text: &[u8],
    shingle: Shingle,
    mut each: impl FnMut(u64),
) {
    match shingle {
        Shingle::Bytes(length) => each_bytes(text, length.max(1), each),
        Shingle::Words(2) => {
            let (mut before, mut words) = (0_u64, 0_u64);
            each_word(text, |word| {
                words += 1;
                if words > 1 {
                    each(mix(before.rotate_left(23).wrapping_mul(FNV_PRIME) ^ word));
                }
                before = word;
            });
            if words == 1 {
                each(mix(before));
            }
        }
        Shingle::Words(length) => {
            let short = each_ngram(text, length, &mut each);
            short.into_iter().for_each(each);
        }
    }
}

/// Fills `set` with the shingles of a text, cut to 32 bits, sorted and unique.
pub(in crate::inspect::dedup) fn shingle_set(text: &[u8], shingle: Shingle, set: &mut Vec<u32>) {
    set.clear();
    each_shingle(text, shingle, |hash| set.push((hash >> 32) as u32));
    set.sort_unstable();
    set.dedup();
}

/// Largest number of words in a shingle; larger requests are cut to it.
const WORDS_MAX: usize = 64;

/// Passes the hash of every run of `words` words to `each`. Returns the single shingle of a text
/// with fewer words.
pub(in crate::inspect::dedup) fn each_ngram(
    text: &[u8],
    length: usize,
    mut each: impl FnMut(u64),
) -> Option<u64> {
    let length = length.clamp(1, WORDS_MAX);
    let mut ring = [0_u64; WORDS_MAX];
    let mut words = 0_usize;
    let joined = |ring: &[u64; WORDS_MAX], from: usize, to: usize| {
        let run = (from..to).map(|n| ring.get(n % WORDS_MAX).copied().unwrap_or(0));
        mix(run.fold(0_u64, |all, word| {
            all.rotate_left(23).wrapping_mul(FNV_PRIME) ^ word
        }))
    };
    each_word(text, |word| {
        if let Some(place) = ring.get_mut(words % WORDS_MAX) {
            *place = word;
        }
        words += 1;
        if words >= length {
            each(joined(&ring, words - length, words));
        }
    });
    (1..length)
        .contains(&words)
        .then(|| joined(&ring, 0, words))
}

/// Passes the hash of every run of `length` bytes to `each`: 64-bit FNV-1a with a final mix,
/// because its upper bits are correlated.
fn each_bytes(text: &[u8], length: usize, mut each: impl FnMut(u64)) {
    let fnv = |bytes: &[u8]| {
        mix(bytes.iter().fold(FNV_OFFSET, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
        }))
    };
    if length == 4 && text.len() >= 4 {
        // The same with a length that the compiler knows.
        text.windows(4).for_each(|w| {
            let [a, b, c, d] = *w else { return };
            each(fnv(&[a, b, c, d]));
        });
    } else if text.len() >= length {
        text.windows(length).for_each(|w| each(fnv(w)));
    } else if !text.is_empty() {
        each(fnv(text));
    }
}

/// Passes the hash of every word to `each`.
fn each_word(text: &[u8], mut each: impl FnMut(u64)) {
    let (mut hash, mut rest) = (FNV_OFFSET, text);
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(0);
        match class {
            0 => {
                if hash != FNV_OFFSET {
                    each(mix(hash));
                    hash = FNV_OFFSET;
                }
            }
            WIDE => {
                let (found, width) = first_char(*byte, after);
                rest = after.get(width..).unwrap_or_default();
                let is_alone = found.is_some_and(is_word_alone);
                let is_letter = found.is_none_or(char::is_alphanumeric);
                if (is_alone || !is_letter) && hash != FNV_OFFSET {
                    each(mix(hash));
                    hash = FNV_OFFSET;
                }
                if is_letter {
                    let lower = found.map_or(u64::from(*byte), |c| {
                        c.to_lowercase().next().unwrap_or(c).into()
                    });
                    hash = (hash ^ lower).wrapping_mul(FNV_PRIME);
                    if is_alone {
                        each(mix(hash));
                        hash = FNV_OFFSET;
                    }
                }
            }
            lower => hash = (hash ^ u64::from(lower)).wrapping_mul(FNV_PRIME),
        }
    }
    if hash != FNV_OFFSET {
        each(mix(hash));
    }
}

/// Decodes the character that starts with a byte, and the number of bytes after it. Bytes that are
/// not UTF-8 count as one letter each.
fn first_char(byte: u8, after: &[u8]) -> (Option<char>, usize) {
    let width = match byte {
        0xc2..=0xdf => 1,
        0xe0..=0xef => 2,
        0xf0..=0xf4 => 3,
        _ => return (None, 0),
    };
    let mut bytes = [byte, 0, 0, 0];
    let Some(more) = after.get(..width) else {
        return (None, 0);
    };
    for (to, from) in bytes.iter_mut().skip(1).zip(more) {
        *to = *from;
    }
    let text = bytes
        .get(..=width)
        .and_then(|b| std::str::from_utf8(b).ok());
    match text.and_then(|t| t.chars().next()) {
        Some(found) => (Some(found), width),
        None => (None, 0),
    }
}

/// Returns true for a character of a script without spaces.
fn is_word_alone(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

/// Class of a byte: 0 between words, `WIDE` for the start of a character beyond ASCII, otherwise
/// the letter or digit in lower case.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut n = 0_u8;
    loop {
        #[allow(clippy::indexing_slicing, reason = "a byte is below 256")]
        {
            classes[n as usize] = match n {
                b'0'..=b'9' | b'a'..=b'z' => n,
                b'A'..=b'Z' => n.to_ascii_lowercase(),
                0x80.. => WIDE,
                _ => 0,
            };
        }
        if n == 255 {
            break classes;
        }
        n += 1;
    }
};
const WIDE: u8 = 1;
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
