//! Byte-pair encoding in time that grows with the text whatever it says: longest tokens first, taken
//! back where two neighbours would not stand beside each other (van Antwerpen, Neubeck: "So many
//! tokens, so little time", 2024).

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::hash::Hasher;

use crate::inspect::tokens::trie::NO_TOKEN;
use crate::inspect::tokens::trie::Trie;
use crate::inspect::tokens::vocabulary::Vocabulary;
use crate::splitmix::mix;

/// The merges of a vocabulary.
pub(super) struct Merges {
    trie: Trie,
    /// Bytes of each token.
    lengths: Vec<u32>,
    /// The longest proper prefix of each token that is a token, or [`NO_TOKEN`].
    shorter: Vec<u32>,
    /// The two tokens that were merged into each token; a single byte stands for itself twice.
    parts: Vec<(u32, u32)>,
    /// The token that two tokens merge into.
    merged: HashMap<u64, u32, BuildHasherDefault<PairHasher>>,
}

impl Merges {
    /// Makes tables of the merges of a vocabulary.
    pub(super) fn of(vocabulary: Vocabulary) -> Self {
        let (trie, shorter) = Trie::build(&vocabulary);
        let lengths = vocabulary.lengths();
        let parts = vocabulary.into_parts();
        let hasher = BuildHasherDefault::default();
        let mut merged = HashMap::with_capacity_and_hasher(parts.len(), hasher);
        for (token, (left, right)) in (0..).zip(&parts) {
            // A single byte stands for itself.
            if *left != token {
                merged.insert(pair(*left, *right), token);
            }
        }
        Self {
            trie,
            lengths,
            shorter,
            parts,
            merged,
        }
    }

    fn shorter_than(&self, token: u32) -> u32 {
        let shorter = self.shorter.get(token as usize);
        shorter.copied().unwrap_or(NO_TOKEN)
    }

    fn length(&self, token: u32) -> usize {
        let length = self.lengths.get(token as usize);
        length.copied().unwrap_or_default() as usize
    }

    /// Returns whether the encoding of the bytes of two tokens is these two tokens.
    ///
    /// Merges are undone from the last one to the first. The two parts at the border must then not merge
    /// before the merge that was undone last.
    fn can_stand_beside(&self, left: u32, right: u32) -> bool {
        let (mut left, mut right) = (left, right);
        let mut limit = u32::MAX;
        loop {
            let merged = self.merged.get(&pair(left, right));
            if merged.is_some_and(|token| *token < limit) {
                return false;
            }
            let (outer, inner) = (self.parts_at(left).1, self.parts_at(right).0);
            let (is_left_byte, is_right_byte) = (outer == left, inner == right);
            // The higher rank was merged later. A single byte cannot be undone.
            if is_left_byte && is_right_byte {
                return true;
            }
            match !is_left_byte && (left > right || is_right_byte) {
                true => (limit, left) = (left, outer),
                // Of two merges with one rank, the left one comes first.
                false => (limit, right) = (right.saturating_add(1), inner),
            }
        }
    }

    fn parts_at(&self, token: u32) -> (u32, u32) {
        let parts = self.parts.get(token as usize);
        parts.copied().unwrap_or((token, token))
    }

    /// Counts the tokens of a text.
    pub(super) fn count(&self, text: &[u8]) -> usize {
        let candidate = self.trie.longest_prefix(text);
        // A token is encoded as itself.
        if candidate != NO_TOKEN && self.length(candidate) == text.len() {
            return 1;
        }
        self.encode(text).len()
    }

    /// Returns the tokens of a text.
    pub(super) fn encode(&self, text: &[u8]) -> Vec<u32> {
        let mut candidate = self.trie.longest_prefix(text);
        if candidate != NO_TOKEN && self.length(candidate) == text.len() {
            return vec![candidate];
        }
        let mut tokens: Vec<u32> = Vec::with_capacity(text.len() / 3);
        let mut dead_ends = Bits::new(text.len() + 1);
        let mut at = 0;
        while candidate != NO_TOKEN {
            let last = tokens.last().copied();
            let fits = |token: u32| {
                !dead_ends.contains(at + self.length(token))
                    && last.is_none_or(|last| self.can_stand_beside(last, token))
            };
            while candidate != NO_TOKEN && !fits(candidate) {
                candidate = self.shorter_than(candidate);
            }
            if candidate != NO_TOKEN {
                tokens.push(candidate);
                at += self.length(candidate);
                candidate = self.trie.longest_prefix(text.get(at..).unwrap_or_default());
            } else if let Some(last) = tokens.pop() {
                // No token fits behind the last one: a shorter one has to take its place.
                dead_ends.insert(at);
                at = at.saturating_sub(self.length(last));
                candidate = last;
            }
        }
        tokens
    }

