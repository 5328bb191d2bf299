//! The modules of `src`, and which of them name which others, by text.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

/// The path of a module below the crate, such as `["registry", "gc"]`.
pub type ModulePath = Vec<String>;

/// One file of `src`.
pub struct Module {
    /// The file, relative to `src`.
    pub file: PathBuf,
    /// Set if only test builds compile it.
    pub is_test: bool,
    /// The code, without comments and without its own `mod tests`.
    pub code: String,
    children: BTreeSet<String>,
    /// Names that it hands on from other modules, with their absolute paths.
    reexports: BTreeMap<String, Vec<String>>,
}

/// Every module that `lib.rs` leads to.
pub struct Modules(pub BTreeMap<ModulePath, Module>);

/// A module that a file declares.
struct Declared {
    name: String,
    is_test: bool,
}

impl Modules {
    /// Reads the tree of modules below a directory with a `lib.rs`.
    pub fn read(src: &Path) -> Self {
        let mut modules = Self(BTreeMap::new());
        modules.add(src, Path::new("lib.rs"), Vec::new(), false);
        modules
    }

    fn add(&mut self, src: &Path, file: &Path, path: ModulePath, is_test: bool) {
        let text = std::fs::read_to_string(src.join(file)).unwrap();
        let code = code_of(&text);
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let folder = match stem {
            "lib" | "mod" => file.parent().unwrap().to_owned(),
            _ => file.with_extension(""),
        };
        let declared = declarations(&code);
        for child in &declared {
            let flat = folder.join(format!("{}.rs", child.name));
            let nested = folder.join(&child.name).join("mod.rs");
            let child_file = if src.join(&flat).is_file() {
                flat
            } else {
                nested
            };
            let child_path = [&path[..], std::slice::from_ref(&child.name)].concat();
            self.add(src, &child_file, child_path, is_test || child.is_test);
        }
        let children: BTreeSet<String> = declared.into_iter().map(|d| d.name).collect();
        let reexports = code.lines().filter(|l| is_reexport(l)).flat_map(|line| {
            let paths = named_paths(line, &path, &children);
            paths
                .into_iter()
                .map(|p| (exported_name(line, &p), p))
                .collect::<Vec<_>>()
        });
        let module = Module {
            reexports: reexports.collect(),
            file: file.to_owned(),
            is_test,
            code,
            children,
        };
        self.0.insert(path, module);
    }

    /// The modules that a module names, other than by handing names on.
    pub fn named_by(&self, path: &ModulePath) -> BTreeSet<ModulePath> {
        let module = &self.0[path];
        let lines = module.code.lines().filter(|l| !is_reexport(l));
        let paths = lines.flat_map(|line| named_paths(line, path, &module.children));
        let found = paths.map(|named| self.defining(&named, 0));
        found.filter(|found| found != path).collect()
    }

    /// The module that defines what a path names: names that are handed on are followed.
    fn defining(&self, path: &[String], depth: usize) -> ModulePath {
        let mut at = Vec::new();
        for name in path {
            at.push(name.clone());
            if self.0.contains_key(&at) {
                continue;
            }
            at.pop();
            return match self.0[&at].reexports.get(name) {
                Some(other) if depth < 8 => self.defining(other, depth + 1),
                _ => at,
            };
        }
        at
    }

    /// Files of one room that reach each other in a circle, by room and then by name.
    pub fn knots(&self) -> Vec<Vec<String>> {
        let rooms: BTreeSet<&String> = self.0.keys().filter_map(|path| path.first()).collect();
        rooms
            .into_iter()
            .flat_map(|room| self.knots_of(room))
            .collect()
    }

    fn knots_of(&self, room: &String) -> Vec<Vec<String>> {
        let inside = |path: &ModulePath| path.first() == Some(room) && !self.0[path].is_test;
        let members: Vec<&ModulePath> = self.0.keys().filter(|path| inside(path)).collect();
        let number: BTreeMap<&ModulePath, usize> = members
            .iter()
            .enumerate()
            .map(|(n, path)| (*path, n))
            .collect();
        let edges: Vec<Vec<usize>> = members
            .iter()
            .map(|path| {
                let named = self.named_by(path);
                named
                    .iter()
                    .filter_map(|p| number.get(p).copied())
                    .collect()
            })
            .collect();
        let reach: Vec<Vec<bool>> = (0..members.len()).map(|n| reached(n, &edges)).collect();
        let mut knots = Vec::new();
        for (n, reaches) in reach.iter().enumerate() {
            let knot: Vec<usize> = (0..members.len())
                .filter(|m| reaches[*m] && reach[*m][n])
                .collect();
            if knot.len() > 1 && knot[0] == n {
                let file = |m: &usize| self.0[members[*m]].file.to_str().unwrap().to_owned();
                knots.push(knot.iter().map(file).collect());
            }
        }
        knots
    }
}

