//! JSON text of a row of any file.

use crate::inspect::json::write::text_into;
use crate::inspect::table::Cell;
use crate::inspect::table::Scratch;
use crate::inspect::table::Shape;

/// Returns the JSON text of a row: as it is for JSON, and else an object of its cells.
pub fn row_json(shape: &Shape, row: &[u8], scratch: &mut Scratch) -> String {
    if *shape == Shape::Json {
        return String::from_utf8_lossy(row).into_owned();
    }
    let mut json = vec![b'{'];
    shape.each_cell(row, scratch, &mut |name, cell| {
        if json.len() > 1 {
            json.push(b',');
        }
        text_into(name.as_bytes(), &mut json);
        json.push(b':');
        match cell {
            Cell::Null => json.extend_from_slice(b"null"),
            Cell::Text(text) => text_into(text, &mut json),
            Cell::Bool(_) | Cell::Number(_) | Cell::Nested(_) => {
                json.extend_from_slice(cell.bytes());
            }
        }
    });
    json.push(b'}');
    String::from_utf8_lossy(&json).into_owned()
}
