//! Files that look like secrets of their owner: by their names, and by the rule `secret` of lint on
//! their front. They are indexed, and named in a warning.

use std::path::PathBuf;

use crate::inspect::lint::secret_in;

/// Bytes of a file's front that are looked at.
pub(crate) const FRONT_BYTES: usize = 4096;

/// A file that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretWarning {
    /// Where it is.
    pub path: PathBuf,
    /// What it looks like, such as "a private key".
    pub reason: &'static str,
}

/// Files that programs keep credentials in, by their whole names.
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

/// The same by the ends of paths.
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

/// Templates of settings hold no secrets.
const TEMPLATES: [&str; 5] = ["example", "sample", "template", "dist", "defaults"];

/// What a file looks like, if it looks like a secret; `front` is how it begins.
pub(crate) fn suspicion(path: &str, front: &[u8]) -> Option<&'static str> {
    by_name(path).or_else(|| by_front(front.get(..FRONT_BYTES).unwrap_or(front)))
}

fn by_name(path: &str) -> Option<&'static str> {
    // Most names are told from all of these by one letter.
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
        // Keys under a passphrase have headers before their digits.
        if line.trim_ascii_end().ends_with(b"PRIVATE KEY-----") {
            return Some("a private key");
        }
    }
    if begin.starts_with(b"PuTTY-User-Key-File-") {
        return Some("a private key of PuTTY");
    }
    // What `age-keygen` writes has comments before the key.
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
    fn names_of_secrets_are_known_and_those_of_templates_are_not_among_them() {
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
    fn fronts_of_secrets_are_known_whatever_their_names() {
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
