//! ZIP archives that tell lies, written by hand.

/// A lie in the headers of an entry.
#[derive(Clone, Copy, Debug)]
pub enum Lie {
    /// The mode of its file under Unix.
    Mode(u32),
    Checksum,
    /// The length of its content.
    Length(u32),
    /// The place of its bytes.
    Offset(u32),
    Flag(u16),
    Method(u16),
}

/// A file in an archive, without compression.
#[derive(Clone, Debug)]
pub struct Entry {
    name: String,
    content: Vec<u8>,
    lie: Option<Lie>,
}

impl Entry {
    pub fn file(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            content: content.to_vec(),
            lie: None,
        }
    }

    pub fn lying(self, lie: Lie) -> Self {
        Self {
            lie: Some(lie),
            ..self
        }
    }

    /// The fields that both headers have, from the flags to the length of the name.
    fn fields(&self) -> Vec<u8> {
        let length = self.content.len() as u32;
        let (mut flags, mut method, mut checksum, mut said) =
            (1_u16 << 11, 0_u16, crc32(&self.content), length);
        match self.lie {
            Some(Lie::Checksum) => checksum ^= 1,
            Some(Lie::Length(length)) => said = length,
            Some(Lie::Flag(flag)) => flags |= flag,
            Some(Lie::Method(other)) => method = other,
            _ => {}
        }
        let mut fields = Vec::new();
        fields.extend(flags.to_le_bytes());
        fields.extend(method.to_le_bytes());
        // Midnight of 1980-01-01.
        fields.extend([0, 0, 0x21, 0]);
        fields.extend(checksum.to_le_bytes());
        fields.extend(length.to_le_bytes());
        fields.extend(said.to_le_bytes());
        fields.extend((self.name.len() as u16).to_le_bytes());
        fields
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

/// Returns the bytes of an archive.
pub fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut offset = bytes.len() as u32;
        bytes.extend(b"PK\x03\x04\x14\x00");
        bytes.extend(entry.fields());
        bytes.extend([0, 0]);
        bytes.extend(entry.name.as_bytes());
        bytes.extend(&entry.content);
        let mut mode = 0o100_644_u32;
        match entry.lie {
            Some(Lie::Mode(other)) => mode = other,
            Some(Lie::Offset(other)) => offset = other,
            _ => {}
        }
        directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend(entry.fields());
        // No extra field, no comment, disk 0, no attributes but the mode.
        directory.extend([0; 8]);
        directory.extend((mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let at = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
    bytes.extend((entries.len() as u16).to_le_bytes());
    bytes.extend((entries.len() as u16).to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}