    /// Returns the number of bytes of a token.
    pub(super) fn token_bytes(&self, token: u32) -> usize {
        self.length(token)
    }
}

fn pair(left: u32, right: u32) -> u64 {
    u64::from(left) << 32 | u64::from(right)
}

/// Hashes pairs of tokens, which nobody outside of the program chooses.
#[derive(Default)]
struct PairHasher(u64);

impl Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, pair: u64) {
        self.0 = mix(pair);
    }
}

/// A set of positions in a text.
struct Bits(Vec<u64>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn contains(&self, at: usize) -> bool {
        let word = self.0.get(at / 64).copied().unwrap_or_default();
        word >> (at % 64) & 1 == 1
    }

    fn insert(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splitmix::drawn;

    fn vocabularies() -> [Vocabulary; 2] {
        [
            include_bytes!("cl100k_base.merges.gz").as_slice(),
            include_bytes!("o200k_base.merges.gz").as_slice(),
        ]
        .map(|packed| Vocabulary::unpack(packed).unwrap())
    }

    /// Byte-pair encoding as it is defined: the pair of lowest rank is merged until there is none.
    fn count_by_definition(ranks: &HashMap<Vec<u8>, u32>, text: &[u8]) -> usize {
        let mut parts: Vec<Vec<u8>> = text.iter().map(|byte| vec![*byte]).collect();
        loop {
            let pairs = parts.windows(2).enumerate();
            let ranked = pairs.filter_map(|(at, pair)| Some((*ranks.get(&pair.concat())?, at)));
            let Some((_, at)) = ranked.min() else {
                return parts.len();
            };
            let right = parts.remove(at + 1);
            parts[at].extend(right);
        }
    }

    fn ranks(vocabulary: &Vocabulary) -> HashMap<Vec<u8>, u32> {
        let tokens = 0..vocabulary.len() as u32;
        tokens.map(|t| (vocabulary.bytes(t).to_vec(), t)).collect()
    }

    /// Tokens, characters, bytes and runs of white space, drawn by chance.
    fn mixed_text(vocabulary: &Vocabulary, seed: u64) -> Vec<u8> {
        let mut numbers = (seed << 32..).map(drawn);
        let mut next = || numbers.next().unwrap();
        let mut text = Vec::new();
        for _ in 0..next() % 12 {
            match next() % 8 {
                0 => text.push(next() as u8),
                1 => {
                    let character = char::from_u32(next() as u32 % 0x11000).unwrap_or(' ');
                    text.extend_from_slice(character.to_string().as_bytes());
                }
                2 => {
                    let byte = b" \n\t\raeiousth'"[next() as usize % 13];
                    text.extend(std::iter::repeat_n(byte, next() as usize % 9));
                }
                _ => {
                    let token = next() % vocabulary.len() as u64;
                    text.extend_from_slice(vocabulary.bytes(token as u32));
                }
            }
        }
        text
    }

    #[test]
    fn counts_are_those_of_the_definition() {
        for vocabulary in vocabularies() {
            let ranks = ranks(&vocabulary);
            let texts: Vec<_> = (1..3_000).map(|n| mixed_text(&vocabulary, n)).collect();
            let merges = Merges::of(vocabulary);
            for text in texts {
                let wanted = count_by_definition(&ranks, &text);
                assert_eq!(merges.count(&text), wanted, "{text:?}");
            }
        }
    }

    /// Why `count` may stop at a token that is the whole text.
    #[test]
    fn token_is_encoded_as_itself() {
        for vocabulary in vocabularies() {
            let ranks = ranks(&vocabulary);
            for token in (0..vocabulary.len() as u32).step_by(5) {
                let bytes = vocabulary.bytes(token);
                if bytes.len() < 40 {
                    assert_eq!(count_by_definition(&ranks, bytes), 1, "{bytes:?}");
                }
            }
        }
    }
}
