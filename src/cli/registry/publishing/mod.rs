//! Commands about keys and signatures.

pub(crate) mod identity;
pub(crate) mod key_pair;
pub(crate) mod keygen;
pub(crate) mod passwd;
pub(crate) mod sign;
pub(crate) mod withdraw;
