//! The outputs of commands.
//! Commands replace no file unasked, and leave pipes, devices and links in place.

use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Output;

use crate::support::answer;
use crate::support::begun;
use crate::support::ended;
use crate::support::error_of;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::make_fifo;
use crate::support::program;
use crate::support::run;

/// A registry with the dataset `train`, its file, an archive of it and a key.
struct Fixture {
    lab: Lab,
    data: Vec<u8>,
}

impl Fixture {
    fn new() -> Self {
        let lab = Lab::new();
        let data = lines(200, 1);
        lab.write("train.jsonl", &data);
        let fixture = Self { lab, data };
        answer(
            &fixture.lab.home(),
            &["registry", "index", &fixture.text("train.jsonl")],
        );
        let archive = fixture.text("held.alimentar");
        answer(
            &fixture.lab.home(),
            &["registry", "export", "train", "-o", &archive],
        );
        fixture
    }

    fn at(&self, name: &str) -> PathBuf {
        self.lab.at(name)
    }

    fn text(&self, name: &str) -> String {
        self.lab.text(name)
    }

    fn keyed(&self, words: &[&str]) -> Output {
        let mut command = program(&self.lab.home());
        command.env("ALIMENTAR_PASSPHRASE", "test").arg("--json");
        ended(begun(command.args(words)))
    }

    /// Commands that write one file, by what stands before its path.
    fn writers(&self) -> Vec<Vec<String>> {
        let train = self.text("train.jsonl");
        let held = self.text("held.alimentar");
        let commands: [&[&str]; 11] = [
            &["registry", "export", "train", "-o"],
            &["registry", "checkout", "train"],
            &["registry", "checkout", "train:train.jsonl"],
            &["registry", "import", &held, "--receipt"],
            &["registry", "sign", "train", "--format", "in-toto", "-o"],
            &["inspect", "export", &train, "-o"],
            &["inspect", "filter", &train, "a", "-o"],
            &["inspect", "merge", &train, &train, "-o"],
            &["inspect", "sample", &train, "-n", "3", "-o"],
            &["inspect", "dedup", &train, "--exact", "--output"],
            &["inspect", "dedup", &train, "--exact", "--bitmask"],
        ];
        let words = |c: &&[&str]| c.iter().map(|w| (*w).to_owned()).collect();
        commands.iter().map(words).collect()
    }
}

fn with<'a>(words: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    words
        .iter()
        .map(String::as_str)
        .chain(more.iter().copied())
        .collect()
}

