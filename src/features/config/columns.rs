//! The columns of a table.

use crate::features::config::fault::Fault;
use crate::features::config::fault::nearest;
use crate::features::config::fault::shown;
use crate::features::config::fields::Fields;
use crate::features::config::fields::map;
use crate::features::config::fields::number;
use crate::features::config::fields::text;
use crate::features::config::fields::truth;
use crate::features::config::node::Node;
use crate::features::limits::COLUMNS_MAX;
use crate::features::limits::LIST_VALUES_MAX;
use crate::features::schema::ColumnSpec;
use crate::features::schema::DataType;

/// Reads the columns.
pub(super) fn columns(node: &Node) -> Result<Vec<ColumnSpec>, Fault> {
    let fields = map(node, "columns")?;
    if fields.len() > COLUMNS_MAX {
        let why = format!("a table has at most {COLUMNS_MAX} columns");
        return Fault::at(node.place, why);
    }
    let mut columns = Vec::new();
    for (key, node) in fields {
        if key.text.is_empty() {
            return Fault::at(key.place, "the name of a column is empty");
        }
        columns.push(column(&key.text, node)?);
    }
    Ok(columns)
}

fn column(name: &str, node: &Node) -> Result<ColumnSpec, Fault> {
    let fields = Fields::of(node, name, &["dtype", "nullable", "length", "strict"])?;
    let type_node = fields.required("dtype")?;
    let mut data_type = data_type(type_node)?;
    if let Some(node) = fields.optional("length") {
        let length = number(node, "length", 1..=u64::from(LIST_VALUES_MAX))?;
        let list = u32::try_from(length).ok().and_then(|n| data_type.list(n));
        data_type = match list {
            Some(list) => list,
            None => {
                let why = format!("lists are of numbers, and this is one of {data_type}");
                return Fault::at(node.place, why);
            }
        };
    }
    let is = |field: &str| match fields.get(field) {
        Some(node) => truth(node, field),
        None => Ok(true),
    };
    Ok(ColumnSpec {
        is_nullable: is("nullable")?,
        is_strict: is("strict")?,
        ..ColumnSpec::new(name, data_type)
    })
}

fn data_type(node: &Node) -> Result<DataType, Fault> {
    let name = text(node, "dtype")?;
    if let Ok(data_type) = name.parse() {
        return Ok(data_type);
    }
    let advice = match nearest(name, DataType::names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let known: Vec<&str> = DataType::names().collect();
            let known = known.join(", ");
            format!("the types are {known}, and lists of numbers such as `float32[128]`")
        }
    };
    Fault::at(
        node.place,
        format!("`{}` is no type; {advice}", shown(name)),
    )
}
