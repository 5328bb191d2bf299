use crate::inspect::dialect::ReadOptions;
use crate::inspect::dialect::Table;
use crate::inspect::dialect::table;
use crate::inspect::format::detect::Format;

fn of(text: &str) -> Table {
    table(Format::Csv, text.as_bytes(), true, &ReadOptions::default())
}

/// The separator, the quote, whether there is a header, and the columns with their types.
fn decided(text: &str) -> (char, Option<char>, bool, String) {
    let table = of(text);
    let schema = table.schema.iter().flat_map(|s| s.fields().iter());
    let named = schema.map(|f| format!("{}:{}", f.name(), f.data_type()));
    (
        char::from(table.dialect.separator),
        table.dialect.quote.map(char::from),
        table.dialect.has_header,
        named.collect::<Vec<_>>().join(" "),
    )
}

fn rows(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| line + "\n").collect()
}

#[test]
fn separator_is_the_one_under_which_records_agree() {
    let body = |line: &dyn Fn(u32) -> String| rows((0..40).map(line));
    let cases = [
        (
            "a,b,c\n".to_owned() + &body(&|n| format!("{n},x;y|z,{n}")),
            ',',
        ),
        (
            "a;b;c\n".to_owned() + &body(&|n| format!("{n};1,5;x, y")),
            ';',
        ),
        // Decimal commas agree as well as the separator does.
        (body(&|n| format!("{n},5;{n},25")), ';'),
        (
            "a|b\n".to_owned() + &body(&|n| format!("{n}|t,e;x\tt")),
            '|',
        ),
        (
            "a\tb\n".to_owned() + &body(&|n| format!("{n}\tone, two")),
            '\t',
        ),
        // One record in forty is too short, and every one has a semicolon.
        (
            "a,b,c;d\n".to_owned()
                + &body(&|n| {
                    if n == 7 {
                        "1;2".into()
                    } else {
                        format!("{n},2,3;4")
                    }
                }),
            ',',
        ),
        // A title stands before the table.
        ("Figures\n".to_owned() + &body(&|n| format!("{n};2;3")), ';'),
        // The first record has more of another separator in quotes.
        (
            "\"a,b,c\";\"d,e\"\n".to_owned() + &body(&|n| format!("\"{n},1\";2")),
            ';',
        ),
        ("one\ntwo\n".to_owned(), ','),
    ];
    for (text, separator) in cases {
        assert_eq!(decided(&text).0, separator, "{text}");
    }
}

#[test]
fn one_column_of_prose_stays_one_column() {
    let text = "text\nHello, world\nno comma\none, two, three\nplain\nplain again\n";
    let (separator, _, has_header, fields) = decided(text);
    assert!(!text.contains(separator), "{separator}");
    assert!(has_header);
    assert_eq!(fields, "text:Utf8");
}

#[test]
fn quote_behind_another_separator_opens_nothing() {
    let text = "a,b\n1,foo;\"bar\n2,x\n3,y|\"z\n";
    let table = of(text);
    assert_eq!(table.dialect.separator, b',');
    let options = ReadOptions::default();
    let marks = (table.dialect.separator, table.dialect.quote);
    let records: Vec<_> =
        crate::inspect::table::records_of(text.as_bytes(), marks.0, marks.1, true).collect();
    assert_eq!(
        records,
        [&b"a,b"[..], b"1,foo;\"bar", b"2,x", b"3,y|\"z"],
        "{options:?}"
    );
}

#[test]
fn quotes_that_nobody_closes_are_none() {
    let line = |n: u32| match n {
        20 => "20\t\"an open quote".to_owned(),
        n => format!("{n}\tsaid \"x\""),
    };
    let text = "id\ttext\n".to_owned() + &rows((0..40).map(line));
    assert_eq!(
        decided(&text),
        ('\t', None, true, "id:Int64 text:Utf8".to_owned())
    );
    // Those that hold separators and line ends are quotes, whatever else is wrong.
    let line = |n: u32| match n {
        20 => "20,\"odd\" end".to_owned(),
        n => format!("{n},\"a, b\nc\""),
    };
    let text = "id,text\n".to_owned() + &rows((0..40).map(line));
    assert_eq!(decided(&text).1, Some('"'));
}

#[test]
fn single_quotes_are_found_where_they_quote() {
    let text = "'id','text'\n'1','it''s, well'\n'2','x'\n";
    assert_eq!(
        decided(text),
        (',', Some('\''), true, "id:Int64 text:Utf8".to_owned())
    );
    // An apostrophe quotes nothing.
    let text = "id,text\n1,'twas\n2,don't\n3,'tis so'\n";
    assert_eq!(decided(text).1, Some('"'));
}

