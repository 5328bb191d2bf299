use super::params::*;
use super::*;

fn cuts(data: &[u8]) -> Vec<usize> {
    let (mut ends, mut at) = (Vec::new(), 0);
    while let Some(n) = next_cut(&data[at..], true) {
        at += n.get();
        ends.push(at);
    }
    ends
}

/// Makes deterministic bytes that do not repeat.
fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut out = vec![0; len];
    blake3::Hasher::new()
        .update(&seed.to_le_bytes())
        .finalize_xof()
        .fill(&mut out);
    out
}

fn rows(count: usize, seed: u64) -> Vec<u8> {
    let bytes = noise(count * 40, seed);
    bytes
        .chunks(40)
        .enumerate()
        .flat_map(|(n, b)| {
            format!("{{\"n\":{n},\"text\":\"{}\"}}\n", crate::ident::to_hex(b)).into_bytes()
        })
        .collect()
}

#[test]
fn chunks_keep_their_limits_and_cover_the_region() {
    for data in [
        noise(3_000_000, 1),
        rows(30_000, 2),
        vec![0; 1_000_000],
        Vec::new(),
        vec![7],
    ] {
        let ends = cuts(&data);
        assert_eq!(ends.last().copied().unwrap_or(0), data.len());
        let mut at = 0;
        for (i, end) in ends.iter().enumerate() {
            let len = end - at;
            assert!(len <= CHUNK_BYTES_MAX);
            assert!(len >= CHUNK_BYTES_MIN || i + 1 == ends.len());
            at = *end;
        }
    }
}

#[test]
fn chunks_of_rows_end_at_rows() {
    let data = rows(30_000, 3);
    assert!(cuts(&data).iter().all(|end| data[end - 1] == b'\n'));
}

#[test]
fn chunks_do_not_depend_on_how_bytes_arrive() {
    let data = [noise(700_000, 4), rows(5_000, 5)].concat();
    let mut streamed = Vec::new();
    let (mut start, mut have) = (0, 0);
    while start < data.len() {
        match next_cut(&data[start..have], have == data.len()) {
            Some(n) => {
                start += n.get();
                streamed.push(start);
            }
            None => have = (have + 1000).min(data.len()),
        }
    }
    assert_eq!(streamed, cuts(&data));
}

#[test]
fn chunks_far_from_an_edit_stay_the_same() {
    let before = rows(60_000, 6);
    let mut after = before.clone();
    after.splice(1_000_000..1_000_000, *b"{\"n\":\"inserted\"}\n");
    let ids = |data: &[u8]| {
        let mut at = 0;
        let mut ids = Vec::new();
        for end in cuts(data) {
            ids.push(*blake3::hash(&data[at..end]).as_bytes());
            at = end;
        }
        ids
    };
    let old: std::collections::HashSet<_> = ids(&before).into_iter().collect();
    let new = ids(&after)
        .into_iter()
        .filter(|id| !old.contains(id))
        .count();
    assert!((1..=4).contains(&new), "{new} chunks are new");
}

#[test]
fn compression_round_trips_and_refuses_wrong_lengths() {
    let mut c = Compressor::new();
    for raw in [
        Vec::new(),
        vec![1],
        noise(100_000, 7),
        rows(2_000, 8),
        vec![0; 1 << 20],
    ] {
        let (codec, payload) = c.compress(&raw);
        assert!(payload.len() <= raw.len());
        assert_eq!(decompress(codec, &payload, raw.len()).as_ref(), Ok(&raw));
        assert!(matches!(
            decompress(codec, &payload, raw.len() + 1),
            Err(CodecError::Length { .. })
        ));
        if !raw.is_empty() {
            assert!(matches!(
                decompress(codec, &payload, raw.len() - 1),
                Err(CodecError::Damaged | CodecError::Length { .. })
            ));
        }
        assert_eq!(Codec::from_number(codec.number()), Some(codec));
    }
    let (codec, _) = c.compress(&noise(100_000, 9));
    assert_eq!(codec, Codec::Raw, "what does not shrink is kept as it is");
    assert!(matches!(
        decompress(Codec::Zstd, b"not a frame", 5),
        Err(CodecError::Damaged)
    ));
}

