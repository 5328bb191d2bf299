//! Comparisons of any two sets end with the right difference, within the promised bytes and round trips.

mod driver;
mod hostile;

use std::collections::BTreeSet;

use crate::ident::EnvelopeId;
use crate::protocol::Element;
use crate::protocol::Random;
use crate::protocol::Request;
use crate::protocol::Response;
use crate::protocol::Salt;
use crate::protocol::reconcile::CompareStep;
use crate::protocol::reconcile::Encoder;
use crate::protocol::reconcile::Keys;
use crate::protocol::reconcile::Mapping;
use crate::protocol::reconcile::Reconciler;
use crate::protocol::reconcile::SetDifference;
use crate::protocol::reconcile::Symbol;
use crate::protocol::reconcile::Symbols;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::estimate::Estimate;
use crate::protocol::reconcile::mapping::IndexOdds;
use crate::protocol::reconcile::peel;
use crate::wire::Reader;
use crate::wire::Writer;

pub(in crate::protocol::reconcile) type Set = BTreeSet<Element>;

/// Makes random elements.
pub(in crate::protocol::reconcile) fn elements(random: &mut Random, count: u64) -> Set {
    let mut set = Set::new();
    while (set.len() as u64) < count {
        set.insert(Element(random.next_u64().to_le_bytes()));
    }
    set
}

pub(in crate::protocol::reconcile) fn ascending(set: &Set) -> Vec<Element> {
    set.iter().copied().collect()
}

/// Answers as an honest peer with a set does.
pub(in crate::protocol::reconcile) fn response(
    there: &[Element],
    request: &SymbolsRequest,
) -> Symbols {
    let keys = Keys::of(&request.salt);
    let digest = keys.digest(there);
    let symbols = if digest != request.digest && request.is_in_bounds() {
        Encoder::range(&keys, there, request.from, request.take)
    } else {
        Vec::new()
    };
    Symbols {
        count: there.len() as u64,
        digest,
        from: request.from,
        symbols,
    }
}

/// The end of a comparison.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::protocol::reconcile) enum End {
    Done(SetDifference),
    List,
    Restart,
}

/// The cost of a comparison.
#[derive(Debug)]
pub(in crate::protocol::reconcile) struct Ran {
    pub(in crate::protocol::reconcile) end: End,
    pub(in crate::protocol::reconcile) round_trips: usize,
    pub(in crate::protocol::reconcile) bytes: usize,
    pub(in crate::protocol::reconcile) symbols: usize,
}

/// Runs a comparison to its end. More than 120 responses count as endless.
pub(in crate::protocol::reconcile) fn run(
    own: Vec<Element>,
    seed: u8,
    mut peer: impl FnMut(&SymbolsRequest) -> Symbols,
) -> Ran {
    let mut reconciler = Reconciler::new(Salt::new([seed; 16]), own);
    let (mut round_trips, mut bytes, mut symbols) = (0, 0, 0);
    let end = loop {
        match reconciler.step() {
            CompareStep::Symbols(request) => {
                let response = peer(&request);
                round_trips += 1;
                symbols += response.symbols.len();
                bytes += Request::Symbols(request).encode().len();
                bytes += Response::Symbols(response.clone()).encode().len();
                reconciler.take_response(response);
                assert!(round_trips <= 120, "no end");
            }
            CompareStep::Done(difference) => break End::Done(difference),
            CompareStep::List => break End::List,
            CompareStep::Restart => break End::Restart,
        }
    };
    Ran {
        end,
        round_trips,
        bytes,
        symbols,
    }
}

/// Computes the difference directly.
fn plain(here: &Set, there: &Set) -> SetDifference {
    let own = here.iter().enumerate();
    SetDifference {
        only_here: own
            .filter(|(_, e)| !there.contains(*e))
            .map(|(n, _)| n)
            .collect(),
        only_there: there.difference(here).copied().collect(),
    }
}

fn honest(here: &Set, there: &Set, seed: u8) -> Ran {
    let theirs = ascending(there);
    run(ascending(here), seed, |request| response(&theirs, request))
}

