//! Groups volumes into archives. It separates several splits, also of the same archive, and omits
//! no volume.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;

use crate::archive::VolumeTrailer;

/// A volume and its trailer.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) path: PathBuf,
    pub(crate) trailer: VolumeTrailer,
}

/// Volumes of one split, in order.
#[derive(Clone, Debug)]
pub(crate) struct VolumeSet {
    pub(crate) paths: Vec<PathBuf>,
    /// Text that lists the missing volumes, or `None` if the set is complete.
    pub(crate) missing: Option<String>,
}

/// Groups volumes into sets.
///
/// The volumes of one archive are one set if their numbers allow it, regardless of their names.
/// Otherwise the archive was split more than once, and volumes whose names differ only in the
/// number belong together. An exact copy of a volume counts once.
pub(crate) fn group_volumes(volumes: Vec<Volume>) -> Vec<VolumeSet> {
    let mut by_archive: BTreeMap<[u8; 16], Vec<Volume>> = BTreeMap::new();
    for volume in volumes {
        let of_archive = by_archive.entry(volume.trailer.archive).or_default();
        of_archive.push(volume);
    }
    let mut found = Vec::new();
    for mut of_archive in by_archive.into_values() {
        of_archive.sort_by(|a, b| order(a).cmp(&order(b)));
        of_archive.dedup_by(|a, b| a.trailer == b.trailer);
        let all = chains(of_archive);
        if let [_] = all.as_slice() {
            found.extend(all);
            continue;
        }
        let mut by_name: BTreeMap<PathBuf, Vec<Volume>> = BTreeMap::new();
        for volume in all.into_iter().flatten() {
            let name = without_number(&volume.path);
            by_name.entry(name).or_default().push(volume);
        }
        let mut rest = Vec::new();
        for named in by_name.into_values() {
            for chain in chains(named) {
                match missing(&chain) {
                    None => found.push(chain),
                    Some(_) => rest.extend(chain),
                }
            }
        }
        found.extend(chains(rest));
    }
    let set = |chain: Vec<Volume>| VolumeSet {
        missing: missing(&chain),
        paths: chain.into_iter().map(|v| v.path).collect(),
    };
    found.into_iter().map(set).collect()
}

fn order(volume: &Volume) -> (u32, [u8; 32], &Path) {
    let VolumeTrailer { number, hash, .. } = volume.trailer;
    (number, hash, &volume.path)
}

/// Cuts volumes into chains: ascending numbers without repetition, and none after the last volume.
/// A volume that does not fit begins the next chain.
fn chains(mut volumes: Vec<Volume>) -> Vec<Vec<Volume>> {
    volumes.sort_by(|a, b| (a.trailer.number, &a.path).cmp(&(b.trailer.number, &b.path)));
    let mut found = Vec::new();
    while !volumes.is_empty() {
        let (mut chain, mut rest): (Vec<Volume>, Vec<Volume>) = (Vec::new(), Vec::new());
        for volume in volumes {
            let fits = chain.last().is_none_or(|last| {
                !last.trailer.is_last && last.trailer.number < volume.trailer.number
            });
            if fits {
                chain.push(volume)
            } else {
                rest.push(volume)
            }
        }
        found.push(chain);
        volumes = rest;
    }
    found
}

/// Returns a text that lists the missing volumes of a chain.
fn missing(chain: &[Volume]) -> Option<String> {
    VolumeTrailer::missing(chain.iter().map(|v| &v.trailer))
}

/// Returns a volume's name without the number at its end.
fn without_number(path: &Path) -> PathBuf {
    match volume_number(path) {
        Some(_) => path.with_extension(""),
        None => path.to_owned(),
    }
}

