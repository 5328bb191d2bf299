//! The vocabularies in the program: tokens and the merges that make them. `contrib/pack_vocabulary.py` packs
//! them and describes the packed form; `NOTICE` beside the files says where they come from.

use std::io;
use std::io::ErrorKind;
use std::io::Read as _;

use flate2::read::GzDecoder;

/// Tokens of one byte, which have the lowest ranks.
const SINGLE_BYTES: usize = 256;
/// Columns of the packed form: three bytes of both ranks of a merge.
const COLUMNS: usize = 6;

/// All tokens; the rank of a token is its index.
pub(super) struct Vocabulary {
    /// The bytes of all tokens, one behind the other.
    bytes: Vec<u8>,
    /// The end of each token in `bytes`, with a 0 in front.
    ends: Vec<u32>,
    /// The tokens that each token is merged from; a single byte stands for itself twice.
    parts: Vec<(u32, u32)>,
}

impl Vocabulary {
    /// Unpacks a vocabulary.
    ///
    /// # Errors
    /// [`io::Error`] if it is damaged.
    pub(super) fn unpack(packed: &[u8]) -> io::Result<Self> {
        let mut data = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut data)?;
        let (single, merges) = data
            .split_at_checked(SINGLE_BYTES)
            .filter(|(_, merges)| merges.len() % COLUMNS == 0)
            .ok_or_else(damaged)?;
        let count = merges.len() / COLUMNS;
        let mut unpacked = Self {
            bytes: single.to_vec(),
            ends: (0..=SINGLE_BYTES as u32).collect(),
            parts: (0..SINGLE_BYTES as u32).map(|t| (t, t)).collect(),
        };
        let column = |number: usize| merges.get(number * count..).unwrap_or_default();
        let columns: [&[u8]; COLUMNS] = std::array::from_fn(column);
        for at in 0..count {
            let byte = |number: usize| {
                let column = columns.get(number).copied().unwrap_or_default();
                column.get(at).copied().unwrap_or_default()
            };
            let rank = |first: usize| {
                u32::from_le_bytes([byte(first), byte(first + 1), byte(first + 2), 0])
            };
            unpacked.push(rank(0), rank(3))?;
        }
        Ok(unpacked)
    }

    /// Adds the merge of two tokens.
    fn push(&mut self, left: u32, right: u32) -> io::Result<()> {
        for part in [left, right] {
            let range = self.range(part).ok_or_else(damaged)?;
            self.bytes.extend_from_within(range);
        }
        let end = u32::try_from(self.bytes.len());
        self.ends.push(end.map_err(|_| damaged())?);
        self.parts.push((left, right));
        Ok(())
    }

    fn range(&self, token: u32) -> Option<std::ops::Range<usize>> {
        match self.ends.get(token as usize..)? {
            [begin, end, ..] => Some(*begin as usize..*end as usize),
            _ => None,
        }
    }

    /// Returns how many tokens there are.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Returns the bytes of a token.
    pub(super) fn bytes(&self, token: u32) -> &[u8] {
        let range = self.range(token).unwrap_or_default();
        self.bytes.get(range).unwrap_or_default()
    }

    /// Returns the number of bytes of each token.
    pub(super) fn lengths(&self) -> Vec<u32> {
        let ends = self.ends.iter().skip(1);
        ends.zip(&self.ends)
            .map(|(end, begin)| end - begin)
            .collect()
    }

    /// Returns the tokens that each token is merged from.
    pub(super) fn into_parts(self) -> Vec<(u32, u32)> {
        self.parts
    }
}

fn damaged() -> io::Error {
    let text = "the vocabulary in the program is damaged";
    io::Error::new(ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::Digest as _;
    use std::fmt::Write as _;

    /// SHA-256 of the published files, as tiktoken states them (`tiktoken_ext/openai_public.py`).
    #[test]
    fn vocabularies_unpacked_are_the_published_files() {
        let hash_of = |packed: &[u8]| {
            let vocabulary = Vocabulary::unpack(packed).unwrap();
            let mut text = String::new();
            for token in 0..vocabulary.len() as u32 {
                let bytes = STANDARD.encode(vocabulary.bytes(token));
                writeln!(text, "{bytes} {token}").unwrap();
            }
            let hash = sha2::Sha256::digest(text);
            crate::ident::to_hex(&hash)
        };
        assert_eq!(
            hash_of(include_bytes!("cl100k_base.merges.gz")),
            "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
        );
        assert_eq!(
            hash_of(include_bytes!("o200k_base.merges.gz")),
            "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
        );
    }

    #[test]
    fn damaged_vocabulary_is_an_error() {
        let packed = include_bytes!("cl100k_base.merges.gz");
        let error = Vocabulary::unpack(&packed[..packed.len() / 2])
            .err()
            .unwrap();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        let repacked = |data: &[u8]| {
            let mut packed = Vec::new();
            let mut gz = flate2::read::GzEncoder::new(data, flate2::Compression::fast());
            gz.read_to_end(&mut packed).unwrap();
            Vocabulary::unpack(&packed).map(|v| v.len())
        };
        let mut data: Vec<u8> = (0..=255).collect();
        assert_eq!(repacked(&data).unwrap(), 256);
        data.extend_from_slice(&[97, 0, 0, 98, 0, 0]);
        assert_eq!(repacked(&data).unwrap(), 257);
        // The rank of the token itself.
        data[256 + 4] = 1;
        for damaged in [&data[..255], &data[..260], &data] {
            let error = repacked(damaged).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
    }
}
