//! Names of tables, which are parts of URLs and of paths.

use crate::features::limits::TABLE_NAME_BYTES_MAX;

/// Checks the name of a table.
///
/// # Errors
/// The fault, as a sentence without the name.
pub(crate) fn check_table_name(name: &str) -> Result<(), String> {
    let why = match name {
        "" => "the name of a table is empty",
        "." | ".." => "the name of a table is a part of a path",
        _ if name.contains(['/', '\\']) => "the name of a table has a separator of paths",
        _ if name.chars().any(char::is_control) => "the name of a table has a control character",
        _ if name.chars().any(is_invisible) => "the name of a table has an invisible character",
        _ if name.trim() != name => "the name of a table begins or ends with a space",
        _ if name.len() > TABLE_NAME_BYTES_MAX => {
            return Err(format!(
                "the name of a table has more than {TABLE_NAME_BYTES_MAX} bytes"
            ));
        }
        _ => return Ok(()),
    };
    Err(why.to_owned())
}

/// Returns true for characters that change how others look, and have no look of their own.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
