//! Untrue manifests that a trusted publisher has signed, and that a peer passes on faithfully.

use alimentar::protocol::Request;
use alimentar::protocol::Response;

use crate::hostile::actors::lab::Lab;
use crate::hostile::actors::lab::pull;
use crate::hostile::actors::liar::Liar;
use crate::hostile::actors::liar::Told;
use crate::hostile::actors::liar::asking;
use crate::hostile::actors::node::Node;
use crate::support::is_sound;
use crate::support::lines;
use crate::support::listed;
use crate::support::stderr;

#[test]
fn pull_of_a_signed_lie_names_its_signer() {
    let lab = Lab::new();
    let shown = lab.index("corpus", &lines(6_000, 1), false);
    let honest = Node::serve(lab.served(), &[]);
    let mut content = shown.manifest.clone();
    content.content_id = alimentar::ident::ContentId::new([5; 32]);
    let mut size = shown.manifest.clone();
    size.size_bytes += 1;
    let mut table = shown.manifest.clone();
    table.file_table_bytes -= 1;
    let mut files = shown.manifest.clone();
    files.num_files += 1;
    let mut rows = shown.manifest.clone();
    rows.num_rows -= 1;
    for mut manifest in [content, size, table, files, rows] {
        let envelope = lab.key.sign(&mut manifest).unwrap().encode();
        let (registry, id) = (lab.registry.clone(), shown.envelope_id);
        let tell = move |request: &Request, _: &[Response]| {
            let request = match request.clone() {
                Request::List(_) => {
                    return Told::Answers(vec![Response::Manifests(vec![envelope.clone()])]);
                }
                Request::PullNode(mut r) => {
                    r.envelope = id;
                    Request::PullNode(r)
                }
                Request::PullChunk(mut r) => {
                    r.envelope = id;
                    Request::PullChunk(r)
                }
                Request::PullCard(_) => Request::PullCard(id),
                other => other,
            };
            Told::Answers(registry.peers().answer(&request, &asking()).collect())
        };
        let liar = Liar::serve(&lab.registry, Box::new(tell));
        let home = lab.home();
        let out = pull(&home, &[&liar.peer()], "corpus");
        let said = stderr(&out);
        assert_eq!(out.status.code(), Some(4), "{said}");
        assert!(said.contains("`lab` has signed"), "{said}");
        assert_eq!(listed(&home), 0);
        is_sound(&home);
        lab.pulls_into(&home, &[&honest.peer()], "corpus");
    }
    honest.stop();
}
