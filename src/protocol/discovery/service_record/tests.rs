//! Sightings come back as they went; what is doubtful is left out and never more than that.

use crate::ident::NodeId;
use crate::protocol::Random;
use crate::protocol::ServiceRecord;
use crate::protocol::SharedSummary;
use crate::wire::DecodeError;
use crate::wire::limits::SIGHTING_BYTES_MAX;

fn sighting(filter: Option<Vec<u8>>) -> ServiceRecord {
    ServiceRecord {
        node: NodeId::new([0xab; 32]),
        version: 1,
        shown: Some(SharedSummary {
            datasets: 12,
            filter_digest: [7; 8],
            filter_bytes: filter.as_ref().map_or(5000, |f| f.len() as u64),
            filter,
        }),
    }
}

type Properties = Vec<(String, Vec<u8>)>;

fn changed(change: impl FnOnce(&mut Properties)) -> Result<ServiceRecord, DecodeError> {
    let mut properties = sighting(Some(vec![9; 600])).encode();
    change(&mut properties);
    ServiceRecord::decode(&properties)
}

fn set(properties: &mut Properties, key: &str, value: &[u8]) {
    properties.retain(|(k, _)| k != key);
    properties.push((key.to_owned(), value.to_vec()));
}

#[test]
fn sightings_come_back_as_they_went() {
    let mut random = Random::new(0x5161_6854);
    for round in 0..2000 {
        let filter: Vec<u8> = (0..1 + random.below(1000))
            .map(|_| random.below(256) as u8)
            .collect();
        let shown = SharedSummary {
            datasets: random.below(u64::MAX),
            filter_digest: random.below(u64::MAX).to_le_bytes(),
            filter_bytes: filter.len() as u64,
            filter: Some(filter),
        };
        let sighting = ServiceRecord {
            node: NodeId::new(std::array::from_fn(|_| random.below(256) as u8)),
            version: 1 + random.below(u64::MAX - 1),
            shown: Some(shown).filter(|_| round % 5 > 0),
        };
        let txt = sighting.to_txt();
        assert!(txt.len() <= SIGHTING_BYTES_MAX);
        assert_eq!(
            ServiceRecord::decode(&sighting.encode()).as_ref(),
            Ok(&sighting)
        );
        assert_eq!(ServiceRecord::from_txt(&txt), Ok(sighting), "round {round}");
    }
}

#[test]
fn a_filter_that_does_not_fit_is_not_said() {
    let said = sighting(Some(vec![1; 1001]));
    let read = ServiceRecord::from_txt(&said.to_txt())
        .unwrap()
        .shown
        .unwrap();
    assert_eq!((read.filter_bytes, read.filter), (1001, None));
    let mut lie = sighting(Some(vec![1; 10]));
    lie.shown.as_mut().unwrap().filter_bytes = 11;
    let read = ServiceRecord::from_txt(&lie.to_txt())
        .unwrap()
        .shown
        .unwrap();
    assert_eq!((read.filter_bytes, read.filter), (11, None));
}

#[test]
fn without_an_id_or_a_version_there_is_nothing() {
    let id = DecodeError::Invalid("node id");
    let version = DecodeError::Invalid("protocol version");
    for bad in [&b""[..], b"ab", b"\xff\xfe", &[b'g'; 64], &[b'a'; 66]] {
        assert_eq!(changed(|p| set(p, "id", bad)), Err(id));
    }
    assert_eq!(changed(|p| p.retain(|(k, _)| k != "id")), Err(id));
    for bad in ["", "0", "01", "+1", "-1", "1 ", "18446744073709551616", "x"] {
        assert_eq!(changed(|p| set(p, "v", bad.as_bytes())), Err(version));
    }
    assert_eq!(ServiceRecord::from_txt(b""), Err(id));
    assert_eq!(ServiceRecord::from_txt(&[0; 9]), Err(id));
}

#[test]
fn what_is_doubtful_is_left_out() {
    for (key, bad) in [
        ("n", &b"-1"[..]),
        ("n", b"99999999999999999999"),
        ("fh", b"0102"),
        ("fh", b"\xff\xff"),
        ("fb", b"5242881"),
        ("fb", b""),
    ] {
        assert_eq!(changed(|p| set(p, key, bad)).unwrap().shown, None, "{key}");
    }
    for key in ["n", "fh", "fb"] {
        let without = changed(|p| p.retain(|(k, _)| k != key)).unwrap();
        assert_eq!(without.shown, None, "{key}");
    }
    for (key, bad) in [
        ("fb", &b"601"[..]),
        ("f0", b"short"),
        ("f0", b""),
        ("f1", &[9; 249]),
        ("f1", &[9; 251]),
        ("f2", &[9; 99]),
        ("f3", b"more"),
    ] {
        let shown = changed(|p| set(p, key, bad)).unwrap().shown.unwrap();
        assert_eq!(shown.filter, None, "{key}");
        assert_eq!(shown.datasets, 12);
    }
    for key in ["f0", "f1", "f2"] {
        let gap = changed(|p| p.retain(|(k, _)| k != key)).unwrap();
        assert_eq!(gap.shown.unwrap().filter, None, "{key}");
    }
}

#[test]
fn the_first_of_a_key_counts_and_unknown_ones_do_not() {
    let whole = changed(|_| {}).unwrap();
    let again = |p: &mut Properties| {
        p.push(("ID".to_owned(), b"nonsense".to_vec()));
        p.push(("v".to_owned(), b"7".to_vec()));
        p.push(("new".to_owned(), vec![0xff; 100]));
        p.push(("f4".to_owned(), vec![9; 10]));
        p.push((String::new(), b"x".to_vec()));
    };
    assert_eq!(changed(again), Ok(whole.clone()));
    let upper = |p: &mut Properties| p.iter_mut().for_each(|(k, _)| k.make_ascii_uppercase());
    assert_eq!(changed(upper), Ok(whole.clone()));
    let mut txt = b"\x00\x03abc\x02=x\x03\xff\xff=".to_vec();
    txt.extend(whole.to_txt());
    assert_eq!(ServiceRecord::from_txt(&txt), Ok(whole));
}

#[test]
fn what_is_too_long_or_cut_is_refused() {
    let long = changed(|p| p.push(("x".to_owned(), vec![0; SIGHTING_BYTES_MAX])));
    assert!(matches!(long, Err(DecodeError::Limit { .. })));
    let many: Vec<(String, Vec<u8>)> = vec![(String::new(), Vec::new()); 1_000_000];
    assert!(ServiceRecord::decode(&many).is_err());
    let txt = sighting(None).to_txt();
    assert_eq!(
        ServiceRecord::from_txt(&txt[..txt.len() - 1]),
        Err(DecodeError::Truncated)
    );
    assert!(ServiceRecord::from_txt(&vec![1; 65_535]).is_err());
}
