use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inspect::format::cell_type::Look;
use crate::inspect::format::cell_type::look;
use crate::inspect::stats::ColumnStats;
use crate::inspect::stats::ColumnType;
use crate::inspect::stats::DISTINCT_ERROR;
use crate::inspect::stats::DistinctCount;
use crate::inspect::stats::Number;
use crate::inspect::stats::Script;
use crate::inspect::stats::StatsOptions;
use crate::inspect::stats::StatsReport;
use crate::inspect::stats::chart;
use crate::inspect::stats::report::Bin;
use crate::inspect::stats::sketches::ddsketch::Quantiles;
use crate::inspect::stats::sketches::ddsketch::quantile;
use crate::inspect::stats::sketches::hash::hash;
use crate::inspect::stats::sketches::hyperloglog::Distinct;
use crate::inspect::stats::sketches::misra_gries::Frequent;
use crate::inspect::stats::sketches::moments::Moments;
use crate::inspect::stats::stats;
use crate::inspect::table::Decoded;
use crate::inspect::table::Header;
use crate::inspect::table::Lines;
use crate::inspect::table::OpenOptions;
use crate::inspect::table::Selection;
use crate::inspect::table::Shape;
use crate::inspect::table::Table;
use crate::inspect::table::open_table;
use crate::progress::NoProgress;

fn of(text: &[u8], shape: Shape, options: &StatsOptions) -> StatsReport {
    let table = Arc::new(Lines::new(Arc::new(text.to_vec()), shape));
    let batches = table.batches(&Selection::default()).unwrap();
    stats(&*batches, options, &NoProgress).unwrap()
}

fn json(text: &str) -> StatsReport {
    of(text.as_bytes(), Shape::Json, &StatsOptions::default())
}

fn column<'a>(report: &'a StatsReport, name: &str) -> &'a ColumnStats {
    let found = report.columns.iter().find(|c| c.name == name);
    found.unwrap_or_else(|| panic!("{name} of {:?}", report.columns))
}

fn noise(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state += 1;
        hash(seed, &state.to_le_bytes())
    }
}

#[test]
fn columns_of_objects_are_told_apart() {
    let report = json(concat!(
        "{\"a\":1,\"b\":{\"c\":\"x\",\"d\":[1,\"two\",null]},\"e\":null}\n",
        "{\"a\":2.5,\"b\":{\"c\":\"\\u0416y\",\"d\":[]},\"a\":3}\n",
        "\n",
        "{\"a\":true,\"b\":7}\n",
        "{\"a\":1,\"f\":\n",
        "[1]\n",
    ));
    assert_eq!((report.rows, report.malformed), (5, 1));
    let names: Vec<_> = report.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        ["a", "b", "b.c", "b.d", "b.d[]", "e", "value", "value[]"]
    );
    let a = column(&report, "a");
    assert_eq!((a.rows, a.missing), (4, 1));
    assert_eq!((a.types.int, a.types.float, a.types.bool), (3, 1, 1));
    assert_eq!(a.types.column_type(), ColumnType::Mixed);
    let numbers = a.numbers.as_ref().unwrap();
    assert_eq!((numbers.min, numbers.max), (Number::Int(1), Number::Int(3)));
    assert_eq!(a.distinct, DistinctCount::Exactly(4));
    assert_eq!((a.top[0].text.as_str(), a.top[0].at_least), ("1", 2));
    let c = column(&report, "b.c").texts.as_ref().unwrap();
    assert_eq!((c.lengths.min, c.lengths.max), (1, 2));
    assert_eq!(c.scripts, [(Script::Latin, 2), (Script::Cyrillic, 1)]);
    assert_eq!((c.first.as_str(), c.last.as_str()), ("x", "Жy"));
    let d = column(&report, "b.d");
    assert_eq!(d.types.column_type(), ColumnType::Array);
    let lengths = d.arrays.as_ref().unwrap();
    assert_eq!((lengths.min, lengths.max, lengths.count), (0, 3, 2));
    let inside = column(&report, "b.d[]").types;
    assert_eq!((inside.int, inside.text, inside.null), (1, 1, 1));
    assert_eq!(column(&report, "e").types.column_type(), ColumnType::Null);
}

