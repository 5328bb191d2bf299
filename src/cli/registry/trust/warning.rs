//! Warnings about a dataset that a person is about to use, and its trust in JSON.

use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::registry::Listed;
use crate::trust::Action;
use crate::trust::Trust;
use crate::trust::Verdict;

/// The trust in a dataset in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct TrustObject<'a> {
    publisher: Option<String>,
    publisher_key: Option<String>,
    trust: &'static str,
    withdrawn: Option<&'a str>,
    revoked_because: Option<&'a str>,
}

impl<'a> TrustObject<'a> {
    pub(crate) fn of(listed: &'a Listed) -> Self {
        Self {
            publisher: listed.publisher(),
            publisher_key: listed.dataset.manifest.signer.map(|k| k.to_hex()),
            trust: listed.trust().name(),
            withdrawn: listed.withdrawn.as_deref(),
            revoked_because: listed.revoked.as_deref(),
        }
    }
}

/// Warns a person about a dataset that is withdrawn or not trusted, or whose name mimics another.
pub(crate) fn warn_about_dataset(ctx: &Context, listed: &Listed) -> Result<(), Failure> {
    let out = ctx.out;
    if !out.is_text() {
        return Ok(());
    }
    let m = &listed.dataset.manifest;
    let label = format!("`{}@{}`", m.name, m.dataset_version);
    if let Some(reason) = &listed.withdrawn {
        out.diagnostic(&format!(
            "warning: {label} was withdrawn by its publisher: {reason}"
        ));
    }
    match listed.trust() {
        Trust::Revoked => {
            let why = listed.revoked.as_ref().map(|why| format!(": {why}"));
            out.diagnostic(&format!(
                "warning: {label} is signed with a key that is revoked{}",
                why.unwrap_or_default()
            ));
        }
        Trust::Unknown if listed.dataset.flags.foreign => {
            out.diagnostic(&format!("warning: {label} is signed by a stranger"));
        }
        Trust::Unsigned => {
            out.diagnostic(&format!("warning: {label} is signed by nobody"));
        }
        _ => {}
    }
    if listed.decide(Action::Resolve).verdict != Verdict::Accept {
        let names = std::slice::from_ref(&m.name);
        for (name, other) in ctx.registry()?.publishing().confusable_names(names)? {
            out.diagnostic(&format!("warning: the name `{name}` reads like `{other}`"));
        }
    }
    Ok(())
}
