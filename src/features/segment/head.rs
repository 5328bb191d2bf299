//! The first page of a segment. It is written last.

/// Bytes of the page.
pub(crate) const HEAD_BYTES: usize = 4096;
/// The first bytes of a segment. The end of a line and of a file show damage by transfers as text.
const MAGIC: [u8; 8] = *b"ALFEAT\x1a\n";
/// The version of the format.
const VERSION: u32 = 1;
/// Bytes that are used, before their own hash.
const USED_BYTES: usize = 112;
const HASH_BYTES: usize = 32;

/// Places and hashes of the two areas behind the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The checksums of the blocks.
    pub(crate) checks: Area,
    /// The description, as JSON.
    pub(crate) description: Area,
}

/// An area of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Area {
    /// The offset of the first byte.
    pub(crate) at: u64,
    /// The number of bytes.
    pub(crate) bytes: u64,
    /// The BLAKE3 of the bytes.
    pub(crate) hash: [u8; HASH_BYTES],
}

impl Area {
    /// Describes bytes that stand at an offset.
    pub(crate) fn of(at: u64, bytes: &[u8]) -> Self {
        Self {
            at,
            bytes: bytes.len() as u64,
            hash: *blake3::hash(bytes).as_bytes(),
        }
    }
}

impl Head {
    /// Returns the page.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(HEAD_BYTES);
        page.extend_from_slice(&MAGIC);
        page.extend_from_slice(&VERSION.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        for area in [&self.description, &self.checks] {
            page.extend_from_slice(&area.at.to_le_bytes());
            page.extend_from_slice(&area.bytes.to_le_bytes());
            page.extend_from_slice(&area.hash);
        }
        debug_assert_eq!(page.len(), USED_BYTES);
        let hash = blake3::hash(&page);
        page.extend_from_slice(hash.as_bytes());
        page.resize(HEAD_BYTES, 0);
        page
    }

    /// Reads the page.
    ///
    /// # Errors
    /// The difference from a page, in words.
    pub(crate) fn decode(page: &[u8]) -> Result<Self, &'static str> {
        let used = page.get(..USED_BYTES).ok_or("it is too short")?;
        if !used.starts_with(&MAGIC) {
            return Err("it does not begin as a segment");
        }
        let own = page.get(USED_BYTES..USED_BYTES + HASH_BYTES);
        let rest = page.get(USED_BYTES + HASH_BYTES..HEAD_BYTES);
        if own != Some(blake3::hash(used).as_bytes().as_slice())
            || !rest.is_some_and(|rest| rest.iter().all(|b| *b == 0))
        {
            return Err("its first page is not what was written");
        }
        if used.get(8..12) != Some(VERSION.to_le_bytes().as_slice()) {
            return Err("it has another version of the format");
        }
        let area = |at: usize| {
            let number = |at: usize| {
                let bytes = used.get(at..)?.first_chunk::<8>()?;
                Some(u64::from_le_bytes(*bytes))
            };
            Some(Area {
                at: number(at)?,
                bytes: number(at + 8)?,
                hash: *used.get(at + 16..)?.first_chunk()?,
            })
        };
        let (description, checks) = (area(16), area(64));
        match (description, checks) {
            (Some(description), Some(checks)) => Ok(Self {
                checks,
                description,
            }),
            _ => Err("it is too short"),
        }
    }
}
