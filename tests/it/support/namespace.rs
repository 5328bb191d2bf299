//! Mount namespaces: file systems of a test alone.

use std::process::Command;
use std::process::Output;

/// Runs a script in a mount namespace of its own: as root, or as root of a user namespace.
pub fn in_mount_namespace(script: &str, args: &[&str]) -> Output {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-ec", script, "sh"]);
    let out = command.args(args).output().unwrap();
    let refused = String::from_utf8_lossy(&out.stderr).contains("unshare:");
    assert!(
        !refused,
        "these tests need mount namespaces (`unshare --mount`): run them as root, or allow user namespaces"
    );
    out
}
