//! Peers that lie: whatever they answer, it ends, with the truth about the set they claim or with
//! the list.

use crate::protocol::Element;
use crate::protocol::Random;
use crate::protocol::Salt;
use crate::protocol::reconcile::CatalogDigest;
use crate::protocol::reconcile::Keys;
use crate::protocol::reconcile::Mapping;
use crate::protocol::reconcile::Symbol;
use crate::protocol::reconcile::Symbols;
use crate::protocol::reconcile::SymbolsRequest;
use crate::protocol::reconcile::peel;
use crate::protocol::reconcile::riblt_decode::Decoder;
use crate::protocol::reconcile::riblt_decode::NotASet;
use crate::protocol::reconcile::tests::End;
use crate::protocol::reconcile::tests::Ran;
use crate::protocol::reconcile::tests::Set;
use crate::protocol::reconcile::tests::answer;
use crate::protocol::reconcile::tests::ascending;
use crate::protocol::reconcile::tests::elements;
use crate::protocol::reconcile::tests::run;
use crate::wire::limits::RECONCILE_SYMBOLS_MAX;

/// Two sets of 2,000 that differ by 60, and a peer whose answers pass through a hand.
fn tampered(seed: u8, mut with: impl FnMut(&SymbolsRequest, &mut Symbols, &mut Random)) -> Ran {
    let mut random = Random::new(u64::from(seed));
    let common = elements(&mut random, 1_970);
    let here = &common | &elements(&mut random, 30);
    let there = ascending(&(&common | &elements(&mut random, 30)));
    let ran = run(ascending(&here), seed, |request| {
        let mut answer = answer(&there, request);
        with(request, &mut answer, &mut random);
        answer
    });
    if let End::Done(difference) = &ran.end {
        let theirs: Set = there.into_iter().collect();
        let only_there: Vec<Element> = theirs.difference(&here).copied().collect();
        assert_eq!(difference.only_there, only_there, "seed {seed}");
        assert_eq!(difference.only_here.len(), 30);
    }
    ran
}

#[test]
fn a_corrupted_field_of_any_symbol_leads_to_the_list_or_is_no_matter() {
    let mut lists = 0;
    for seed in 0..240 {
        let ran = tampered(seed, |_, answer, random| {
            let at = random.below(answer.symbols.len() as u64) as usize;
            let symbol = &mut answer.symbols[at];
            match seed % 4 {
                0 => symbol.sum ^= 1 << random.below(64),
                1 => symbol.check ^= 1 << random.below(32),
                2 => symbol.count = symbol.count.wrapping_add(random.below(5) as i64 - 2),
                _ => symbol.count = random.next_u64() as i64,
            }
        });
        lists += usize::from(ran.end == End::List);
    }
    assert!(lists > 20, "{lists}");
}

#[test]
fn a_peer_that_never_lets_it_end_is_asked_for_a_list() {
    for seed in 0..20 {
        let ran = tampered(seed, |_, answer, random| {
            for symbol in &mut answer.symbols {
                symbol.sum = random.next_u64();
                symbol.check = random.next_u64() as u32;
                // As if little differed, so that symbols look cheap.
                symbol.count = symbol.count.wrapping_add(random.below(3) as i64 - 1);
            }
        });
        assert_eq!(ran.end, End::List);
        assert!(ran.bytes < 4 * 2_000 * 8, "{} bytes", ran.bytes);
    }
}

#[test]
fn the_number_of_symbols_is_bounded_also_for_large_sets() {
    // A million own elements: noise that looks as if it were about to end.
    let own: Vec<Element> = (0..1_100_000_u64)
        .map(|n| Element(n.swap_bytes().to_le_bytes()))
        .collect();
    let count = own.len() as u64;
    let mut random = Random::new(1);
    let ran = run(own, 1, |request| Symbols {
        count,
        digest: CatalogDigest::new([5; 16]),
        from: request.from,
        symbols: (0..request.take)
            .map(|_| Symbol {
                sum: random.next_u64(),
                check: random.next_u64() as u32,
                count: (count / 3) as i64,
            })
            .collect(),
    });
    assert_eq!(ran.end, End::List);
    assert!(ran.symbols <= RECONCILE_SYMBOLS_MAX, "{}", ran.symbols);
    assert!(ran.round_trips < 120);
}

