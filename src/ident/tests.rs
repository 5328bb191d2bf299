use super::*;

#[test]
fn content_ids_are_what_b3sum_prints() {
    let id = ContentId::from_bytes(b"");
    let hex = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    assert_eq!(id.to_string(), format!("alimentar:{hex}"));
    assert_eq!(hex.parse(), Ok(id));
    assert_eq!(hex.to_uppercase().parse(), Ok(id));
    assert_eq!(id.to_string().parse(), Ok(id));
    assert!("alimentar:12".parse::<ContentId>().is_err());
    assert!("zz".repeat(32).parse::<ContentId>().is_err());
}

#[test]
fn names_hold_what_a_shell_and_a_file_system_can() {
    for good in ["a", "gsm8k", "self-instruct_v2.1", "9"] {
        assert_eq!(
            good.parse::<DatasetName>()
                .map(|n| n.to_string())
                .as_deref(),
            Ok(good)
        );
    }
    let long = "a".repeat(129);
    for bad in [
        "",
        ".",
        "..",
        "-x",
        "a/b",
        "a b",
        "a@1",
        "é",
        "a\n",
        long.as_str(),
    ] {
        assert!(bad.parse::<DatasetName>().is_err(), "{bad:?}");
    }
    assert!("a".repeat(128).parse::<DatasetName>().is_ok());
    for (file, name) in [
        ("train.jsonl.gz", "train"),
        ("my data (1).csv", "my-data-1"),
        (".hidden", "hidden"),
        ("été.parquet", "t"),
        ("...", "dataset"),
        ("v1.2.parquet", "v1.2"),
    ] {
        assert_eq!(DatasetName::suggest(file).as_str(), name);
        assert!(
            DatasetName::suggest(file)
                .as_str()
                .parse::<DatasetName>()
                .is_ok()
        );
    }
}

#[test]
fn versions_bump_their_last_number() {
    let next = |v: &str| v.parse::<DatasetVersion>().map(|v| v.next().to_string());
    assert_eq!(next("0.1.0").as_deref(), Ok("0.1.1"));
    assert_eq!(next("2").as_deref(), Ok("2.0.1"));
    assert_eq!(next("1.2.0-rc.1").as_deref(), Ok("1.2.0"));
    assert!("1.x".parse::<DatasetVersion>().is_err());
}

#[test]
fn references_read_as_people_mean_them() {
    let read = |t: &str| t.parse::<Reference>();
    assert!(matches!(
        read("alimentar:3fa9c1d2"),
        Ok(Reference::Content(_))
    ));
    assert!(read("alimentar:3fa9").is_err());
    assert!(matches!(
        read("3fa9c1d2"),
        Ok(Reference::Name {
            or_content: Some(_),
            version: VersionPick::Latest,
            ..
        })
    ));
    assert!(matches!(
        read("lab/squad@1.2.0"),
        Ok(Reference::Name {
            publisher: Some(_),
            version: VersionPick::Exact(_),
            ..
        })
    ));
    assert!(matches!(
        read("squad@^1"),
        Ok(Reference::Name {
            version: VersionPick::Range(_),
            or_content: None,
            ..
        })
    ));
    for bad in ["", "a@", "a@b@c", "/a", "a/", "a/b/c", "a@^x"] {
        assert!(read(bad).is_err(), "{bad:?}");
    }
    for same in ["lab/squad@1.2.0", "squad", "squad@^1", "alimentar:3fa9c1d2"] {
        assert_eq!(read(same).map(|r| r.to_string()).as_deref(), Ok(same));
    }
}

#[test]
fn prefixes_bound_a_range_of_ids() {
    let id = ContentId::from_bytes(b"x");
    let prefix = HexPrefix::parse(&id.to_hex()[..9]);
    let prefix = prefix.as_ref();
    assert!(prefix.is_some_and(|p| p.matches(&id) && p.lowest() <= id));
    assert_eq!(HexPrefix::parse("1234567"), None);
}
