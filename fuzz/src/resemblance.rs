//! The table of which chunks resemble each other, and super-features.

use alimentar::chunk::FEATURE_BYTES_MIN;
use alimentar::chunk::similarity::Bucket;
use alimentar::chunk::similarity::Place;
use alimentar::chunk::similarity::ResemblanceHeader;
use alimentar::chunk::similarity::find_in;
use alimentar::chunk::similarity::put_into;
use alimentar::chunk::similarity::spread;
use alimentar::chunk::super_features;

/// A header, and buckets of any bytes: what is put in is found, in them and in those of the next larger table.
pub fn resemblance(data: &[u8]) {
    let header = ResemblanceHeader::first();
    if let Some(found) = ResemblanceHeader::decode(data, header.table_bytes()) {
        assert_eq!(
            (found.bits, data.starts_with(&found.encode()[..24])),
            (header.bits, true)
        );
    }
    let larger = header.larger().unwrap();
    let rest = data.get(ResemblanceHeader::BYTES..).unwrap_or_default();
    for (n, bytes) in rest.chunks_exact(size_of::<Bucket>()).enumerate() {
        let mut bucket: Bucket = bytes.try_into().unwrap();
        let number = data[n] as u64;
        let words: Vec<u64> = (bucket.as_chunks().0.iter())
            .map(|word| u64::from_le_bytes(*word))
            .collect();
        for feature in (words.into_iter()).chain([number, number << 56, u64::MAX]) {
            let place = Place {
                pack: n as u32,
                offset: data[0].into(),
                item: u16::MAX - n as u16,
            };
            let _ = find_in(&bucket, feature);
            put_into(&mut bucket, feature, place);
            let found = (feature >> 16 != 0).then_some(place);
            assert_eq!(find_in(&bucket, feature), found);
            let spread = spread(&bucket, header, larger);
            let mut there = spread.iter().filter_map(|b| find_in(b, feature));
            assert_eq!((there.next(), there.next()), (found, None));
        }
    }
    let is_long = data.len() >= FEATURE_BYTES_MIN;
    assert!(is_long || super_features(data).is_none());
}

/// A table with something in its first buckets.
pub fn resemblance_seeds() -> Vec<Vec<u8>> {
    let mut buckets = [[0; 64]; 2];
    for n in 1..7_u64 {
        let place = Place {
            pack: 3,
            offset: 4096 * n as u32,
            item: n as u16,
        };
        put_into(&mut buckets[n as usize % 2], n << 40 | 0xffff, place);
    }
    let header = ResemblanceHeader::first().encode();
    let text: String = (0..900).map(|n| format!("{} ", n * n)).collect();
    vec![
        [&header, buckets.as_flattened()].concat(),
        text.into_bytes(),
    ]
}
