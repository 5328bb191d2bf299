use std::collections::BTreeMap;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;

use sha2::Digest as _;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::age_format::AgeError;
use crate::age_format::Decryptor;
use crate::age_format::FILE_KEY_BYTES;
use crate::age_format::FileKey;
use crate::age_format::Identity;
use crate::age_format::KeyError;
use crate::age_format::Recipient;
use crate::age_format::Recipients;
use crate::age_format::StreamWriter;
use crate::age_format::encrypt;
use crate::age_format::header::Header;
use crate::age_format::header::Stanza;
use crate::age_format::stream::NONCE_BYTES;
use crate::splitmix::drawn;
use crate::wire::limits::AGE_LINE_BYTES_MAX;
use crate::wire::limits::AGE_STANZAS_MAX;

/// Files of `spec/vectors/age`, the README not counted.
const VECTORS: usize = 92;
/// A secret key and its public key, as age-keygen made them.
const SECRET: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const PUBLIC: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

/// A file of the vectors: what its text says and an age file.
struct Vector {
    name: String,
    said: BTreeMap<String, Vec<String>>,
    file: Vec<u8>,
}

impl Vector {
    fn parse(name: String, bytes: &[u8]) -> Self {
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut rest = bytes;
        loop {
            let end = rest.iter().position(|b| *b == b'\n').unwrap();
            let line = std::str::from_utf8(&rest[..end]).unwrap();
            rest = &rest[end + 1..];
            let Some((key, value)) = line.split_once(": ") else {
                assert_eq!(line, "", "{name}");
                break;
            };
            said.entry(key.to_owned())
                .or_default()
                .push(value.to_owned());
        }
        let file = match said.get("compressed") {
            Some(kind) => {
                assert_eq!(*kind, ["zlib"], "{name}");
                let mut file = Vec::new();
                let mut unpacked = flate2::read::ZlibDecoder::new(rest);
                unpacked.read_to_end(&mut file).unwrap();
                file
            }
            None => rest.to_vec(),
        };
        Self { name, said, file }
    }

    fn all(&self, key: &str) -> &[String] {
        self.said.get(key).map_or(&[], Vec::as_slice)
    }

    fn one(&self, key: &str) -> &str {
        self.all(key).first().unwrap()
    }

    fn file_key(&self) -> FileKey {
        let text = self.one("file key");
        let mut key = Zeroizing::new([0; FILE_KEY_BYTES]);
        for (n, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[n * 2..n * 2 + 2], 16).unwrap();
        }
        key
    }

    /// Decrypts the file: the payload up to an error, and the result as the vectors call it.
    fn outcome(&self) -> (Vec<u8>, &'static str) {
        let mut payload = Vec::new();
        let result = self.decrypt_into(&mut payload);
        let outcome = match result {
            Ok(()) => "success",
            Err(AgeError::Header | AgeError::Work) => "header failure",
            Err(AgeError::NoMatch) => "no match",
            Err(AgeError::Mac) => "HMAC failure",
            Err(AgeError::Io(_)) => "payload failure",
            Err(e) => panic!("{}: {e}", self.name),
        };
        (payload, outcome)
    }

    fn decrypt_into(&self, payload: &mut Vec<u8>) -> Result<(), AgeError> {
        let identities = self
            .all("identity")
            .iter()
            .map(|text| text.parse().unwrap());
        let identities: Vec<Identity> = identities.collect();
        let passphrases = self.all("passphrase").iter().map(String::as_str);
        let decryptor = Decryptor::new(self.file.as_slice())?;
        let mut reader = match decryptor.has_passphrase() {
            true => decryptor.open_with_passphrases(passphrases)?,
            false => decryptor.open_with_identities(&identities)?,
        };
        reader.read_to_end(payload)?;
        Ok(())
    }
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/vectors/age");
    let mut vectors = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "README.md" {
            continue;
        }
        let is_supported = !name.starts_with("armor") && !name.starts_with("hybrid");
        assert!(
            is_supported,
            "{name}: armor and hybrid keys are not supported"
        );
        vectors.push(Vector::parse(name, &std::fs::read(&path).unwrap()));
    }
    assert_eq!(vectors.len(), VECTORS);
    vectors
}

/// Random bytes that are the same in every run.
fn random(seed: u64) -> impl FnMut(&mut [u8]) -> io::Result<()> {
    let mut index = seed << 32;
    move |bytes: &mut [u8]| {
        for byte in bytes {
            *byte = drawn(index) as u8;
            index += 1;
        }
        Ok(())
    }
}

