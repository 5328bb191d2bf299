//! The publications, with their times and the delays until each node had them.
//! The ledger is separate from the nodes' catalogues. The end of a run compares them with it.

use std::time::Duration;

use super::catalogue::Item;
use super::node::Node;

#[derive(Debug)]
pub struct Publication {
    pub item: Item,
    pub at: Duration,
    /// Of one that came while the network was split, on which side.
    pub side: Option<usize>,
    /// The nodes that had it, each with its delay.
    /// The delay begins when the publication, the node and a way to the node are all there.
    pub got: Vec<(usize, Duration)>,
}

#[derive(Debug, Default)]
pub struct Ledger {
    pub publications: Vec<Publication>,
    /// When the network was whole again.
    pub healed: Duration,
}

impl Ledger {
    /// The number of the next publication.
    pub fn next(&self) -> u32 {
        self.publications.len() as u32
    }

    pub fn publish(&mut self, item: &Item, at: Duration, side: Option<usize>) {
        self.publications.push(Publication {
            item: item.clone(),
            at,
            side,
            got: Vec::new(),
        });
    }

    /// A node has something new.
    pub fn note(&mut self, node: &Node, item: &Item, now: Duration) {
        if let Some(publication) = self.publications.get_mut(item.number as usize) {
            let way = match publication.side {
                Some(side) if side != node.side => self.healed,
                _ => publication.at,
            };
            let could = way.max(node.started);
            publication.got.push((node.at, now.saturating_sub(could)));
        }
    }

    /// Checks the catalogues of live nodes against the publications.
    ///
    /// # Errors
    /// In words, for who reads a failed test.
    pub fn verify(&self, nodes: &[&Node]) -> Result<(), String> {
        let Some(first) = nodes.first() else {
            return Err("nobody is left".to_owned());
        };
        for node in nodes {
            if !node.catalogue.is_same(&first.catalogue) {
                return Err(format!("{} and {} differ", first.at, node.at));
            }
            for number in &node.handled {
                let item = self.item(*number)?;
                if !node.catalogue.covers(item) {
                    return Err(format!("{} lost publication {number}", node.at));
                }
            }
            for item in node.catalogue.items() {
                if self.item(item.number)?.id != item.id {
                    return Err(format!("{} has what nobody published", node.at));
                }
            }
        }
        Ok(())
    }

    fn item(&self, number: u32) -> Result<&Item, String> {
        let publication = self.publications.get(number as usize);
        let publication = publication.ok_or(format!("there is no publication {number}"))?;
        Ok(&publication.item)
    }
}
