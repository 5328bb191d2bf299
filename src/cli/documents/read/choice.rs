//! The choice of documents.

use clap::Args;

use crate::cli::exit::Failure;
use crate::documents::DocumentError;
use crate::documents::Scan;

/// Conditions, fields and a limit.
#[derive(Debug, Args)]
pub(crate) struct ChoiceArgs {
    /// A condition, such as 'age >= 18 and not tags contains "draft"'; all of several must hold
    #[arg(long = "where", value_name = "PRED")]
    conditions: Vec<String>,
    /// Only these fields, by dotted paths
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    fields: Vec<String>,
    /// Only so many documents
    #[arg(short, long, value_name = "N")]
    limit: Option<u64>,
}

impl ChoiceArgs {
    /// Reads the conditions.
    ///
    /// # Errors
    /// [`DocumentError::Predicate`].
    pub(crate) fn scan(&self) -> Result<Scan, Failure> {
        let mut scan = Scan::all();
        for text in &self.conditions {
            let predicate = text.parse().map_err(|source| DocumentError::Predicate {
                text: text.chars().take(200).collect(),
                source,
            })?;
            scan = scan.matching(predicate);
        }
        scan.fields.clone_from(&self.fields);
        scan.limit = self.limit;
        Ok(scan)
    }
}
