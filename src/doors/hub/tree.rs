//! Lists of directories, in pages.

use hyper::StatusCode;

use crate::doors::body::Answer;
use crate::doors::hub::entries::EntryJson;
use crate::doors::hub::entries::Listed;
use crate::doors::hub::entries::described;
use crate::doors::hub::limits::PAGE_ENTRIES;
use crate::doors::hub::refusal::Refusal;
use crate::doors::hub::reply::X_REPO_COMMIT;
use crate::doors::hub::reply::json;
use crate::doors::hub::reply::put;
use crate::doors::hub::reply::put_next_page;
use crate::doors::hub::repo::NO_COMMIT;
use crate::doors::hub::repo::Repo;
use crate::doors::hub::repo::Revision;
use crate::doors::hub::repo::commit_of;
use crate::doors::request::DoorRequest;
use crate::doors::state::Doors;
use crate::manifest::FileEntry;

/// Lists a directory of a revision.
///
/// # Errors
/// `RevisionNotFound`, and `EntryNotFound` for a path that is no directory.
pub(super) async fn list(
    doors: &Doors,
    repo: &Repo,
    request: &DoorRequest,
    revision: &str,
    path: &str,
) -> Result<Answer, Refusal> {
    let path = path.trim_matches('/');
    let Revision::Version(dataset) = repo.revision(revision)? else {
        return match path.is_empty() {
            true => Ok(json(StatusCode::OK, &Vec::<EntryJson>::new())),
            false => Err(Refusal::no_entry(path, NO_COMMIT)),
        };
    };
    let open = doors.catalogue.open(&dataset).await?;
    let commit = commit_of(&dataset.content_id);
    let asked = Asked {
        prefix: match path {
            "" => String::new(),
            path => format!("{path}/"),
        },
        is_recursive: is_set(request, "recursive"),
        after: request.param("cursor").map(str::to_owned),
        entries: page_entries(request),
    };
    if open.below(&asked.prefix).is_empty() {
        return Err(Refusal::no_entry(path, &commit));
    }
    let page = asked.page(open.files());
    let entries = described(&open, &page.listed, is_set(request, "expand")).await?;
    let mut answer = json(StatusCode::OK, &entries);
    put(answer.headers_mut(), X_REPO_COMMIT, &commit);
    if let Some(cursor) = page.next {
        put_next_page(&mut answer, request, &cursor);
    }
    Ok(answer)
}

/// Returns true if a parameter is given as true.
pub(super) fn is_set(request: &DoorRequest, name: &str) -> bool {
    matches!(request.param(name), Some("true" | "True" | "1" | ""))
}

/// Returns the number of entries of a page.
fn page_entries(request: &DoorRequest) -> usize {
    let limit = request.param("limit").and_then(|text| text.parse().ok());
    limit.unwrap_or(PAGE_ENTRIES).clamp(1, PAGE_ENTRIES)
}

/// A page to list.
struct Asked {
    /// Empty, or a path with a slash behind it.
    prefix: String,
    is_recursive: bool,
    /// The last path of the page before, with a slash behind a directory.
    after: Option<String>,
    entries: usize,
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    listed: Vec<Listed>,
    next: Option<String>,
}

impl Asked {
    /// Finds the entries of the page. The time follows the page, not the directory.
    fn page(&self, files: &[FileEntry]) -> Page {
        let path_at = |index: usize| files.get(index).map(|file| file.path.as_str());
        let mut at = self.start(files);
        let mut last = self.after.clone().unwrap_or_default();
        let mut listed = Vec::new();
        while let Some(path) = path_at(at).filter(|path| path.starts_with(&self.prefix)) {
            // The directory of this path that was not listed yet.
            let directory = self.next_directory(path, &last);
            if listed.len() == self.entries {
                return Page {
                    listed,
                    next: Some(last),
                };
            }
            match directory {
                Some(directory) => {
                    last = format!("{directory}/");
                    listed.push(Listed::Directory(directory.to_owned()));
                    if !self.is_recursive {
                        at = behind(files, at, &last);
                    }
                }
                None => {
                    path.clone_into(&mut last);
                    listed.push(Listed::File(at));
                    at += 1;
                }
            }
        }
        Page { listed, next: None }
    }