#[test]
fn a_digest_of_another_set_leads_to_the_list() {
    let ran = tampered(1, |_, answer, _| {
        answer.digest = CatalogDigest::new([7; 16])
    });
    assert_eq!(ran.end, End::List);
    let ran = tampered(2, |_, answer, _| answer.count += 1);
    assert_eq!(ran.end, End::List);
}

#[test]
fn a_set_that_changes_between_answers_begins_again() {
    let mut n = 0;
    let ran = tampered(3, |_, answer, _| {
        answer.count += n;
        n += 1;
    });
    assert_eq!(ran.end, End::Again);
    let mut n = 0;
    let ran = tampered(3, |_, answer, _| {
        answer.digest = CatalogDigest::new([n; 16]);
        n += 1;
    });
    assert_eq!(ran.end, End::Again);
}

#[test]
fn absurd_counts_lead_to_the_list() {
    for count in [u64::MAX, u64::MAX / 2, 1 << 62, 1 << 40, 1 << 20] {
        let ran = tampered(4, |_, answer, _| answer.count = count);
        assert_eq!(ran.end, End::List, "{count}");
    }
    // Nothing there, with a digest of something.
    let ran = tampered(4, |_, answer, _| answer.count = 0);
    assert_eq!(ran.end, End::List);
    let ran = tampered(5, |_, answer, random| {
        answer
            .symbols
            .iter_mut()
            .for_each(|s| s.count = random.next_u64() as i64);
    });
    assert_eq!(ran.end, End::List);
}

#[test]
fn more_symbols_than_asked_for_or_fewer_or_others_lead_to_the_list() {
    let ran = tampered(6, |_, answer, _| answer.symbols.push(Symbol::default()));
    assert_eq!((ran.end, ran.round_trips), (End::List, 1));
    let ran = tampered(6, |_, answer, _| answer.symbols.truncate(1));
    assert_eq!((ran.end, ran.round_trips), (End::List, 1));
    let ran = tampered(6, |_, answer, _| answer.symbols.clear());
    assert_eq!((ran.end, ran.round_trips), (End::List, 1));
    let ran = tampered(6, |_, answer, _| answer.from += 1);
    assert_eq!((ran.end, ran.round_trips), (End::List, 1));
}

#[test]
fn symbols_that_agree_with_each_other_but_not_with_the_mapping_end() {
    let keys = Keys::of(&Salt::new([1; 16]));
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let few = ascending(&elements(&mut random, 1 + seed % 4));
        // Each symbol has one element and its right checksum: any of them comes out of any place.
        let symbols: Vec<Symbol> = (0..50)
            .map(|_| {
                let element = few[random.below(few.len() as u64) as usize];
                Symbol {
                    sum: u64::from_le_bytes(element.0),
                    check: keys.checksum(element),
                    count: [1, -1][random.below(2) as usize],
                }
            })
            .collect();
        assert_eq!(peel(&keys, &symbols), None);
        let mut decoder = Decoder::new(&keys);
        let taken = decoder.take(symbols, &|_| seed % 2 == 0);
        assert_eq!(taken, Err(NotASet), "seed {seed}");
        assert!(decoder.found() <= decoder.len());
    }
}

#[test]
fn an_element_comes_out_once() {
    let keys = Keys::of(&Salt::new([1; 16]));
    for n in 0..200_u64 {
        let element = Element((n << 32 | 5).to_le_bytes());
        let mut mapping = Mapping::new(&keys, element);
        let mut symbols = vec![Symbol::default(); 40];
        let mut places: Vec<usize> = (0..40).collect();
        while mapping.index() < 40 {
            places.retain(|at| *at as u64 != mapping.index());
            mapping.advance();
        }
        // At two places where the mapping does not put it, so that neither is emptied.
        for at in [places[0], places[1]] {
            symbols[at].put(u64::from_le_bytes(element.0), keys.checksum(element), 1);
        }
        let mut decoder = Decoder::new(&keys);
        assert_eq!(decoder.take(symbols, &|_| false), Err(NotASet));
        assert_eq!(decoder.found(), 1);
    }
}
