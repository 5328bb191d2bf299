//! Nothing that is there is denied, whoever chose it; equal sets are equal bytes; and bytes from
//! anywhere are a filter that is written as it was read, or none.

use crate::ident::ContentId;
use crate::ident::HexPrefix;
use crate::protocol::Random;
use crate::protocol::filter::bucket::Bucket;
use crate::protocol::filter::bucket::FINGERPRINTS;
use crate::protocol::filter::placing::Home;
use crate::protocol::filter::placing::Key;
use crate::protocol::filter::placing::place;
use crate::protocol::filter::*;

/// Hashes of `seed` and a number, as content ids are.
fn ids(seed: u64, count: usize) -> Vec<ContentId> {
    let id = |n| ContentId::from_bytes(format!("{seed} {n}").as_bytes());
    (0..count).map(id).collect()
}

/// An id that begins with a key of one's choice.
fn id_of(key: u32) -> ContentId {
    let mut bytes = [9; 32];
    bytes[..4].copy_from_slice(&key.to_le_bytes());
    ContentId::new(bytes)
}

fn false_yeses(filter: &Filter, asked: usize) -> usize {
    let absent = ids(u64::MAX, asked);
    absent.iter().filter(|id| filter.may_contain(id)).count()
}

/// What has to hold of every filter that is built.
fn check(ids: &[ContentId], filter: &Filter) {
    for id in ids {
        assert!(filter.may_contain(id), "{id} of {}", ids.len());
        let prefix = HexPrefix::parse(&id.to_hex()[..8]).unwrap();
        assert!(filter.may_contain_prefix(&prefix), "{id}");
    }
    let bytes = filter.encode();
    assert_eq!(Filter::decode(&bytes).as_ref(), Ok(filter));
    assert!(bytes.len() <= FILTER_BYTES_MAX);
}

#[test]
fn nothing_that_is_there_is_denied() {
    let mut random = Random::new(1);
    let few = (0..200_usize).map(|n| n * 2);
    let more: Vec<usize> = (0..40).map(|_| random.below(5_000) as usize).collect();
    for (seed, count) in (0..).zip(few.chain(more).chain([100_000])) {
        let ids = ids(seed, count);
        let filter = Filter::build(&ids);
        check(&ids, &filter);
        assert_eq!(filter.len(), count);
        assert!(!filter.is_full());
    }
}

#[test]
fn an_empty_filter_denies_everything() {
    let empty = Filter::build(&[]);
    assert_eq!(empty, Filter::default());
    assert_eq!(empty.encode(), [1, 0, 0]);
    assert!(empty.is_empty() && !empty.is_full());
    assert_eq!(false_yeses(&empty, 1_000), 0);
}

#[test]
fn a_yes_is_seldom_wrong_and_bytes_are_few() {
    for count in [100, 770, 5_000, 100_000] {
        let filter = Filter::build(&ids(7, count));
        let (asked, bytes) = (100_000, filter.encode().len());
        let wrong = false_yeses(&filter, asked);
        // Two buckets of four, of 2,266 fingerprints: 353 where both are full, and deviation.
        assert!((200..420).contains(&wrong), "{wrong} of {count}");
        // 10.3 bits an id, more where there are few.
        assert!(bytes * 8 < count * 11, "{bytes} for {count}");
    }
    assert!(Filter::build(&ids(7, 770)).encode().len() <= 1_000);
}

#[test]
fn order_and_repetition_do_not_matter() {
    let mut random = Random::new(2);
    for count in [2, 9, 100, 3_000] {
        let mut ids = ids(3, count);
        let filter = Filter::build(&ids);
        for _ in 0..5 {
            for n in 0..count {
                ids.swap(n, random.below(count as u64) as usize);
            }
            ids.push(ids[0]);
            let again = Filter::build(&ids);
            assert_eq!(again.encode(), filter.encode());
            assert_eq!(again.digest(), filter.digest());
        }
        let other = Filter::build(&ids[1..count - 1]);
        assert_ne!(other.digest(), filter.digest());
    }
}

/// Keys of one bucket pair, before it grows, in a filter of so many.
fn colliding(count: usize) -> Vec<ContentId> {
    let buckets = bucket_count(count, 0).unwrap();
    let pair = Key::of(&id_of(1)).home(0, buckets).pair;
    let reversed = [pair[1], pair[0]];
    let all = (0..u32::MAX).map(id_of);
    all.filter(|id| {
        let found = Key::of(id).home(0, buckets).pair;
        found == pair || found == reversed
    })
    .take(count)
    .collect()
}

#[test]
fn ids_chosen_to_share_their_buckets_are_placed_all_the_same() {
    for count in [9, 20, 60, 150] {
        let ids = colliding(count);
        let filter = Filter::build(&ids);
        check(&ids, &filter);
        assert!(filter.growth > 0 && !filter.is_full(), "{count}");
        // What they cost is bounded.
        assert!(filter.growth < 8, "{count} grew {} times", filter.growth);
    }
    // Neighbours, and what differs in few bits.
    for ids in [
        (0..3_000).map(id_of).collect::<Vec<_>>(),
        (0..3_000).map(|n| id_of(n << 20)).collect(),
    ] {
        let filter = Filter::build(&ids);
        check(&ids, &filter);
        assert!(filter.growth < 4 && !filter.is_full());
    }
}