fn identity(seed: u8) -> Identity {
    Identity::from_random(Zeroizing::new([seed; 32]))
}

fn encrypted(payload: &[u8], to: Recipients<'_>) -> Vec<u8> {
    let mut writer = encrypt(Vec::new(), to, &mut random(7)).unwrap();
    writer.write_all(payload).unwrap();
    writer.finish().unwrap()
}

fn decrypted(file: &[u8], identity: &Identity) -> Result<Vec<u8>, AgeError> {
    let mut payload = Vec::new();
    let decryptor = Decryptor::new(file)?;
    let mut reader = decryptor.open_with_identities(std::slice::from_ref(identity))?;
    reader.read_to_end(&mut payload)?;
    Ok(payload)
}

#[test]
fn vectors_of_age_decrypted_give_expected_results() {
    for vector in vectors() {
        let (payload, outcome) = vector.outcome();
        assert_eq!(outcome, vector.one("expect"), "{}", vector.name);
        if ["success", "payload failure"].contains(&outcome) {
            let hash: String = Sha256::digest(&payload)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(hash, vector.one("payload"), "{}", vector.name);
        }
    }
}

#[test]
fn vectors_of_age_encoded_again_are_the_same_bytes() {
    let mut compared = 0;
    for vector in vectors() {
        if vector.one("expect") != "success" {
            continue;
        }
        let key = vector.file_key();
        let mut rest = vector.file.as_slice();
        let header = Header::read(&mut rest).unwrap();
        let encoded = Header::encode(&header.stanzas, &key).unwrap();
        assert!(vector.file.starts_with(&encoded), "{}", vector.name);
        let nonce: [u8; NONCE_BYTES] = rest[..NONCE_BYTES].try_into().unwrap();
        let mut writer = StreamWriter::new(Vec::new(), &key, &nonce).unwrap();
        writer.write_all(&vector.outcome().0).unwrap();
        let written = writer.finish().unwrap();
        assert!(written == rest[NONCE_BYTES..], "{}", vector.name);
        compared += 1;
    }
    assert_eq!(compared, 15);
}

#[test]
fn payload_of_any_length_decrypts_to_itself() {
    let one = identity(1);
    let other = identity(2);
    let to = [other.recipient(), one.recipient()];
    for length in [
        0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 200_000,
    ] {
        let payload: Vec<u8> = (0..length).map(|n| drawn(n) as u8).collect();
        let mut writer = encrypt(Vec::new(), Recipients::Keys(&to), &mut random(9)).unwrap();
        let mut rest = payload.as_slice();
        for index in length.. {
            let count = rest.len().min(drawn(index) as usize % 90_000);
            writer.write_all(&rest[..count]).unwrap();
            rest = &rest[count..];
            if rest.is_empty() {
                break;
            }
        }
        let file = writer.finish().unwrap();
        for key in [&one, &other] {
            assert!(decrypted(&file, key).unwrap() == payload, "{length}");
        }
        assert!(matches!(
            decrypted(&file, &identity(3)),
            Err(AgeError::NoMatch)
        ));
    }
}

#[test]
fn passphrase_among_others_opens_the_file() {
    let to = Recipients::Passphrase {
        text: "second",
        work_factor: 4,
    };
    let file = encrypted(b"text", to);
    let decryptor = Decryptor::new(file.as_slice()).unwrap();
    assert!(decryptor.has_passphrase());
    let mut payload = String::new();
    let mut reader = decryptor
        .open_with_passphrases(["first", "second"])
        .unwrap();
    reader.read_to_string(&mut payload).unwrap();
    assert_eq!(payload, "text");
    let decryptor = Decryptor::new(file.as_slice()).unwrap();
    let result = decryptor.open_with_passphrases(["first", "third"]);
    assert!(matches!(result, Err(AgeError::NoMatch)));
}

#[test]
fn file_with_a_changed_byte_never_decrypts_to_another_text() {
    let key = identity(5);
    let payload = b"text".repeat(20_000);
    let file = encrypted(&payload, Recipients::Keys(&[key.recipient()]));
    let header = file.len() - (80_000 + 32 + 16);
    let samples = (0..header + 64).chain((header..file.len()).step_by(997));
    for at in samples {
        let mut changed = file.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(decrypted(&changed, &key).is_err(), "{at}");
    }
    for end in (0..header + 64).chain((header..file.len()).step_by(997)) {
        assert!(decrypted(&file[..end], &key).is_err(), "{end}");
    }
}