#[test]
fn fields_are_what_they_look_like() {
    let header = Header {
        names: ["n", "code", "text", "never"].map(str::to_owned).to_vec(),
        separator: b',',
        quote: Some(b'"'),
        is_in_file: false,
        repeated: Vec::new(),
    };
    let text = b"1,007,a,\n-2.5e1,010,\"b,\"\"c\",\n,+3,,\nTrue,0,\xff,,9\n";
    let shape = Shape::Delimited(Arc::new(header));
    let report = of(text, shape, &StatsOptions::default());
    let n = column(&report, "n").types;
    assert_eq!((n.int, n.float, n.null, n.bool), (1, 1, 1, 1));
    // Each row counts once, though the header names the column before there is any.
    assert!(report.columns.iter().all(|c| c.rows + c.missing == 4));
    let code = column(&report, "code").types;
    assert_eq!((code.text, code.float, code.int), (2, 0, 2));
    let texts = column(&report, "text").texts.as_ref().unwrap();
    assert_eq!((texts.not_utf8, texts.ascii, texts.lengths.max), (1, 2, 4));
    assert_eq!(column(&report, "never").types.null, 4);
    assert_eq!(column(&report, "column_5").missing, 3);
    for (field, expected) in [
        ("", Look::Text),
        ("-", Look::Text),
        (".", Look::Text),
        ("1.", Look::Number(false)),
        (".5", Look::Number(false)),
        ("0", Look::Number(true)),
        ("00", Look::Text),
        ("1e", Look::Text),
        ("1e+9", Look::Number(false)),
        ("0x1", Look::Text),
        ("nan", Look::Text),
        ("1 ", Look::Text),
    ] {
        assert_eq!(look(field.as_bytes()), expected, "{field}");
    }
}

#[test]
fn numbers_lose_nothing_that_is_whole() {
    let report = json(concat!(
        "{\"n\":18446744073709551615}\n{\"n\":-9223372036854775808}\n",
        "{\"n\":18446744073709551614}\n{\"big\":99999999999999999999999}\n{\"big\":1e999}\n",
    ));
    let n = column(&report, "n").numbers.as_ref().unwrap();
    assert_eq!(n.max, Number::Int(i128::from(u64::MAX)));
    assert_eq!(n.min, Number::Int(i128::from(i64::MIN)));
    assert_eq!(column(&report, "n").distinct, DistinctCount::Exactly(3));
    let big = column(&report, "big").numbers.as_ref().unwrap();
    assert_eq!((big.count, big.beyond), (1, 1));
    assert_eq!(big.max, Number::Float(1e23));
}

/// Rows with columns of every kind, many and few different values, several scripts.
fn generated(rows: usize) -> Vec<u8> {
    let mut next = noise(5);
    let mut text = String::new();
    for row in 0..rows {
        let number = next();
        let word = ["один", "two", "三", "ثلاثة", "naïve"][number as usize % 5];
        let float = (number >> 11) as f64 / 9007199254740992.0 - 0.25;
        let run = "ab c".repeat((number % 97) as usize);
        text.push_str(&format!(
            "{{\"id\":\"row-{row}\",\"x\":{float},\"k\":{},\"o\":{{\"w\":\"{word}\",\"r\":\"{run}\"}}}}\n",
            number % 13
        ));
    }
    text.into_bytes()
}

