use super::Page;
use super::Walk;
use super::Wanted;
use crate::doors::s3::keys::Shelf;
use crate::manifest::FileEntry;
use crate::splitmix::drawn;

fn file(path: String) -> FileEntry {
    FileEntry {
        path,
        size_bytes: 1,
        content_id: None,
        format: 0,
        rows: None,
        schema: None,
    }
}

/// Shelves with sorted files.
fn row(shelves: &[(&str, &[&str])]) -> Vec<Shelf<Vec<FileEntry>>> {
    let made = shelves.iter().map(|(prefix, paths)| {
        let mut files: Vec<FileEntry> = paths.iter().map(|p| file((*p).to_owned())).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Shelf {
            prefix: (*prefix).to_owned(),
            dataset: files,
        }
    });
    let mut made: Vec<_> = made.collect();
    made.sort_by(|a, b| a.prefix.cmp(&b.prefix));
    made
}

/// The keys and the directories of a page, and its last entry if there are more.
fn page(shelves: &[Shelf<Vec<FileEntry>>], wanted: Wanted<'_>) -> (Vec<String>, Page) {
    let mut walk = Walk::new(wanted);
    let mut keys = Vec::new();
    while let Some(shelf) = walk.next(shelves) {
        for at in walk.read(shelf, &shelf.dataset) {
            keys.push(format!("{}{}", shelf.prefix, shelf.dataset[at].path));
        }
    }
    (keys, walk.finish())
}

/// The same by the definition of a listing, from all keys.
fn page_by_definition(
    shelves: &[Shelf<Vec<FileEntry>>],
    wanted: Wanted<'_>,
) -> (Vec<String>, Page) {
    let mut entries: Vec<(String, bool)> = Vec::new();
    let met = shelves
        .iter()
        .filter(|s| s.prefix.starts_with(wanted.prefix) || wanted.prefix.starts_with(&s.prefix));
    for key in met.flat_map(|s| s.dataset.iter().map(|f| format!("{}{}", s.prefix, f.path))) {
        let Some(rest) = key.strip_prefix(wanted.prefix) else {
            continue;
        };
        let found = rest
            .find(wanted.delimiter)
            .filter(|_| !wanted.delimiter.is_empty());
        let entry = match found {
            Some(at) => (
                key[..wanted.prefix.len() + at + wanted.delimiter.len()].to_owned(),
                true,
            ),
            None => (key, false),
        };
        if entry.0.as_str() > wanted.after && !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries.sort();
    let is_more = entries.len() > wanted.max_entries && wanted.max_entries > 0;
    entries.truncate(wanted.max_entries);
    let next = entries
        .last()
        .map(|(entry, _)| entry.clone())
        .filter(|_| is_more);
    let (directories, keys): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(_, is)| *is);
    let text = |list: Vec<(String, bool)>| list.into_iter().map(|(entry, _)| entry).collect();
    let directories = text(directories);
    (text(keys), Page { directories, next })
}

fn met(shelves: &[Shelf<Vec<FileEntry>>], prefix: &str) -> Vec<Shelf<Vec<FileEntry>>> {
    let meets =
        |s: &&Shelf<Vec<FileEntry>>| s.prefix.starts_with(prefix) || prefix.starts_with(&s.prefix);
    shelves.iter().filter(meets).cloned().collect()
}

