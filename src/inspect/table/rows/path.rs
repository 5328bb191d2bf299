//! Paths to values within rows of JSON: keys with dots between them, numbers for elements of arrays,
//! and `[]` for all elements of one, as in `messages[].content`.

use crate::inspect::json::Event;
use crate::inspect::json::Scanner;
use crate::inspect::json::Value;
use crate::inspect::json::field;
use crate::inspect::json::field_at;

/// The value at a path without `[]`. A key may have dots in it: the whole of the path as one key
/// comes first.
pub(in crate::inspect::table) fn value_at<'a>(row: &'a [u8], path: &str) -> Option<Value<'a>> {
    match field_at(row, &[path]) {
        Ok(Some(value)) => Some(value),
        _ => field(row, path).ok().flatten(),
    }
}

/// Whether a path may lead to several values.
pub(in crate::inspect::table) fn is_many(path: &str) -> bool {
    path.contains("[]")
}

/// Appends the values at a path with `[]` as a JSON array. None where the path leads to no array.
pub(in crate::inspect::table) fn collect_into(
    row: &[u8],
    path: &str,
    out: &mut Vec<u8>,
) -> Option<()> {
    out.push(b'[');
    let start = out.len();
    each_at(row, path, &mut |value| {
        if out.len() > start {
            out.push(b',');
        }
        out.extend_from_slice(value);
    })?;
    out.push(b']');
    Some(())
}

/// Shows the values at a path within a value. None where the path leads nowhere.
pub(in crate::inspect) fn each_at<'a>(
    value: &'a [u8],
    path: &str,
    each: &mut dyn FnMut(&'a [u8]),
) -> Option<()> {
    let Some((before, behind)) = path.split_once("[]") else {
        each(match path {
            "" => value,
            path => value_at(value, path)?.raw,
        });
        return Some(());
    };
    let array = match before {
        "" => value,
        before => value_at(value, before)?.raw,
    };
    let behind = behind.strip_prefix('.').unwrap_or(behind);
    let mut scanner = Scanner::with_nan(array);
    if !matches!(scanner.next_event(), Ok(Some(Event::Array))) {
        return None;
    }
    while let Ok(Some(element)) = scanner.skip_value() {
        // An element without the value has nothing to add.
        let _ = each_at(element.raw, behind, each);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::collect_into;

    #[test]
    fn all_elements_of_an_array_are_collected() {
        let row = br#"{"a":[{"b":1,"c":["x","y"]},{"d":2},{"b":null,"c":[]}],"e":[[1],[2,3]]}"#;
        for (path, found) in [
            ("a[].b", Some("[1,null]")),
            ("a[].c[]", Some(r#"["x","y"]"#)),
            ("e[]", Some("[[1],[2,3]]")),
            ("e[][]", Some("[1,2,3]")),
            ("a[].z", Some("[]")),
            ("z[]", None),
            ("a[].b[]", Some("[]")),
        ] {
            let mut out = Vec::new();
            let made = collect_into(row, path, &mut out);
            let made = made.map(|()| String::from_utf8(out).unwrap());
            assert_eq!(made.as_deref(), found, "{path}");
        }
    }
}