/// Returns the number at the end of a volume's name.
pub(crate) fn volume_number(path: &Path) -> Option<u32> {
    let ending = path.extension()?.to_str()?;
    let is_number = ending.len() >= 3 && ending.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| ending.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a volume of an archive in the given split.
    fn volume(path: &str, archive: u8, split: u8, number: u32, is_last: bool) -> Volume {
        let mut hash = [split; 32];
        hash[1..5].copy_from_slice(&number.to_le_bytes());
        Volume {
            path: PathBuf::from(path),
            trailer: VolumeTrailer {
                archive: [archive; 16],
                number,
                is_last,
                bytes: 100,
                hash,
            },
        }
    }

    /// Returns the paths and the missing volumes of every set, in order.
    fn grouped(volumes: Vec<Volume>) -> Vec<(Vec<String>, Option<String>)> {
        let count = volumes.len();
        let paths = |set: &VolumeSet| {
            let paths = set.paths.iter();
            paths.map(|p| p.display().to_string()).collect()
        };
        let found = group_volumes(volumes);
        assert!(found.iter().map(|s| s.paths.len()).sum::<usize>() <= count);
        let mut grouped: Vec<_> = found
            .iter()
            .map(|s| (paths(s), s.missing.clone()))
            .collect();
        grouped.sort();
        grouped
    }

    fn whole(paths: &[&str]) -> (Vec<String>, Option<String>) {
        (paths.iter().map(|p| (*p).to_owned()).collect(), None)
    }

    fn lacking(paths: &[&str], missing: &str) -> (Vec<String>, Option<String>) {
        (whole(paths).0, Some(missing.to_owned()))
    }

    #[test]
    fn volumes_of_one_split_are_grouped_under_any_names() {
        let volumes = vec![
            volume("c", 1, 1, 3, true),
            volume("elsewhere/a", 1, 1, 1, false),
            volume("b.007", 1, 1, 2, false),
        ];
        assert_eq!(grouped(volumes), [whole(&["elsewhere/a", "b.007", "c"])]);
    }

    #[test]
    fn volumes_of_two_splits_are_two_sets() {
        let volumes = vec![
            volume("a.001", 1, 1, 1, false),
            volume("a.002", 1, 1, 2, false),
            volume("a.003", 1, 1, 3, true),
            volume("b.001", 1, 2, 1, false),
            volume("b.002", 1, 2, 2, true),
            volume("c.001", 2, 3, 1, true),
        ];
        let wanted = [
            whole(&["a.001", "a.002", "a.003"]),
            whole(&["b.001", "b.002"]),
            whole(&["c.001"]),
        ];
        assert_eq!(grouped(volumes.clone()), wanted);
        // One of them is incomplete, and the other is not taken as its part.
        let without = |n: usize| {
            let mut volumes = volumes.clone();
            volumes.remove(n);
            grouped(volumes)
        };
        assert_eq!(
            without(1)[..2],
            [lacking(&["a.001", "a.003"], "volume 2"), wanted[1].clone()]
        );
        assert_eq!(
            without(4)[..2],
            [
                wanted[0].clone(),
                lacking(&["b.001"], "volume 2 and what follows it")
            ]
        );
    }

    #[test]
    fn volumes_of_an_earlier_split_are_a_separate_set() {
        let volumes = vec![
            volume("a.001", 1, 2, 1, false),
            volume("a.002", 1, 2, 2, true),
            volume("a.003", 1, 1, 3, false),
            volume("a.004", 1, 1, 4, true),
        ];
        let wanted = [
            whole(&["a.001", "a.002"]),
            lacking(&["a.003", "a.004"], "volume 1, volume 2"),
        ];
        assert_eq!(grouped(volumes), wanted);
    }

    #[test]
    fn volume_copy_counts_once() {
        let mut volumes = Vec::new();
        for dir in ["one", "two"] {
            volumes.push(volume(&format!("{dir}/a.001"), 1, 1, 1, false));
            volumes.push(volume(&format!("{dir}/a.002"), 1, 1, 2, true));
        }
        assert_eq!(grouped(volumes), [whole(&["one/a.001", "one/a.002"])]);
    }

    #[test]
    fn missing_volumes_are_listed_within_limits() {
        let volumes = vec![volume("x", 1, 1, u32::MAX, true)];
        let (_, missing) = grouped(volumes).remove(0);
        let missing = missing.unwrap();
        assert!(missing.starts_with("volume 1, volume 2, "), "{missing}");
        assert!(missing.ends_with("volume 20, more"), "{missing}");
        let volumes = vec![volume("x.002", 1, 1, 2, false)];
        let wanted = lacking(&["x.002"], "volume 1, volume 3 and what follows it");
        assert_eq!(grouped(volumes), [wanted]);
    }
}
