//! Datasets of a registry: names, versions, descriptions, working copies, search.

mod cards;
mod library;
mod links;
mod metadata;
mod names;
mod references;
mod removal;
mod revisions;
mod search;
mod status;
mod working_copy;