#[test]
fn riblt_mapping_has_the_expected_frequency() {
    let keys = Keys::of(&Salt::new([1; 16]));
    let mut random = Random::new(1);
    let mut hits = [0_u32; 200];
    let tries = 40_000;
    for _ in 0..tries {
        let mut mapping = Mapping::new(&keys, Element(random.next_u64().to_le_bytes()));
        let mut last = None;
        while mapping.index() < 200 {
            assert!(last < Some(mapping.index()));
            last = Some(mapping.index());
            hits[mapping.index() as usize] += 1;
            mapping.advance();
        }
    }
    let mut odds = IndexOdds::default();
    for (index, count) in hits.iter().enumerate() {
        let p = odds.next();
        let ideal = 1.0 / (1.0 + index as f64 / 2.0);
        assert!((p / ideal - 1.0).abs() < 0.05, "{index}: {p}");
        let deviation = (f64::from(tries) * p * (1.0 - p)).sqrt();
        let off = (f64::from(*count) - f64::from(tries) * p).abs();
        assert!(off <= 5.0 * deviation, "{index}: {count}");
    }
}

#[test]
fn riblt_mapping_saturates_at_its_end() {
    let keys = Keys::of(&Salt::new([1; 16]));
    for n in 0..200_u64 {
        let mut mapping = Mapping::new(&keys, Element(n.to_le_bytes()));
        for _ in 0..200 {
            let before = mapping.index();
            mapping.advance();
            assert!(mapping.index() > before || before == u64::MAX);
        }
        assert_eq!(mapping.index(), u64::MAX);
    }
}

#[test]
fn riblt_encoder_symbols_do_not_depend_on_ranges() {
    let keys = Keys::of(&Salt::new([2; 16]));
    let set = ascending(&elements(&mut Random::new(2), 500));
    let whole = Encoder::range(&keys, &set, 0, 1_000);
    let mut encoder = Encoder::new(&keys, &set);
    let pieces: Vec<Symbol> = [1, 0, 7, 292, 700]
        .into_iter()
        .flat_map(|n| encoder.take(n))
        .collect();
    assert_eq!(pieces, whole);
    assert_eq!(Encoder::range(&keys, &set, 300, 700), whole[300..]);
    assert_eq!(whole[0].count, 500);
    assert_eq!(peel(&keys, &whole), Some(set));
    assert_eq!(peel(&keys, &whole[..300]), None);
}

#[test]
fn riblt_symbols_decode_to_the_encoded_value() {
    let mut random = Random::new(3);
    for round in 0..20_000 {
        let extreme = |n: u64| [0, 1, u64::MAX, 1 << 63, i64::MAX as u64][n as usize];
        let (count, off) = match round % 2 {
            0 => (extreme(random.below(5)), extreme(random.below(5)) as i64),
            _ => (
                random.next_u64() >> random.below(64),
                random.next_u64() as i64,
            ),
        };
        let symbol = Symbol {
            sum: random.next_u64(),
            check: random.next_u64() as u32,
            count: off,
        };
        let index = random.below(1 << 20);
        let mut w = Writer::new();
        symbol.put_to(&mut w, count, index);
        let bytes = w.into_bytes();
        assert!(bytes.len() <= 22);
        let mut r = Reader::new(&bytes);
        assert_eq!(Symbol::read(&mut r, count, index), Ok(symbol));
        r.end().unwrap();
    }
}

#[test]
fn reconcile_finds_the_difference_of_any_two_sets() {
    let mut lists = 0;
    for seed in 0..1_500 {
        let mut random = Random::new(seed);
        let mut size = || match random.below(4) {
            0 => 0,
            1 => random.below(20),
            2 => random.below(100),
            _ => random.below(700),
        };
        let (common, here, there) = (size(), size(), size());
        let common = elements(&mut random, common);
        let here = &common | &elements(&mut random, here);
        let there = &common | &elements(&mut random, there);
        let ran = honest(&here, &there, seed as u8);
        match ran.end {
            End::Done(difference) => assert_eq!(difference, plain(&here, &there), "seed {seed}"),
            End::List => lists += 1,
            End::Restart => panic!("seed {seed}"),
        }
    }
    assert!((200..1_200).contains(&lists), "{lists} by list");
}

#[test]
fn reconcile_of_large_similar_sets_uses_symbols() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let common = elements(&mut random, 4_000);
        let (here, there) = (random.below(150), random.below(150));
        // Every third time one side has all elements of the other.
        let here = elements(&mut random, here * (seed % 3).min(1));
        let there = elements(&mut random, there * ((seed + 1) % 3).min(1));
        let (here, there) = (&common | &here, &common | &there);
        let ran = honest(&here, &there, seed as u8);
        assert_eq!(ran.end, End::Done(plain(&here, &there)), "seed {seed}");
        assert!(ran.round_trips <= 4, "seed {seed}: {ran:?}");
    }
}