#[test]
fn equal_fingerprints_in_equal_buckets_take_one_slot() {
    // Far more than eight ids of one key.
    let same: Vec<ContentId> = (0..100)
        .map(|n| {
            let mut bytes = *id_of(5).as_bytes();
            bytes[31] = n;
            ContentId::new(bytes)
        })
        .collect();
    let filter = Filter::build(&same);
    check(&same, &filter);
    assert_eq!((filter.len(), filter.growth), (100, 0));
    assert_eq!(filter.buckets.iter().map(Bucket::len).sum::<usize>(), 1);
    // Different keys of one fingerprint and one pair.
    let Home { fingerprint, pair } = Key::of(&id_of(5)).home(0, 26);
    let alike = (0..).map(id_of).filter(|id| {
        let home = Key::of(id).home(0, 26);
        home.fingerprint == fingerprint && home.pair.contains(&pair[0])
    });
    let alike: Vec<ContentId> = alike.take(100).collect();
    let filter = Filter::build(&alike);
    check(&alike, &filter);
    assert_eq!(filter.growth, 0);
}

#[test]
fn what_finds_no_place_makes_a_filter_that_denies_nothing() {
    let keys: Vec<Key> = (0..5).map(|n| Key::of(&id_of(n))).collect();
    assert!(place(&keys[..4], 0, 1).is_some());
    assert_eq!(place(&keys, 0, 1), None);
    // More ids than there may be bytes for.
    let full = Filter::of_keys(FILTER_IDS_MAX, &keys);
    assert!(full.is_full() && !full.is_empty());
    let asked = ids(1, 100);
    check(&asked, &full);
    assert_eq!(bucket_count(3_288_323, 0), Some(838_858));
    assert_eq!(bucket_count(3_288_324, 0), None);
    assert_eq!(
        838_858 * BUCKET_BYTES + HEADER_BYTES_MAX,
        FILTER_BYTES_MAX - 4
    );
}

#[test]
fn every_bucket_has_one_number() {
    let mut random = Random::new(3);
    let last = Bucket([2263, 2264, 2265, 2266]);
    let known = [
        (Bucket([0; 4]), 0),
        (Bucket([0, 0, 0, 1]), 1),
        (Bucket([0, 0, 0, 2266]), 2266),
        (Bucket([0, 0, 1, 2]), 2267),
        (Bucket([0, 0, 1, 3]), 2268),
        (last, 1_097_604_374_141),
    ];
    for (bucket, number) in known {
        assert_eq!(bucket.number(), number);
        assert_eq!(Bucket::of_number(number), Ok(bucket));
    }
    for beyond in [1_097_604_374_142, (1 << 40) - 1, u64::MAX] {
        assert!(Bucket::of_number(beyond).is_err());
    }
    for n in 0..20_000 {
        // All sizes: the small ones are a small part of the numbers.
        let number = random.below(1_097_604_374_142 >> (n % 4 * 10));
        let bucket = Bucket::of_number(number).unwrap();
        assert_eq!(bucket.number(), number, "{bucket:?}");
        let Bucket(slots) = bucket;
        assert!(slots.is_sorted_by(|a, b| a < b || *a == 0), "{bucket:?}");
        assert!(slots.iter().all(|f| *f <= FINGERPRINTS));
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused_or_written_as_it_was_read() {
    let full = [1, 5, 255];
    let encodings = [0, 1, 3, 4, 60].map(|n| Filter::build(&ids(4, n)).encode());
    for bytes in encodings.into_iter().chain([full.to_vec()]) {
        for end in 0..bytes.len() {
            assert!(Filter::decode(&bytes[..end]).is_err(), "{end}");
        }
        assert!(Filter::decode(&[&bytes[..], &[0]].concat()).is_err());
        let mut refused = 0;
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            match Filter::decode(&flipped) {
                Ok(filter) => assert_eq!(filter.encode(), flipped),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 8, "{refused}");
    }
}

#[test]
fn what_does_not_add_up_is_refused() {
    let two = Filter::build(&ids(5, 2)).encode();
    assert_eq!(two.len(), 3 + BUCKET_BYTES);
    let with = |at: usize, byte: u8| {
        let mut bytes = two.clone();
        bytes[at] = byte;
        Filter::decode(&bytes)
    };
    assert_eq!(with(0, 2), Err(DecodeError::Version(2)));
    // Two fingerprints and one id; three are fine: two may have met.
    assert_eq!(with(1, 1), Err(DecodeError::Invalid("number of ids")));
    assert!(with(1, 3).is_ok());
    assert_eq!(with(1, 4), Err(DecodeError::Truncated));
    assert_eq!(with(2, 1), Err(DecodeError::Truncated));
    for growth in [33, 254] {
        assert_eq!(with(2, growth), Err(DecodeError::Invalid("growth")));
    }
    assert_eq!(with(2, 255), Err(DecodeError::Trailing(BUCKET_BYTES)));
    // No bytes, so no room is made for what they would be.
    let most = [1, 0x80, 0xc2, 0xd7, 0x2f, 0];
    assert_eq!(Filter::decode(&most), Err(DecodeError::Invalid("growth")));
    for empty in [[1, 0, 1], [1, 0, 255]] {
        assert_eq!(Filter::decode(&empty), Err(DecodeError::Invalid("growth")));
    }
    let none = [1, 1, 0, 0, 0, 0, 0, 0];
    assert_eq!(
        Filter::decode(&none),
        Err(DecodeError::Invalid("number of ids"))
    );
    let over = [1, 0x81, 0xc2, 0xd7, 0x2f, 255];
    assert!(matches!(
        Filter::decode(&over),
        Err(DecodeError::Limit { .. })
    ));
}
