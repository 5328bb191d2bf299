//! Export: a selection of rows as a new archive of one file, unsigned.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::Range;

use alimentar::archive::ArchiveError;
use alimentar::archive::ArchiveHeader;
use alimentar::archive::ArchivedDataset;
use alimentar::archive::BaseBytes;
use alimentar::archive::BlobSource;
use alimentar::archive::EachChunk;
use alimentar::archive::EntryName;
use alimentar::archive::EntryWriter;
use alimentar::archive::RecentBlobs;
use alimentar::archive::compress_frame;
use alimentar::archive::put_tree;
use alimentar::blob_store::BlobKey;
use alimentar::chunk::count_newlines;
use alimentar::chunk::next_cut;
use alimentar::clock::Timestamp;
use alimentar::error_kind::ErrorKind;
use alimentar::ident::ChunkId;
use alimentar::ident::ContentId;
use alimentar::ident::DatasetName;
use alimentar::ident::DatasetVersion;
use alimentar::ident::SeriesId;
use alimentar::ident::TreeId;
use alimentar::inspect::Describer;
use alimentar::inspect::SchemaMessage;
use alimentar::manifest::ChunkEntry;
use alimentar::manifest::DatasetKind;
use alimentar::manifest::Envelope;
use alimentar::manifest::FileEntry;
use alimentar::manifest::FileTable;
use alimentar::manifest::Manifest;
use alimentar::manifest::Totals;
use alimentar::manifest::TreeBuilder;
use alimentar::progress::Progress;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::failure::Failure;
use crate::limits::EXPORT_BYTES_MAX;
use crate::table::OpenTable;

/// A request for an archive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    name: String,
    #[serde(default)]
    version: Option<String>,
    /// First rows and numbers of rows.
    rows: Vec<(u64, u64)>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    license: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
}

/// Receives the bytes of an archive, in order.
pub type Exported<'a> = dyn FnMut(Vec<u8>) -> Result<(), Failure> + 'a;

/// Exports rows of a file. `random` makes the dataset a series of its own.
///
/// # Errors
/// [`Failure`] for rows that cannot be read or written, and for too many of them.
pub(crate) fn export(
    table: &mut OpenTable,
    request: &str,
    (now, random): (Timestamp, [u8; 16]),
    progress: &dyn Progress,
    sink: &mut Exported<'_>,
) -> Result<Value, Failure> {
    let request: Request = serde_json::from_str(request)?;
    let name: DatasetName = request.name.parse()?;
    let version = match request.version.as_deref().filter(|v| !v.is_empty()) {
        Some(version) => version.parse()?,
        None => DatasetVersion::first(),
    };
    let (data, rows) = lines_of(table, &request.rows, progress)?;
    if rows == 0 {
        return Err(Failure::invalid("the selection has no rows"));
    }
    let path = format!("{name}.jsonl");
    let mut describer = Describer::new(&path);
    describer.push(&data);
    let described = describer.finish(&data.as_slice());
    let schema = described.schema.as_ref().and_then(SchemaMessage::of);
    let file = FileEntry {
        path: path.clone(),
        size_bytes: data.len() as u64,
        content_id: Some(ContentId::from_bytes(&data)),
        format: described.format.number(),
        rows: described.rows,
        schema: schema.as_ref().map(SchemaMessage::hash),
    };
    let files = FileTable::new(vec![file])?;
    let encoded = files.encode()?;
    let mut blobs = SelectedBlobs {
        bytes: [data.as_slice(), &encoded].concat(),
        nodes: HashMap::new(),
        chunks: HashMap::new(),
    };
    let end = data.len();
    let (root, totals) = blobs.add_tree(0..end);
    let (table_root, _) = blobs.add_tree(end..end + encoded.len());
    let mut tags = request.tags;
    tags.sort();
    tags.dedup();
    let some = |text: Option<String>| text.filter(|text| !text.is_empty());
    let none = || Failure::new(ErrorKind::Integrity, "the content has no id");
    let manifest = Manifest {
        name: name.clone(),
        dataset_version: version.clone(),
        dataset_kind: DatasetKind::File,
        content_id: files.content_id(DatasetKind::File).ok_or_else(none)?,
        chunk_tree_root: root,
        file_table_root: table_root,
        file_table_bytes: encoded.len() as u64,
        num_files: 1,
        schema: schema.map(|s| s.as_bytes().to_vec()).unwrap_or_default(),
        num_rows: files.rows(),
        size_bytes: totals.bytes,
        description: some(request.description),
        license: some(request.license),
        tags,
        card: None,
        series: SeriesId::new(random),
        seq: 1,
        prev: Vec::new(),
        clock: BTreeMap::new(),
        created_at: now,
        signer: None,
        source: None,
    };
    let bytes = write(&manifest, &mut blobs, sink)?;
    Ok(json!({
        "name": name.to_string(),
        "version": version.to_string(),
        "rows": rows,
        "bytes": bytes,
        "content_id": manifest.content_id.to_hex(),
        "file": format!("{name}-{version}.alimentar"),
    }))
}

