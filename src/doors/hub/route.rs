//! The paths of the hub's API.

/// A repository, as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RepoName {
    /// Missing where the name stands alone.
    pub(super) publisher: Option<String>,
    pub(super) name: String,
}

/// The function of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Commit(RepoName, String),
    Commits(RepoName, String),
    Create,
    Datasets,
    /// A file of a revision.
    File(RepoName, String, String),
    Info(RepoName, Option<String>),
    LfsBatch(RepoName),
    LfsObject(RepoName, String),
    /// A model or a space, which no node has.
    OtherKind,
    PathsInfo(RepoName, String),
    Preupload(RepoName, String),
    Refs(RepoName),
    /// A directory of a revision.
    Tree(RepoName, String, String),
    Unknown,
    ValidateYaml,
    WhoAmI,
    /// A path at the place of an upload by Xet.
    Xet(RepoName, String, Vec<String>),
    XetPlace(RepoName),
}

/// Words behind the name of a repository.
const ACTIONS: [&str; 8] = [
    "commit",
    "commits",
    "paths-info",
    "preupload",
    "refs",
    "revision",
    "tree",
    "xet-write-token",
];

impl Route {
    /// Finds the function of a path; `None` for a path that is not one of the hub.
    pub(super) fn of(segments: &[String]) -> Option<Self> {
        let end = segments.iter().rposition(|s| !s.is_empty());
        let parts: Vec<&str> = segments
            .iter()
            .take(end.map_or(0, |end| end + 1))
            .map(String::as_str)
            .collect();
        match parts.as_slice() {
            ["api", rest @ ..] => Some(Self::of_api(rest)),
            ["datasets", rest @ ..] => Self::of_dataset(rest),
            ["spaces", _, _, "resolve" | "raw", _, ..] | [_, _, "resolve" | "raw", _, _, ..] => {
                Some(Self::OtherKind)
            }
            _ => None,
        }
    }

    fn of_api(parts: &[&str]) -> Self {
        match parts {
            ["datasets"] => Self::Datasets,
            ["datasets", rest @ ..] => Self::of_repo(rest),
            ["models" | "spaces", _, ..] => Self::OtherKind,
            ["repos", "create"] => Self::Create,
            ["validate-yaml"] => Self::ValidateYaml,
            ["whoami-v2"] => Self::WhoAmI,
            ["xet", name, place, rest @ ..] => {
                let rest = rest.iter().map(|part| (*part).to_owned());
                Self::Xet(bare(name), (*place).to_owned(), rest.collect())
            }
            _ => Self::Unknown,
        }
    }

    fn of_repo(parts: &[&str]) -> Self {
        let is_action = |word: &str| ACTIONS.contains(&word);
        match parts {
            [publisher, name] => Self::Info(repo(publisher, name), None),
            [publisher, name, action, rest @ ..] if is_action(action) => {
                Self::of_action(repo(publisher, name), action, rest)
            }
            [name] => Self::Info(bare(name), None),
            [name, action, rest @ ..] if is_action(action) => {
                Self::of_action(bare(name), action, rest)
            }
            _ => Self::Unknown,
        }
    }

    fn of_action(repo: RepoName, action: &str, rest: &[&str]) -> Self {
        let owned = |text: &&str| (*text).to_owned();
        match (action, rest) {
            ("commit", [revision]) => Self::Commit(repo, owned(revision)),
            ("commits", [revision]) => Self::Commits(repo, owned(revision)),
            ("paths-info", [revision]) => Self::PathsInfo(repo, owned(revision)),
            ("preupload", [revision]) => Self::Preupload(repo, owned(revision)),
            ("refs", []) => Self::Refs(repo),
            ("revision", [revision]) => Self::Info(repo, Some(owned(revision))),
            ("tree", [revision, path @ ..]) => Self::Tree(repo, owned(revision), path.join("/")),
            ("xet-write-token", [_]) => Self::XetPlace(repo),
            _ => Self::Unknown,
        }
    }

    fn of_dataset(parts: &[&str]) -> Option<Self> {
        let file = |repo, revision: &str, path: &[&str]| {
            Some(Self::File(repo, revision.to_owned(), path.join("/")))
        };
        match parts {
            [publisher, name, "info", "lfs", "objects", last] => {
                let repo = repo(publisher, name.strip_suffix(".git")?);
                Some(match *last {
                    "batch" => Self::LfsBatch(repo),
                    oid => Self::LfsObject(repo, oid.to_owned()),
                })
            }
            [publisher, name, "resolve" | "raw", revision, path @ ..] if !path.is_empty() => {
                file(repo(publisher, name), revision, path)
            }
            [name, "resolve" | "raw", revision, path @ ..] if !path.is_empty() => {
                file(bare(name), revision, path)
            }
            _ => None,
        }
    }
}

fn repo(publisher: &str, name: &str) -> RepoName {
    RepoName {
        publisher: Some(publisher.to_owned()),
        name: name.to_owned(),
    }
}

fn bare(name: &str) -> RepoName {
    RepoName {
        publisher: None,
        name: name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<Route> {
        let parts: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
        Route::of(&parts)
    }

    #[test]
    fn paths_of_repositories_are_told_apart_with_and_without_a_publisher() {
        let (both, alone) = (repo("local", "x"), bare("x"));
        let main = || "main".to_owned();
        for (path, wanted) in [
            ("/api/datasets/local/x", Route::Info(both.clone(), None)),
            ("/api/datasets/x", Route::Info(alone.clone(), None)),
            ("/api/datasets/x/", Route::Info(alone.clone(), None)),
            (
                "/api/datasets/local/x/revision/main",
                Route::Info(both.clone(), Some(main())),
            ),
            (
                "/api/datasets/x/revision/main",
                Route::Info(alone.clone(), Some(main())),
            ),
            (
                "/api/datasets/local/x/tree/main",
                Route::Tree(both.clone(), main(), String::new()),
            ),
            (
                "/api/datasets/x/tree/main/a/b",
                Route::Tree(alone.clone(), main(), "a/b".to_owned()),
            ),
            ("/api/datasets/local/x/refs", Route::Refs(both.clone())),
            (
                "/datasets/local/x/resolve/main/a/b.csv",
                Route::File(both.clone(), main(), "a/b.csv".to_owned()),
            ),
            (
                "/datasets/x/resolve/main/a",
                Route::File(alone, main(), "a".to_owned()),
            ),
            (
                "/datasets/local/x.git/info/lfs/objects/batch",
                Route::LfsBatch(both),
            ),
            ("/local/model/resolve/main/config.json", Route::OtherKind),
            ("/api/models/a/b", Route::OtherKind),
            ("/api/anything", Route::Unknown),
        ] {
            assert_eq!(of(path), Some(wanted), "{path}");
        }
    }

    #[test]
    fn paths_of_the_page_are_not_of_the_hub() {
        for path in [
            "/",
            "/datasets",
            "/datasets/local/x",
            "/datasets/local/x/tree/main",
            "/datasets/local/x/resolve/main",
            "/datasets/local/x/resolve/main/",
            "/search",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }
}
