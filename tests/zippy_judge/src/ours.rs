//! The program under judgement.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;

/// Documents by id, without their `_id`.
pub type Documents = BTreeMap<String, Value>;

/// The collection that all checks use.
pub const NAME: &str = "c";

/// A directory with a store, and the program.
pub struct Lab {
    program: PathBuf,
    pub dir: tempfile::TempDir,
    pub root: PathBuf,
}

impl Lab {
    pub fn new(program: &Path) -> Self {
        // In memory where there is such a place: the syncs of a thousand runs take their time elsewhere.
        let dir = match Path::new("/dev/shm").is_dir() {
            true => tempfile::tempdir_in("/dev/shm"),
            false => tempfile::tempdir(),
        };
        let dir = dir.unwrap();
        let root = dir.path().join("in/store");
        std::fs::create_dir(dir.path().join("in")).unwrap();
        Self {
            program: program.to_owned(),
            dir,
            root,
        }
    }

    /// Another store.
    pub fn beside(&self, root: PathBuf) -> Self {
        Self {
            root,
            ..Self::new(&self.program)
        }
    }

    /// Copies the store, for a reader of theirs: it writes.
    pub fn copied(&self) -> PathBuf {
        let copy = self.dir.path().join("copied");
        let meta = copy.join("collections").join(NAME).join("meta");
        std::fs::create_dir_all(&meta).unwrap();
        for entry in std::fs::read_dir(self.meta("")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, meta.join(path.file_name().unwrap())).unwrap();
        }
        copy
    }

    pub fn program(&self) -> &Path {
        &self.program
    }

    pub fn meta(&self, name: &str) -> PathBuf {
        self.root
            .join("collections")
            .join(NAME)
            .join("meta")
            .join(name)
    }

    /// Begins `documents COMMAND ROOT -c c MORE…`.
    pub fn begin(&self, command: &str, more: &[&str]) -> Child {
        let mut run = Command::new(&self.program);
        run.arg("--home")
            .arg(self.dir.path().join("home"))
            .args(["--json", "documents", command]);
        run.arg(&self.root);
        if command != "list" {
            run.args(["-c", NAME]);
        }
        run.args(more);
        run.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub fn run(&self, command: &str, more: &[&str], input: &str) -> Output {
        let mut child = self.begin(command, more);
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command, which must succeed.
    pub fn done(&self, command: &str, more: &[&str]) -> String {
        let out = self.run(command, more, "");
        assert!(out.status.success(), "{command} {more:?}: {out:?}");
        String::from_utf8(out.stdout).unwrap()
    }

    /// Runs `documents COMMAND MORE…`, and returns its exit code.
    pub fn plain(&self, words: &[&str]) -> Option<i32> {
        let mut run = Command::new(&self.program);
        run.arg("--home")
            .arg(self.dir.path().join("home"))
            .args(["--json", "documents"])
            .args(words);
        run.output().unwrap().status.code()
    }

    /// Stores documents in one command.
    pub fn put(&self, documents: &[(String, Value)]) {
        let lines = documents.iter().map(|(id, document)| {
            let mut document = document.clone();
            document["_id"] = id.as_str().into();
            document.to_string() + "\n"
        });
        let out = self.run("put", &["-"], &lines.collect::<String>());
        assert!(out.status.success(), "{out:?}");
    }

    pub fn delete(&self, ids: &[&str]) {
        self.done("delete", ids);
    }

    /// All documents, as a scan has them; `get` and `list` must agree.
    pub fn all(&self) -> Documents {
        let out = self.done("scan", &[]);
        let mut documents = Documents::new();
        for line in out.lines() {
            let mut document: Value = serde_json::from_str(line).unwrap();
            let id = document.as_object_mut().unwrap().remove("_id").unwrap();
            let before = documents.insert(id.as_str().unwrap().to_owned(), document);
            assert_eq!(before, None, "{id} twice");
        }
        let list: Value = serde_json::from_str(&self.done("list", &[])).unwrap();
        assert_eq!(list["collections"][0]["documents"], documents.len());
        documents
    }
}