#[test]
fn threads_do_not_change_figures() {
    let text = generated(30_000);
    let with = |threads| StatsOptions {
        threads,
        ..StatsOptions::default()
    };
    let one = of(&text, Shape::Json, &with(1));
    for threads in [2, 3, 7] {
        assert_eq!(of(&text, Shape::Json, &with(threads)), one, "{threads}");
    }
    assert_eq!(one.columns.len(), 6);
    assert!(matches!(
        column(&one, "id").distinct,
        DistinctCount::About(29_000..31_000)
    ));
    // No value stands there often enough to tell.
    assert_eq!(column(&one, "id").top, []);
    let top = &column(&one, "k").top;
    assert!(top.iter().all(|v| v.at_least == v.at_most));
}

#[test]
fn figures_are_those_of_brute_force() {
    let text = generated(20_000);
    let report = of(&text, Shape::Json, &StatsOptions::default());
    let rows: Vec<serde_json::Value> = text
        .split(|b| *b == b'\n')
        .filter_map(|l| serde_json::from_slice(l).ok())
        .collect();
    let mut xs: Vec<f64> = rows.iter().map(|r| r["x"].as_f64().unwrap()).collect();
    let mean = xs.iter().sum::<f64>() / xs.len() as f64;
    let squares: f64 = xs.iter().map(|x| (x - mean).powi(2)).sum();
    let deviation = (squares / (xs.len() - 1) as f64).sqrt();
    let found = column(&report, "x").numbers.as_ref().unwrap();
    assert!((found.mean.unwrap() - mean).abs() < 1e-12);
    assert!((found.stddev.unwrap() - deviation).abs() < 1e-12);
    assert_eq!(
        found.histogram.iter().map(|b| b.count).sum::<u64>(),
        xs.len() as u64
    );
    xs.sort_by(f64::total_cmp);
    for q in &found.quantiles {
        let exact = xs[(q.share * (xs.len() - 1) as f64) as usize];
        assert!((q.value - exact).abs() <= exact.abs() * found.quantile_error);
    }
    assert!(found.quantile_error <= 1.0 / 128.0);
    let lengths: Vec<u64> = rows
        .iter()
        .map(|r| r["o"]["r"].as_str().unwrap().chars().count() as u64)
        .collect();
    let texts = column(&report, "o.r").texts.as_ref().unwrap();
    assert_eq!(texts.lengths.sum, lengths.iter().sum::<u64>());
    for bin in &texts.lengths.histogram {
        let inside = |n: &&u64| (bin.from..bin.to).contains(&(**n as f64));
        let count = lengths.iter().filter(inside).count();
        assert_eq!(bin.count, count as u64, "{bin:?}");
    }
    let mut words: BTreeMap<&str, u64> = BTreeMap::new();
    for row in &rows {
        *words.entry(row["o"]["w"].as_str().unwrap()).or_default() += 1;
    }
    let top = &column(&report, "o.w").top;
    assert_eq!(top.len(), words.len());
    for value in top {
        assert_eq!(value.at_least, words[value.text.as_str()]);
    }
}

#[test]
fn distinct_values_are_estimated() {
    for (seed, count) in [
        (1, 10_u64),
        (2, 1000),
        (3, 20_000),
        (4, 100_000),
        (5, 1_000_000),
    ] {
        let (mut next, mut sketch) = (noise(seed), Distinct::default());
        let mut other = Distinct::default();
        for n in 0..count {
            let value = next();
            sketch.add(value);
            // Again, and on two sides.
            if n % 3 == 0 {
                other.add(value);
            }
        }
        let before = sketch.estimate();
        sketch.merge(&other);
        assert_eq!(sketch.estimate(), before);
        let off = (before as f64 - count as f64).abs() / count as f64;
        assert!(off < 3.5 * DISTINCT_ERROR, "{before} of {count}");
    }
    assert_eq!(Distinct::default().estimate(), 0);
}