    /// Returns the place of the first file behind the page before.
    fn start(&self, files: &[FileEntry]) -> usize {
        let first = files.partition_point(|file| file.path.as_str() < self.prefix.as_str());
        let Some(after) = &self.after else {
            return first;
        };
        let is_skipped = !self.is_recursive && after.ends_with('/');
        let at = match is_skipped {
            true => {
                let from = files.partition_point(|file| file.path.as_str() < after.as_str());
                behind(files, from, after)
            }
            false => files.partition_point(|file| file.path.as_str() <= after.as_str()),
        };
        at.max(first)
    }

    /// Returns the uppermost directory around a path that was not listed before `last`.
    fn next_directory<'a>(&self, path: &'a str, last: &str) -> Option<&'a str> {
        let from = self.prefix.len();
        let slashes = path.match_indices('/').map(|(at, _)| at);
        let mut below = slashes.filter(|at| *at >= from);
        let is_listed = |at: usize| {
            let with_slash = path.get(..=at).unwrap_or_default();
            last.starts_with(with_slash)
        };
        match self.is_recursive {
            true => below.find(|at| !is_listed(*at)),
            false => below.next(),
        }
        .and_then(|at| path.get(..at))
    }
}

/// Returns the place behind all files whose paths begin with `prefix`, from the first such file.
fn behind(files: &[FileEntry], from: usize, prefix: &str) -> usize {
    let rest = files.get(from..).unwrap_or_default();
    from + rest.partition_point(|file| file.path.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Vec<FileEntry> {
        let mut paths = paths.to_vec();
        paths.sort_unstable();
        let entry = |path: &&str| FileEntry {
            path: (*path).to_owned(),
            size_bytes: 1,
            content_id: None,
            format: 0,
            rows: None,
            schema: None,
        };
        paths.iter().map(entry).collect()
    }

    /// All pages of a list, in order, and the number of pages.
    fn pages(files: &[FileEntry], prefix: &str, is_recursive: bool, entries: usize) -> Vec<String> {
        let mut asked = Asked {
            prefix: prefix.to_owned(),
            is_recursive,
            after: None,
            entries,
        };
        let mut found = Vec::new();
        loop {
            let page = asked.page(files);
            assert!(page.listed.len() <= entries);
            found.extend(page.listed.iter().map(|one| match one {
                Listed::Directory(path) => format!("{path}/"),
                Listed::File(index) => files[*index].path.clone(),
            }));
            match page.next {
                Some(next) => asked.after = Some(next),
                None => return found,
            }
        }
    }

    const PATHS: [&str; 9] = [
        "README.md",
        "a-b",
        "a/b/c/1",
        "a/b/c/2",
        "a/b2/1",
        "a/z",
        "a0",
        "b/x",
        "é/ü",
    ];

    #[test]
    fn list_of_one_level_has_files_and_directories_for_every_size_of_pages() {
        let files = files(&PATHS);
        let top = ["README.md", "a-b", "a/", "a0", "b/", "é/"];
        for entries in 1..=top.len() + 1 {
            assert_eq!(pages(&files, "", false, entries), top, "{entries}");
            assert_eq!(
                pages(&files, "a/", false, entries),
                ["a/b/", "a/b2/", "a/z"]
            );
        }
    }

    #[test]
    fn recursive_list_has_each_directory_once_before_its_files() {
        let files = files(&PATHS);
        let all = [
            "README.md",
            "a-b",
            "a/",
            "a/b/",
            "a/b/c/",
            "a/b/c/1",
            "a/b/c/2",
            "a/b2/",
            "a/b2/1",
            "a/z",
            "a0",
            "b/",
            "b/x",
            "é/",
            "é/ü",
        ];
        for entries in 1..=all.len() + 1 {
            assert_eq!(pages(&files, "", true, entries), all, "{entries}");
        }
        let below = ["a/b/c/", "a/b/c/1", "a/b/c/2"];
        for entries in 1..=below.len() {
            assert_eq!(pages(&files, "a/b/", true, entries), below, "{entries}");
        }
    }

    #[test]
    fn cursor_from_elsewhere_lists_nothing_outside_the_directory() {
        let files = files(&PATHS);
        for (after, wanted) in [("", vec!["a/b/", "a/b2/", "a/z"]), ("zzz", vec![])] {
            let asked = Asked {
                prefix: "a/".to_owned(),
                is_recursive: false,
                after: Some(after.to_owned()),
                entries: 10,
            };
            let page = asked.page(&files);
            let found = page.listed.iter().map(|one| match one {
                Listed::Directory(path) => format!("{path}/"),
                Listed::File(index) => files[*index].path.clone(),
            });
            assert_eq!(found.collect::<Vec<_>>(), wanted);
        }
    }
}
