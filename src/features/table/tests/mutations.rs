//! Segments whose hashes are right and whose content is not: `fuzz/fuzz_targets/feature_segment.rs` without libFuzzer.

use super::*;
use crate::features::segment::assemble_segment;
use crate::features::segment::take_apart;

/// A segment with a key of two columns, short and long texts, nulls, a list and times, in two parts.
fn whole(path: &Path) -> Vec<u8> {
    let count = 40_i64;
    let numbers = || 0..count;
    let long = |n: i64| (n % 3 > 0).then(|| "long ".repeat(n as usize % 13));
    let lists = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
        numbers().map(|n| (n % 5 > 0).then_some([Some(n as f32), Some(0.5)])),
        2,
    );
    let times = numbers().map(|n| (n % 7 > 0).then_some(n));
    let times = TimestampMicrosecondArray::from_iter(times).with_timezone("UTC");
    let short = numbers().map(|n| format!("k{n}"));
    let rows = batch(vec![
        ("n", Arc::new(Int32Array::from_iter_values(0..count as i32))),
        ("key", Arc::new(StringArray::from_iter_values(short))),
        (
            "long",
            Arc::new(numbers().map(long).collect::<StringArray>()),
        ),
        ("list", Arc::new(lists)),
        ("at", Arc::new(times)),
        (
            "is",
            Arc::new(
                numbers()
                    .map(|n| Some(n % 2 == 0))
                    .collect::<BooleanArray>(),
            ),
        ),
    ]);
    let mut options = options(&["key", "n"]);
    options.timestamp = Some("at".to_owned());
    options.parts = 2;
    build(path, &[rows], &options);
    std::fs::read(path).unwrap()
}

/// Opens and reads a segment in all ways.
fn read(path: &Path) -> Result<(), FeatureError> {
    let max_age = MaxAge {
        ttl: Duration::from_micros(20),
        now: 40,
    };
    for memory in [MemoryMode::Map, MemoryMode::Huge] {
        let table = FeatureTable::open(path, memory)?;
        let names: Vec<&str> = table
            .schema()
            .columns()
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        let texts: Vec<String> = (0..50).map(|n| format!("k{n},{n}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        // The key may have become another one.
        if let Ok(keys) = Keys::of_texts(table.schema(), &texts) {
            let answer = table.get(&keys, &names, Some(max_age))?;
            answer.dense().unwrap();
            answer.sparse().unwrap();
        }
        table.scan(0, 1000)?;
    }
    Ok(())
}

#[test]
fn segment_with_right_hashes_and_any_content_is_read_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    let segment = whole(&path);
    let (parts, description) = take_apart(&segment).unwrap();
    assert_eq!(assemble_segment(parts, description), segment);
    let mut random = Random::new(11);
    let (mut sound, mut refused) = (0, 0);
    for round in 0..3000 {
        let mut both = [parts.to_vec(), description.to_vec()];
        for _ in 0..=random.below(3) {
            let bytes = &mut both[usize::from(round % 3 == 0)];
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(5) {
                0 => bytes[at] = 0xff,
                1 => bytes[at] = b'0' + (random.below(10)) as u8,
                2 if round % 50 == 0 => bytes.truncate(at.max(1)),
                _ => bytes[at] ^= 1 << random.below(8),
            }
        }
        let [parts, description] = both;
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, assemble_segment(&parts, &description)).unwrap();
        match read(&path) {
            Ok(()) => sound += 1,
            Err(FeatureError::Damaged { .. } | FeatureError::Limit { .. }) => refused += 1,
            Err(other) => panic!("round {round}: {other}"),
        }
    }
    assert!(sound > 100 && refused > 100, "{sound} {refused}");
}

/// Puts an input of the fuzzer together: the length of the description, the description, and the parts.
fn assembled(input: &[u8]) -> Vec<u8> {
    let (length, rest) = input.split_first_chunk().unwrap();
    let (description, parts) = rest.split_at(usize::from(u16::from_le_bytes(*length)));
    assemble_segment(parts, description)
}

#[test]
fn segments_that_another_program_wrote_by_the_specification_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.segment");
    let integers = include_bytes!("../../../../fuzz/corpus/feature_segment/integers");
    std::fs::write(&path, assembled(integers)).unwrap();
    let table = FeatureTable::open(&path, MemoryMode::Map).unwrap();
    let keys = Keys::of_texts(table.schema(), &["-2", "1", "11", "12"]).unwrap();
    let answer = table.get(&keys, &["v", "t"], None).unwrap();
    let singles = answer.columns()[0].as_primitive::<Float32Type>();
    let wanted = [Some(-1.0), None, Some(5.5), None];
    assert!(singles.iter().eq(wanted), "{singles:?}");
    let texts = answer.columns()[1].as_string::<i32>();
    let wanted = [Some("n-2"), Some("n1"), Some("n11"), None];
    assert!(texts.iter().eq(wanted), "{texts:?}");
    let texts = include_bytes!("../../../../fuzz/corpus/feature_segment/texts");
    let path = dir.path().join("u.segment");
    std::fs::write(&path, assembled(texts)).unwrap();
    let table = FeatureTable::open(&path, MemoryMode::Huge).unwrap();
    let keys = Keys::of_texts(table.schema(), &["ada,7", ",1", "bo,60000", "bo,2"]).unwrap();
    let answer = table.get(&keys, &["long", "l"], None).unwrap();
    let long = answer.columns()[0].as_string::<i32>();
    let wanted = [3, 1, 0].map(|count| Some("long text ".repeat(count)));
    let found: Vec<_> = long.iter().map(|text| text.map(str::to_owned)).collect();
    assert_eq!(found[..3], wanted);
    assert_eq!((answer.time(0), answer.missing()), (Some(7000), vec![3]));
    assert_eq!(table.scan(0, 100).unwrap().num_rows(), 9);
}