#[test]
fn quantiles_stay_within_their_error() {
    let mut next = noise(9);
    let shapes: [fn(f64) -> f64; 5] = [
        |u| u,
        |u| (u * 40.0 - 20.0).exp(),
        |u| (u * 100.0).floor(),
        |u| (u - 0.5) * 1e6,
        |u| {
            if u < 0.5 {
                f64::MIN_POSITIVE * (1.0 + u)
            } else {
                -f64::MAX * u
            }
        },
    ];
    for (which, shape) in shapes.into_iter().enumerate() {
        let all: Vec<f64> = (0..30_000)
            .map(|_| shape((next() >> 11) as f64 / 9007199254740992.0))
            .collect();
        let mut whole = Quantiles::default();
        all.iter().for_each(|x| whole.add(*x));
        // In parts of different sizes, from the last on.
        let mut parts = Quantiles::default();
        for part in all.rchunks(7001) {
            let mut one = Quantiles::default();
            part.iter().for_each(|x| one.add(*x));
            one.merge(&parts);
            parts = one;
        }
        let mut sorted = all;
        sorted.sort_by(f64::total_cmp);
        let (buckets, merged) = (whole.sorted(), parts.sorted());
        assert_eq!(whole.error(), parts.error());
        for n in 0..=100 {
            let share = f64::from(n) / 100.0;
            let found = quantile(&buckets, share).unwrap();
            assert_eq!(quantile(&merged, share), Some(found));
            let exact = sorted[(share * (sorted.len() - 1) as f64) as usize];
            let off = (found - exact).abs();
            assert!(
                off <= exact.abs() * whole.error(),
                "{which}: {found} {exact}"
            );
        }
    }
}

#[test]
fn frequent_values_are_never_overstated() {
    let mut next = noise(11);
    let mut exact: BTreeMap<u64, u64> = BTreeMap::new();
    let mut whole = Frequent::default();
    let mut count = 0;
    for _ in 0..40 {
        let mut part = Frequent::default();
        for _ in 0..5000 {
            // A few of many are frequent.
            let u = (next() >> 11) as f64 / 9007199254740992.0;
            let value = (u.powi(6) * 1e5) as u64;
            *exact.entry(value).or_default() += 1;
            part.add(hash(0, &value.to_le_bytes()), value.to_string().as_bytes());
            count += 1;
        }
        whole.merge(&part.drain());
    }
    assert!(whole.exact().is_none());
    assert!(whole.taken() <= count / 1025, "{}", whole.taken());
    let mut by_count: Vec<_> = exact.iter().map(|(v, n)| (*n, *v)).collect();
    by_count.sort_unstable_by(|a, b| b.cmp(a));
    let top = whole.top(20);
    for counter in &top {
        let value: u64 = counter.shown.text().parse().unwrap();
        let range = counter.count..=counter.count + whole.taken();
        assert!(range.contains(&exact[&value]));
    }
    assert_eq!(top[0].shown.text(), by_count[0].1.to_string());
}

#[test]
fn moments_can_be_put_together() {
    let all: Vec<f64> = (0..1000).map(|n| 1e9 + f64::from(n % 10)).collect();
    let mut whole = Moments::default();
    for part in all.chunks(77) {
        let mut one = Moments::default();
        part.iter().for_each(|x| one.add(*x));
        whole.merge(&one);
    }
    assert!((whole.mean().unwrap() - 1e9 - 4.5).abs() < 1e-6);
    assert!((whole.deviation().unwrap() - (8.25_f64 * 1000.0 / 999.0).sqrt()).abs() < 1e-6);
}

