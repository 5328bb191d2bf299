use super::layout::*;
use super::*;
use crate::blob_store::BlobKind;
use crate::chunk::Compressor;
use crate::ident::BlobId;
use crate::wire::DecodeError;

fn record(blobs: &[&[u8]]) -> Record {
    let raw = blobs.concat();
    let (codec, payload) = Compressor::new().compress(&raw);
    let items = blobs
        .iter()
        .map(|b| Item {
            id: BlobId::of(b),
            raw_bytes: b.len() as u32,
        })
        .collect();
    Record {
        kind: BlobKind::Chunk,
        codec,
        flags: super::Flags::default(),
        sequence: 0,
        items,
        bases: Vec::new(),
        payload,
    }
}

#[test]
fn record_decodes_to_the_encoded_value() {
    let a = b"abc".repeat(500);
    let bytes = record(&[&a, b"", b"second"]).encode();
    let view = RecordView::decode(&bytes).unwrap();
    assert!(view.payload_is_intact());
    assert_eq!(view.unpack().unwrap(), [&a[..], b"second"].concat());
    assert_eq!(view.header.items.len(), 3);
    assert_eq!(view.header.record_bytes(), bytes.len());
}

#[test]
fn record_with_any_flipped_bit_is_detected() {
    let bytes = record(&[b"some bytes that are stored", b"and more"]).encode();
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let seen = match RecordView::decode(&bad) {
            Err(_) => true,
            Ok(view) => !view.payload_is_intact(),
        };
        assert!(seen, "bit {bit}");
    }
}

#[test]
fn record_cut_short_or_too_long_is_refused() {
    let bytes = record(&[b"payload"]).encode();
    for n in 0..bytes.len() {
        assert!(
            matches!(RecordView::decode(&bytes[..n]), Err(DecodeError::Truncated)),
            "{n}"
        );
    }
    let long = [&bytes[..], b"x"].concat();
    assert_eq!(
        RecordView::decode(&long).unwrap_err(),
        DecodeError::Trailing(1)
    );
}

#[test]
fn pack_header_names_its_version() {
    let good = encode_pack_header(7);
    assert_eq!(good.len(), PACK_HEADER_BYTES);
    assert_eq!(decode_pack_header(&good), Ok(7));
    let of_version = |version| [&good[..8], &[version], &good[9..]].concat();
    assert_eq!(decode_pack_header(&of_version(1)), Ok(7));
    let newer = decode_pack_header(&of_version(3));
    assert_eq!(newer, Err(DecodeError::Version(3)));
    assert_eq!(
        decode_pack_header(b"not a pack at all"),
        Err(DecodeError::Magic("pack"))
    );
}

#[test]
fn pack_scan_finds_all_records_around_damage() {
    let records: Vec<Vec<u8>> = (0_u8..5)
        .map(|n| record(&[&vec![n; 3000], &[n, 1, 2]]).encode())
        .collect();
    let mut pack = encode_pack_header(1);
    let mut starts = Vec::new();
    for r in &records {
        starts.push(pack.len() as u64);
        pack.extend_from_slice(r);
    }
    let found = |pack: &Vec<u8>| {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        scan(pack, pack.len() as u64, &mut |f| match f {
            ScanItem::Record { offset, .. } => good.push(offset),
            ScanItem::Damage { offset, end } => bad.push((offset, end)),
        })
        .unwrap();
        (good, bad)
    };
    assert_eq!(found(&pack), (starts.clone(), vec![]));
    let mut broken = pack.clone();
    broken[starts[2] as usize + 10] ^= 1;
    let (good, bad) = found(&broken);
    assert_eq!(good, [starts[0], starts[1], starts[3], starts[4]]);
    assert_eq!(bad, [(starts[2], starts[3])]);
    pack.truncate(pack.len() - 1);
    let end = pack.len() as u64;
    assert_eq!(found(&pack).1, [(starts[4], end)]);
}
