//! SARIF reports (version 2.1.0, OASIS, 2020) for code hosts and editors.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::inspect::lint::Example;
use crate::inspect::lint::LintReport;
use crate::inspect::lint::Rule;
use crate::inspect::lint::RuleReport;
use crate::inspect::lint::Severity;

/// Relation of rows to the lines of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowLocation {
    /// Row n is line n + 1.
    Lines,
    /// Rows are no lines: the report gives only row numbers.
    Elsewhere,
}

/// Formats a report on one file as a SARIF log. `uri` is the file as a URI or a relative reference;
/// `version` is that of this program.
pub fn sarif(report: &LintReport, uri: &str, rows: RowLocation, version: &str) -> Value {
    let rules: Vec<Value> = report.rules.iter().map(|r| rule(r.rule)).collect();
    let found = report.rules.iter().enumerate();
    let results: Vec<Value> = found
        .flat_map(|(n, of)| of.examples.iter().map(move |e| result(n, of, e, uri, rows)))
        .collect();
    let counts: BTreeMap<_, _> = report
        .rules
        .iter()
        .map(|r| (r.rule.name, r.count))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": env!("CARGO_PKG_NAME"),
                "semanticVersion": version,
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {
                "checked": report.checked,
                "counts": counts,
            },
        }],
    })
}

fn rule(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.short },
        "fullDescription": { "text": rule.full },
        "help": { "text": rule.help },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn result(
    number: usize,
    of: &RuleReport,
    example: &Example,
    uri: &str,
    rows: RowLocation,
) -> Value {
    let mut text = example.message.clone();
    if !example.excerpt.is_empty() {
        text.push_str(": ");
        text.push_str(&example.excerpt);
    }
    let mut place = json!({ "artifactLocation": { "uri": uri } });
    // The column of a finding is one of the file only if the row is one line.
    if let (RowLocation::Lines, Some(place)) = (rows, place.as_object_mut()) {
        place.insert(
            "region".to_owned(),
            json!({ "startLine": example.row + 1, "startColumn": example.place.column }),
        );
    }
    let mut location = json!({ "physicalLocation": place });
    let name = match &example.column {
        Some(column) => format!("row {} column {column}", example.row),
        None => format!("row {}", example.row),
    };
    if let Some(location) = location.as_object_mut() {
        let logical = json!([{ "fullyQualifiedName": name, "kind": "element" }]);
        location.insert("logicalLocations".to_owned(), logical);
    }
    json!({
        "ruleId": of.rule.name,
        "ruleIndex": number,
        "level": level(of.severity),
        "message": { "text": text },
        "locations": [location],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}
