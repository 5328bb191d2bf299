//! The changes of a commit, as lines of JSON: a header, files in base64, large files by their digests, removals.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::Read as _;

use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use serde::Deserialize;

use crate::doors::error::DoorError;
use crate::doors::hub::limits::COMMIT_CHANGES_MAX;
use crate::doors::hub::limits::COMMIT_LINE_BYTES;
use crate::doors::hub::upload::area::Oid;
use crate::doors::hub::upload::area::Temporary;
use crate::doors::hub::upload::area::create;
use crate::doors::hub::upload::content::split_line;
use crate::manifest::check_path;
use crate::registry::NewFile;

/// One line of a commit.
#[derive(Deserialize)]
#[serde(tag = "key", content = "value", rename_all = "camelCase")]
enum Line<'a> {
    DeletedFile(PathLine),
    DeletedFolder(PathLine),
    #[serde(borrow)]
    File(FileLine<'a>),
    Header(HeaderLine),
    LfsFile(LargeFileLine),
}

#[derive(Deserialize)]
struct PathLine {
    path: String,
}

#[derive(Deserialize)]
struct FileLine<'a> {
    path: String,
    #[serde(borrow)]
    content: Cow<'a, str>,
    encoding: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeaderLine {
    parent_commit: Option<String>,
}

#[derive(Deserialize)]
struct LargeFileLine {
    path: String,
    oid: String,
    algo: Option<String>,
    size: Option<u64>,
}

/// A large file that was uploaded before.
pub(super) struct LargeFile {
    pub(super) path: String,
    pub(super) oid: Oid,
    pub(super) size: Option<u64>,
}

/// The changes of a commit. The bytes of new files are on disk.
pub(super) struct Changes {
    /// The commit that the client builds upon.
    pub(super) parent: Option<String>,
    pub(super) removed: Vec<String>,
    pub(super) added: Vec<NewFile>,
    pub(super) large: Vec<LargeFile>,
    /// The directory of the new files.
    pub(super) directory: Temporary,
}

impl Changes {
    /// Reads the lines of a commit. Files go to the directory, under numbers.
    ///
    /// # Errors
    /// [`DoorError::Invalid`] for lines of another form, [`DoorError::TooLarge`], and errors of the disk.
    pub(super) fn read(from: &mut impl BufRead, directory: Temporary) -> Result<Self, DoorError> {
        let mut changes = Self {
            parent: None,
            removed: Vec::new(),
            added: Vec::new(),
            large: Vec::new(),
            directory,
        };
        let mut line = Vec::new();
        let mut count = 0;
        loop {
            line.clear();
            let most = COMMIT_LINE_BYTES as u64;
            let n = from.by_ref().take(most).read_until(b'\n', &mut line);
            if n.map_err(body_error)? == 0 {
                return Ok(changes);
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            count += 1;
            if count > COMMIT_CHANGES_MAX {
                let text = format!("more than {COMMIT_CHANGES_MAX} changes in one commit");
                return Err(DoorError::TooLarge(text));
            }
            if line.len() == COMMIT_LINE_BYTES && !line.ends_with(b"\n") {
                changes.take_long(&mut line.as_slice().chain(&mut *from), count)?;
            } else {
                changes.take(parsed(&line, count)?)?;
            }
        }
    }

    /// Takes a line that is too long for memory, which is that of a file.
    fn take_long(&mut self, from: &mut impl BufRead, count: usize) -> Result<(), DoorError> {
        let at = self.directory.path().join(self.added.len().to_string());
        let mut to = create(&at)?;
        let wrong = || {
            DoorError::Invalid(format!(
                "line {count} of the commit is too long, or no base64"
            ))
        };
        let outline = split_line(from, &mut to).map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData => wrong(),
            _ => body_error(e),
        })?;
        let Line::File(file) = parsed(&outline, count)? else {
            return Err(wrong());
        };
        if !file.content.is_empty() || file.encoding.is_some_and(|e| e != "base64") {
            return Err(wrong());
        }
        checked_path(&file.path)?;
        self.added.push(NewFile {
            path: file.path,
            at,
        });
        Ok(())
    }

    fn take(&mut self, line: Line<'_>) -> Result<(), DoorError> {
        match line {
            Line::Header(header) => self.parent = header.parent_commit,
            Line::DeletedFile(removed) | Line::DeletedFolder(removed) => {
                self.removed.push(removed.path);
            }
            Line::File(file) => {
                checked_path(&file.path)?;
                self.write(file)?;
            }
            Line::LfsFile(file) => {
                checked_path(&file.path)?;
                let is_known = file.algo.as_deref().is_none_or(|algo| algo == "sha256");
                let oid = Oid::parse(&file.oid).filter(|_| is_known);
                let wrong = || DoorError::Invalid(format!("`{}` has no SHA-256", file.path));
                self.large.push(LargeFile {
                    oid: oid.ok_or_else(wrong)?,
                    path: file.path,
                    size: file.size,
                });
            }
        }
        Ok(())
    }

    fn write(&mut self, file: FileLine<'_>) -> Result<(), DoorError> {
        let at = self.directory.path().join(self.added.len().to_string());
        let mut to: File = create(&at)?;
        let content = file.content.as_bytes();
        match file.encoding.as_deref() {
            None | Some("base64") => {
                let mut decoded = DecoderReader::new(content, &STANDARD);
                let mut piece = vec![0; 64 << 10];
                loop {
                    let n = decoded.read(&mut piece).map_err(|_| {
                        DoorError::Invalid(format!("`{}` is not encoded in base64", file.path))
                    })?;
                    if n == 0 {
                        break;
                    }
                    io::Write::write_all(&mut to, piece.get(..n).unwrap_or_default())?;
                }
            }
            Some("utf-8") => io::Write::write_all(&mut to, content)?,
            Some(other) => {
                let shown: String = other.chars().take(40).collect();
                return Err(DoorError::Invalid(format!(
                    "`{shown}` is no known encoding"
                )));
            }
        }
        let path = file.path;
        self.added.push(NewFile { path, at });
        Ok(())
    }
}

