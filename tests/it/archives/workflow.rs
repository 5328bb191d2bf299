//! Archives as people carry them: looked at before they are taken, with nothing new in them, not
//! there, or too large for a stick.

use std::path::Path;

use serde_json::Value;

use crate::support::answer;
use crate::support::error_of;
use crate::support::lab::Scratch;
use crate::support::lines;
use crate::support::program;
use crate::support::run;

impl Scratch {
    fn export_to(&self, home: &str, to: &str, words: &[&str]) -> Value {
        let to = self.text(to);
        let words = [&["registry", "export", "-o", &to], words].concat();
        answer(&self.at(home), &words)
    }
}

fn import(home: &Path, paths: &[String], more: &[&str]) -> (Value, Option<i32>) {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let out = run(
        home,
        &[&["registry", "import"], paths.as_slice(), more].concat(),
    );
    let said = serde_json::from_slice(&out.stdout).unwrap_or(Value::Null);
    (said, out.status.code())
}

/// Returns the imported, already present and refused datasets of an import, without times.
fn outcome(said: &Value) -> String {
    ["imported", "already_here", "refused"]
        .map(|key| format!("{key} {:#}", said[key]))
        .join("\n")
}

#[test]
fn import_dry_run_predicts_the_import() {
    let place = Scratch::new();
    let (one, two, three) = (lines(4000, 1), lines(4000, 2), lines(600, 3));
    place.index("a", "one", &one, &[]);
    // Shares all chunks of the first but those at the seam.
    place.index("a", "both", &[one.as_slice(), &two].concat(), &[]);
    place.index("a", "one", &[one.as_slice(), &three].concat(), &[]);
    place.export_to("a", "1.alimentar", &["one@0.1.0"]);
    place.export_to("a", "2.alimentar", &["both"]);
    place.export_to("a", "3.alimentar", &["one@0.1.1", "--since", "one@0.1.0"]);
    place.export_to("a", "4.alimentar", &["one@0.1.0", "both"]);
    let all = |order: &[usize]| -> Vec<String> {
        let name = |n: &usize| place.text(&format!("{n}.alimentar"));
        order.iter().map(name).collect()
    };
    let orders: [&[usize]; 6] = [&[1, 2], &[2, 1], &[1, 2, 3, 4], &[3, 1], &[4, 3], &[3]];
    for (n, order) in orders.into_iter().enumerate() {
        let home = place.at(&format!("b{n}"));
        let paths = all(order);
        let (dry, dry_code) = import(&home, &paths, &["--dry-run"]);
        let held = answer(&home, &["registry", "list", "--all"]);
        assert_eq!(held["datasets"].as_array().unwrap().len(), 0);
        let (real, code) = import(&home, &paths, &[]);
        assert_eq!(outcome(&dry), outcome(&real), "{order:?}");
        assert_eq!(dry_code, code, "{order:?}");
        let chunks = |said: &Value| said["imported"][0]["new_chunks"].as_u64();
        assert!(*order == [3] || chunks(&real) > Some(0), "{real}");
        // Once more, with all of it here.
        let (dry, _) = import(&home, &paths, &["--dry-run"]);
        let (real, _) = import(&home, &paths, &[]);
        assert_eq!(outcome(&dry), outcome(&real), "{order:?} again");
    }
    // Damage is seen without storing anything.
    let damaged = place.at("2.alimentar");
    let mut bytes = std::fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&damaged, bytes).unwrap();
    let (said, code) = import(&place.at("c"), &all(&[2]), &["--dry-run"]);
    assert_eq!(
        (said["imported"].as_array().map(Vec::len), code),
        (Some(0), Some(4))
    );
}

#[test]
fn export_of_nothing_writes_nothing() {
    let place = Scratch::new();
    place.index("a", "gone", &lines(3, 1), &[]);
    answer(&place.at("a"), &["registry", "unindex", "gone"]);
    let said = place.export_to("a", "x.alimentar", &["--all"]);
    assert_eq!(said["archives"], serde_json::json!([]));
    assert!(!place.at("x.alimentar").exists());
    place.index("a", "one", &lines(300, 1), &[]);
    place.index("a", "two", &lines(300, 2), &[]);
    place.export_to("a", "1.alimentar", &["--all"]);
    let receipt = place.text("receipt");
    let paths = [place.text("1.alimentar")];
    import(&place.at("b"), &paths, &["--receipt", &receipt]);
    let said = place.export_to("a", "2.alimentar", &["--all", "--for", &receipt]);
    assert_eq!(said["archives"], serde_json::json!([]));
    assert!(!place.at("2.alimentar").exists());
    let said = place.export_to("a", "stick/", &["--all", "--for", &receipt]);
    assert_eq!(said["archives"], serde_json::json!([]));
    let said = place.export_to("a", "3.alimentar", &["one", "--since", "one"]);
    assert_eq!(said["archives"], serde_json::json!([]));
    let out = program(&place.at("a"))
        .args(["registry", "export", "--all", "-o"])
        .arg(place.at("2.alimentar"))
        .args(["--for", &receipt])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text, "Nothing to export: the receiver has all of it\n");
    // A new revision of the same bytes is something to send.
    answer(&place.at("a"), &["registry", "tag", "one", "--add", "t"]);
    let said = place.export_to("a", "stick/", &["--all", "--for", &receipt]);
    assert_eq!(said["archives"].as_array().unwrap().len(), 1);
    assert_eq!(said["archives"][0]["chunks"], 0);
    let archive = said["archives"][0]["path"].as_str().unwrap().to_owned();
    let (said, code) = import(
        &place.at("b"),
        &[archive],
        &["--receipt", &receipt, "--yes"],
    );
    assert_eq!(code, Some(0), "{said}");
    let said = place.export_to("a", "4.alimentar", &["--all", "--for", &receipt]);
    assert_eq!(said["archives"], serde_json::json!([]));
}

#[test]
fn import_of_a_missing_path_refuses_only_that() {
    let place = Scratch::new();
    place.index("a", "one", &lines(300, 1), &[]);
    place.export_to("a", "1.alimentar", &["one"]);
    let paths = [place.text("none.alimentar"), place.text("1.alimentar")];
    let (said, code) = import(&place.at("b"), &paths, &[]);
    assert_eq!(code, Some(7), "{said}");
    assert_eq!(said["imported"].as_array().unwrap().len(), 1);
    assert_eq!(said["refused"][0]["path"], paths[0].as_str());
    assert_eq!(said["refused"].as_array().unwrap().len(), 1);
    let (said, code) = import(&place.at("b"), &paths[..1], &[]);
    assert_eq!(
        (said["refused"].as_array().unwrap().len(), code),
        (1, Some(3))
    );
}

#[test]
fn output_beyond_the_file_size_limit_suggests_volumes() {
    let place = Scratch::new();
    place.index("a", "one", &lines(6000, 1), &[]);
    // As on a stick with FAT, but smaller: no file of more than 64 blocks of 512 or 1024 bytes.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
    let out = std::process::Command::new("sh")
        .args(["-c", script, "sh", env!("CARGO_BIN_EXE_alimentar")])
        .arg("--home")
        .arg(place.at("a"))
        .args(["--json", "registry", "export", "one", "-o"])
        .arg(place.at("1.alimentar"))
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    let hint = error_of(&out)["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("--split"), "{hint}");
    let left: Vec<_> = std::fs::read_dir(place.at(""))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("1.alimentar"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