/// Returns the selected rows as JSON Lines, and their number.
fn lines_of(
    table: &mut OpenTable,
    ranges: &[(u64, u64)],
    progress: &dyn Progress,
) -> Result<(Vec<u8>, u64), Failure> {
    progress.phase("reading rows", None);
    let (mut data, mut rows) = (Vec::new(), 0);
    let mut failed = None;
    for (from, count) in ranges.iter().filter(|(_, count)| *count > 0) {
        let (end, mut next) = (from.saturating_add(*count), *from);
        table.each_row(*from, EXPORT_BYTES_MAX, &mut |row| {
            if row.number >= end {
                return false;
            }
            if data.len() + row.json.len() >= EXPORT_BYTES_MAX || row.is_cut {
                failed = Some(Failure::new(
                    ErrorKind::Unsupported,
                    format!(
                        "the selection has more than {EXPORT_BYTES_MAX} bytes (`EXPORT_BYTES_MAX`)"
                    ),
                ));
                return false;
            }
            if row.json.contains(['\n', '\r']) {
                let why = "has a line break outside of a text, which JSON Lines cannot hold";
                failed = Some(Failure::new(
                    ErrorKind::Unsupported,
                    format!("row {} {why}", row.number),
                ));
                return false;
            }
            data.extend_from_slice(row.json.as_bytes());
            data.push(b'\n');
            rows += 1;
            next = row.number + 1;
            progress.advance(row.json.len() as u64);
            if progress.cancelled() {
                failed = Some(Failure::new(ErrorKind::Interrupted, "interrupted"));
            }
            failed.is_none() && row.number + 1 < end
        })?;
        if let Some(failed) = failed {
            return Err(failed);
        }
        if next < end {
            let why = format!("`{}` ends before row {}", table.name, end - 1);
            return Err(Failure::new(ErrorKind::NotFound, why));
        }
    }
    Ok((data, rows))
}

fn write(
    manifest: &Manifest,
    blobs: &mut SelectedBlobs,
    sink: &mut Exported<'_>,
) -> Result<u64, Failure> {
    let envelope = Envelope {
        manifest: manifest.encode()?,
        signature: None,
    };
    let held = ArchivedDataset::of(manifest, &envelope.id());
    let header = ArchiveHeader::new(vec![held], Vec::new(), false);
    let (mut bytes, mut failed) = (0, None);
    let mut pieces = |piece: Vec<u8>| {
        let frame = compress_frame(&piece)?;
        bytes += frame.len() as u64;
        sink(frame).map_err(|error| {
            failed = Some(error);
            ArchiveError::Io {
                action: "written",
                source: std::io::ErrorKind::Other.into(),
            }
        })
    };
    let mut write = || {
        let mut writer = EntryWriter::new(&mut pieces);
        writer.entry(&EntryName::Header, &header.encode()?)?;
        writer.entry(&EntryName::Manifest(None), &envelope.manifest)?;
        let mut recent = RecentBlobs::default();
        for root in [manifest.file_table_root, manifest.chunk_tree_root] {
            put_tree(&mut writer, blobs, &mut recent, root)?;
        }
        writer.finish()
    };
    let written = write();
    match (failed, written) {
        (Some(failed), _) => Err(failed),
        (None, written) => Ok(written.map(|()| bytes)?),
    }
}

/// The blobs of a selection.
struct SelectedBlobs {
    /// The data and the file table.
    bytes: Vec<u8>,
    nodes: HashMap<TreeId, Vec<u8>>,
    chunks: HashMap<ChunkId, Range<usize>>,
}

impl SelectedBlobs {
    /// Cuts a part of the bytes, and makes the tree over it.
    fn add_tree(&mut self, part: Range<usize>) -> (TreeId, Totals) {
        let Self {
            bytes,
            nodes,
            chunks,
        } = self;
        let mut emit = |id, node| drop(nodes.insert(id, node));
        let mut tree = TreeBuilder::new();
        let mut at = part.start;
        while let Some(length) = next_cut(bytes.get(at..part.end).unwrap_or_default(), true) {
            let range = at..at + length.get();
            let chunk = bytes.get(range.clone()).unwrap_or_default();
            let id = ChunkId::of(chunk);
            let entry = ChunkEntry {
                id,
                bytes: u32::try_from(chunk.len()).unwrap_or(u32::MAX),
                newlines: count_newlines(chunk),
            };
            at = range.end;
            chunks.insert(id, range);
            tree.push(entry, &mut emit);
        }
        tree.finish(&mut emit)
    }
}

impl BlobSource for SelectedBlobs {
    type Error = ArchiveError;

    fn node(&mut self, id: TreeId) -> Result<Vec<u8>, ArchiveError> {
        let node = self.nodes.get(&id).cloned();
        node.ok_or_else(|| ArchiveError::Missing(id.to_hex()))
    }

    fn chunks(
        &mut self,
        wanted: &[ChunkEntry],
        each: &mut EachChunk<'_, ArchiveError>,
    ) -> Result<(), ArchiveError> {
        for chunk in wanted {
            let range = self.chunks.get(&chunk.id).cloned();
            let bytes = range.and_then(|range| self.bytes.get(range));
            each(
                chunk,
                bytes.ok_or_else(|| ArchiveError::Missing(chunk.id.to_hex()))?,
            )?;
        }
        Ok(())
    }

    fn receiver_has(&self, _: &BlobKey) -> bool {
        false
    }

    fn similar_bytes(&self, _: &ChunkEntry) -> Option<BaseBytes> {
        None
    }

    fn delta(&mut self, _: &[u8], _: BaseBytes) -> Result<Option<Vec<u8>>, ArchiveError> {
        Ok(None)
    }
}
