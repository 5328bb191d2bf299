//! Lists of files as partitions.

use super::file;
use super::reason;
use super::shown;
use crate::features::source::partition::is_date;
use crate::features::source::partition::partitions_of;

fn listing(paths: &[&str]) -> crate::features::source::Listing {
    partitions_of(paths.iter().map(|path| file(path)).collect())
}

/// The original takes `2024-1-5`, which sorts as another day than it is.
#[test]
fn name_that_is_a_date_has_ten_characters_and_exists() {
    for name in ["2024-01-05", "2024-02-29", "0001-01-01", "9999-12-31"] {
        assert!(is_date(name), "{name}");
    }
    for name in [
        "2024-1-5",
        "2024-02-30",
        "2023-02-29",
        "2024-13-01",
        "2024-00-10",
        "2024-01-00",
        "20240105",
        "2024/01/05",
        "2024-01-05T00",
        "x2024-01-05",
        "+024-01-05",
        "2024-+1-05",
        " 024-01-05",
        "2024-01-0\u{665}",
        "",
        "_SUCCESS",
    ] {
        assert!(!is_date(name), "{name}");
    }
}

#[test]
fn partition_that_is_newest_with_its_marker_comes_first() {
    let found = listing(&[
        "2024-01-13/_SUCCESS",
        "2024-01-13/a.parquet",
        "2024-01-14/_SUCCESS",
        "2024-01-14/b.parquet",
        "2023-12-31/_SUCCESS",
        "2023-12-31/c.parquet",
    ]);
    let names: Vec<&str> = shown(&found).iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["2024-01-14", "2024-01-13", "2023-12-31"]);
    assert!(found.others.is_empty());
}

#[test]
fn partition_without_its_marker_is_left_out_with_a_reason() {
    let found = listing(&[
        "2024-01-13/_SUCCESS",
        "2024-01-13/a.parquet",
        "2024-01-14/b.parquet",
        "2024-01-15/sub/_SUCCESS",
        "2024-01-15/b.parquet",
        "2024-01-16/_success",
        "2024-01-16/b.parquet",
    ]);
    assert_eq!(
        shown(&found),
        [("2024-01-13", vec!["2024-01-13/a.parquet"])]
    );
    for name in ["2024-01-14", "2024-01-15", "2024-01-16"] {
        assert_eq!(reason(&found, name), "it has no `_SUCCESS`", "{name}");
    }
    let order: Vec<&str> = found.others.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(order, ["2024-01-16", "2024-01-15", "2024-01-14"]);
}

/// The original ends here, with no partition at all.
#[test]
fn partition_with_its_marker_and_without_parquet_falls_back_to_the_one_before() {
    let found = listing(&[
        "2024-01-13/_SUCCESS",
        "2024-01-13/a.parquet",
        "2024-01-14/_SUCCESS",
        "2024-01-14/readme.txt",
        "2024-01-15/_SUCCESS",
    ]);
    assert_eq!(
        shown(&found),
        [("2024-01-13", vec!["2024-01-13/a.parquet"])]
    );
    assert_eq!(reason(&found, "2024-01-14"), "it has no Parquet file");
    assert_eq!(reason(&found, "2024-01-15"), "it has no Parquet file");
}

#[test]
fn files_at_any_depth_are_in_order_of_their_paths() {
    let found = listing(&[
        "2024-01-14/z.parquet",
        "2024-01-14/sub/deep/b.parquet",
        "2024-01-14/_SUCCESS",
        "2024-01-14/a.parquet",
        "2024-01-14/sub/a.parquet",
    ]);
    let wanted = vec![
        "2024-01-14/a.parquet",
        "2024-01-14/sub/a.parquet",
        "2024-01-14/sub/deep/b.parquet",
        "2024-01-14/z.parquet",
    ];
    assert_eq!(shown(&found), [("2024-01-14", wanted)]);
}

/// The original looks at the first part below the partition alone: it takes `sub/_x.parquet` and `.x.parquet`.
#[test]
fn files_with_hidden_parts_are_left_out() {
    let found = listing(&[
        "2024-01-14/_SUCCESS",
        "2024-01-14/a.parquet",
        "2024-01-14/_b.parquet",
        "2024-01-14/_temporary/b.parquet",
        "2024-01-14/sub/_b.parquet",
        "2024-01-14/.b.parquet",
        "2024-01-14/.staging/b.parquet",
        "2024-01-14/a.parquet.crc",
        "2024-01-14/A.PARQUET",
    ]);
    assert_eq!(
        shown(&found),
        [("2024-01-14", vec!["2024-01-14/a.parquet"])]
    );
}

#[test]
fn source_without_anything_has_no_partition() {
    assert!(listing(&[]).partitions.is_empty());
}

#[test]
fn source_without_dates_has_no_partition_and_names_the_others() {
    let found = listing(&[
        "raw/_SUCCESS",
        "raw/a.parquet",
        "2024-1-5/_SUCCESS",
        "2024-1-5/a.parquet",
    ]);
    assert!(found.partitions.is_empty());
    for name in ["raw", "2024-1-5"] {
        assert_eq!(
            reason(&found, name),
            "its name is no date such as `2024-01-05`"
        );
    }
}

#[test]
fn files_beside_the_partitions_belong_to_none() {
    let found = listing(&[
        "_SUCCESS",
        "a.parquet",
        "2024-01-14",
        "2024-01-13/_SUCCESS",
        "2024-01-13/a.parquet",
    ]);
    assert_eq!(
        shown(&found),
        [("2024-01-13", vec!["2024-01-13/a.parquet"])]
    );
    assert!(found.others.is_empty());
}

#[test]
fn other_names_are_listed_up_to_a_bound() {
    let paths: Vec<String> = (0..5_000).map(|n| format!("x{n}/a.parquet")).collect();
    let found = partitions_of(paths.iter().map(|path| file(path)).collect());
    assert_eq!(found.others.len(), 100);
}
