use super::DecodeError;
use super::Reader;
use super::Writer;

#[test]
fn varint_is_canonical_at_every_boundary() {
    for value in [
        0,
        1,
        0x7f,
        0x80,
        0x3fff,
        0x4000,
        u64::from(u32::MAX),
        u64::MAX - 1,
        u64::MAX,
    ] {
        let mut w = Writer::new();
        w.varint(value);
        let mut r = Reader::new(w.as_bytes());
        assert_eq!(r.varint(), Ok(value));
        assert_eq!(r.end(), Ok(()));
    }
    let bad: [&[u8]; 4] = [
        &[0x80, 0x00],
        &[0xff; 10],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
        &[0x80; 11],
    ];
    for bytes in bad {
        assert_eq!(
            Reader::new(bytes).varint(),
            Err(DecodeError::Invalid("varint")),
            "{bytes:?}"
        );
    }
    assert_eq!(Reader::new(&[0x80]).varint(), Err(DecodeError::Truncated));
}

#[test]
fn reader_checks_lengths_against_limit_and_input() {
    let mut w = Writer::new();
    w.counted(b"hello");
    assert_eq!(Reader::new(w.as_bytes()).counted("x", 5), Ok(&b"hello"[..]));
    assert_eq!(
        Reader::new(w.as_bytes()).counted("x", 4),
        Err(DecodeError::Limit {
            field: "x",
            value: 5,
            limit: 4
        })
    );
    assert_eq!(
        Reader::new(&w.as_bytes()[..5]).counted("x", 5),
        Err(DecodeError::Truncated)
    );
    let mut r = Reader::new(w.as_bytes());
    assert_eq!(r.u8(), Ok(5));
    assert_eq!(r.end(), Err(DecodeError::Trailing(5)));
}
