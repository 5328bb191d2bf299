//! Preamble of an archive, before the trees: header, statements, manifests and cards.

use crate::archive::ArchiveError;
use crate::archive::ArchiveHeader;
use crate::archive::ArchivedDataset;
use crate::archive::EntryName;
use crate::archive::EntryReader;
use crate::archive::Slot;
use crate::archive_check::error::CheckError;
use crate::ident::BlobId;
use crate::ident::EnvelopeId;
use crate::ident::PublisherKey;
use crate::ident::Signature;
use crate::manifest::Envelope;
use crate::trust::Statement;
use crate::trust::UnverifiedManifest;
use crate::trust::VerifiedManifest;
use crate::wire::limits;

/// Reads the header.
pub(crate) fn read_header(reader: &mut EntryReader<'_>) -> Result<ArchiveHeader, ArchiveError> {
    expect(reader, &EntryName::Header)?;
    ArchiveHeader::decode(&reader.read(limits::ARCHIVE_HEADER_BYTES_MAX)?)
}

/// Reads and verifies the statements of publishers.
pub(crate) fn read_statements(reader: &mut EntryReader<'_>) -> Result<Vec<Statement>, CheckError> {
    let mut found: Vec<Statement> = Vec::new();
    while let Some(EntryName::Statement(id)) = reader.peek()?.map(|e| e.name) {
        // The container around a statement is small.
        let bytes = reader.read(limits::STATEMENT_BYTES_MAX + 1024)?;
        let statement = Statement::decode(&bytes)?;
        let in_order = found.last().is_none_or(|last| last.id() < id);
        if statement.id() != id || !in_order {
            return Err(ArchiveError::Corrupt(EntryName::Statement(id).path()).into());
        }
        if found.len() >= limits::ARCHIVE_STATEMENTS_MAX {
            return Err(ArchiveError::TooMany(found.len()).into());
        }
        found.push(statement);
    }
    Ok(found)
}

/// A manifest and its card.
pub(crate) type ManifestAndCard = (VerifiedManifest, Option<Vec<u8>>);

/// Reads and verifies the manifests, each with its card.
pub(crate) fn read_manifests(
    reader: &mut EntryReader<'_>,
    header: &ArchiveHeader,
) -> Result<Vec<ManifestAndCard>, CheckError> {
    let mut found = Vec::new();
    let mut left = limits::ARCHIVE_MANIFESTS_BYTES_MAX;
    let is_only = header.datasets.len() == 1;
    for held in &header.datasets {
        let claimed = EnvelopeId::parse_hex(&held.envelope);
        let wrong = || ArchiveError::Corrupt("archive.json".to_owned());
        let claimed = claimed.ok_or_else(wrong)?;
        let slot: Slot = (!is_only).then_some(claimed);
        expect(reader, &EntryName::Manifest(slot))?;
        let manifest = reader.read(limits::MANIFEST_BYTES_MAX.min(left))?;
        left = left.saturating_sub(manifest.len());
        let signature = read_signature(reader, slot)?;
        let envelope = Envelope {
            manifest,
            signature,
        };
        if envelope.id() != claimed {
            return Err(ArchiveError::Corrupt(EntryName::Manifest(slot).path()).into());
        }
        let verified = UnverifiedManifest::new(envelope).verify()?;
        // The header is not signed, so it may only repeat the manifests.
        if ArchivedDataset::of(verified.manifest(), &claimed) != *held {
            return Err(wrong().into());
        }
        let mut card = None;
        if let Some(id) = verified.manifest().card {
            let name = EntryName::Card(slot);
            expect(reader, &name)?;
            let bytes = reader.read(limits::CARD_BYTES_MAX.min(left))?;
            left = left.saturating_sub(bytes.len());
            if BlobId::of(&bytes) != id {
                return Err(ArchiveError::Corrupt(name.path()).into());
            }
            card = Some(bytes);
        }
        found.push((verified, card));
    }
    Ok(found)
}

fn read_signature(
    reader: &mut EntryReader<'_>,
    slot: Slot,
) -> Result<Option<Signature>, ArchiveError> {
    let name = EntryName::Signature(slot);
    if reader.peek()?.is_none_or(|next| next.name != name) {
        return Ok(None);
    }
    let bytes = reader.read(96)?;
    let (Some(key), Some(rest)) = (bytes.first_chunk::<32>(), bytes.last_chunk::<64>()) else {
        return Err(ArchiveError::Corrupt(name.path()));
    };
    if bytes.len() != 96 {
        return Err(ArchiveError::Corrupt(name.path()));
    }
    Ok(Some(Signature {
        key: PublisherKey::new(*key),
        bytes: *rest,
    }))
}

fn expect(reader: &mut EntryReader<'_>, name: &EntryName) -> Result<(), ArchiveError> {
    let wanted = name.path();
    match reader.peek()? {
        Some(next) if next.name == *name => Ok(()),
        Some(next) => Err(ArchiveError::Unexpected {
            found: next.name.path(),
            wanted: format!("`{wanted}`"),
        }),
        None => Err(ArchiveError::Truncated),
    }
}
