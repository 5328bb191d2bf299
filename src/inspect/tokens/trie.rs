//! A trie over the tokens of a vocabulary, to find the longest token at the front of a text.

use std::collections::VecDeque;

use memchr::memchr;

use crate::inspect::tokens::vocabulary::Vocabulary;

/// Stands for no token.
pub(super) const NO_TOKEN: u32 = u32::MAX;

/// Nodes in breadth-first order, so that the children of a node stand beside each other.
pub(super) struct Trie {
    /// The first child of each node, and behind them the number of nodes. The last child of a node
    /// stands before the first child of the next node.
    first_children: Vec<u32>,
    /// The byte that leads to each node, in rising order among the children of one node.
    labels: Vec<u8>,
    /// The token that ends at each node, or [`NO_TOKEN`].
    tokens: Vec<u32>,
}

/// Tokens with a common prefix whose node is not made yet.
struct Pending {
    /// Their range in the sorted list: the first one, and the one after the last.
    begin: usize,
    end: usize,
    /// Bytes of the prefix.
    depth: usize,
    /// The longest token that is a shorter prefix, or [`NO_TOKEN`].
    shorter: u32,
}

impl Trie {
    /// Builds a trie. Also returns the longest proper prefix of each token that is a token, or
    /// [`NO_TOKEN`].
    pub(super) fn build(vocabulary: &Vocabulary) -> (Self, Vec<u32>) {
        let sorted = sorted(vocabulary);
        let mut shorter_tokens = vec![NO_TOKEN; vocabulary.len()];
        let mut trie = Self {
            first_children: Vec::new(),
            labels: vec![0],
            tokens: Vec::new(),
        };
        let mut pending = VecDeque::from([Pending {
            begin: 0,
            end: sorted.len(),
            depth: 0,
            shorter: NO_TOKEN,
        }]);
        while let Some(mut node) = pending.pop_front() {
            let mut token = NO_TOKEN;
            let first = sorted.get(node.begin).copied().unwrap_or(NO_TOKEN);
            if vocabulary.bytes(first).len() == node.depth && node.depth > 0 {
                token = first;
                if let Some(shorter) = shorter_tokens.get_mut(first as usize) {
                    *shorter = node.shorter;
                }
                node.shorter = first;
                node.begin += 1;
            }
            trie.tokens.push(token);
            trie.first_children.push(trie.labels.len() as u32);
            let label = |at: usize| {
                let token = sorted.get(at).copied()?;
                vocabulary.bytes(token).get(node.depth).copied()
            };
            let mut begin = node.begin;
            while let Some(byte) = label(begin).filter(|_| begin < node.end) {
                let mut end = begin + 1;
                while end < node.end && label(end) == Some(byte) {
                    end += 1;
                }
                trie.labels.push(byte);
                pending.push_back(Pending {
                    begin,
                    end,
                    depth: node.depth + 1,
                    shorter: node.shorter,
                });
                begin = end;
            }
        }
        trie.first_children.push(trie.labels.len() as u32);
        (trie, shorter_tokens)
    }

    fn child(&self, node: usize, byte: u8) -> Option<usize> {
        let [first, end, ..] = self.first_children.get(node..)? else {
            return None;
        };
        let (first, end) = (*first as usize, *end as usize);
        let labels = self.labels.get(first..end)?;
        match labels {
            [only] => (*only == byte).then_some(first),
            // All bytes are children of the root.
            _ if labels.len() == 256 => Some(first + usize::from(byte)),
            _ => Some(first + memchr(byte, labels)?),
        }
    }

    fn token(&self, node: usize) -> u32 {
        self.tokens.get(node).copied().unwrap_or(NO_TOKEN)
    }

    /// Finds the longest token at the front of a text, or [`NO_TOKEN`].
    pub(super) fn longest_prefix(&self, text: &[u8]) -> u32 {
        let (mut node, mut longest) = (0, NO_TOKEN);
        for byte in text {
            let Some(child) = self.child(node, *byte) else {
                break;
            };
            node = child;
            let token = self.token(node);
            if token != NO_TOKEN {
                longest = token;
            }
        }
        longest
    }
}

/// Returns all tokens in the order of their bytes.
fn sorted(vocabulary: &Vocabulary) -> Vec<u32> {
    // Most tokens differ in their first eight bytes, which compare as one number.
    let front = |bytes: &[u8]| {
        let mut front = [0; 8];
        front
            .iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        front.reverse();
        u64::from_le_bytes(front)
    };
    let tokens = 0..vocabulary.len() as u32;
    let mut keyed: Vec<(u64, u32)> = tokens.map(|t| (front(vocabulary.bytes(t)), t)).collect();
    keyed.sort_unstable_by(|(front, token), (other_front, other)| {
        let whole = || vocabulary.bytes(*token).cmp(vocabulary.bytes(*other));
        front.cmp(other_front).then_with(whole)
    });
    keyed.into_iter().map(|(_, token)| token).collect()
}
