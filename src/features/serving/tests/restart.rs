//! Restarts, and programs that share a directory.

use std::fs;
use std::sync::Arc;

use super::Memory;
use super::NOW;
use super::config;
use super::load;
use super::open;
use super::rows;
use super::segments;
use super::value;
use crate::progress::NoProgress;

/// The original builds everything anew.
#[test]
fn restart_serves_the_segment_of_before_without_the_source() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-14", rows(10, 14.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    drop(tables);
    let counts = memory.counts();
    let tables = open(&config(""), dir.path(), &memory);
    assert_eq!(value(&tables, "k0"), Some(14.0));
    assert_eq!(memory.counts(), counts);
    let state = tables.state("t").unwrap();
    assert_eq!(
        state.origin.unwrap().partition.as_deref(),
        Some("2024-01-14")
    );
    assert_eq!(state.checked_at, None);
    assert!(load(&tables).unwrap().is_unchanged);
    assert_eq!(memory.counts().1, counts.1);
    // It is due, because it has not looked yet.
    drop(tables);
    let tables = open(&config(""), dir.path(), &memory);
    assert_eq!(tables.due(NOW).0, ["t"]);
}

#[test]
fn restart_with_another_configuration_does_not_serve_the_segment() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-14", rows(10, 14.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    drop(tables);
    let other = config("    columns: {value: {dtype: float64}}\n");
    let tables = open(&other, dir.path(), &memory);
    assert!(tables.state("t").unwrap().origin.is_none());
    assert!(segments(dir.path()).is_empty(), "nobody needs the old one");
    load(&tables).unwrap();
    // The interval and the memory are not in the segment.
    drop(tables);
    let same =
        config("    columns: {value: {dtype: float64}}\n    poll_interval: 5s\n    memory: map\n");
    let tables = open(&same, dir.path(), &memory);
    assert!(tables.state("t").unwrap().origin.is_some());
}

#[test]
fn restart_after_a_kill_serves_the_old_segment_and_removes_the_rest() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-13", rows(10, 13.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    drop(tables);
    let old = segments(dir.path()).remove(0);
    let table = fs::read_dir(dir.path()).unwrap().flatten();
    let table = table.map(|e| e.path()).find(|path| path.is_dir()).unwrap();
    let front = old.split('-').next().unwrap();
    let half = fs::read(table.join(&old)).unwrap();
    // Killed while it wrote, before it checked the files, and before it said which one is served.
    fs::write(
        table.join(format!("{front}-00-11.unchecked")),
        &half[..half.len() / 2],
    )
    .unwrap();
    fs::write(table.join(".x.segment.partial-001122334455"), &half[..100]).unwrap();
    fs::write(table.join("current.new-001122334455"), "x").unwrap();
    fs::copy(
        table.join(&old),
        table.join(format!("{front}-{}.segment", "9".repeat(32))),
    )
    .unwrap();
    let tables = open(&config(""), dir.path(), &memory);
    assert_eq!(value(&tables, "k0"), Some(13.0));
    assert_eq!(segments(dir.path()), [old]);
    assert!(!table.join("current.new-001122334455").exists());
}

#[test]
fn segment_that_is_damaged_is_built_again() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-14", rows(10, 14.0));
    let tables = open(&config(""), dir.path(), &memory);
    load(&tables).unwrap();
    drop(tables);
    let table = fs::read_dir(dir.path()).unwrap().flatten();
    let table = table.map(|e| e.path()).find(|path| path.is_dir()).unwrap();
    let path = table.join(segments(dir.path()).remove(0));
    let whole = fs::read(&path).unwrap();
    for bytes in [&whole[..whole.len() / 2], b"", b"no segment at all"] {
        fs::write(&path, bytes).unwrap();
        let tables = open(&config(""), dir.path(), &memory);
        assert!(tables.state("t").unwrap().origin.is_none());
        load(&tables).unwrap();
        assert_eq!(value(&tables, "k0"), Some(14.0));
    }
}

#[test]
fn programs_that_share_a_directory_leave_each_other_their_segments() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-13", rows(10, 13.0));
    let first = open(&config(""), dir.path(), &memory);
    load(&first).unwrap();
    // The second has other columns, and removes nothing while the first is there.
    let other = config("    columns: {value: {dtype: float64}}\n");
    let second = open(&other, dir.path(), &memory);
    load(&second).unwrap();
    assert_eq!(segments(dir.path()).len(), 2);
    memory.put("2024-01-14", rows(10, 14.0));
    load(&first).unwrap();
    assert_eq!(value(&first, "k0"), Some(14.0));
    assert_eq!(segments(dir.path()).len(), 3);
    drop(first);
    let third = open(&config(""), dir.path(), &memory);
    assert_eq!(value(&third, "k0"), Some(14.0));
    assert_eq!(segments(dir.path()).len(), 3);
    drop((second, third));
    // Alone, it keeps what it serves.
    let last = open(&config(""), dir.path(), &memory);
    assert_eq!(value(&last, "k0"), Some(14.0));
    assert_eq!(segments(dir.path()).len(), 1);
}

#[test]
fn segment_that_another_program_built_is_opened_and_not_built() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-13", rows(10, 13.0));
    let first = open(&config(""), dir.path(), &memory);
    let second = open(&config(""), dir.path(), &memory);
    load(&first).unwrap();
    assert_eq!(memory.counts().1, 1);
    assert!(!load(&second).unwrap().is_unchanged);
    assert_eq!(memory.counts().1, 1);
    assert_eq!(value(&second, "k0"), Some(13.0));
    second.load("t", true, NOW, &NoProgress).unwrap();
    assert_eq!(value(&first, "k0"), Some(13.0));
}

#[test]
fn names_that_look_alike_to_a_file_system_have_directories_of_their_own() {
    let (dir, memory) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    memory.put("2024-01-13", rows(10, 13.0));
    let names = ["a", "A", "a:b", "a?b", "lock", "con", "ü", "u\u{308}"];
    let tables: String = names
        .iter()
        .map(|n| format!("  \"{n}\": {{source: {{local: {{path: d}}}}, key: [id]}}\n"))
        .collect();
    let config =
        crate::features::config::Config::parse(&format!("tables:\n{tables}"), "f").unwrap();
    let tables = open(&config, dir.path(), &memory);
    for name in names {
        tables.load(name, false, NOW, &NoProgress).unwrap();
    }
    assert_eq!(segments(dir.path()).len(), names.len());
    for entry in fs::read_dir(dir.path()).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b)),
            "{name}"
        );
    }
}
