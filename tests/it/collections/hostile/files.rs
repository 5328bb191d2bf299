//! Lines that are no documents, and damaged files beside the log.

use serde_json::json;

use crate::collections::rows;
use crate::collections::with_input;
use crate::support::answer;
use crate::support::run;

#[test]
fn lines_that_are_no_documents_name_their_number_and_store_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    let root = root.to_str().unwrap();
    let long = json!({"_id": "l".repeat(70_000)}).to_string();
    let deep = format!(
        "{{\"_id\":\"d\",\"x\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let hostile: [&[u8]; 12] = [
        b"{\"_id\":\"../x\"}",
        b"{\"_id\":\"a/b\"}",
        b"{\"_id\":\"\\ud800\"}",
        b"{\"_id\":\"\xff\"}",
        b"{\"_id\":\"a\",\"x\":\"\xc3\"}",
        b"{\"_id\":7}",
        b"{\"_id\":\"a\",\"_id\":\"b\"}",
        b"{\"_id\":\"a\"} {\"_id\":\"b\"}",
        b"{\"_id\":\"a\",\"x\":1e999999}x",
        b"{\"_id\":\"a\"",
        long.as_bytes(),
        deep.as_bytes(),
    ];
    for line in hostile {
        let shown = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
        let input = [
            b"{\"_id\":\"good\",\"n\":1}\n",
            line,
            b"\n{\"_id\":\"late\",\"n\":2}\n",
        ]
        .concat();
        let out = with_input(dir.path(), &["documents", "put", root, "-"], &input);
        assert_eq!(out.status.code(), Some(2), "{shown}: {out:?}");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(said.contains("line 2"), "{shown}: {said}");
        assert!(said.len() < 2000, "{shown}: {said}");
        let out = run(&dir.path().join("home"), &["documents", "scan", root]);
        assert_eq!(rows(&out), [json!({"_id": "good", "n": 1})], "{shown}");
    }
}

#[test]
fn derived_file_that_is_damaged_in_any_way_changes_no_document() {
    let dir = tempfile::tempdir().unwrap();
    let (home, root) = (dir.path().join("home"), dir.path().join("store"));
    let root = root.to_str().unwrap();
    let lines: String = (0..200)
        .map(|n| json!({"_id": format!("d{n}"), "n": n}).to_string() + "\n")
        .collect();
    let out = with_input(
        dir.path(),
        &["documents", "put", root, "-c", "c", "-"],
        lines.as_bytes(),
    );
    assert!(out.status.success(), "{out:?}");
    answer(&home, &["documents", "delete", root, "d3", "d199"]);
    answer(
        &home,
        &["documents", "put", root, "d5", "--data", "{\"n\":-5}"],
    );
    let expected = rows(&run(&home, &["documents", "scan", root]));
    assert_eq!(expected.len(), 198);
    let meta = dir.path().join("store/collections/c/meta");
    let mut damaged = 0;
    for entry in std::fs::read_dir(&meta).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let good = std::fs::read(&path).unwrap();
        if name == "data.jsonl" || good.is_empty() {
            continue;
        }
        let mut huge = good.clone();
        huge[8.min(good.len() - 8)..][..8].copy_from_slice(&(1_u64 << 60).to_le_bytes());
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 0x10;
        let states = [
            Vec::new(),
            b"junk".to_vec(),
            good[..good.len() / 2].to_vec(),
            vec![0xff; good.len()],
            vec![0; good.len()],
            [&good[..], b"more"].concat(),
            huge,
            flipped,
        ];
        for (at, state) in states.iter().enumerate() {
            let copy = dir.path().join("copy");
            let _ = std::fs::remove_dir_all(&copy);
            std::fs::create_dir_all(copy.join("collections/c/meta")).unwrap();
            for entry in std::fs::read_dir(&meta).unwrap() {
                let path = entry.unwrap().path();
                std::fs::copy(
                    &path,
                    copy.join("collections/c/meta")
                        .join(path.file_name().unwrap()),
                )
                .unwrap();
            }
            std::fs::write(copy.join("collections/c/meta").join(&name), state).unwrap();
            let copy = copy.to_str().unwrap();
            let found = rows(&run(&home, &["documents", "scan", copy]));
            assert_eq!(found, expected, "state {at} of {name}");
            // The next writer mends it.
            answer(&home, &["documents", "put", copy, "new", "--data", "{}"]);
            answer(&home, &["documents", "validate", copy]);
            let found = rows(&run(&home, &["documents", "scan", copy]));
            assert_eq!(found[..198], expected, "state {at} of {name}");
            damaged += 1;
        }
    }
    assert!(damaged >= 16, "{damaged}");
}
