//! Journals of edits.

use std::sync::Arc;

use alimentar::ident::BlobId;
use alimentar::ident::ContentId;
use alimentar::inspect::edits::BaseIdentity;
use alimentar::inspect::edits::EditEntry;
use alimentar::inspect::edits::EditedSource;
use alimentar::inspect::edits::FileOverlay;
use alimentar::inspect::edits::FileSplices;
use alimentar::inspect::edits::Journal;
use alimentar::inspect::edits::JournalWriter;
use alimentar::inspect::edits::NewSplice;
use alimentar::inspect::table::EditedRow;
use alimentar::read_at::ReadAt;

/// Bytes of the base.
const BASE: &[u8] = b"one\ntwo\nthree\nfour\nfive\n";

/// Journals of edits. The checks of records would turn away nearly everything, so the bytes are also
/// tried as the payloads of records with right checks.
pub fn edits(data: &[u8]) {
    if let Ok(Some(journal)) = Journal::decode(data.to_vec()) {
        read(&journal);
    }
    let mut made = seed_writer().into_bytes();
    let mut chain = chain_of(&made);
    for payload in data.split(|b| *b == 0xfe).filter(|p| !p.is_empty()) {
        let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        chain = *BlobId::of(&[&chain, length.as_slice(), payload].concat()).as_bytes();
        made.extend_from_slice(&[length.as_slice(), payload, &chain[..16]].concat());
    }
    if let Ok(Some(journal)) = Journal::decode(made) {
        read(&journal);
    }
}

/// Reads what a journal says, whatever that is.
fn read(journal: &Journal) {
    let _ = journal.counts();
    for file in journal.files() {
        for base in [Some(BASE.len() as u64), Some(0), None] {
            if let Ok(overlay) = journal.overlay(file, base) {
                read_overlay(&Arc::new(overlay));
            }
        }
    }
}

fn read_overlay(overlay: &Arc<FileOverlay>) {
    let parts = overlay.parts().count();
    assert!(parts < 1 << 20);
    let source = EditedSource::new(Arc::new(BASE.to_vec()), Arc::clone(overlay));
    let (mut at, mut piece) = (0, [0; 64]);
    while at < source.len() {
        match source.read_at(&mut piece, at) {
            Ok(0) | Err(_) => break,
            Ok(n) => at += n as u64,
        }
    }
    for row in [0, 1, 2, 5, u64::MAX] {
        let _ = overlay.place_of(row);
        if let Ok((_, text)) = overlay.stored_row(row) {
            let _ = EditedRow::parse(&text);
        }
    }
}

fn seed_writer() -> JournalWriter {
    JournalWriter::begin(&BaseIdentity::Dataset {
        content_id: ContentId::new([1; 32]),
        name: "d@1.0.0".to_owned(),
    })
}

/// The chain after the one record of a journal.
fn chain_of(journal: &[u8]) -> [u8; 32] {
    let (front, record) = journal.split_at(12);
    let first = *BlobId::of(front).as_bytes();
    let inside = &record[..record.len() - 16];
    *BlobId::of(&[first.as_slice(), inside].concat()).as_bytes()
}

/// Journals, and payloads of records.
pub fn edits_seeds() -> Vec<Vec<u8>> {
    let edit = |file: &str, splices: Vec<NewSplice>| EditEntry {
        time: 1_790_000_000,
        label: "set 1.a".to_owned(),
        files: vec![FileSplices {
            file: file.to_owned(),
            splices,
        }],
    };
    let mut writer = seed_writer();
    let front = writer.clone().into_bytes().len();
    writer.edits(&[
        edit("", vec![NewSplice::change((1, 1), 4, b"two\n", b"twoo\n")]),
        edit(
            "",
            vec![
                NewSplice::delete((0, 1), 0, 4),
                NewSplice::insert((3, 2), 15, b"=x\n~1 {}\n".to_vec()),
                NewSplice::end_row(4, 20, 5, b"\n"),
            ],
        ),
        edit(
            "a/b.csv",
            vec![NewSplice::insert((0, 1), 0, b"r\n".to_vec())],
        ),
    ]);
    writer.undo(2).redo(1);
    let whole = writer.into_bytes();
    // Without lengths and checks, records are payloads.
    let mut payloads = Vec::new();
    let mut rest = &whole[front..];
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        payloads.extend_from_slice(&behind[..length]);
        payloads.push(0xfe);
        rest = &behind[length + 16..];
    }
    vec![whole, payloads]
}
