//! Selection of the files of a source that are taken in.

use globset::Glob;
use globset::GlobSet;
use globset::GlobSetBuilder;

use crate::manifest::FileEntry;
use crate::manifest::FileTable;
use crate::manifest::check_path;
use crate::registry::error::Error;
use crate::registry::error::skipped::SkipReason;
use crate::registry::error::skipped::Skipped;
use crate::registry::error::source::SourceError;
use crate::registry::intake::error::IntakeError;
use crate::registry::intake::source::FileSource;
use crate::registry::intake::source::Place;

/// Files that are taken in, and those that are not.
pub(super) struct Selection {
    /// Numbers in the source's list, in the order of the paths' bytes.
    pub(super) numbers: Vec<usize>,
    pub(super) skipped: Vec<Skipped>,
}

/// Selects files by patterns. A pattern of a directory stands for everything below it.
///
/// # Errors
/// [`Error`] when a path is not one of a dataset, a pattern is wrong, or no file is left.
pub(super) fn select(
    source: &dyn FileSource,
    include: &[String],
    exclude: &[String],
) -> Result<Selection, Error> {
    let (place, items) = (source.place(), source.items());
    let included = patterns(include)?;
    let excluded = patterns(exclude)?;
    let is_taken = |path: &str| {
        let is_wanted = include.is_empty() || matches(&included, path);
        is_wanted && !matches(&excluded, path)
    };
    let (mut numbers, mut skipped) = (Vec::new(), Vec::new());
    for (number, item) in items.iter().enumerate() {
        let path = &item.path;
        check_path(path).map_err(|e| path_error(place, path, &e.to_string()))?;
        if is_taken(path) {
            numbers.push(number);
        } else {
            skipped.push(Skipped {
                path: path.into(),
                why: SkipReason::Excluded,
            });
        }
    }
    if numbers.is_empty() {
        let is_filtered = !items.is_empty();
        let url = place.url.clone();
        return Err(IntakeError::NoFiles { url, is_filtered }.into());
    }
    let path_of = |number: &usize| items.get(*number).map(|item| item.path.as_bytes());
    numbers.sort_by(|a, b| path_of(a).cmp(&path_of(b)));
    check_together(place, items.iter().map(|item| item.path.as_str()))?;
    Ok(Selection { numbers, skipped })
}

/// Refuses a list with one path twice, or with a file that is a directory of another.
fn check_together<'a>(place: &Place, paths: impl Iterator<Item = &'a str>) -> Result<(), Error> {
    let mut paths: Vec<&str> = paths.collect();
    paths.sort_unstable();
    let entry = |path: &&str| FileEntry {
        path: (*path).to_owned(),
        size_bytes: 0,
        content_id: None,
        format: 0,
        rows: None,
        schema: None,
    };
    let table = FileTable::new(paths.iter().map(entry).collect());
    table.map(drop).map_err(|e| {
        let twice = paths.windows(2).find(|pair| pair.first() == pair.last());
        let path = twice.and_then(|pair| pair.first()).copied().unwrap_or("…");
        path_error(place, path, &format!("cannot stand beside the others: {e}"))
    })
}

fn path_error(place: &Place, path: &str, why: &str) -> Error {
    IntakeError::Path {
        url: place.url.clone(),
        path: path.to_owned(),
        why: format!("is not one of a dataset: {why}"),
    }
    .into()
}

fn patterns(texts: &[String]) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in texts {
        let pattern = pattern.trim_end_matches('/');
        for form in [pattern.to_owned(), format!("**/{pattern}")] {
            set.add(
                Glob::new(&form)
                    .map_err(|_| Error::Source(SourceError::Pattern(pattern.to_owned())))?,
            );
        }
    }
    set.build()
        .map_err(|_| Error::Source(SourceError::Pattern(texts.join(" "))))
}

/// Returns true if a pattern matches the path or a directory above it.
fn matches(set: &GlobSet, path: &str) -> bool {
    let above = path.match_indices('/').map(|(at, _)| at);
    let mut ends = above.chain([path.len()]);
    ends.any(|end| path.get(..end).is_some_and(|part| set.is_match(part)))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::manifest::DatasetKind;
    use crate::registry::intake::promise::Promise;
    use crate::registry::intake::source::SourceItem;

    struct Listed(Place, Vec<SourceItem>);

    impl FileSource for Listed {
        fn place(&self) -> &Place {
            &self.0
        }

        fn items(&self) -> &[SourceItem] {
            &self.1
        }

        fn read(&self, _: usize, _: u64) -> Result<Box<dyn Read + Send>, Error> {
            Ok(Box::new(std::io::empty()))
        }
    }

    fn listed(paths: &[&str]) -> Listed {
        let item = |path: &&str| SourceItem {
            path: (*path).to_owned(),
            size_bytes: Some(1),
            promise: Promise::default(),
        };
        let place = Place {
            url: "hf://datasets/a/b".to_owned(),
            shared_url: "hf://datasets/a/b".to_owned(),
            revision: None,
            kind: DatasetKind::Directory,
            name: "b".to_owned(),
        };
        Listed(place, paths.iter().map(item).collect())
    }

    fn taken(paths: &[&str], include: &[&str], exclude: &[&str]) -> Vec<String> {
        let source = listed(paths);
        let texts = |all: &[&str]| all.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>();
        let chosen = select(&source, &texts(include), &texts(exclude)).unwrap();
        let path = |n: &usize| source.1[*n].path.clone();
        chosen.numbers.iter().map(path).collect()
    }

    #[test]
    fn patterns_select_files_and_everything_below_directories() {
        let all = ["b.txt", "data/x.parquet", "data/y/z.csv", "README.md"];
        assert_eq!(
            taken(&all, &[], &[]),
            ["README.md", "b.txt", "data/x.parquet", "data/y/z.csv"]
        );
        assert_eq!(taken(&all, &["*.parquet"], &[]), ["data/x.parquet"]);
        assert_eq!(taken(&all, &["data/"], &["y"]), ["data/x.parquet"]);
        assert_eq!(taken(&all, &[], &["data", "*.md"]), ["b.txt"]);
    }

    #[test]
    fn paths_that_leave_the_dataset_or_clash_are_refused() {
        for paths in [
            &["../x"][..],
            &["/etc/passwd"],
            &["a/../../b"],
            &["a//b"],
            &["a\0b"],
            &["a", "a"],
            &["a", "a/b"],
        ] {
            let source = listed(paths);
            let error = select(&source, &[], &[]).map(drop).unwrap_err();
            assert!(
                matches!(error, Error::Intake(IntakeError::Path { .. })),
                "{paths:?}"
            );
        }
        let source = listed(&["a"]);
        let error = select(&source, &["b".to_owned()], &[])
            .map(drop)
            .unwrap_err();
        let filtered = IntakeError::NoFiles {
            url: String::new(),
            is_filtered: true,
        };
        assert!(
            std::mem::discriminant(&filtered)
                == match &error {
                    Error::Intake(e) => std::mem::discriminant(e),
                    other => panic!("{other}"),
                }
        );
    }
}
