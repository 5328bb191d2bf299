//! Dataset summary for listings, stored in the dataset's row so that a list reads no manifests.

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

/// Summary of a dataset, with fields of its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetSummary {
    /// The dataset's register.
    pub key: RegisterKey,
    /// Envelope of the winning manifest.
    pub envelope_id: EnvelopeId,
    /// Local flags.
    pub flags: Flags,
    /// True if it is signed.
    pub signed: bool,
    /// Dataset name.
    pub name: DatasetName,
    /// Dataset version.
    pub version: DatasetVersion,
    /// Content id.
    pub content_id: ContentId,
    /// Series of the dataset.
    pub series: SeriesId,
    /// Key of the publisher.
    pub signer: Option<PublisherKey>,
    /// Number of rows of all files.
    pub rows: u64,
    /// Total length of the files in bytes.
    pub size_bytes: u64,
    /// Creation time.
    pub created_at: Timestamp,
    /// Labels of the dataset.
    pub tags: Vec<String>,
    /// SPDX expression of the licence.
    pub license: Option<String>,
}

impl DatasetSummary {
    /// Returns the summary of a manifest.
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
            series: m.series,
            signer: m.signer,
            rows: m.num_rows,
            size_bytes: m.size_bytes,
            created_at: m.created_at,
            tags: m.tags.clone(),
            license: m.license.clone(),
        }
    }

    /// Encodes the part of a row after the envelope's id and the flags.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.u8(FORM).u8(u8::from(self.signed));
        w.counted(self.name.as_str().as_bytes());
        w.counted(self.version.to_string().as_bytes());
        w.bytes(self.content_id.as_bytes())
            .bytes(self.series.as_bytes());
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

    /// Decodes a row. Returns `None` for a valid row of an older version, without a summary.
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
        let (content_id, series) = (ContentId::new(r.array()?), SeriesId::new(r.array()?));
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
            series,
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
    /// Returns the dataset's summary.
    pub fn summary(&self) -> DatasetSummary {
        let local = (self.envelope_id, self.flags);
        DatasetSummary::of(self.key, &self.manifest, self.signed, local)
    }
}

fn text(r: &mut Reader<'_>, field: &'static str, limit: usize) -> Result<String, DecodeError> {
    let bytes = r.counted(field, limit)?.to_vec();
    String::from_utf8(bytes).map_err(|_| DecodeError::Invalid(field))
}
