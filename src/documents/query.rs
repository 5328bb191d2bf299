//! The choice of documents that a scan returns.

use crate::documents::DocumentError;
use crate::documents::format::DocumentFault;
use crate::documents::format::Predicate;
use crate::documents::format::project_into;

/// Choice of documents and of their fields.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Scan {
    /// Conditions, which all hold.
    pub predicates: Vec<Predicate>,
    /// Fields that are returned; empty for all.
    pub fields: Vec<String>,
    /// Number of documents at most.
    pub limit: Option<u64>,
}

impl Scan {
    /// Chooses all documents with all fields.
    pub fn all() -> Self {
        Self::default()
    }

    /// Chooses only documents for which a condition holds, too.
    #[must_use]
    pub fn matching(mut self, predicate: Predicate) -> Self {
        self.predicates.push(predicate);
        self
    }

    /// Returns only these fields.
    #[must_use]
    pub fn fields(mut self, fields: &[&str]) -> Self {
        self.fields = fields.iter().map(|f| (*f).to_owned()).collect();
        self
    }

    /// Returns only so many documents.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Returns the chosen fields of a document, or `None` if a condition does not hold.
    pub(crate) fn apply(&self, document: &[u8]) -> Result<Option<Vec<u8>>, DocumentError> {
        let fault = |e| DocumentError::document("", DocumentFault::Json(e));
        for predicate in &self.predicates {
            if !predicate.matches(document).map_err(fault)? {
                return Ok(None);
            }
        }
        if self.fields.is_empty() {
            return Ok(Some(document.to_vec()));
        }
        let mut out = Vec::new();
        project_into(document, &self.fields, &mut out).map_err(fault)?;
        Ok(Some(out))
    }
}