/// Marks the modules that a module reaches, itself among them.
fn reached(from: usize, edges: &[Vec<usize>]) -> Vec<bool> {
    let mut is_reached = vec![false; edges.len()];
    let mut waiting = vec![from];
    while let Some(next) = waiting.pop() {
        if !std::mem::replace(&mut is_reached[next], true) {
            waiting.extend(&edges[next]);
        }
    }
    is_reached
}

/// A file up to its own tests, without lines of comment.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_tests = is_for_tests(line)
            && lines
                .peek()
                .is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if is_tests {
            break;
        }
        if !line.trim_start().starts_with("//") {
            code += &without_scope(line.split(" // ").next().unwrap());
        }
        code.push('\n');
    }
    code
}

fn is_for_tests(line: &str) -> bool {
    line == "#[cfg(test)]" || line.starts_with("#[cfg(all(test")
}

/// The line with plain `pub` for each `pub(in PATH)`: a scope names a module without using it.
fn without_scope(line: &str) -> String {
    let mut rest = line;
    let mut text = String::new();
    while let Some((before, scope)) = rest.split_once("pub(in ") {
        text += before;
        text += "pub";
        rest = scope.split_once(')').map_or("", |(_, after)| after);
    }
    text + rest
}

/// The line without the visibility before it.
fn without_visibility(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub")?;
    match rest.strip_prefix('(') {
        Some(rest) => rest.split_once(") ").map(|(_, rest)| rest),
        None => rest.strip_prefix(' '),
    }
}

fn declarations(code: &str) -> Vec<Declared> {
    let mut found = Vec::new();
    let mut is_test = false;
    for line in code.lines() {
        let item = without_visibility(line).unwrap_or(line);
        if let Some(name) = item
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'))
        {
            let name = name.to_owned();
            found.push(Declared { name, is_test });
        }
        is_test = is_for_tests(line) || (is_test && line.starts_with("#["));
    }
    found
}

fn is_reexport(line: &str) -> bool {
    without_visibility(line).is_some_and(|rest| rest.starts_with("use "))
}

/// The name under which a line hands a path on.
fn exported_name(line: &str, path: &[String]) -> String {
    match line.split_once(" as ") {
        Some((_, name)) => name.trim_end_matches(';').to_owned(),
        None => path.last().unwrap().clone(),
    }
}

/// The absolute paths that a line of a module names.
fn named_paths(line: &str, module: &[String], children: &BTreeSet<String>) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut at = 0;
    while let Some(start) = line[at..].find(is_name).map(|n| at + n) {
        let segments = path_at(&line[start..]);
        let length = segments.iter().map(|s| s.len() + 2).sum::<usize>() - 2;
        let is_begin = !line[..start].ends_with("::");
        at = start + length;
        if segments.len() < 2 || !is_begin {
            continue;
        }
        let ups = segments.iter().take_while(|s| **s == "super").count();
        let base = match segments[0] {
            "crate" => Vec::new(),
            "self" => module.to_vec(),
            "super" => module[..module.len().saturating_sub(ups)].to_vec(),
            first if children.contains(first) => module.to_vec(),
            _ => continue,
        };
        let skipped = match segments[0] {
            "crate" | "self" => 1,
            _ => ups,
        };
        let rest = segments[skipped..].iter().map(|s| (*s).to_owned());
        paths.push(base.into_iter().chain(rest).collect());
    }
    paths
}

/// The segments of the path that a text begins with.
fn path_at(text: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        if name.is_empty() {
            // `use a::*` and `a::<T>` end in no name; the length counts one all the same.
            return segments;
        }
        segments.push(name);
        match after.strip_prefix("::") {
            Some(next) if next.starts_with(|c: char| c.is_alphanumeric() || c == '_') => {
                rest = next
            }
            _ => return segments,
        }
    }
}
