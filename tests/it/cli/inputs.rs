//! The inputs of commands.
//! Commands read a pipe once, take only plain files as registry files, and never wait for ever.

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use rustix::process::Signal;
use serde_json::Value;

use crate::support::answer;
use crate::support::begun;
use crate::support::ended;
use crate::support::error_of;
use crate::support::lab::Lab;
use crate::support::lines;
use crate::support::make_fifo;
use crate::support::program;

/// An exporting registry with an archive of it, and room for others.
struct Fixture {
    lab: Lab,
    archive: Vec<u8>,
}

impl Fixture {
    fn new() -> Self {
        let lab = Lab::new();
        let file = lab.file("train.jsonl", &lines(500, 1));
        let home = lab.at("exporter");
        answer(&home, &["registry", "index", file.to_str().unwrap()]);
        let path = lab.at("train.alimentar");
        answer(
            &home,
            &["registry", "export", "train", "-o", path.to_str().unwrap()],
        );
        let archive = std::fs::read(path).unwrap();
        Self { lab, archive }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.lab.at(name)
    }
}

/// Writes bytes into a pipe as soon as somebody reads it.
fn fed(fifo: &Path, bytes: Vec<u8>) -> std::thread::JoinHandle<()> {
    let to = fifo.to_owned();
    std::thread::spawn(move || {
        let mut to = std::fs::File::options().write(true).open(to).unwrap();
        // The reader may close the pipe early.
        let _ = to.write_all(&bytes);
    })
}

#[test]
fn import_reads_standard_input_and_pipes() {
    let fixture = Fixture::new();
    let mut command = program(&fixture.at("a"));
    let mut child = begun(
        command
            .args(["--json", "registry", "import", "-"])
            .stdin(Stdio::piped()),
    );
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&fixture.archive)
        .unwrap();
    let out = ended(child);
    assert!(out.status.success(), "{out:?}");
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(said["imported"][0]["name"], "train");
    let fifo = fixture.at("pipe");
    make_fifo(&fifo);
    let feeding = fed(&fifo, fixture.archive.clone());
    let mut command = program(&fixture.at("b"));
    let out = ended(begun(
        command.args(["--json", "registry", "import"]).arg(&fifo),
    ));
    feeding.join().unwrap();
    assert!(out.status.success(), "{out:?}");
    assert_eq!(
        answer(&fixture.at("b"), &["registry", "verify", "train"])["content"],
        "ok"
    );
}

#[test]
fn import_from_a_cut_or_foreign_pipe_is_refused() {
    let fixture = Fixture::new();
    let cut = fixture.archive[..fixture.archive.len() / 2].to_vec();
    for bytes in [cut, b"no archive at all".to_vec(), Vec::new()] {
        let mut command = program(&fixture.at("a"));
        let mut child = begun(
            command
                .args(["--json", "registry", "import", "-"])
                .stdin(Stdio::piped()),
        );
        let _ = child.stdin.take().unwrap().write_all(&bytes);
        let out = ended(child);
        assert_eq!(out.status.code(), Some(4), "{out:?}");
        let said: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(said["refused"][0]["path"], "-");
    }
    let list = answer(&fixture.at("a"), &["registry", "list"]);
    assert_eq!(list["datasets"].as_array().unwrap().len(), 0);
}

#[test]
fn import_of_a_directory_refuses_a_pipe_and_takes_the_rest() {
    let fixture = Fixture::new();
    let dir = fixture.at("box");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("train.alimentar"), &fixture.archive).unwrap();
    make_fifo(&dir.join("pipe.alimentar"));
    let mut command = program(&fixture.at("a"));
    let out = ended(begun(
        command.args(["--json", "registry", "import"]).arg(&dir),
    ));
    assert_eq!(out.status.code(), Some(7), "{out:?}");
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(said["imported"].as_array().unwrap().len(), 1);
    assert!(
        said["refused"][0]["path"]
            .as_str()
            .unwrap()
            .ends_with("pipe.alimentar")
    );
}

