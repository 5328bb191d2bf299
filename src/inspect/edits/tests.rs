//! Random edits against a plain list of rows, and the journal against cuts and flipped bits.

use std::sync::Arc;

use super::*;
use crate::read_at::ReadAt;
use crate::splitmix::drawn;

/// A pseudo-random sequence.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed << 20)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 += 1;
        drawn(self.0) % n
    }
}

/// The model: rows with their origin.
#[derive(Clone, Debug, PartialEq)]
struct Model(Vec<(Vec<u8>, char)>);

impl Model {
    fn bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(row, _)| row.clone()).collect()
    }

    fn at(&self, row: usize) -> u64 {
        self.0[..row].iter().map(|(row, _)| row.len() as u64).sum()
    }

    fn count(&self, of: char) -> u64 {
        self.0.iter().filter(|(_, origin)| *origin == of).count() as u64
    }
}

fn row(random: &mut Random) -> Vec<u8> {
    let letters = random.below(6);
    let mut row: Vec<u8> = (0..letters).map(|_| b'a' + random.below(3) as u8).collect();
    row.push(b'\n');
    row
}

/// Makes the splices of one edit at random, and changes the model.
fn random_edit(model: &mut Model, random: &mut Random) -> Vec<NewSplice> {
    let before = model.clone();
    let mut splices = Vec::new();
    let (mut at, mut out) = (0, Vec::new());
    for _ in 0..=random.below(4) {
        let left = before.0.len() - at;
        let start = at + random.below(left as u64 / 2 + 1) as usize;
        let start = start.min(before.0.len());
        out.extend_from_slice(&before.0[at..start]);
        let rows = (1 + random.below(3) as usize).min(before.0.len() - start);
        let old: Vec<u8> = before.0[start..start + rows]
            .iter()
            .flat_map(|(row, _)| row.clone())
            .collect();
        let place = (start as u64, rows as u64);
        at = start + rows;
        match random.below(3) {
            0 if rows > 0 => {
                splices.push(NewSplice::delete(place, before.at(start), old.len() as u64));
            }
            1 if rows > 0 => {
                let new: Vec<Vec<u8>> = (0..rows).map(|_| row(random)).collect();
                let text = new.concat();
                splices.push(NewSplice::change(place, before.at(start), &old, &text));
                for (new, (_, origin)) in new.into_iter().zip(&before.0[start..]) {
                    out.push((new, if *origin == 'n' { 'n' } else { 'c' }));
                }
            }
            _ => {
                at = start;
                let new: Vec<Vec<u8>> = (0..=random.below(2)).map(|_| row(random)).collect();
                let place = (start as u64, new.len() as u64);
                splices.push(NewSplice::insert(place, before.at(start), new.concat()));
                out.extend(new.into_iter().map(|row| (row, 'n')));
                // Two insertions in one place would be one.
                if at < before.0.len() {
                    out.push(before.0[at].clone());
                    at += 1;
                } else {
                    break;
                }
            }
        }
    }
    out.extend_from_slice(&before.0[at..]);
    *model = Model(out);
    splices
}

fn base() -> BaseIdentity {
    BaseIdentity::Dataset {
        content_id: crate::ident::ContentId::new([7; 32]),
        name: "some".to_owned(),
    }
}

fn entry(splices: Vec<NewSplice>) -> EditEntry<NewSplice> {
    EditEntry {
        time: 5,
        label: "an edit".to_owned(),
        files: vec![FileSplices {
            file: String::new(),
            splices,
        }],
    }
}

fn read_all(source: &dyn ReadAt, step: usize) -> Vec<u8> {
    let (mut out, mut buf) = (Vec::new(), vec![0; step]);
    loop {
        let n = source.read_at(&mut buf, out.len() as u64).unwrap();
        if n == 0 {
            return out;
        }
        out.extend_from_slice(&buf[..n]);
    }
}

