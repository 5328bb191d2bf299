//! Collections of documents: indexes, side logs, lines, predicates and archives.

use alimentar::documents::format::DocumentId;
use alimentar::documents::format::IndexForm;
use alimentar::documents::format::Predicate;
use alimentar::documents::format::SIDE_LOG_MAGIC;
use alimentar::documents::format::TableHeader;
use alimentar::documents::format::decode_index;
use alimentar::documents::format::decode_side_log;
use alimentar::documents::format::encode_index;
use alimentar::documents::format::line_id;
use alimentar::documents::format::line_into;
use alimentar::documents::format::schema_text;
use alimentar::documents::format::zip::ZipArchive;
use alimentar::documents::format::zip::ZipWriter;

/// Everything that a collection reads. Each value that is read is written again, and read alike.
pub fn documents(data: &[u8]) {
    if let Ok((form, entries)) = decode_index(data) {
        let again = encode_index(
            form,
            entries.iter().map(|e| (e.id.as_ref(), e.offset, e.length)),
        );
        if form == IndexForm::Binary {
            assert_eq!(again, data);
        }
    }
    let (records, length) = decode_side_log(data);
    if length > 0 {
        let mut again = SIDE_LOG_MAGIC.to_vec();
        records.iter().for_each(|r| r.encode_into(&mut again));
        assert_eq!(again, data[..length]);
    }
    if let Ok(header) = TableHeader::decode(data) {
        assert_eq!(TableHeader::decode(&header.encode()), Ok(header));
    }
    let id = DocumentId::new("id").unwrap();
    let mut line = Vec::new();
    if line_into(&id, data, &mut line).is_ok() {
        assert_eq!(line_id(&line).unwrap(), "id");
        assert!(schema_text(&line).is_ok());
    }
    if let Ok(predicate) = String::from_utf8_lossy(data).parse::<Predicate>() {
        assert!(predicate.matches(br#"{"a":[{"b":1}],"c":"x"}"#).is_ok());
    }
    let bytes = data.to_vec();
    if let Ok(zip) = ZipArchive::open(&bytes) {
        for entry in zip.entries() {
            assert!(!entry.name.starts_with('/') && entry.name.split('/').all(|part| part != ".."));
            let mut out = Vec::new();
            if zip.extract(entry, &mut out).is_ok() {
                assert_eq!(out.len() as u64, entry.length);
            }
        }
    }
}

/// Good bytes of each kind.
pub fn documents_seeds() -> Vec<Vec<u8>> {
    let vectors = include_str!("../../spec/vectors/documents.txt");
    let hex = vectors
        .lines()
        .filter_map(|line| line.split_once(' ').filter(|(kind, _)| *kind != "#"));
    let byte = |text: &[u8], at: usize| {
        u8::from_str_radix(std::str::from_utf8(&text[at..at + 2]).unwrap(), 16)
    };
    let mut seeds: Vec<Vec<u8>> = hex
        .map(|(_, hex)| {
            (0..hex.len() / 2)
                .map(|n| byte(hex.as_bytes(), 2 * n).unwrap())
                .collect()
        })
        .collect();
    seeds.push(br#"{"_id":"id","a":[{"b":1.50}],"c":"x\"y"}"#.to_vec());
    seeds.push(b"a[].b >= 1 and not (c in [x, 'y'] or exists d)".to_vec());
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.add_directory("collections/").unwrap();
    writer
        .add_file(
            "collections/a.txt",
            &mut b"hello hello hello".as_slice(),
            17,
        )
        .unwrap();
    seeds.push(writer.finish().unwrap().into_inner());
    seeds
}
