//! Means of the machine that some tests need, such as network namespaces.
//!
//! A test whose means are missing fails where `ALIMENTAR_REQUIRE_ALL` is `1`, as in `.ci/run`. Elsewhere it
//! says on stderr that it was skipped, also where the harness captures output.
//! `ALIMENTAR_WITHOUT` lists the means that this machine is known not to have, with commas.

use std::io::Write as _;

use crate::support::variable;

/// A facility of the machine that a test may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    NetworkNamespaces,
    Faketime,
    Strace,
}

impl Need {
    /// The name in `ALIMENTAR_WITHOUT`.
    const fn name(self) -> &'static str {
        match self {
            Self::NetworkNamespaces => "namespaces",
            Self::Faketime => "faketime",
            Self::Strace => "strace",
        }
    }

    /// Says that something is missing here; fails the test where all is required.
    pub fn is_missing(self, why: &str) {
        let text = |name: &str| variable(name).and_then(|v| v.into_string().ok());
        let without = text("ALIMENTAR_WITHOUT").unwrap_or_default();
        let is_known = without.split(',').any(|name| name == self.name());
        let is_required = text("ALIMENTAR_REQUIRE_ALL").is_some_and(|v| v == "1");
        let name = self.name();
        assert!(
            is_known || !is_required,
            "this test needs {name}, and ALIMENTAR_REQUIRE_ALL is set: {why}"
        );
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test");
        // Not `eprintln!`, which the harness captures: nobody would read it.
        let line = format!("test {test} ... SKIPPED in part or whole: no {name}: {why}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}
