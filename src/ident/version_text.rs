//! Recognition of versions and conditions on them in the text of a reference.

/// Returns true if a text behind `@` is meant as a version or a condition, valid or not.
pub(in crate::ident) fn looks_like_version(text: &str) -> bool {
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let begins = text.starts_with(['^', '~', '>', '<', '=', '*', ',']);
    begins
        || bare.starts_with(|c: char| c.is_ascii_digit())
        || text.contains(',')
        || matches!(text, "x" | "X" | "latest")
}

/// Returns true if a text has all three numbers of a version, and no operator.
pub(in crate::ident) fn is_full(text: &str) -> bool {
    let bare = text.strip_prefix('v').unwrap_or(text);
    let numbers = bare.split(['-', '+']).next().unwrap_or_default();
    let mut parts = numbers.split('.');
    let is_number = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
    parts.by_ref().take(3).filter(|p| is_number(p)).count() == 3
        && parts.next().is_none()
        && !text.contains(',')
}

/// Converts one condition to semver's form. A bare version or part of one means all versions
/// that begin so.
pub(in crate::ident) fn condition(text: &str) -> String {
    let bare = text.strip_prefix('v').unwrap_or(text);
    let is_bare = bare.starts_with(|c: char| c.is_ascii_digit());
    let is_wild = bare.split('.').any(|p| matches!(p, "*" | "x" | "X"));
    if is_bare && !is_wild {
        format!("={bare}")
    } else {
        bare.to_owned()
    }
}