#[test]
fn reader_after_a_damaged_chunk_returns_nothing_more() {
    let key = identity(5);
    let mut file = encrypted(&[7; 200_000], Recipients::Keys(&[key.recipient()]));
    let second = file.len() - 120_000;
    file[second] ^= 1;
    let decryptor = Decryptor::new(file.as_slice()).unwrap();
    let mut reader = decryptor.open_with_identities(&[key]).unwrap();
    let mut payload = Vec::new();
    let error = reader.read_to_end(&mut payload).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert_eq!(payload.len(), 65_536);
    for _ in 0..3 {
        let error = reader.read_to_end(&mut payload).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
    assert_eq!(payload.len(), 65_536);
}

#[test]
fn header_beyond_a_limit_is_refused() {
    let key = Zeroizing::new([1; FILE_KEY_BYTES]);
    let stanza = |length: usize| Stanza {
        arguments: vec!["x".repeat(length)],
        body: vec![0; 32],
    };
    let read = |stanzas: &[Stanza]| {
        let mut bytes = Header::encode(stanzas, &key).unwrap();
        bytes.extend_from_slice(&[0; NONCE_BYTES]);
        Decryptor::new(bytes.as_slice()).map(|_| ())
    };
    let longest = AGE_LINE_BYTES_MAX - "-> ".len();
    read(&[stanza(longest)]).unwrap();
    assert!(matches!(
        read(&[stanza(longest + 1)]),
        Err(AgeError::Header)
    ));
    read(&vec![stanza(1); AGE_STANZAS_MAX]).unwrap();
    assert!(matches!(
        Header::encode(&vec![stanza(1); AGE_STANZAS_MAX + 1], &key),
        Err(AgeError::Recipients)
    ));
    // Many long lines: each allowed, the header as a whole not.
    let all = vec![stanza(longest); 1100];
    assert!(matches!(read(&all), Err(AgeError::Header)));
    // More stanzas than the encoder makes.
    let mut many = b"age-encryption.org/v1\n".to_vec();
    many.extend(b"-> x\n\n".repeat(AGE_STANZAS_MAX + 1));
    many.extend_from_slice(b"--- ");
    many.extend_from_slice(&[b'A'; 43]);
    many.push(b'\n');
    many.extend_from_slice(&[0; NONCE_BYTES]);
    assert!(matches!(
        Decryptor::new(many.as_slice()),
        Err(AgeError::Header)
    ));
}

#[test]
fn file_without_recipients_is_not_written() {
    let result = encrypt(Vec::new(), Recipients::Keys(&[]), &mut random(1));
    assert!(matches!(result, Err(AgeError::Recipients)));
}

#[test]
fn recipient_that_gives_no_secret_is_refused() {
    let zero = Recipient(x25519_dalek::PublicKey::from([0; 32]));
    let result = encrypt(Vec::new(), Recipients::Keys(&[zero]), &mut random(1));
    assert!(matches!(result, Err(AgeError::Derivation)));
}

#[test]
fn key_text_is_that_of_the_specification() {
    let identity: Identity = SECRET.parse().unwrap();
    assert_eq!(identity.to_secret_text().unwrap().as_str(), SECRET);
    assert_eq!(identity.recipient().to_string(), PUBLIC);
    assert_eq!(PUBLIC.parse::<Recipient>().unwrap(), identity.recipient());
    assert_eq!(format!("{identity:?}"), format!("Identity({PUBLIC})"));
}

#[test]
fn key_text_that_is_damaged_or_of_another_type_is_refused() {
    let recipient = |text: &str| text.parse::<Recipient>().unwrap_err();
    assert_eq!(recipient(SECRET), KeyError::Prefix);
    assert_eq!(PUBLIC.parse::<Identity>().unwrap_err(), KeyError::Prefix);
    assert_eq!(recipient(""), KeyError::Encoding);
    assert_eq!(
        recipient(&PUBLIC.replace("zvky", "zvkz")),
        KeyError::Encoding
    );
    assert_eq!(
        recipient(&PUBLIC.replace("zvky", "zvkY")),
        KeyError::Encoding
    );
    assert_eq!(recipient(&PUBLIC[..PUBLIC.len() - 1]), KeyError::Encoding);
    let encode = |bytes: &[u8]| {
        let prefix = bech32::Hrp::parse_unchecked("age");
        bech32::encode::<bech32::Bech32>(prefix, bytes).unwrap()
    };
    assert_eq!(recipient(&encode(&[1; 31])), KeyError::Length);
    assert_eq!(recipient(&encode(&[1; 33])), KeyError::Length);
}
