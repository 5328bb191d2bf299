//! Schemas of arguments and results: plain objects, which every client understands.

use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::mcp::tools::tool::Kind;
use crate::mcp::tools::tool::Tool;

/// Returns the schema of a tool's arguments.
pub(crate) fn input_schema(tool: &Tool) -> Arc<Map<String, Value>> {
    let mut properties = Map::new();
    for argument in tool.arguments {
        let mut property = match argument.kind {
            Kind::Text => json!({"type": "string"}),
            Kind::Count => json!({"type": "integer", "minimum": 0}),
            Kind::Number => json!({"type": "number"}),
            Kind::Flag => json!({"type": "boolean"}),
            Kind::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Kind::OneOf(names) => json!({"type": "string", "enum": names}),
        };
        if let (false, Some(fields)) = (argument.description.is_empty(), property.as_object_mut()) {
            fields.insert("description".to_owned(), json!(argument.description));
        }
        properties.insert(argument.name.to_owned(), property);
    }
    // A greater budget than the greatest is that one; every word here costs each conversation.
    properties.insert("max_chars".to_owned(), json!({"type": "integer"}));
    let required = tool.arguments.iter().filter(|a| a.is_required);
    let required: Vec<&str> = required.map(|a| a.name).collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let (false, Some(fields)) = (required.is_empty(), schema.as_object_mut()) {
        fields.insert("required".to_owned(), json!(required));
    }
    object(schema)
}

/// Returns the schema of a tool's result.
pub(crate) fn output_schema(tool: &Tool) -> Arc<Map<String, Value>> {
    let properties = tool.fields.iter().map(|field| {
        let kind = match field.kind.split_once('|') {
            Some((kind, other)) => json!({"type": [kind, other]}),
            None => json!({"type": field.kind}),
        };
        (field.name.to_owned(), kind)
    });
    let required: Vec<&str> = tool.fields.iter().map(|f| f.name).collect();
    object(json!({
        "type": "object",
        "properties": properties.collect::<Map<String, Value>>(),
        "required": required,
    }))
}

fn object(value: Value) -> Arc<Map<String, Value>> {
    match value {
        Value::Object(fields) => Arc::new(fields),
        _ => Arc::default(),
    }
}
