//! Names of columns that are there once.

use std::collections::HashMap;

/// The same names in the same order, each of them once, as DuckDB makes them: `a`, `a`, `a` become
/// `a`, `a_1`, `a_2`, and a name that is taken then gets one more number.
pub fn unique_names(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut unique = Vec::new();
    for name in names {
        let mut name = name;
        while let Some(times) = seen.get_mut(&name) {
            *times += 1;
            name = format!("{name}_{times}");
        }
        seen.insert(name.clone(), 0);
        unique.push(name);
    }
    unique
}

/// Those of them that are there more than once, in the order of their second time.
pub(in crate::inspect::table) fn repeated_names(names: &[String]) -> Vec<String> {
    let mut seen = HashMap::new();
    let mut repeated = Vec::new();
    for name in names {
        let times: &mut u64 = seen.entry(name).or_default();
        *times += 1;
        if *times == 2 {
            repeated.push(name.clone());
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use super::unique_names;

    #[test]
    fn names_that_are_there_twice_get_numbers() {
        for (names, unique) in [
            (&["a", "a", "b"][..], &["a", "a_1", "b"][..]),
            (&["a", "a", "a"], &["a", "a_1", "a_2"]),
            (&["a", "a_1", "a"], &["a", "a_1", "a_1_1"]),
            (&["a", "A"], &["a", "A"]),
        ] {
            let made = unique_names(names.iter().map(|n| (*n).to_owned()));
            assert_eq!(made, unique, "{names:?}");
        }
    }
}