/// Reads bytes as lines of a commit. For tests with random bytes.
pub(super) fn decode(bytes: &[u8]) {
    for line in bytes.split(|b| *b == b'\n') {
        if let Ok(Line::File(file)) = parsed(line, 0) {
            let _ = checked_path(&file.path);
        }
    }
    let _ = split_line(&mut &*bytes, &mut io::sink());
}

fn parsed(line: &[u8], count: usize) -> Result<Line<'_>, DoorError> {
    let read = serde_json::from_slice(line);
    read.map_err(|e| DoorError::Invalid(format!("line {count} of the commit: {e}")))
}

/// Checks a path of a file that is uploaded.
///
/// # Errors
/// [`DoorError::Invalid`] for a path that no dataset has, and for one below `.git`.
pub(super) fn checked_path(path: &str) -> Result<(), DoorError> {
    check_path(path).map_err(|e| DoorError::Invalid(e.to_string()))?;
    match path.split('/').any(|part| part == ".git") {
        true => Err(DoorError::Invalid("a path is below `.git`".to_owned())),
        false => Ok(()),
    }
}

/// Returns the error of a body that could not be read.
pub(super) fn body_error(e: io::Error) -> DoorError {
    match e.kind() {
        io::ErrorKind::UnexpectedEof => {
            DoorError::Invalid("the body of the request did not come whole".to_owned())
        }
        _ => e.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::doors::hub::upload::area::UploadArea;

    fn read(lines: &str) -> Result<Changes, DoorError> {
        let home = tempfile::tempdir().unwrap();
        let directory = UploadArea::of(home.path()).directory().unwrap();
        let changes = Changes::read(&mut Cursor::new(lines), directory);
        changes.inspect(|changes| {
            for (file, wanted) in changes.added.iter().zip(["hi\n", "ü", ""]) {
                assert_eq!(std::fs::read(&file.at).unwrap(), wanted.as_bytes());
            }
        })
    }

    #[test]
    fn commit_has_its_files_on_disk_under_numbers() {
        let oid = "0".repeat(64);
        let lines = format!(
            "{}\n{}\n\n{}\n{}\n{}\n{}\n{}",
            r#"{"key": "header", "value": {"summary": "s", "description": "", "parentCommit": "abc"}}"#,
            r#"{"key": "file", "value": {"content": "aGkK", "path": "a/b", "encoding": "base64"}}"#,
            r#"{"key": "file", "value": {"content": "ü", "path": "c", "encoding": "utf-8"}}"#,
            r#"{"value": {"path": "empty", "content": ""}, "key": "file"}"#,
            format_args!(
                r#"{{"key": "lfsFile", "value": {{"path": "d", "algo": "sha256", "oid": "{oid}", "size": 3}}}}"#
            ),
            r#"{"key": "deletedFile", "value": {"path": "e"}}"#,
            r#"{"key": "deletedFolder", "value": {"path": "f/"}}"#,
        );
        let changes = read(&lines).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!(changes.parent.as_deref(), Some("abc"));
        assert_eq!(changes.removed, ["e", "f/"]);
        let paths: Vec<&str> = changes.added.iter().map(|f| f.path.as_str()).collect();
        assert_eq!(paths, ["a/b", "c", "empty"]);
        let large: Vec<_> = changes
            .large
            .iter()
            .map(|f| (f.path.as_str(), f.size))
            .collect();
        assert_eq!(large, [("d", Some(3))]);
    }

    #[test]
    fn commit_of_another_form_or_with_a_path_that_climbs_is_refused() {
        for line in [
            "{",
            "[]",
            r#"{"key": "copyFile", "value": {}}"#,
            r#"{"key": "file", "value": {"path": "a"}}"#,
            r#"{"key": "file", "value": {"path": "../a", "content": ""}}"#,
            r#"{"key": "file", "value": {"path": "/a", "content": ""}}"#,
            r#"{"key": "file", "value": {"path": "a\u0000b", "content": ""}}"#,
            r#"{"key": "file", "value": {"path": ".git/config", "content": ""}}"#,
            r#"{"key": "file", "value": {"path": "a", "content": "no base64!"}}"#,
            r#"{"key": "file", "value": {"path": "a", "content": "", "encoding": "rot13"}}"#,
            r#"{"key": "lfsFile", "value": {"path": "a", "oid": "../../x"}}"#,
        ] {
            assert!(matches!(read(line), Err(DoorError::Invalid(_))), "{line}");
        }
        let long = "a".repeat(COMMIT_LINE_BYTES);
        for line in [
            format!("\"{long}"),
            format!(r#"{{"key": "deletedFile", "value": {{"path": "{long}"}}}}"#),
            format!(r#"{{"key": "file", "value": {{"path": "{long}", "content": ""}}}}"#),
            format!(r#"{{"key": "file", "value": {{"path": "../a", "content": "{long}"}}}}"#),
            format!(r#"{{"key": "file", "value": {{"path": "a", "content": "{long}!"}}}}"#),
            format!(
                r#"{{"key": "file", "value": {{"path": "a", "encoding": "utf-8", "content": "{long}"}}}}"#
            ),
        ] {
            let shown = line.replace(&long, "…");
            assert!(matches!(read(&line), Err(DoorError::Invalid(_))), "{shown}");
        }
    }

    #[test]
    fn long_line_is_a_file_like_a_short_one() {
        let home = tempfile::tempdir().unwrap();
        let directory = UploadArea::of(home.path()).directory().unwrap();
        let content = "AAAA".repeat(COMMIT_LINE_BYTES / 2);
        let lines = format!(
            "{}\n{}\n",
            format_args!(
                r#"{{"key": "file", "value": {{"content": "{content}", "path": "a", "encoding": "base64"}}}}"#
            ),
            r#"{"key": "file", "value": {"content": "aGkK", "path": "b", "encoding": "base64"}}"#,
        );
        let changes = Changes::read(&mut Cursor::new(lines), directory);
        let changes = changes.unwrap_or_else(|e| panic!("{e:?}"));
        let read = |n: usize| std::fs::read(&changes.added[n].at).unwrap();
        assert_eq!(read(0), vec![0; content.len() / 4 * 3]);
        assert_eq!(
            (read(1), changes.added[1].path.as_str()),
            (b"hi\n".to_vec(), "b")
        );
    }
}
