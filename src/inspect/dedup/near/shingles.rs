//! The shingles of a text: runs of words or of bytes, each as a hash.
//!
//! Words are what stands between characters that are neither letters nor digits, in lower case. A
//! character of a script that is written without spaces (Chinese, Japanese, Thai and the like) is a
//! word by itself, or a sentence of these would be one. What has fewer words or bytes than a
//! shingle is one shingle by itself; what has none has no shingle, and is like nothing.

use crate::inspect::dedup::Shingle;
use crate::splitmix::mix;

/// Shows the hash of every shingle of a text in turn, and of all that are the same.
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
            let short = each_gram(text, length, &mut each);
            short.into_iter().for_each(each);
        }
    }
}

/// Puts the shingles of a text, cut to 32 bits, in order and each once into `set`.
pub(in crate::inspect::dedup) fn shingle_set(text: &[u8], shingle: Shingle, set: &mut Vec<u32>) {
    set.clear();
    each_shingle(text, shingle, |hash| set.push((hash >> 32) as u32));
    set.sort_unstable();
    set.dedup();
}

/// Words of a shingle at most; what is asked for beyond is cut to it.
const WORDS_MAX: usize = 64;

/// Shows every run of so many words, and returns the only shingle of a text that has fewer.
pub(in crate::inspect::dedup) fn each_gram(
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

/// FNV-1a of 64 bits, and a mix behind it: without that its upper bits hang together.
fn each_bytes(text: &[u8], length: usize, mut each: impl FnMut(u64)) {
    let fnv = |bytes: &[u8]| {
        mix(bytes.iter().fold(FNV_OFFSET, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
        }))
    };
    if length == 4 && text.len() >= 4 {
        // The same, with a length that is known when it is compiled.
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

/// Shows the hash of every word.
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

/// The character that begins with a byte, and how many bytes behind it belong to it. What is not
/// UTF-8 counts as a letter by itself.
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

/// Whether a character is of a script that is written without spaces.
fn is_word_alone(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x3040..=0x30ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

/// 0 for what is between words, `WIDE` for the beginning of a character beyond ASCII, or the
/// letter or digit in lower case.
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
