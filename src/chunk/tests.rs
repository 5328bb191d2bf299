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

/// Deterministic bytes that do not repeat.
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
fn a_cut_does_not_depend_on_how_the_bytes_arrive() {
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
fn an_edit_changes_only_chunks_near_it() {
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
fn compression_is_undone_exactly_and_refuses_lies() {
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
        assert!(decompress(codec, &payload, raw.len() + 1).is_err());
        if !raw.is_empty() {
            assert!(decompress(codec, &payload, raw.len() - 1).is_err());
        }
        assert_eq!(Codec::from_number(codec.number()), Some(codec));
    }
    let (codec, _) = c.compress(&noise(100_000, 9));
    assert_eq!(codec, Codec::Raw, "what does not shrink is kept as it is");
    assert!(decompress(Codec::Zstd, b"not a frame", 5).is_err());
}
