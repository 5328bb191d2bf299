//! Some fields of a document as a document of their own.

use crate::inspect::json::ScanError;
use crate::inspect::json::write::text_into;

/// Appends an object with the named fields, in the order of the names; fields that are missing are left
/// out. The key of a field is its whole path, so that two paths never meet in one key.
///
/// # Errors
/// A syntax error of the document.
pub fn project_into(
    document: &[u8],
    fields: &[String],
    out: &mut Vec<u8>,
) -> Result<(), ScanError> {
    let begin = out.len();
    out.push(b'{');
    for field in fields {
        let whole = crate::inspect::json::field_at(document, &[field])?;
        let found = match whole {
            Some(value) => Some(value),
            None => crate::inspect::json::field(document, field)?,
        };
        if let Some(value) = found {
            if out.len() > begin + 1 {
                out.push(b',');
            }
            text_into(field.as_bytes(), out);
            out.push(b':');
            out.extend_from_slice(value.raw);
        }
    }
    out.push(b'}');
    Ok(())
}