#[test]
fn reconcile_of_disjoint_sets_uses_the_list_and_of_an_empty_one_nothing() {
    let mut random = Random::new(5);
    let (here, there) = (elements(&mut random, 3_000), elements(&mut random, 3_000));
    assert_eq!(honest(&here, &there, 1).end, End::List);
    let ran = honest(&here, &Set::new(), 1);
    assert_eq!(ran.end, End::Done(plain(&here, &Set::new())));
    assert_eq!(ran.round_trips, 1);
    assert_eq!(honest(&Set::new(), &there, 1).end, End::List);
}

#[test]
fn reconcile_of_equal_catalogues_takes_less_than_200_bytes() {
    for count in [17, 100, 20_000] {
        let set = elements(&mut Random::new(count), count);
        let ran = honest(&set, &set, 9);
        assert_eq!(ran.end, End::Done(SetDifference::default()));
        assert_eq!(ran.round_trips, 1);
        assert!(ran.bytes < 100, "{} bytes", ran.bytes);
    }
}

#[test]
fn reconcile_of_100_changes_in_100000_takes_less_than_16_kilobytes() {
    let mut random = Random::new(7);
    let common = elements(&mut random, 99_900);
    for seed in 0..4 {
        let here = &common | &elements(&mut random, 100);
        let there = &common | &elements(&mut random, 100);
        let ran = honest(&here, &there, seed);
        assert_eq!(ran.end, End::Done(plain(&here, &there)));
        // With the request for the wanted items.
        let wanted = 5 + 1 + 16 + 1 + 100 * 8;
        assert!(ran.bytes + wanted < 16_000, "{} bytes", ran.bytes);
        assert!(ran.round_trips < 3, "{} round trips", ran.round_trips + 1);
    }
}

#[test]
fn reconcile_takes_two_responses_nearly_always() {
    let mut random = Random::new(8);
    let common = elements(&mut random, 3_000);
    let mut more = 0;
    for seed in 0..100 {
        let count = 1 + random.below(100);
        let here = &common | &elements(&mut random, count);
        let there = &common | &elements(&mut random, count);
        let ran = honest(&here, &there, seed);
        assert!(
            ran.round_trips <= 4 && matches!(ran.end, End::Done(_)),
            "{ran:?}"
        );
        more += usize::from(ran.round_trips > 2);
    }
    assert!(more <= 5, "{more} of 100");
}

#[test]
fn reconcile_estimates_differences_of_any_size() {
    let keys = Keys::of(&Salt::new([4; 16]));
    let mut random = Random::new(9);
    for (here, there) in [
        (100, 100),
        (1_000, 0),
        (0, 1_000),
        (500, 1_500),
        (20_000, 20_000),
        (0, 30_000),
        (30_000, 10),
    ] {
        let mut off = 0;
        for _ in 0..10 {
            let here = ascending(&elements(&mut random, here));
            let there = ascending(&elements(&mut random, there));
            let ours = Encoder::range(&keys, &here, 0, 64);
            let theirs = Encoder::range(&keys, &there, 0, 64);
            let less: Vec<Symbol> = theirs.iter().zip(&ours).map(|(t, o)| t.minus(o)).collect();
            let mut estimate = Estimate::default();
            estimate.take(&less, there.len() as i64 - here.len() as i64);
            let (d, truth) = (estimate.difference(), (here.len() + there.len()) as f64);
            assert!(d > truth / 2.5 && d < truth * 2.5, "{d} for {truth}");
            off += u32::from((d / truth - 1.0).abs() > estimate.spread());
        }
        assert!(off <= 3, "{off} of 10 for {here} and {there}");
    }
}

#[test]
fn reconcile_of_similar_ids_works_as_of_random_ones() {
    // Sequential ids, and elements whose bytes an attacker chose.
    let salt = Salt::new([11; 16]);
    let id = |n: u64| {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_le_bytes());
        salt.envelope(&EnvelopeId::new(id))
    };
    let shapes: [&dyn Fn(u64) -> Element; 4] = [
        &id,
        &|n| Element(n.to_le_bytes()),
        &|n| Element(n.swap_bytes().to_le_bytes()),
        &|n| Element((1_u64 << 63 | n << 20).to_le_bytes()),
    ];
    for (shape, element) in shapes.iter().enumerate() {
        for seed in 0..10 {
            let here: Set = (0..3_000).map(element).collect();
            let there: Set = (80..3_080).map(element).collect();
            let ran = honest(&here, &there, seed);
            assert_eq!(ran.end, End::Done(plain(&here, &there)), "shape {shape}");
            assert!(ran.symbols < 600, "shape {shape}: {} symbols", ran.symbols);
        }
    }
}
