//! One pass over rows that applies the rules, and the findings that it keeps.

pub(crate) mod escapes;
pub(crate) mod excerpt;
pub(crate) mod findings;
pub(crate) mod markers;
pub(crate) mod worker;
