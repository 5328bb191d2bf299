//! Structures of ZIP files, and the checks of names.

use crate::documents::format::zip::ZipError;

/// Signature of a local header.
pub(super) const LOCAL: u32 = 0x0403_4b50;
/// Signature of an entry of the central directory.
pub(super) const CENTRAL: u32 = 0x0201_4b50;
/// Signature of the end of the central directory.
pub(super) const END: u32 = 0x0605_4b50;
/// Signature of the 64-bit end of the central directory.
pub(super) const END64: u32 = 0x0606_4b50;
/// Signature of the locator of [`END64`].
pub(super) const LOCATOR64: u32 = 0x0706_4b50;
/// Length of a local header without name and extra field.
pub(super) const LOCAL_BYTES: u64 = 30;
/// Length of the end of the central directory without comment.
pub(super) const END_BYTES: usize = 22;
/// Length of the locator of [`END64`].
pub(super) const LOCATOR64_BYTES: usize = 20;
/// Length of the 64-bit end of the central directory.
pub(super) const END64_BYTES: usize = 56;
/// Method of stored entries.
pub(super) const STORED: u16 = 0;
/// Method of entries with DEFLATE.
pub(super) const DEFLATE: u16 = 8;
/// Value of a field of 32 bits whose number stands in the 64-bit extra field.
pub(super) const MAX32: u32 = u32::MAX;
/// Kind of the 64-bit extra field.
pub(super) const EXTRA64: u16 = 1;

/// Checks the name of an entry. It must lead into the place where the archive is unpacked.
///
/// # Errors
/// [`ZipError::Path`].
pub(super) fn check_name(name: &str) -> Result<(), ZipError> {
    let reason = name_fault(name);
    match reason {
        None => Ok(()),
        Some(reason) => Err(ZipError::Path {
            name: name.to_owned(),
            reason,
        }),
    }
}

fn name_fault(name: &str) -> Option<&'static str> {
    let body = name.strip_suffix('/').unwrap_or(name);
    if body.is_empty() {
        return Some("has no name");
    }
    if name.starts_with('/') {
        return Some("is an absolute path");
    }
    if name.contains('\\') || name.contains(':') {
        return Some("has a character that some systems take as a separator");
    }
    if name.chars().any(char::is_control) {
        return Some("has a control character");
    }
    let mut parts = body.split('/');
    match parts.any(|part| part.is_empty() || part == "." || part == "..") {
        true => Some("leads out of its place"),
        false => None,
    }
}
