//! Volumes: an archive over several files. Each ends with a trailer that allows a check of it alone.

use crate::archive::frames::skippable;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;

const MAGIC: [u8; 4] = *b"ALV\x01";
/// Bytes of the skippable frame at the end of a volume.
pub const TRAILER_BYTES: usize = 8 + 4 + 16 + 4 + 1 + 8 + 32;

/// Maximum number of missing volumes that a message lists.
const NAMED_MAX: usize = 20;

/// The trailer of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeTrailer {
    /// The archive's identity: the first bytes of the BLAKE3 of its first frame.
    pub archive: [u8; 16],
    /// The volume's number, from 1.
    pub number: u32,
    /// Set on the last volume.
    pub is_last: bool,
    /// Bytes of the volume before the trailer. Joined volumes so stop being volumes.
    pub bytes: u64,
    /// BLAKE3 of the volume before the trailer.
    pub hash: [u8; 32],
}

impl VolumeTrailer {
    /// Encodes the trailer as a skippable frame.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.bytes(&MAGIC).bytes(&self.archive).u32(self.number);
        w.u8(u8::from(self.is_last)).u64(self.bytes);
        w.bytes(&self.hash);
        skippable(w.as_bytes())
    }

    /// Returns a text that lists the missing volumes of a chain; `None` if it is complete.
    pub fn missing<'a>(chain: impl Iterator<Item = &'a Self>) -> Option<String> {
        let (mut next, mut is_ended) = (1, false);
        let mut gaps = Vec::new();
        for trailer in chain {
            gaps.push(next..trailer.number);
            next = trailer.number.saturating_add(1);
            is_ended = trailer.is_last;
        }
        let words = missing_before(gaps.into_iter().flatten());
        if is_ended {
            return words;
        }
        let end = format!("volume {next} and what follows it");
        Some(words.map_or(end.clone(), |words| format!("{words}, {end}")))
    }

    /// Decodes the last [`TRAILER_BYTES`] of a file.
    ///
    /// # Errors
    /// [`DecodeError`] when they are no trailer: the file is a whole archive, or none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let expected = skippable(&[0; TRAILER_BYTES - 8]);
        if Some(r.bytes(8)?) != expected.get(..8) || r.array::<4>()? != MAGIC {
            return Err(DecodeError::Magic("volume"));
        }
        let trailer = Self {
            archive: r.array()?,
            number: r.u32()?,
            is_last: match r.u8()? {
                0 => false,
                1 => true,
                _ => return Err(DecodeError::Invalid("last volume")),
            },
            bytes: r.u64()?,
            hash: r.array()?,
        };
        r.end()?;
        match trailer.number {
            0 => Err(DecodeError::Invalid("volume number")),
            _ => Ok(trailer),
        }
    }
}

/// Formats missing numbers as text. Returns `None` if there are none.
pub(crate) fn missing_before(mut numbers: impl Iterator<Item = u32>) -> Option<String> {
    let named = numbers.by_ref().take(NAMED_MAX);
    let mut words: Vec<String> = named.map(|n| format!("volume {n}")).collect();
    if numbers.next().is_some() {
        words.push("more".to_owned());
    }
    (!words.is_empty()).then(|| words.join(", "))
}