#[test]
fn output_over_an_existing_file_needs_yes() {
    let fixture = Fixture::new();
    assert!(fixture.keyed(&["registry", "keygen"]).status.success());
    let mut writers = fixture.writers();
    let train = fixture.text("train.jsonl");
    let clusters = ["inspect", "dedup", &train, "--exact", "--clusters"];
    writers.push(clusters.map(str::to_owned).to_vec());
    for words in &writers {
        let path = fixture.at("taken");
        std::fs::write(&path, b"old").unwrap();
        let refused = fixture.keyed(&with(words, &[path.to_str().unwrap()]));
        assert_eq!(refused.status.code(), Some(1), "{words:?} {refused:?}");
        let error = error_of(&refused);
        assert_eq!(error["kind"], "conflict", "{words:?}");
        assert!(error["hint"].as_str().unwrap().contains("--yes"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old", "{words:?}");
        let replaced = fixture.keyed(&with(words, &[path.to_str().unwrap(), "--yes"]));
        assert!(replaced.status.success(), "{words:?} {replaced:?}");
        assert!(std::fs::read(&path).unwrap() != b"old", "{words:?}");
        std::fs::remove_file(&path).unwrap();
    }
    let names = std::fs::read_dir(fixture.lab.dir.path()).unwrap().flatten();
    let left: Vec<_> = names
        .map(|e| e.file_name())
        .filter(|n| n.to_string_lossy().contains("partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn keygen_over_an_existing_key_needs_force() {
    let fixture = Fixture::new();
    let path = fixture.text("key");
    assert!(
        fixture
            .keyed(&["registry", "keygen", "-o", &path])
            .status
            .success()
    );
    let key = std::fs::read(&path).unwrap();
    let refused = fixture.keyed(&["registry", "keygen", "-o", &path, "--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(std::fs::read(&path).unwrap(), key);
    // Without a terminal there is nobody to ask.
    let unasked = fixture.keyed(&["registry", "keygen", "-o", &path, "--force"]);
    assert_eq!(unasked.status.code(), Some(2), "{unasked:?}");
    let error = error_of(&unasked);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("secret key of `me`"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("--yes"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), key);
    let forced = fixture.keyed(&["registry", "keygen", "-o", &path, "--force", "--yes"]);
    assert!(forced.status.success() && std::fs::read(&path).unwrap() != key);
}

#[test]
fn man_pages_over_files_need_yes() {
    let fixture = Fixture::new();
    let dir = fixture.text("man");
    let page = fixture.at("man/alimentar.1");
    assert!(run(&fixture.lab.home(), &["man", &dir]).status.success());
    std::fs::write(&page, b"old").unwrap();
    assert_eq!(
        run(&fixture.lab.home(), &["man", &dir]).status.code(),
        Some(1)
    );
    assert_eq!(std::fs::read(&page).unwrap(), b"old");
    assert!(
        run(&fixture.lab.home(), &["--yes", "man", &dir])
            .status
            .success()
    );
    assert!(std::fs::read(&page).unwrap().len() > 100);
}

#[test]
fn output_to_stdout_sends_the_report_to_stderr() {
    let fixture = Fixture::new();
    assert!(fixture.keyed(&["registry", "keygen"]).status.success());
    for words in fixture.writers() {
        for place in ["-", "/dev/stdout"] {
            let out = fixture.keyed(&with(&words, &[place]));
            assert!(out.status.success(), "{words:?} {place} {out:?}");
            assert!(!out.stdout.is_empty(), "{words:?} {place}");
            let report: serde_json::Value = serde_json::from_slice(&out.stderr).unwrap();
            assert!(report.is_object(), "{words:?}");
            if words[1] == "checkout" || words[1] == "export" && words[0] == "inspect" {
                assert!(out.stdout == fixture.data, "{words:?} {place}");
            }
        }
    }
    // Into a file that somebody else opened, behind what is in it.
    let path = fixture.at("log");
    std::fs::write(&path, b"before\n").unwrap();
    let file = std::fs::File::options().append(true).open(&path).unwrap();
    let mut command = program(&fixture.lab.home());
    let done = command
        .args(["registry", "checkout", "train", "/dev/stdout"])
        .stdout(file)
        .output()
        .unwrap();
    assert!(done.status.success());
    assert!(std::fs::read(&path).unwrap() == [b"before\n", fixture.data.as_slice()].concat());
}

#[test]
fn output_to_devices_and_pipes_leaves_them_in_place() {
    let fixture = Fixture::new();
    assert!(fixture.keyed(&["registry", "keygen"]).status.success());
    for words in fixture.writers() {
        let out = fixture.keyed(&with(&words, &["/dev/null"]));
        assert!(out.status.success(), "{words:?} {out:?}");
        let null = std::fs::symlink_metadata("/dev/null").unwrap();
        assert!(null.file_type().is_char_device(), "{words:?}");
        let fifo = fixture.at("fifo");
        make_fifo(&fifo);
        let from = fifo.clone();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            std::fs::File::open(from)
                .unwrap()
                .read_to_end(&mut bytes)
                .unwrap();
            bytes
        });
        let out = fixture.keyed(&with(&words, &[fifo.to_str().unwrap()]));
        assert!(out.status.success(), "{words:?} {out:?}");
        assert!(!reader.join().unwrap().is_empty(), "{words:?}");
        let kind = std::fs::symlink_metadata(&fifo).unwrap().file_type();
        assert!(kind.is_fifo(), "{words:?}");
        std::fs::remove_file(&fifo).unwrap();
    }
}

#[test]
fn output_to_a_link_writes_its_target() {
    let fixture = Fixture::new();
    let (link, real) = (fixture.at("link"), fixture.at("real"));
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let train = fixture.text("train.jsonl");
    let words = ["inspect", "export", &train, "-o", link.to_str().unwrap()];
    // It leads nowhere yet.
    let refused = run(&fixture.lab.home(), &words);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        error_of(&refused)["message"]
            .as_str()
            .unwrap()
            .contains("link")
    );
    std::fs::write(&real, b"old").unwrap();
    assert_eq!(run(&fixture.lab.home(), &words).status.code(), Some(1));
    assert_eq!(std::fs::read(&real).unwrap(), b"old");
    answer(&fixture.lab.home(), &[&words[..], &["--yes"]].concat());
    assert!(std::fs::read(&real).unwrap() == fixture.data);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn output_over_a_file_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let path = fixture.at("private.jsonl");
    std::fs::write(&path, b"old").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let train = fixture.text("train.jsonl");
    answer(
        &fixture.lab.home(),
        &[
            "--yes",
            "inspect",
            "export",
            &train,
            "-o",
            path.to_str().unwrap(),
        ],
    );
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn output_below_a_missing_directory_names_it() {
    let fixture = Fixture::new();
    assert!(fixture.keyed(&["registry", "keygen"]).status.success());
    for words in fixture.writers() {
        let path = fixture.text("absent/deep/file");
        let out = fixture.keyed(&with(&words, &[&path]));
        assert!(!out.status.success(), "{words:?}");
        let message = error_of(&out)["message"].as_str().unwrap().to_owned();
        let named = format!("there is no directory `{}`", fixture.text("absent/deep"));
        assert!(message.contains(&named), "{words:?} {message}");
        assert!(!Path::new(&fixture.text("absent")).exists(), "{words:?}");
    }
}

#[test]
fn several_files_to_one_stream_are_refused() {
    let fixture = Fixture::new();
    let dir = fixture.at("many");
    std::fs::create_dir(&dir).unwrap();
    for name in ["a", "b"] {
        std::fs::write(dir.join(name), name).unwrap();
    }
    answer(
        &fixture.lab.home(),
        &["registry", "index", dir.to_str().unwrap()],
    );
    for words in [
        vec!["registry", "checkout", "many", "-"],
        vec![
            "registry",
            "export",
            "many",
            "--split",
            "10MB",
            "-o",
            "/dev/null",
        ],
    ] {
        let out = run(&fixture.lab.home(), &words);
        assert_eq!(out.status.code(), Some(1), "{words:?} {out:?}");
        assert!(
            error_of(&out)["message"]
                .as_str()
                .unwrap()
                .contains("stream"),
            "{words:?}"
        );
    }
}