#[test]
fn scripts_are_told_apart() {
    for (text, script) in [
        ("azAZéßﬁＡ", Script::Latin),
        ("αΩἀ", Script::Greek),
        ("жЯё", Script::Cyrillic),
        ("אב", Script::Hebrew),
        ("عربﷲ", Script::Arabic),
        ("हिन्दी", Script::Devanagari),
        ("বাংলা", Script::Bengali),
        ("தமிழ்", Script::Tamil),
        ("తెలుగు", Script::Telugu),
        ("ગુજ", Script::Indic),
        ("ไทย", Script::Thai),
        ("ქარ", Script::Georgian),
        ("አማ", Script::Ethiopic),
        ("ខ្មែរ", Script::Khmer),
        ("한국어ㄱ", Script::Hangul),
        ("ひらカナｶ", Script::Kana),
        ("漢字㐀𠀀々", Script::Han),
        ("😀✂🚀", Script::Emoji),
        ("ᚠ", Script::Other),
        (" 09.,!?×÷。、\u{301}\u{200d}€→", Script::Common),
        ("հայ", Script::Armenian),
    ] {
        for c in text.chars() {
            assert_eq!(Script::of(c), script, "{c:?} {:x}", u32::from(c));
        }
    }
}

#[test]
fn columns_are_bounded() {
    let mut text = String::new();
    for n in 0..3000 {
        text.push_str(&format!("{{\"k{n}\":{n},\"same\":1}}\n"));
    }
    let report = json(&text);
    assert_eq!(report.columns.len(), 256);
    let off = report.further_columns.abs_diff(3001 - 256);
    assert!(off < 150, "{}", report.further_columns);
    let deep = "[".repeat(50_000) + &"]".repeat(50_000);
    let report = json(&deep);
    assert_eq!((report.malformed, report.columns.len()), (0, 6));
    let only = StatsOptions {
        columns: vec!["a.b".to_owned()],
        ..StatsOptions::default()
    };
    let report = of(b"{\"a\":{\"b\":1,\"c\":2},\"b\":3}", Shape::Json, &only);
    assert_eq!(report.columns.len(), 1);
    assert_eq!(column(&report, "a.b").types.int, 1);
}

#[test]
fn charts_are_as_wide_as_they_may_be() {
    let bin = |from: u32, count| Bin {
        from: f64::from(from),
        to: f64::from(from + 1),
        count,
    };
    let bins = [bin(0, 0), bin(1, 1), bin(2, 4), bin(3, 8)];
    assert_eq!(chart::sparkline(&bins, 80, chart::Style::Blocks), " ▁▄█");
    assert_eq!(chart::sparkline(&bins, 2, chart::Style::Ascii), ".#");
    assert_eq!(chart::sparkline(&[], 5, chart::Style::Ascii), "");
    assert_eq!(chart::bar(1, 2, 5, chart::Style::Blocks), "██▌  ");
    assert_eq!(chart::bar(1, 1, 3, chart::Style::Ascii), "###");
    assert_eq!(chart::bar(0, 0, 3, chart::Style::Ascii), "   ");
    let lines = chart::histogram(&bins, 20, chart::Style::Blocks);
    assert!(lines.iter().all(|l| l.chars().count() == 20), "{lines:?}");
    assert_eq!(chart::short(1234.5678), "1235");
    assert_eq!(chart::short(0.25), "0.2500");
}

#[test]
fn decoded_columns_have_the_figures_of_their_rows() {
    let formats = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats");
    for name in [
        "bytes.parquet",
        "checksums.parquet",
        "three.arrow",
        "three.arrows",
        "three.parquet",
        "types.parquet",
        "union.arrow",
        "zstd.arrow",
    ] {
        let of = |decoded| {
            let bytes = Arc::new(std::fs::read(formats.join(name)).unwrap());
            let opened = open_table(bytes, name, OpenOptions::default()).unwrap();
            let selection = Selection {
                nan: true,
                decoded,
                ..Selection::default()
            };
            let batches = opened.table.batches(&selection).unwrap();
            stats(&*batches, &StatsOptions::default(), &NoProgress).unwrap()
        };
        let (rows, decoded) = (of(Decoded::No), of(Decoded::Shown));
        assert!(rows.rows > 0 && !rows.columns.is_empty(), "{name}");
        assert_eq!(rows, decoded, "{name}");
    }
}
