use crate::features::segment::Area;
use crate::features::segment::Cell;
use crate::features::segment::Head;
use crate::features::segment::KeyHash;
use crate::features::segment::part_of;

/// Vectors of the specification, made by `spec/features.md` in Python.
#[test]
fn hash_of_keys_is_that_of_the_specification() {
    let seed = std::array::from_fn(|n| n as u8);
    let hash = KeyHash::new(seed);
    for (key, expected) in VECTORS {
        assert_eq!(hash.hash(key), *expected, "{key:02x?}");
    }
    let word = 0xffff_ffff_ffff_ff85_u64;
    assert_eq!(hash.hash_word(word), hash.hash(&word.to_le_bytes()));
}

const VECTORS: &[(&[u8], u64)] = &[
    (b"", 0x1042_76a4_2f37_d006),
    (&[1, 0, 0, 0, 0, 0, 0, 0], 0x1b4c_349c_d3ed_dcc0),
    (&[3, 0, 0, 0, b'a', b'd', b'a'], 0xda89_af1a_1b04_7c0f),
    (b"0123456789abcdef0", 0x5bce_fe62_dde7_3a21),
];

#[test]
fn part_and_cell_of_hashes_follow_their_order() {
    let mut last = (0, 0);
    for n in 0..10_000_u64 {
        let place = part_of(n * (u64::MAX / 10_000), 7, 13);
        assert!(place >= last && place.0 < 7 && place.1 < 13, "{n}");
        last = place;
    }
    assert_eq!(last, (6, 12));
}

#[test]
fn cell_with_more_rows_than_tags_offers_all_of_the_others() {
    let hashes: Vec<u64> = (0..20).collect();
    let cell = Cell::of_rows(100, hashes.iter().copied()).unwrap();
    let found: Vec<u32> = cell.candidates(5).collect();
    assert_eq!(found, [105, 111, 112, 113, 114, 115, 116, 117, 118, 119]);
    assert!(Cell::of_rows(0, vec![0; 256].into_iter()).is_none());
}

#[test]
fn cell_of_few_rows_offers_no_empty_tag() {
    let cell = Cell::of_rows(7, [0_u64, 1].into_iter()).unwrap();
    assert_eq!(cell.candidates(0).collect::<Vec<_>>(), [7]);
    assert_eq!(Cell::default().candidates(0).count(), 0);
}

#[test]
fn head_with_any_flipped_bit_is_refused() {
    let head = Head {
        checks: Area::of(8192, b"checks"),
        description: Area::of(8198, b"{}"),
    };
    let page = head.encode();
    assert_eq!(Head::decode(&page).unwrap(), head);
    for bit in 0..page.len() * 8 {
        let mut bad = page.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let wanted = match bit {
            0..64 => "it does not begin as a segment",
            _ => "its first page is not what was written",
        };
        assert_eq!(Head::decode(&bad).unwrap_err(), wanted, "bit {bit}");
    }
    let cut = Head::decode(&page[..4095]).unwrap_err();
    assert_eq!(cut, "its first page is not what was written");
}
