//! Nodes find each other: bytes of the record, and over loopback and network namespaces.

use alimentar::ident::NodeId;
use alimentar::ident::to_hex;
use alimentar::sync::Shown;
use alimentar::sync::Sighting;

const VECTORS: &str = include_str!("../../spec/vectors/discovery.txt");

/// Every record of the vectors.
pub fn vectors() -> Vec<Vec<u8>> {
    let hex = VECTORS.lines().map(|l| l.split_once(' ').unwrap().1);
    let digit = |h: &str, at: usize| u8::from_str_radix(&h[at..at + 2], 16).unwrap();
    let bytes = |h: &str| (0..h.len()).step_by(2).map(|at| digit(h, at)).collect();
    hex.map(bytes).collect()
}

fn sightings() -> Vec<(&'static str, Sighting)> {
    let node = NodeId::new(std::array::from_fn(|n| n as u8));
    let showing = |filter_bytes, filter| Sighting {
        node,
        version: 1,
        shown: Some(Shown {
            datasets: 12,
            filter_digest: [1, 2, 3, 4, 5, 6, 7, 0xff],
            filter_bytes,
            filter,
        }),
    };
    let listed = Sighting {
        shown: None,
        ..showing(0, None)
    };
    vec![
        ("listed", listed),
        ("empty", showing(0, None)),
        ("small", showing(3, Some(vec![0, b'=', 0xff]))),
        ("pieces", showing(600, Some(vec![0xa5; 600]))),
        ("large", showing(1001, None)),
    ]
}

#[test]
fn sightings_are_those_of_the_vectors() {
    let lines = sightings().into_iter();
    let found: String = lines
        .map(|(name, s)| format!("{name} {}\n", to_hex(&s.to_txt())))
        .collect();
    assert_eq!(found, VECTORS, "\n{found}");
    for ((name, sighting), txt) in sightings().into_iter().zip(vectors()) {
        assert_eq!(Sighting::from_txt(&txt), Ok(sighting), "{name}");
    }
}
