use super::*;

#[test]
fn content_id_matches_b3sum() {
    let id = ContentId::from_bytes(b"");
    let hex = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
    assert_eq!(id.to_string(), format!("alimentar:{hex}"));
    assert_eq!(hex.parse(), Ok(id));
    assert_eq!(hex.to_uppercase().parse(), Ok(id));
    assert_eq!(id.to_string().parse(), Ok(id));
    assert!(matches!(
        "alimentar:12".parse::<ContentId>(),
        Err(IdentError::Hex { .. })
    ));
    assert!(matches!(
        "zz".repeat(32).parse::<ContentId>(),
        Err(IdentError::Hex { .. })
    ));
}

#[test]
fn dataset_name_allows_what_shells_and_file_systems_take() {
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
        "a\n",
        "\u{301}a",
        "a\u{200b}b",
        "a\u{202e}b",
        "a\u{3000}b",
        "a\u{3164}b",
        "a\u{feff}b",
        "\u{ff41}",
        "\u{1d41a}",
        "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}",
        "\u{ff0f}",
        "\u{1f600}",
        long.as_str(),
    ] {
        assert!(
            matches!(bad.parse::<DatasetName>(), Err(IdentError::Name { .. })),
            "{bad:?}"
        );
    }
    assert!("a".repeat(128).parse::<DatasetName>().is_ok());
    for good in [
        "日本",
        "한국",
        "été",
        "हिन्दी",
        "كتاب",
        "คำ",
        "ß-1",
        "корпус.v2",
    ] {
        assert_eq!(
            good.parse::<DatasetName>()
                .map(|n| n.to_string())
                .as_deref(),
            Ok(good)
        );
    }
    let apart: Result<DatasetName, _> = "e\u{301}te\u{301}".parse();
    assert_eq!(apart.map(|n| n.to_string()).as_deref(), Ok("été"));
    for (file, name) in [
        ("train.jsonl.gz", "train"),
        ("my data (1).csv", "my-data-1"),
        (".hidden", "hidden"),
        ("été.parquet", "été"),
        ("日本.csv", "日本"),
        ("a:b", "a-b"),
        ("\u{301}\u{ff41}", "dataset"),
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
fn dataset_name_of_a_lossy_file_name_is_refused() {
    for (file, name) in [
        ("a.csv", "a"),
        (".hidden", "hidden"),
        ("日本.jsonl.gz", "日本"),
    ] {
        let found = DatasetName::of_file(file).map(|n| n.to_string());
        assert_eq!(found.as_deref().ok(), Some(name));
    }
    let long = "日".repeat(60);
    for file in ["a:b", "a@b.csv", "my data.csv", "", "...", long.as_str()] {
        assert!(DatasetName::of_file(file).is_err(), "{file}");
    }
}

#[test]
fn version_pick_reads_parts_as_ranges_and_words_as_aliases() {
    let all = [
        "0.1.0",
        "0.1.2",
        "0.2.0",
        "1.0.0",
        "1.2.0",
        "1.2.7",
        "1.10.0",
        "2.0.0-rc.1",
        "2.0.0",
    ];
    let newest = |pick: &str| {
        let pick: VersionPick = pick.parse().unwrap();
        let versions = all.iter().map(|v| v.parse::<DatasetVersion>().unwrap());
        let of_pick = versions.filter(|v| pick.admits(v, &[]));
        of_pick.max().map(|v| v.to_string()).unwrap_or_default()
    };
    for (pick, version) in [
        ("latest", "2.0.0"),
        ("0.1", "0.1.2"),
        ("0", "0.2.0"),
        ("1", "1.10.0"),
        ("v1", "1.10.0"),
        ("1.2", "1.2.7"),
        ("1.2.0", "1.2.0"),
        ("v1.2.0", "1.2.0"),
        ("=1.2", "1.2.7"),
        ("1.x", "1.10.0"),
        ("1.*", "1.10.0"),
        ("*", "2.0.0"),
        ("^1.2", "1.10.0"),
        ("^0.1", "0.1.2"),
        ("~1.2", "1.2.7"),
        (">=1,<2", "1.10.0"),
        (">=1, <1.10", "1.2.7"),
        ("1.2,<1.2.7", "1.2.0"),
        ("<1", "0.2.0"),
        ("3", ""),
        ("2.0.0-rc.1", "2.0.0-rc.1"),
    ] {
        assert_eq!(newest(pick), version, "{pick}");
        let read: VersionPick = pick.parse().unwrap();
        assert_eq!(read.to_string().parse(), Ok(read));
    }
    for bad in [
        "", "^", ">=", "1.2.3.4", "1.2-rc", ">=1,", "V1", "1,prod", "prod=1", "a b",
    ] {
        assert!(
            matches!(bad.parse::<VersionPick>(), Err(IdentError::Pick { .. })),
            "{bad}"
        );
    }
    for good in ["prod", "größe", "stable-2"] {
        assert!(matches!(good.parse(), Ok(VersionPick::Alias(_))), "{good}");
    }
    let long = "a".repeat(41);
    for bad in [
        "latest",
        "x",
        "X",
        "v1",
        "V2",
        "1",
        "^1",
        "",
        "9lives",
        long.as_str(),
        "@a",
        "a=b",
    ] {
        assert!(
            matches!(
                bad.parse::<VersionAlias>(),
                Err(IdentError::VersionAlias { .. })
            ),
            "{bad}"
        );
    }
}

#[test]
fn version_alias_has_one_tag_spelling() {
    let prod: VersionAlias = "prod".parse().unwrap();
    assert_eq!(prod.to_tag(12), "@prod=12");
    assert_eq!(VersionAlias::of_tag("@prod=12"), Some((prod.clone(), 12)));
    for other in [
        "prod=12",
        "@prod",
        "@prod=",
        "@prod=0",
        "@prod=012",
        "@prod=+1",
        "@=1",
        "@1=1",
        "@prod=281474976710657",
    ] {
        assert_eq!(VersionAlias::of_tag(other), None, "{other}");
    }
    let tags = ["@prod=1", "@prod=3", "@stage=9", "de", "@home"].map(str::to_owned);
    assert_eq!(prod.count_in(&tags), Some(3));
    assert_eq!(labels(&tags), ["de", "@home"]);
}

#[test]
fn version_next_bumps_the_last_number() {
    let next = |v: &str| v.parse::<DatasetVersion>().map(|v| v.next().to_string());
    assert_eq!(next("0.1.0").as_deref(), Ok("0.1.1"));
    assert_eq!(next("2").as_deref(), Ok("2.0.1"));
    assert_eq!(next("1.2.0-rc.1").as_deref(), Ok("1.2.0"));
    assert!(matches!(
        "1.x".parse::<DatasetVersion>(),
        Err(IdentError::Version { .. })
    ));
}

#[test]
fn reference_parses_as_intended() {
    let read = |t: &str| t.parse::<Reference>();
    assert!(matches!(
        read("alimentar:3fa9c1d2"),
        Ok(Reference::Content(_))
    ));
    assert!(matches!(
        read("alimentar:3fa9"),
        Err(IdentError::Hex { .. })
    ));
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
    for bad in ["", "a@", "a@b@c", "/a", "a/", "a/b/c", "a@^x", "a@x y"] {
        assert!(
            matches!(
                read(bad),
                Err(IdentError::Pick { .. } | IdentError::Reference { .. })
            ),
            "{bad:?}"
        );
    }
    for same in [
        "lab/squad@1.2.0",
        "squad",
        "squad@^1",
        "squad@0.1",
        "日本@prod",
        "alimentar:3fa9c1d2",
    ] {
        assert_eq!(read(same).map(|r| r.to_string()).as_deref(), Ok(same));
    }
}

#[test]
fn hex_prefix_bounds_a_range_of_ids() {
    let id = ContentId::from_bytes(b"x");
    let prefix = HexPrefix::parse(&id.to_hex()[..9]);
    let prefix = prefix.as_ref();
    assert!(prefix.is_some_and(|p| p.matches(&id) && p.lowest() <= id));
    assert_eq!(HexPrefix::parse("1234567"), None);
}