#[test]
fn pages_are_those_of_the_definition_for_any_prefix_delimiter_and_start() {
    let shelves = row(&[
        (
            "lab/a@1.0.0/",
            &[
                "README.md",
                "data/x/1",
                "data/x/2",
                "data/y/1",
                "data/é/1",
                "data.txt",
                "z",
            ],
        ),
        ("lab/a@1.1.0/", &["data/x/1", "b"]),
        ("lab/a-b@1.0.0/", &["a", "data/deep/er/1"]),
        ("lab b/c@0.1.0/", &["one"]),
        (
            "local/ab@2.0.0/",
            &["d", "da", "dat/a", "data/1", "lab/a@1.0.0/x"],
        ),
        ("é/ü@1.0.0/", &["é", "é/é/1", "ü"]),
    ]);
    let all: Vec<String> = page(&shelves, wanted("", "", "", 100)).0;
    assert_eq!(all.len(), 20);
    let mut draws = 0;
    let mut pick = |list: &[&str]| {
        draws += 1;
        let at = drawn(draws) % list.len() as u64;
        list[usize::try_from(at).unwrap()].to_owned()
    };
    let cut = |key: &str, n: usize| key.chars().take(n).collect::<String>();
    let keys: Vec<&str> = all.iter().map(String::as_str).collect();
    let lengths: Vec<String> = (0..24).map(|n| n.to_string()).collect();
    let lengths: Vec<&str> = lengths.iter().map(String::as_str).collect();
    for n in 0..20_000 {
        let prefix = cut(&pick(&keys), pick(&lengths).parse().unwrap());
        let mut after = cut(&pick(&keys), pick(&lengths).parse().unwrap());
        after += &pick(&["", "", "/", "\u{10ffff}", "0"]);
        let after = pick(&["", &after]);
        let delimiter = pick(&[
            "",
            "/",
            "/",
            "/",
            "a",
            "@",
            "/d",
            "0/d",
            "a/",
            "é",
            "/é",
            "lab/a@1.0.0/d",
        ]);
        let most = pick(&["0", "1", "2", "3", "5", "100"]).parse().unwrap();
        let wanted = wanted(&prefix, &delimiter, &after, most);
        let shelves = met(&shelves, &prefix);
        assert_eq!(
            page(&shelves, wanted),
            page_by_definition(&shelves, wanted),
            "{n}: {wanted:?}"
        );
    }
}

fn wanted<'a>(
    prefix: &'a str,
    delimiter: &'a str,
    after: &'a str,
    max_entries: usize,
) -> Wanted<'a> {
    Wanted {
        prefix,
        delimiter,
        after,
        max_entries,
    }
}

#[test]
fn pages_in_a_row_have_each_entry_once() {
    let shelves = row(&[
        ("lab/a@1.0.0/", &["a/1", "a/2", "b", "c/1", "c/d/1"]),
        ("lab/a@1.1.0/", &["a/1"]),
    ]);
    for delimiter in ["", "/"] {
        for prefix in ["", "lab/a@1.0.0/", "lab/a@1.0.0/c"] {
            let shelves = met(&shelves, prefix);
            let whole = page(&shelves, wanted(prefix, delimiter, "", 100));
            let (mut keys, mut directories, mut after) = (Vec::new(), Vec::new(), String::new());
            loop {
                let (found, one) = page(&shelves, wanted(prefix, delimiter, &after, 1));
                keys.extend(found);
                directories.extend(one.directories);
                match one.next {
                    Some(next) => after = next,
                    None => break,
                }
            }
            assert_eq!(
                (keys, directories),
                (whole.0, whole.1.directories),
                "{prefix} {delimiter}"
            );
        }
    }
}

#[test]
fn directories_of_a_million_files_are_stepped_over() {
    let shelves = [Shelf {
        prefix: "lab/a@1.0.0/".to_owned(),
        dataset: (0..1_000_000)
            .map(|n| file(format!("d{:03}/{n:07}", n / 2000)))
            .collect(),
    }];
    let (keys, found) = page(&shelves, wanted("lab/a@1.0.0/", "/", "", 1000));
    assert_eq!(
        (keys.len(), found.directories.len(), found.next),
        (0, 500, None)
    );
    let after = "lab/a@1.0.0/d250/0500999";
    let (keys, found) = page(&shelves, wanted("lab/a@1.0.0/", "", after, 2));
    assert_eq!(
        keys,
        ["lab/a@1.0.0/d250/0501000", "lab/a@1.0.0/d250/0501001"]
    );
    assert_eq!(found.next.as_deref(), Some("lab/a@1.0.0/d250/0501001"));
    let (keys, _) = page(&shelves, wanted("lab/a@1.0.0/d499/", "/", "", 3000));
    assert_eq!(keys.len(), 2000);
}
