//! Lies that a trusted publisher has signed, and manifests that nobody trusted has signed.

use std::sync::Arc;

use crate::attacks::lies::Verdict;
use crate::attacks::lies::at;
use crate::attacks::lies::refused;
use crate::forge;
use crate::forged::Forged;
use crate::forged::Plan;
use crate::host::Host;
use crate::host::Say;
use crate::host::Tell;
use crate::program::Lab;
use crate::wire;
use crate::wire::Frame;
use crate::wire::varint;

/// A plan of a lie.
type Twist = fn(&mut Plan);

/// Trees, tables and manifests that hash and verify as they should, and lie.
pub const SIGNED_LIES: &[(&str, Twist)] = &[
    ("a leaf that says a chunk is longer", |p| {
        p.leaf = |e, _| e[0].bytes += 1
    }),
    ("a leaf that says a chunk is 2^63 long", |p| {
        p.leaf = |e, _| e[0].bytes = 1 << 63
    }),
    ("a leaf with a chunk of no length", |p| {
        p.leaf = |e, _| e[0].bytes = 0
    }),
    ("a leaf that says other newlines", |p| {
        p.leaf = |e, _| e[0].newlines += 1
    }),
    ("a leaf with more newlines than bytes", |p| {
        p.leaf = |e, _| e[0].newlines = 1 << 40
    }),
    ("a leaf of 2^60 entries", |p| {
        p.leaf = |_, count| *count = 1 << 60
    }),
    ("a leaf of none", |p| {
        p.leaf = |e, count| {
            e.clear();
            *count = 0;
        }
    }),
    ("chunks in another order", |p| p.leaf = |e, _| e.swap(0, 1)),
    ("a child said to be longer", |p| {
        p.root = |_, e, _| e[0].bytes += 1
    }),
    ("children whose lengths overflow", |p| {
        p.root = |_, e, _| e[0].bytes = u64::MAX
    }),
    ("a child of other counts", |p| {
        p.root = |_, e, _| e[0].chunks += 1
    }),
    ("a child of no chunks", |p| {
        p.root = |_, e, _| e[0].chunks = 0
    }),
    ("children in another order", |p| {
        p.root = |_, e, _| e.swap(0, 1)
    }),
    ("the same child twice", |p| {
        p.root = |_, e, _| e[1] = e[0].clone()
    }),
    ("an only child", |p| {
        p.root = |_, e, count| {
            e.truncate(1);
            *count = 1;
        }
    }),
    ("a root of level 5 above leaves", |p| {
        p.root = |level, _, _| *level = 5
    }),
    ("a root of level 13", |p| p.root = |level, _, _| *level = 13),
    ("a root of level 255", |p| {
        p.root = |level, _, _| *level = 255
    }),
    ("513 children", |p| {
        p.root = |_, e, count| {
            *e = vec![e[0].clone(); 513];
            *count = 513;
        }
    }),
    ("bytes behind the root", |p| p.behind = vec![0; 3]),
    ("a table of another length", |p| {
        p.manifest = |m| m.table_bytes += 1
    }),
    ("a table that is none", |p| p.table = |t| t.truncate(10)),
    ("a table of another path", |p| {
        p.table = |t| t[7..10].copy_from_slice(b"../")
    }),
    ("a table that counts 2^60 files", |p| {
        p.table = |t| {
            let rest = t.split_off(5);
            t.truncate(4);
            t.extend(varint(1 << 60));
            t.extend(rest);
        }
    }),
    ("a manifest of another size", |p| {
        p.manifest = |m| m.size += 1
    }),
    ("a manifest of 2^62 bytes", |p| {
        p.manifest = |m| m.size = 1 << 62
    }),
    ("a manifest of another content", |p| {
        p.manifest = |m| m.content_id = [5; 32]
    }),
    ("a manifest of more files", |p| {
        p.manifest = |m| m.num_files = 99_999_999
    }),
    ("a manifest of arrays in arrays", |p| {
        p.manifest = |m| m.instead = Some(vec![b'['; 1 << 20]);
    }),
    ("a manifest longer than any may be", |p| {
        p.manifest = |m| m.description = "x".repeat(3 << 20);
    }),
    ("a name that leads elsewhere", |p| {
        p.name = "../corpus".to_owned()
    }),
];

/// Its signer is trusted; nothing of it may be seen all the same.
pub fn signed(lab: &Lab, twist: Twist) -> Verdict {
    let mut plan = Plan::true_one("twisted");
    twist(&mut plan);
    let forged = Arc::new(Forged::make(&plan));
    let host = Host::serve(None, 1, Box::new(move |request, _| forged.answer(request)));
    let home = lab.home();
    let ran = lab.pull(&home, &host.peer(), "twisted")?;
    refused(lab, &home, &ran, &host)
}

/// The same made without a lie arrives: so it is the lies that are refused.
pub fn control(lab: &Lab) -> Verdict {
    for plan in [Plan::small("plain"), Plan::true_one("plain")] {
        let forged = Arc::new(Forged::make(&plan));
        let told = forged.clone();
        let host = Host::serve(None, 1, Box::new(move |request, _| told.answer(request)));
        let home = lab.home();
        let ran = lab.pull(&home, &host.peer(), "plain")?;
        let copy = home.join("copy");
        let to = copy.to_string_lossy().into_owned();
        lab.run(&home, &["registry", "checkout", "plain", &to])?;
        if std::fs::read(&copy).ok().as_ref() != Some(&forged.data) {
            return Err(format!("the truth did not arrive: {}", ran.err));
        }
        lab.is_sound(&home)?;
    }
    Ok("arrives whole".to_owned())
}

/// A manifest that somebody else signed, or nobody.
pub fn unsigned(lab: &Lab) -> Verdict {
    let stranger = crate::quic::key(500);
    let lab_key = crate::program::turncoat();
    let manifest = forge::Manifest {
        name: "corpus".to_owned(),
        content_id: [1; 32],
        root: [2; 32],
        table_root: [3; 32],
        table_bytes: 40,
        num_files: 1,
        size: 4_000,
        description: String::new(),
        seq: 9,
        instead: None,
    };
    let mut stolen = manifest.signed(&stranger);
    let at = stolen.len() - 96;
    stolen[at..at + 32].copy_from_slice(lab_key.verifying_key().as_bytes());
    let mut said = String::new();
    for (envelope, code) in [
        (manifest.unsigned(), 5),
        (manifest.signed(&stranger), 5),
        (stolen, 6),
    ] {
        let list = wire::batch(wire::MANIFESTS, &[envelope]);
        let tell = at_list(list);
        let host = Host::serve(Some(lab.honest.address), 1, tell);
        let home = lab.home();
        let ran = lab.pull(&home, &host.peer(), "corpus")?;
        if ran.code != Some(code) {
            return Err(format!("{:?} and not {code}: {}", ran.code, ran.err));
        }
        lab.is_empty(&home)?;
        lab.serves(&home)?;
        said += &format!("{code} ");
    }
    Ok(format!("exits {said}"))
}

fn at_list(list: Frame) -> Box<Tell> {
    at(wire::LIST, move |_, _| Say::Frames(vec![list.clone()]))
}
