//! Publishing: versions, signatures, trust, rotation of keys.

pub(crate) mod manual_acceptance;
pub(crate) mod publish;
pub(crate) mod rotation;
pub(crate) mod sign;
pub(crate) mod trust;
