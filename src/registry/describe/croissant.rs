//! Croissant JSON-LD description of a dataset, for machine learning tools.
//! <https://docs.mlcommons.org/croissant/docs/croissant-spec.html>, version 1.0.

use crate::registry::views::Descriptions;
use arrow_schema::DataType;
use arrow_schema::Field;
use arrow_schema::Fields;
use serde_json::Value;
use serde_json::json;

use crate::catalog::Dataset;
use crate::ident::labels;
use crate::ident::to_hex;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::manifest::Provenance;
use crate::progress::Progress;
use crate::registry::error::Error;
use crate::trust::Subject;

impl Descriptions<'_> {
    /// Returns the Croissant description. It reads every byte, because Croissant identifies files
    /// by SHA-256.
    ///
    /// # Errors
    /// [`Error`] when a file or the card is damaged.
    pub fn croissant(&self, dataset: &Dataset, progress: &dyn Progress) -> Result<Value, Error> {
        let m = &dataset.manifest;
        let card = self.card(dataset)?.card;
        let subjects = self.registry.subjects(dataset, progress)?;
        let table = self.registry.files(m)?;
        let formats: Vec<FileFormat> = table
            .files()
            .iter()
            .map(|f| FileFormat::from_number(f.format))
            .collect();
        let size = table.files().iter().map(|f| f.size_bytes);
        let distribution: Vec<Value> = subjects
            .iter()
            .zip(&formats)
            .zip(size)
            .map(|((s, format), size)| file_object(s, *format, size))
            .collect();
        let schema = Descriptions::schema(m);
        let mut record_sets = Vec::new();
        for (subject, format) in subjects.iter().zip(&formats) {
            if let (Some(schema), true) = (&schema, format.format != Format::Bytes) {
                record_sets.push(record_set(&subject.path, *format, schema.fields()));
            }
        }
        let description = match &m.description {
            Some(text) => text.clone(),
            None => card.markdown.chars().take(5000).collect(),
        };
        let mut object = json!({
            "@context": context(),
            "@type": "sc:Dataset",
            "conformsTo": "http://mlcommons.org/croissant/1.0",
            "name": m.name.to_string(),
            "description": description,
            "url": format!("https://alimentar.dev/id/{}", m.content_id.to_hex()),
            "identifier": m.content_id.to_string(),
            "version": m.dataset_version.to_string(),
            "datePublished": m.created_at.to_rfc3339(),
            "keywords": labels(&m.tags),
            "distribution": distribution,
            "recordSet": record_sets,
        });
        if let (Some(all), Some(license)) = (object.as_object_mut(), &m.license) {
            all.insert("license".to_owned(), json!(license));
        }
        if let (Some(all), Some(key)) = (object.as_object_mut(), m.signer) {
            let creator = json!({"@type": "sc:Organization", "name": key.to_hex()});
            all.insert("creator".to_owned(), creator);
        }
        if let (Some(all), Some(source)) = (object.as_object_mut(), &m.source) {
            all.insert("isBasedOn".to_owned(), based_on(source));
        }
        Ok(object)
    }
}

/// Describes the place that a dataset was taken in from.
fn based_on(source: &Provenance) -> Value {
    let mut object = json!({
        "@type": "sc:Dataset",
        "url": source.url,
        "sdDatePublished": source.fetched_at.to_rfc3339(),
    });
    let texts = [
        ("version", &source.revision),
        ("identifier", &source.validator),
    ];
    for (key, text) in texts {
        if let (Some(all), Some(text)) = (object.as_object_mut(), text) {
            all.insert(key.to_owned(), json!(text));
        }
    }
    object
}

fn file_object(subject: &Subject, format: FileFormat, size: u64) -> Value {
    json!({
        "@type": "cr:FileObject", "@id": id_of(&subject.path), "name": subject.path,
        "contentUrl": subject.path, "contentSize": format!("{size} B"),
        "encodingFormat": encoding(format), "sha256": to_hex(&subject.sha256),
    })
}