#[test]
fn header_is_what_its_columns_are_not() {
    let cases = [
        ("name,n\nAnn,1\nBob,2\n", true, "name:Utf8 n:Int64"),
        ("Ann,1\nBob,2\n", false, "column_1:Utf8 column_2:Int64"),
        // Years above numbers that are none.
        (
            "state,2020,2021\nOhio,1.5,-2\nIowa,3,4.25\n",
            true,
            "state:Utf8 2020:Float64 2021:Float64",
        ),
        (
            "state,2022\nOhio,-29.1\nIowa,13\n",
            true,
            "state:Utf8 2022:Float64",
        ),
        // Years above years are values.
        (
            "Ann,1999\nBob,2001\nCid,1987\n",
            false,
            "column_1:Utf8 column_2:Int64",
        ),
        // A series above numbers that are none.
        (
            "word,1,2,3\nof,10,7,0\nto,4,4,9\n",
            true,
            "word:Utf8 1:Int64 2:Int64 3:Int64",
        ),
        (
            "x,1,2\ny,2,3\nz,3,4\n",
            false,
            "column_1:Utf8 column_2:Int64 column_3:Int64",
        ),
        // All of it is text, as all else.
        ("a,b\nx,y\nz,w\n", true, "a:Utf8 b:Utf8"),
        ("a,b\n", true, "a:Null b:Null"),
        // A text that comes again is a value.
        (
            "ham,hello\nspam,win\nham,see you\n",
            false,
            "column_1:Utf8 column_2:Utf8",
        ),
        // A header that comes again is one.
        ("a,b\nx,y\na,b\nz,w\n", true, "a:Utf8 b:Utf8"),
        // One of many names is a value.
        (
            "a,b,c,d,e\nx,y,z,v,w\na,1,2,3,4\n",
            true,
            "a:Utf8 b:Utf8 c:Utf8 d:Utf8 e:Utf8",
        ),
        // Codes are no names.
        (
            "02139,007\n02140,008\n",
            false,
            "column_1:Utf8 column_2:Utf8",
        ),
        ("1,x\ny,z\n", false, "column_1:Utf8 column_2:Utf8"),
        ("id,when\n1,2020-01-01\n", true, "id:Int64 when:Date32"),
        (",b\n1,2\n", true, "column_1:Int64 b:Int64"),
        ("a,b\n,\n", true, "a:Null b:Null"),
    ];
    for (text, has_header, fields) in cases {
        let found = decided(text);
        assert_eq!((found.2, found.3.as_str()), (has_header, fields), "{text}");
    }
}

#[test]
fn types_are_those_of_every_value() {
    let cases = [
        // Codes keep their zeros.
        ("zip\n02139\n10001\n", "zip:Utf8"),
        ("agent\n007.1\n1.5\n", "agent:Utf8"),
        ("n\n0\n0.5\n-0.25\n", "n:Float64"),
        // Words for numbers are numbers among numbers alone.
        ("x\n1.5\nnan\n-inf\n", "x:Float64"),
        ("x\n1\nNaN\n", "x:Float64"),
        ("bread\nNan\nPita\n", "bread:Utf8"),
        ("bread\nNan\nNan\n", "bread:Utf8"),
        ("n\n 1\n 20\n", "n:Int64"),
        ("n\n1\n9223372036854775808\n", "n:Float64"),
        ("d\n2020-02-29\n2021-12-31\n", "d:Date32"),
        ("d\n2021-02-29\n2021-12-31\n", "d:Utf8"),
        ("t\n2020-01-01 10:00:00\n2020-01-01\n", "t:Timestamp(s)"),
        ("t\n2020-01-01T25:00:00\n", "t:Utf8"),
        ("b\nTrue\nfalse\n", "b:Boolean"),
        ("b\ntRuE\nfalse\n", "b:Utf8"),
    ];
    for (text, fields) in cases {
        assert_eq!(decided(text).3, fields, "{text}");
    }
}

#[test]
fn what_is_said_counts() {
    let options = ReadOptions {
        separator: Some(b':'),
        quote: Some(None),
        has_header: Some(false),
        ..ReadOptions::default()
    };
    let table = table(Format::Csv, b"a:\"b\n1:2\n", true, &options);
    assert_eq!(table.dialect.separator, b':');
    assert_eq!(table.dialect.quote, None);
    assert_eq!(table.names, ["column_1", "column_2"]);
}
