//! What listings show of a dataset, kept in its row so that a list does not read manifests.

use crate::catalog::Dataset;
use crate::catalog::RegisterKey;
use crate::clock::Timestamp;
use crate::ident::ContentId;
use crate::ident::DatasetName;
use crate::ident::DatasetVersion;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::ident::SeriesId;
use crate::manifest::Manifest;
use crate::pack::Flags;
use crate::wire::DecodeError;
use crate::wire::Reader;
use crate::wire::Writer;
use crate::wire::limits::NAME_BYTES_MAX;
use crate::wire::limits::TAG_BYTES_MAX;
use crate::wire::limits::TAGS_MAX;
use crate::wire::limits::TEXT_BYTES_MAX;

const FORM: u8 = 1;

/// The short form of a dataset. Every field is the manifest's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Its register.
    pub key: RegisterKey,
    /// The manifest that counts.
    pub envelope_id: EnvelopeId,
    /// What it is here.
    pub flags: Flags,
    /// Whether it is signed.
    pub signed: bool,
    /// Its name.
    pub name: DatasetName,
    /// Its version.
    pub version: DatasetVersion,
    /// Its content.
    pub content_id: ContentId,
    /// Its line.
    pub line: SeriesId,
    /// Its publisher.
    pub signer: Option<PublisherKey>,
    /// Rows of all files.
    pub rows: u64,
    /// Raw bytes.
    pub size_bytes: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Labels.
    pub tags: Vec<String>,
    /// SPDX identifier.
    pub license: Option<String>,
}

impl Brief {
    /// The short form of a manifest.
    pub(super) fn of(
        key: RegisterKey,
        manifest: &Manifest,
        signed: bool,
        (id, flags): (EnvelopeId, Flags),
    ) -> Self {
        let m = manifest;
        Self {
            key,
            envelope_id: id,
            flags,
            signed,
            name: m.name.clone(),
            version: m.dataset_version.clone(),
            content_id: m.content_id,
            line: m.line,
            signer: m.signer,
            rows: m.num_rows,
            size_bytes: m.size_bytes,
            created_at: m.created_at,
            tags: m.tags.clone(),
            license: m.license.clone(),
        }
    }

    /// What stands in a row behind the envelope's id and the flags.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(FORM).u8(u8::from(self.signed));
        w.counted(self.name.as_str().as_bytes());
        w.counted(self.version.to_string().as_bytes());
        w.bytes(self.content_id.as_bytes())
            .bytes(self.line.as_bytes());
        w.counted(
            self.signer
                .as_ref()
                .map_or(&[], |k| k.as_bytes().as_slice()),
        );
        w.varint(self.rows).varint(self.size_bytes);
        w.u64(self.created_at.0.cast_unsigned());
        w.varint(self.tags.len() as u64);
        self.tags.iter().for_each(|t| {
            w.counted(t.as_bytes());
        });
        match &self.license {
            Some(license) => w.u8(1).counted(license.as_bytes()),
            None => w.u8(0),
        };
        w.into_bytes()
    }

    /// Reads a row; `None` for one that was written without, which still counts.
    pub(super) fn decode(key: RegisterKey, row: &[u8]) -> Result<Option<Self>, DecodeError> {
        let mut r = Reader::new(row);
        let envelope_id = EnvelopeId::new(r.array()?);
        let flags = Flags::from_bits(r.u8()?).ok_or(DecodeError::Invalid("flags"))?;
        if r.remaining() == 0 || r.u8()? != FORM {
            return Ok(None);
        }
        let signed = r.u8()? == 1;
        let name = text(&mut r, "name", NAME_BYTES_MAX)?;
        let version = text(&mut r, "version", NAME_BYTES_MAX * 4)?;
        let (content_id, line) = (ContentId::new(r.array()?), SeriesId::new(r.array()?));
        let signer = r.counted("signer", 32)?;
        let (rows, size_bytes) = (r.varint()?, r.varint()?);
        let created_at = Timestamp(r.u64()?.cast_signed());
        let tags = (0..r.count("tags", TAGS_MAX)?)
            .map(|_| text(&mut r, "tag", TAG_BYTES_MAX))
            .collect::<Result<_, _>>()?;
        let license = match r.u8()? {
            0 => None,
            _ => Some(text(&mut r, "licence", TEXT_BYTES_MAX)?),
        };
        r.end()?;
        Ok(Some(Self {
            key,
            envelope_id,
            flags,
            signed,
            name: name.parse().map_err(|_| DecodeError::Invalid("name"))?,
            version: version
                .parse()
                .map_err(|_| DecodeError::Invalid("version"))?,
            content_id,
            line,
            signer: signer.try_into().ok().map(PublisherKey::new),
            rows,
            size_bytes,
            created_at,
            tags,
            license,
        }))
    }
}

impl Dataset {
    /// The short form.
    pub fn brief(&self) -> Brief {
        let local = (self.envelope_id, self.flags);
        Brief::of(self.key, &self.manifest, self.signed, local)
    }
}

fn text(r: &mut Reader<'_>, field: &'static str, limit: usize) -> Result<String, DecodeError> {
    let bytes = r.counted(field, limit)?.to_vec();
    String::from_utf8(bytes).map_err(|_| DecodeError::Invalid(field))
}
