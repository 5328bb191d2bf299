//! Peers that lie: every comparison ends with the difference to the claimed set, or with the list.

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
use crate::protocol::reconcile::tests::ascending;
use crate::protocol::reconcile::tests::elements;
use crate::protocol::reconcile::tests::response;
use crate::protocol::reconcile::tests::run;
use crate::wire::limits::RECONCILE_SYMBOLS_MAX;

/// Runs two sets of 2,000 that differ by 60; `with` changes the peer's responses.
fn tampered(seed: u8, mut with: impl FnMut(&SymbolsRequest, &mut Symbols, &mut Random)) -> Ran {
    let mut random = Random::new(u64::from(seed));
    let common = elements(&mut random, 1_970);
    let here = &common | &elements(&mut random, 30);
    let there = ascending(&(&common | &elements(&mut random, 30)));
    let ran = run(ascending(&here), seed, |request| {
        let mut response = response(&there, request);
        with(request, &mut response, &mut random);
        response
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
fn reconcile_corrupted_symbol_leads_to_the_list_or_has_no_effect() {
    let mut lists = 0;
    for seed in 0..240 {
        let ran = tampered(seed, |_, response, random| {
            let at = random.below(response.symbols.len() as u64) as usize;
            let symbol = &mut response.symbols[at];
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
fn reconcile_with_endless_peer_uses_the_list() {
    for seed in 0..20 {
        let ran = tampered(seed, |_, response, random| {
            for symbol in &mut response.symbols {
                symbol.sum = random.next_u64();
                symbol.check = random.next_u64() as u32;
                // With counts as of a small difference, so that symbols look cheap.
                symbol.count = symbol.count.wrapping_add(random.below(3) as i64 - 1);
            }
        });
        assert_eq!(ran.end, End::List);
        assert!(ran.bytes < 4 * 2_000 * 8, "{} bytes", ran.bytes);
    }
}

#[test]
fn reconcile_of_large_sets_bounds_the_symbols() {
    // A million own elements, and noise that looks about to end.
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
fn reconcile_with_foreign_digest_uses_the_list() {
    let ran = tampered(1, |_, response, _| {
        response.digest = CatalogDigest::new([7; 16])
    });
    assert_eq!(ran.end, End::List);
    let ran = tampered(2, |_, response, _| response.count += 1);
    assert_eq!(ran.end, End::List);
}

#[test]
fn reconcile_restarts_when_the_set_changes() {
    let mut n = 0;
    let ran = tampered(3, |_, response, _| {
        response.count += n;
        n += 1;
    });
    assert_eq!(ran.end, End::Restart);
    let mut n = 0;
    let ran = tampered(3, |_, response, _| {
        response.digest = CatalogDigest::new([n; 16]);
        n += 1;
    });
    assert_eq!(ran.end, End::Restart);
}

#[test]
fn reconcile_with_impossible_counts_uses_the_list() {
    for count in [u64::MAX, u64::MAX / 2, 1 << 62, 1 << 40, 1 << 20] {
        let ran = tampered(4, |_, response, _| response.count = count);
        assert_eq!(ran.end, End::List, "{count}");
    }
    // An empty set with the digest of another one.
    let ran = tampered(4, |_, response, _| response.count = 0);
    assert_eq!(ran.end, End::List);
    let ran = tampered(5, |_, response, random| {
        response
            .symbols
            .iter_mut()
            .for_each(|s| s.count = random.next_u64() as i64);
    });
    assert_eq!(ran.end, End::List);
}

#[test]
fn reconcile_with_unrequested_symbols_uses_the_list() {
    let ran = tampered(6, |_, response, _| response.symbols.push(Symbol::default()));
    assert_eq!((ran.end, ran.round_trips), (End::List, 1));
    let ran = tampered(6, |_, response, _| response.symbols.truncate(1));
    assert_eq!((ran.end, ran.round_trips), (End::List, 1));
    let ran = tampered(6, |_, response, _| response.symbols.clear());
    assert_eq!((ran.end, ran.round_trips), (End::List, 1));
    let ran = tampered(6, |_, response, _| response.from += 1);
    assert_eq!((ran.end, ran.round_trips), (End::List, 1));
}

#[test]
fn reconcile_with_symbols_outside_the_mapping_ends() {
    let keys = Keys::of(&Salt::new([1; 16]));
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let few = ascending(&elements(&mut random, 1 + seed % 4));
        // Each symbol has one element and its right checksum, so it decodes at any index.
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
fn riblt_decoder_yields_an_element_once() {
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
        // At two indexes outside its mapping, so that neither is emptied.
        for at in [places[0], places[1]] {
            symbols[at].put(u64::from_le_bytes(element.0), keys.checksum(element), 1);
        }
        let mut decoder = Decoder::new(&keys);
        assert_eq!(decoder.take(symbols, &|_| false), Err(NotASet));
        assert_eq!(decoder.found(), 1);
    }
}
