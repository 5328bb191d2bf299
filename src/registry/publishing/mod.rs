//! Publishing. `publish` assigns a version, `sign` signs and supersedes, `trust` reads and changes
//! the trust settings, `rotation` replaces a key, and `manual_acceptance` records a person's
//! consent.

pub(crate) mod manual_acceptance;
pub(crate) mod node_id;
pub(crate) mod ownership;
pub(crate) mod publish;
pub(crate) mod rotation;
pub(crate) mod sign;
pub(crate) mod trust;
pub(crate) mod trust_settings;