/// Escapes a name for an `@id`. Readers refuse white space there, even escaped with `%`. A byte
/// that a URI must escape becomes `~` and two digits, and so does `~`.
fn id_of(name: &str) -> String {
    let mut id = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                id.push(char::from(byte))
            }
            other => id += &format!("~{other:02x}"),
        }
    }
    id
}

/// Returns the JSON path to a column in every element of an array.
fn json_path(column: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    match column.bytes().all(is_plain) {
        true => format!("$[*].{column}"),
        false => format!(
            "$[*]['{}']",
            column.replace('\\', "\\\\").replace('\'', "\\'")
        ),
    }
}

const fn encoding(format: FileFormat) -> &'static str {
    match format.format {
        Format::Bytes => "application/octet-stream",
        Format::Jsonl => "application/jsonlines",
        Format::JsonArray => "application/json",
        Format::Csv => "text/csv",
        Format::Tsv => "text/tsv",
        Format::Parquet => "application/x-parquet",
        Format::ArrowFile | Format::ArrowStream => "application/vnd.apache.arrow.file",
    }
}

fn record_set(path: &str, format: FileFormat, fields: &Fields) -> Value {
    let id = format!("{}/rows", id_of(path));
    let fields: Vec<Value> = fields
        .iter()
        .map(|f| field(f, &id, path, format, f.name()))
        .collect();
    json!({"@type": "cr:RecordSet", "@id": id, "name": format!("{path}/rows"), "field": fields})
}

fn field(field_: &Field, above: &str, path: &str, format: FileFormat, column: &str) -> Value {
    let id = format!("{above}/{}", id_of(field_.name()));
    let (mut repeated, mut kind) = (false, field_.data_type());
    while let DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) =
        kind
    {
        (repeated, kind) = (true, item.data_type());
    }
    let extract = match format.format {
        Format::JsonArray => json!({"jsonPath": json_path(column)}),
        _ => json!({"column": column}),
    };
    let mut object = json!({
        "@type": "cr:Field", "@id": id, "name": field_.name(),
        "source": {"fileObject": {"@id": id_of(path)}, "extract": extract},
    });
    let Some(all) = object.as_object_mut() else {
        return object;
    };
    if repeated {
        all.insert("repeated".to_owned(), json!(true));
    }
    // Structures are given as text, because readers of Croissant follow JSON paths only from one
    // level.
    all.insert("dataType".to_owned(), json!(data_type(kind)));
    object
}

const fn data_type(kind: &DataType) -> &'static str {
    match kind {
        DataType::Boolean => "sc:Boolean",
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => "sc:Integer",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "sc:Float",
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => "sc:Date",
        _ => "sc:Text",
    }
}

/// Returns the context of the Croissant 1.0 specification.
fn context() -> Value {
    json!({
        "@language": "en", "@vocab": "https://schema.org/",
        "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "dct": "http://purl.org/dc/terms/",
        "equivalentProperty": "cr:equivalentProperty",
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty",
        "fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format",
        "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
        "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5",
        "parentField": "cr:parentField", "path": "cr:path", "recordSet": "cr:recordSet",
        "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated",
        "replace": "cr:replace", "samplingRate": "cr:samplingRate", "sc": "https://schema.org/", "separator": "cr:separator",
        "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn croissant_ids_are_distinct_without_white_space() {
        for (name, id) in [
            ("data/train.csv", "data/train.csv"),
            ("my col", "my~20col"),
            ("my~20col", "my~7e20col"),
            ("\u{e9}#%\t", "~c3~a9~23~25~09"),
        ] {
            assert_eq!(id_of(name), id);
        }
        assert_eq!(json_path("a_1"), "$[*].a_1");
        assert_eq!(json_path("my 'col'"), r"$[*]['my \'col\'']");
    }
}