#[test]
fn registry_file_that_is_a_pipe_is_an_error() {
    let fixture = Fixture::new();
    let data = fixture.at("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("a.txt"), b"a").unwrap();
    make_fifo(&data.join(".alimentarignore"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let cases: [(&str, Vec<String>); 4] = [
        ("trust.toml", vec!["registry".into(), "list".into()]),
        (
            "key.enc",
            vec!["registry".into(), "sign".into(), "train".into()],
        ),
        (
            "known_peers",
            vec![
                "registry".into(),
                "peers".into(),
                "forget".into(),
                "a:1".into(),
            ],
        ),
        (
            "unused",
            vec!["registry".into(), "index".into(), text(&data)],
        ),
    ];
    for (name, words) in cases {
        let home = fixture.at("exporter");
        make_fifo(&home.join(name));
        let mut command = program(&home);
        let out = ended(begun(command.arg("--json").args(&words)));
        assert_eq!(out.status.code(), Some(1), "{name} {out:?}");
        let message = error_of(&out)["message"].as_str().unwrap().to_owned();
        assert!(message.contains("not a plain file"), "{name} {message}");
        std::fs::remove_file(home.join(name)).unwrap();
    }
}

#[test]
fn index_leaves_out_a_pipe_and_reports_it() {
    let fixture = Fixture::new();
    let data = fixture.at("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("a.txt"), b"a").unwrap();
    make_fifo(&data.join("pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(data.join("socket")).unwrap();
    let mut command = program(&fixture.at("a"));
    let out = ended(begun(
        command.args(["--json", "registry", "index"]).arg(&data),
    ));
    assert_eq!(out.status.code(), Some(7), "{out:?}");
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(said["files"], 1);
    let skipped = said["skipped"].as_array().unwrap();
    assert_eq!(skipped.len(), 2, "{said}");
    assert!(skipped.iter().all(|s| s["reason"] == "special"), "{said}");
}

#[test]
fn card_from_a_pipe_is_taken_up_to_a_limit() {
    let fixture = Fixture::new();
    let (home, fifo) = (fixture.at("exporter"), fixture.at("card"));
    make_fifo(&fifo);
    let feeding = fed(&fifo, b"# From a pipe\n".to_vec());
    let mut command = program(&home);
    command
        .args(["--json", "registry", "card", "train", "--set"])
        .arg(&fifo);
    let out = ended(begun(&mut command));
    feeding.join().unwrap();
    assert!(out.status.success(), "{out:?}");
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(said["markdown"].as_str().unwrap().contains("From a pipe"));
    let mut command = program(&home);
    command.args(["--json", "registry", "card", "train", "--set", "/dev/zero"]);
    let out = ended(begun(&mut command));
    assert_eq!(out.status.code(), Some(2), "{out:?}");
}

#[test]
fn command_that_waits_for_a_pipe_ends_at_a_signal() {
    let fixture = Fixture::new();
    let home = fixture.at("exporter");
    let train = fixture.at("train.jsonl");
    // One pipe each: they would be each other's other end.
    let fifos: Vec<String> = (0..5)
        .map(|n| {
            let fifo = fixture.at(&format!("nobody-{n}"));
            make_fifo(&fifo);
            fifo.to_str().unwrap().to_owned()
        })
        .collect();
    let train = train.to_str().unwrap();
    let commands: [&[&str]; 5] = [
        &["registry", "card", "train", "--set", &fifos[0]],
        &["registry", "import", &fifos[1]],
        &["registry", "export", "train", "-o", &fifos[2]],
        &["inspect", "export", train, "-o", &fifos[3]],
        &[
            "registry",
            "export",
            "train",
            "--for",
            &fifos[4],
            "-o",
            "/dev/null",
        ],
    ];
    let waiting: Vec<_> = commands
        .iter()
        .map(|words| begun(program(&home).arg("--json").args(*words)))
        .collect();
    // Long enough for all of them to be where they wait; one that is not yet is stopped all the same.
    std::thread::sleep(Duration::from_millis(1500));
    for (n, (child, words)) in waiting.into_iter().zip(commands).enumerate() {
        let (signal, code) = match n % 2 {
            0 => (Signal::INT, 130),
            _ => (Signal::TERM, 143),
        };
        rustix::process::kill_process(Pid::from_child(&child), signal).unwrap();
        let out = ended(child);
        assert_eq!(out.status.code(), Some(code), "{words:?} {out:?}");
    }
}
