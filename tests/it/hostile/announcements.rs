//! Offers of strangers: forged, worthless, and too many.

use std::collections::BTreeMap;

use alimentar::clock::Timestamp;
use alimentar::ident::ContentId;
use alimentar::manifest::Envelope;
use alimentar::manifest::Manifest;
use alimentar::protocol::RefusalCode;
use alimentar::protocol::Request;
use alimentar::protocol::Response;
use alimentar::trust::KeyPair;
use alimentar::trust::Statement;

use crate::hostile::actors::asker::Asker;
use crate::hostile::actors::lab::Lab;
use crate::hostile::actors::node::Node;
use crate::support::answer;
use crate::support::lines;
use crate::support::listed;

/// The most manifests that a node keeps of a publisher whom nobody trusts.
const KEPT_OF_STRANGER: usize = 1_000;

/// Manifests of a stranger, each of another dataset.
fn forged(truth: &Manifest, by: &KeyPair, count: u64) -> Vec<Envelope> {
    let one = |n: u64| {
        let mut manifest = truth.clone();
        manifest.name = format!("mine-{n}").parse().unwrap();
        // Another register: of one, only the last state would be kept.
        manifest.content_id = ContentId::new(*blake3::hash(&n.to_le_bytes()).as_bytes());
        (manifest.seq, manifest.prev, manifest.clock) = (n + 1, Vec::new(), BTreeMap::new());
        by.sign(&mut manifest).unwrap()
    };
    (0..count).map(one).collect()
}

async fn announce(asker: &Asker, envelopes: Vec<Vec<u8>>, statements: Vec<Vec<u8>>) -> u64 {
    let request = Request::Announce {
        envelopes,
        statements,
    };
    match asker.ask(&request).await.as_slice() {
        [Response::Announced(taken)] => *taken,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pull_passes_over_forged_offers() {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(2_000, 1), false);
    let node = Node::serve(lab.served(), &[]);
    let before = answer(lab.served(), &["registry", "list", "--all"]);
    let mut asker = Asker::greeted(node.address, 1).await;
    let stranger = KeyPair::generate().unwrap();
    let good = forged(&shown.manifest, &stranger, 3);
    let broken: Vec<Vec<u8>> = good.iter().map(Envelope::encode).collect();
    // Another signature, another signer, another manifest.
    let mut forgeries = Vec::new();
    for envelope in &broken {
        let end = envelope.len();
        for at in [end - 1, end - 64, end - 65, end - 96, 40] {
            let mut bytes = envelope.clone();
            bytes[at] ^= 1;
            forgeries.push(bytes);
        }
    }
    // The true signer's name over a stranger's words.
    let mut manifest = shown.manifest.clone();
    manifest.seq += 1;
    let mut envelope = stranger.sign(&mut manifest).unwrap();
    let signature = envelope.signature.as_mut().unwrap();
    signature.key = lab.key.public_key();
    forgeries.push(envelope.encode());
    // No honest node passes these on: what comes beside them is not noted either.
    for forgery in forgeries {
        let request = Request::Announce {
            envelopes: vec![broken[0].clone(), forgery],
            statements: Vec::new(),
        };
        let code = asker.refused(&request).await;
        assert!(
            matches!(code, RefusalCode::NotAllowed | RefusalCode::Malformed),
            "{code:?}"
        );
        if code == RefusalCode::Malformed {
            asker = Asker::greeted(node.address, 1).await;
        }
    }
    assert_eq!(lab.heard(), 0);
    for garbage in [Vec::new(), b"ALE\x01".to_vec(), vec![7; 500]] {
        let request = Request::Announce {
            envelopes: vec![garbage],
            statements: Vec::new(),
        };
        let asker = Asker::greeted(node.address, 2).await;
        assert_eq!(asker.refused(&request).await, RefusalCode::Malformed);
    }
    // Of strangers, and of the publisher in a stranger's hand.
    let revoke = |key: &KeyPair| Statement::revoke(key, "mine", Vec::new(), Timestamp(0)).unwrap();
    let withdraw = Statement::withdraw(&stranger, &shown.manifest, "mine", Timestamp(0)).unwrap();
    let rotate = Statement::rotate(&stranger, &KeyPair::generate().unwrap(), Timestamp(0));
    let mut statements = vec![
        revoke(&stranger).encode().to_vec(),
        withdraw.encode().to_vec(),
        rotate.unwrap().encode().to_vec(),
        Vec::new(),
        vec![1; 300],
    ];
    let true_one = revoke(&lab.key).encode().to_vec();
    for at in [10, true_one.len() / 2, true_one.len() - 3] {
        let mut bytes = true_one.clone();
        bytes[at] ^= 1;
        statements.push(bytes);
    }
    assert_eq!(announce(&asker, Vec::new(), statements).await, 0);
    asker.leave().await;
    let after = answer(lab.served(), &["registry", "list", "--all"]);
    assert_eq!(before, after);
    lab.pulls(&node.peer(), "corpus");
    node.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn catalogue_keeps_few_manifests_of_a_stranger() {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(2_000, 1), false);
    let mut node = Node::serve(lab.served(), &[]);
    let before = answer(lab.served(), &["registry", "list", "--all"]);
    let asker = Asker::greeted(node.address, 1).await;
    let envelopes = forged(&shown.manifest, &KeyPair::generate().unwrap(), 3_000);
    let encoded: Vec<Vec<u8>> = envelopes.iter().map(Envelope::encode).collect();
    for some in encoded.chunks(1_500) {
        announce(&asker, some.to_vec(), Vec::new()).await;
    }
    let kept = lab.heard();
    assert_eq!(kept, KEPT_OF_STRANGER);
    // Again, and by another node that has the same to say.
    let other = Asker::greeted(node.address, 2).await;
    announce(&other, encoded[..1_500].to_vec(), Vec::new()).await;
    let kept = lab.heard();
    assert!((1..=KEPT_OF_STRANGER).contains(&kept), "{kept}");
    let after = answer(lab.served(), &["registry", "list", "--all"]);
    assert_eq!(before, after);
    lab.pulls(&node.peer(), "corpus");
    assert_eq!(listed(lab.served()), 1);
    node.is_well();
    node.stop();
}