#[test]
fn random_edits_give_rows_of_plain_list() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let rows = random.below(12);
        let original: Vec<Vec<u8>> = (0..rows).map(|_| row(&mut random)).collect();
        let bytes = original.concat();
        let mut model = Model(original.into_iter().map(|row| (row, 'k')).collect());
        let mut writer = JournalWriter::begin(&base());
        for _ in 0..random.below(8) {
            let splices = random_edit(&mut model, &mut random);
            if !splices.is_empty() {
                writer.edits(&[entry(splices)]);
            }
        }
        let journal = Journal::decode(writer.into_bytes()).unwrap().unwrap();
        assert_eq!(journal.torn_bytes(), 0);
        let overlay = Arc::new(journal.overlay("", Some(bytes.len() as u64)).unwrap());
        assert_eq!(overlay.bytes(), model.bytes().len() as u64, "seed {seed}");
        assert_eq!(overlay.rows(rows), model.0.len() as u64, "seed {seed}");
        let source = EditedSource::new(Arc::new(bytes.clone()), Arc::clone(&overlay));
        for step in [1, 3, 64] {
            assert_eq!(read_all(&source, step), model.bytes(), "seed {seed}");
        }
        let counts = overlay.counts();
        assert_eq!(counts.rows_changed, model.count('c'), "seed {seed}");
        assert_eq!(counts.rows_inserted, model.count('n'), "seed {seed}");
        let kept = model.count('k') + model.count('c');
        assert_eq!(counts.rows_deleted, rows - kept, "seed {seed}");
        for row in 0..model.0.len() {
            let at = match overlay.place_of(row as u64) {
                RowPlace::Region { first, at, .. } => {
                    at + (model.at(row) - model.at(first as usize))
                }
                RowPlace::Base {
                    row: base,
                    from,
                    edited_from,
                } => {
                    let rows = bytes.split_inclusive(|b| *b == b'\n');
                    let before: usize = rows.take(base as usize).map(<[u8]>::len).sum();
                    edited_from.1 + (before as u64 - from.1)
                }
            };
            assert_eq!(at, model.at(row), "seed {seed}, row {row}");
        }
    }
}

#[test]
fn undone_edits_come_back_until_another_edit() {
    let insert =
        |row, text: &[u8]| entry(vec![NewSplice::insert((row, 1), row * 2, text.to_vec())]);
    let mut writer = JournalWriter::begin(&base());
    writer
        .edits(&[insert(0, b"a\n")])
        .edits(&[insert(1, b"b\n")]);
    let text = |writer: &JournalWriter| {
        let journal = Journal::decode(writer.clone().into_bytes())
            .unwrap()
            .unwrap();
        let overlay = Arc::new(journal.overlay("", Some(0)).unwrap());
        let source = EditedSource::new(Arc::new(Vec::new()), overlay);
        (read_all(&source, 9), journal.undone().len())
    };
    assert_eq!(text(&writer), (b"a\nb\n".to_vec(), 0));
    assert_eq!(text(writer.undo(1)), (b"a\n".to_vec(), 1));
    assert_eq!(text(writer.redo(1)), (b"a\nb\n".to_vec(), 0));
    assert_eq!(text(writer.undo(2)), (Vec::new(), 2));
    assert_eq!(text(writer.redo(1)), (b"a\n".to_vec(), 1));
    assert_eq!(
        text(writer.edits(&[insert(1, b"c\n")])),
        (b"a\nc\n".to_vec(), 0)
    );
    let more_than_there_are = writer.clone().undo(3).clone().into_bytes();
    assert!(Journal::decode(more_than_there_are).is_err());
}

fn some_journal() -> Vec<u8> {
    let mut writer = JournalWriter::begin(&base());
    let splices = vec![NewSplice::insert((0, 1), 0, b"{}\n".to_vec())];
    writer.edits(&[entry(splices)]).undo(1).redo(1);
    writer.into_bytes()
}

#[test]
fn cut_journal_loses_only_records_behind_the_cut() {
    let whole = some_journal();
    let mut seen = Vec::new();
    for length in 0..whole.len() {
        if let Some(journal) = Journal::decode(whole[..length].to_vec()).unwrap() {
            assert_eq!(journal.valid_bytes() + journal.torn_bytes(), length);
            seen.push(journal.active().len());
        }
    }
    seen.dedup();
    assert_eq!(seen, [0, 1, 0]);
}

#[test]
fn journal_with_flipped_bit_is_damaged_or_torn_and_never_other() {
    let whole = some_journal();
    let right = Journal::decode(whole.clone()).unwrap().unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let Ok(Some(found)) = Journal::decode(bytes) else {
            continue;
        };
        assert!(found.torn_bytes() > 0, "byte {at}");
        assert_eq!(found.base(), right.base(), "byte {at}");
    }
}

#[test]
fn zeros_behind_the_records_are_torn() {
    let mut bytes = some_journal();
    bytes.extend_from_slice(&[0; 4096]);
    let journal = Journal::decode(bytes).unwrap().unwrap();
    assert_eq!((journal.torn_bytes(), journal.active().len()), (4096, 1));
}

#[test]
fn splices_outside_of_the_base_are_refused() {
    for splice in [
        NewSplice::delete((0, 1), 0, 11),
        NewSplice::delete((0, 1), 11, 1),
        NewSplice::insert((0, 1), 11, b"x\n".to_vec()),
    ] {
        let mut writer = JournalWriter::begin(&base());
        writer.edits(&[entry(vec![splice])]);
        let journal = Journal::decode(writer.into_bytes()).unwrap().unwrap();
        assert!(journal.overlay("", Some(10)).is_err());
        assert!(journal.overlay("", Some(12)).is_ok());
    }
}
