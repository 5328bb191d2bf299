//! The native part of the Python package `alimentar`: datasets, scans as streams of Arrow data, and functions over a registry.
//! The Python code beside it is the interface; results other than rows pass as JSON.
//!
//! - `source`, `opening`: datasets, paths and URLs; `look`: datasets at peers; `scan`, `choice`, `plan`, `stream`: scans; `rows`, `order`: rows by number
//! - `lookups`, `checks`, `intake`: functions; `documents`, `features`: the other kinds of data
//! - `work`: long work and signals; `process`: forked children; `home`: directory and environment; `failure`: exceptions

mod checks;
mod choice;
mod documents;
mod failure;
mod features;
mod home;
mod intake;
mod look;
mod lookups;
mod objects;
mod opening;
mod order;
mod plan;
mod process;
mod rows;
mod scan;
mod source;
mod stream;
mod work;

use pyo3::prelude::*;

/// The native part of `alimentar`.
#[pymodule(gil_used = true)]
fn _alimentar(module: &Bound<'_, PyModule>) -> PyResult<()> {
    if home::is_offline() {
        alimentar::net::forbid_connections();
    }
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<documents::DocumentScan>()?;
    module.add_class::<documents::Documents>()?;
    module.add_class::<features::Features>()?;
    module.add_class::<features::Rows>()?;
    module.add_class::<order::Order>()?;
    module.add_class::<scan::Scan>()?;
    module.add_class::<source::Source>()?;
    module.add_function(wrap_pyfunction!(checks::find_duplicates, module)?)?;
    module.add_function(wrap_pyfunction!(checks::lint, module)?)?;
    module.add_function(wrap_pyfunction!(checks::overlap, module)?)?;
    module.add_function(wrap_pyfunction!(intake::index, module)?)?;
    module.add_function(wrap_pyfunction!(intake::pull, module)?)?;
    module.add_function(wrap_pyfunction!(lookups::diff, module)?)?;
    module.add_function(wrap_pyfunction!(lookups::list, module)?)?;
    module.add_function(wrap_pyfunction!(lookups::search, module)?)?;
    module.add_function(wrap_pyfunction!(save_remotes, module)?)?;
    Ok(())
}

/// Writes what was received from URLs to the cache.
#[pyfunction]
fn save_remotes() {
    home::save_remotes();
}
