//! Detects files that look like secrets, by their names and by the lint rule `secret` on their
//! first bytes. They are indexed and reported as warnings.

use std::path::PathBuf;

use crate::inspect::lint::secret_in;

/// Number of bytes at a file's front that are checked.
pub(crate) const FRONT_BYTES: usize = 4096;

/// A file that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretWarning {
    /// The file's path.
    pub path: PathBuf,
    /// Description of the secret, such as "a private key".
    pub reason: &'static str,
}

/// Full names of credential files of common programs.
const NAMES: &[(&str, &str)] = &[
    (".env", "settings that often hold passwords"),
    (".envrc", "settings that often hold passwords"),
    (".netrc", "passwords of netrc"),
    ("_netrc", "passwords of netrc"),
    (".pgpass", "passwords of PostgreSQL"),
    (".my.cnf", "passwords of MySQL"),
    (".npmrc", "tokens of npm"),
    (".pypirc", "passwords of PyPI"),
    (".git-credentials", "passwords of Git"),
    (".htpasswd", "passwords of a web server"),
    (".dockercfg", "passwords of container registries"),
    (".vault-token", "a token of Vault"),
    (".terraformrc", "tokens of Terraform"),
    ("credentials.tfrc.json", "tokens of Terraform"),
    (
        "application_default_credentials.json",
        "credentials of Google Cloud",
    ),
    ("id_rsa", "a private key of SSH"),
    ("id_dsa", "a private key of SSH"),
    ("id_ecdsa", "a private key of SSH"),
    ("id_ed25519", "a private key of SSH"),
];

/// Ends of paths of credential files.
const ENDS: &[(&str, &str)] = &[
    (".aws/credentials", "credentials of AWS"),
    (".docker/config.json", "passwords of container registries"),
    (".kube/config", "credentials of Kubernetes"),
    (".azure/accesstokens.json", "tokens of Azure"),
    (".config/gh/hosts.yml", "tokens of GitHub"),
    (".huggingface/token", "a token of Hugging Face"),
    (".p12", "a store of keys"),
    (".pfx", "a store of keys"),
    (".jks", "a store of keys"),
    (".keystore", "a store of keys"),
    (".kdbx", "a store of passwords"),
    (".ppk", "a private key of PuTTY"),
];

/// Extensions of templates, which contain no secrets.
const TEMPLATES: [&str; 5] = ["example", "sample", "template", "dist", "defaults"];

/// Returns the kind of secret that a file looks like. `front` is its first bytes.
pub(crate) fn suspicion(path: &str, front: &[u8]) -> Option<&'static str> {
    by_name(path).or_else(|| by_front(front.get(..FRONT_BYTES).unwrap_or(front)))
}

fn by_name(path: &str) -> Option<&'static str> {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let whole = NAMES.iter().find(|(known, _)| *known == name);
    let end = || ENDS.iter().find(|(end, _)| path.ends_with(end));
    if let Some((_, reason)) = whole.or_else(end) {
        return Some(reason);
    }
    let kind = name.strip_prefix(".env.")?;
    let is_template = TEMPLATES.iter().any(|word| kind.contains(word));
    (!is_template).then_some("settings that often hold passwords")
}

fn by_front(front: &[u8]) -> Option<&'static str> {
    let begin = front.trim_ascii_start();
    if begin.starts_with(b"-----BEGIN ") {
        let line = begin.split(|b| *b == b'\n').next().unwrap_or_default();
        // A line of headers follows if the key is encrypted.
        if line.trim_ascii_end().ends_with(b"PRIVATE KEY-----") {
            return Some("a private key");
        }
    }
    if begin.starts_with(b"PuTTY-User-Key-File-") {
        return Some("a private key of PuTTY");
    }
    // A file of `age-keygen` has comments before the key.
    let is_age = begin.starts_with(b"AGE-SECRET-KEY-1")
        || begin.starts_with(b"#") && memchr::memmem::find(begin, b"\nAGE-SECRET-KEY-1").is_some();
    if is_age {
        return Some("a secret key of age");
    }
    secret_in(front)
}

#[cfg(test)]
mod tests {
    use super::suspicion;

    #[test]
    fn secret_names_are_recognised_and_templates_are_not() {
        for path in [
            ".env",
            "a/.env",
            ".env.local",
            "home/.aws/credentials",
            "id_ed25519",
            "x.P12",
        ] {
            assert!(suspicion(path, b"x").is_some(), "{path}");
        }
        for path in [
            ".env.example",
            "id_ed25519.pub",
            "environment",
            "env.jsonl",
            "credentials.md",
        ] {
            assert_eq!(suspicion(path, b"x"), None, "{path}");
        }
    }

    #[test]
    fn secret_is_recognised_by_front_under_any_name() {
        let digits = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(3);
        let plain = format!("-----BEGIN PRIVATE KEY-----\n{digits}");
        let locked = "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n";
        let token = "token: ghp_1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R\n";
        let age = "# created: today\nAGE-SECRET-KEY-1QQPQZ\n";
        for text in [plain.as_str(), locked, token, age] {
            assert!(suspicion("notes.txt", text.as_bytes()).is_some(), "{text}");
        }
        let public = "-----BEGIN CERTIFICATE-----\nMIIE\n";
        assert_eq!(suspicion("cert.pem", public.as_bytes()), None);
        assert_eq!(suspicion("README.md", b"the words PRIVATE KEY alone"), None);
    }
}