/// Makes two versions of adjacent lines that differ in one word.
fn versions() -> (Vec<u8>, Vec<u8>) {
    let line = |n: usize, word| format!("row {n} of the old version, with {word} words in it\n");
    let old = (0..60).map(|n| line(n, "some"));
    let new = (0..60).map(|n| line(n, if n == 31 { "other" } else { "some" }));
    let joined = |lines: Vec<String>| lines.concat().into_bytes();
    (joined(old.collect()), joined(new.collect()))
}

#[test]
fn delta_is_small_and_round_trips() {
    let mut encoder = DeltaEncoder::new();
    let (old, new) = (rows(5_000, 10), rows(5_000, 10));
    let mut new = [&new[..200_000], b"{\"n\":\"inserted\"}\n", &new[200_000..]].concat();
    new[100_000] ^= 1;
    for (raw, bases) in [
        (&new, &old),
        (&old, &new),
        (&Vec::new(), &old),
        (&noise(100_000, 11), &noise(70_000, 12)),
        (&vec![1], &vec![2]),
    ] {
        let payload = encoder.encode(raw, bases.clone()).unwrap();
        assert_eq!(apply(&payload, bases.clone(), raw.len()).as_ref(), Ok(raw));
        assert!(matches!(
            apply(&payload, bases.clone(), raw.len() + 1),
            Err(CodecError::Length { .. })
        ));
        if !raw.is_empty() {
            assert!(matches!(
                apply(&payload, bases.clone(), raw.len() - 1),
                Err(CodecError::Damaged)
            ));
        }
    }
    let payload = encoder.encode(&new, old.clone()).unwrap();
    assert!(payload.len() < 400, "{} bytes", payload.len());
    let other = apply(&payload, rows(5_000, 13), new.len());
    assert_ne!(other, Ok(new), "it needs the base that it was made against");
    assert!(encoder.encode(b"some", Vec::new()).is_none());
    assert!(matches!(
        apply(b"not a frame", old, 5),
        Err(CodecError::Damaged)
    ));
}

#[test]
fn delta_of_the_c_implementation_decodes() {
    let (old, new) = versions();
    for frame in [
        // zstd 1.5 -3 --no-check -D
        "28b52ffd60730aad0000286f74686572030055d90dfe60c93cab8075fb6110",
        // zstd 1.5 -3 --patch-from
        "28b52ffd64730a15020040316f746865723332110024d90dfe0010e125f3acbceb0655544e11484ed1354ea308\
         b71c41cf2582cc5704ed962348ba4400dd44a06f3982aa4b04b16f40690520dc17de9c",
    ] {
        let hex: Vec<u8> = frame.bytes().filter(|b| *b != b' ').collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
        let frame: Vec<u8> = hex.chunks(2).map(|pair| byte(pair).unwrap()).collect();
        assert_eq!(apply(&frame, old.clone(), new.len()).as_ref(), Ok(&new));
    }
}

#[test]
fn delta_with_endless_expansion_is_refused() {
    let base = rows(50, 14);
    let magic = 0xfd2f_b528_u32.to_le_bytes();
    // One segment of 2^40 bytes, or of the asked length; a window of 2^41 bytes.
    let heads: [&[u8]; 3] = [
        &[0xe0, 0, 0, 0, 0, 0, 1, 0, 0],
        &[0xa0, 0, 0, 1, 0],
        &[0x00, 0xff],
    ];
    // Blocks of one byte, repeated 128 KiB times.
    let blocks = [0x02, 0x00, 0x10, b'a'].repeat(100_000);
    for head in heads {
        let frame = [&magic, head, &blocks].concat();
        assert!(matches!(
            apply(&frame, base.clone(), 1 << 16),
            Err(CodecError::Damaged)
        ));
        assert!(matches!(
            apply(&frame, base.clone(), usize::MAX),
            Err(CodecError::Damaged)
        ));
        // Nor do two frames make one.
        let twice = [frame.clone(), frame].concat();
        assert!(matches!(
            apply(&twice, base.clone(), 1 << 16),
            Err(CodecError::Damaged)
        ));
    }
    let too_long = vec![0; crate::wire::limits::RECORD_BASE_BYTES_MAX + 1];
    assert!(matches!(
        apply(&magic, too_long, 1),
        Err(CodecError::Damaged)
    ));
}
