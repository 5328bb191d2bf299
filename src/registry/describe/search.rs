//! Full-text search of datasets. Every search first brings the index up to date with the catalogue,
//! so that it neither shows removed datasets nor misses new ones. A damaged index is rebuilt.

use std::collections::BTreeMap;

use arrow_schema::DataType;
use arrow_schema::Fields;
use serde_json::Value;

use crate::catalog;
use crate::catalog::Dataset;
use crate::catalog::RegisterKey;
use crate::ident::EnvelopeId;
use crate::ident::labels;
use crate::panics::caught;
use crate::registry::LocalRegistry;
use crate::registry::error::Error;
use crate::registry::publishing::trust::Listed;
use crate::registry::step::Step;
use crate::registry::views::Descriptions;
use crate::search::Document;
use crate::search::Hit;
use crate::search::Query;
use crate::search::SearchError;
use crate::search::SearchIndex;
use crate::trust::Action;
use crate::trust::TrustStore;
use crate::trust::Verdict;
use crate::wire::limits::SCHEMA_FIELDS_MAX;

/// A search result.
#[derive(Clone, Debug)]
pub struct SearchResult {
    /// The dataset with its standing under the trust settings.
    pub listed: Listed,
    /// Relevance score. Only the order within one search has a meaning.
    pub score: f32,
    /// Excerpt of its text, with matching words between `**`.
    pub snippet: String,
}

/// Results of a search.
#[derive(Clone, Debug, Default)]
pub struct SearchReport {
    /// Results, best first.
    pub found: Vec<SearchResult>,
    /// True if nothing matched as typed, and the results match with one letter changed.
    pub is_corrected: bool,
}

/// A search: the query, the number of results, and the datasets that count.
struct Asked<'a> {
    query: &'a Query,
    limit: usize,
    trust: &'a TrustStore,
    is_wanted: &'a dyn Fn(&Listed) -> bool,
}

/// Directory below the home. It is derived data and may be deleted at any time.
const SEARCH_DIR: &str = "search";
/// Lock file, held exclusively while the index is updated and searched.
const SEARCH_LOCK: &str = "search.lock";
/// Maximum number of results that a search looks at.
const HITS_MAX: usize = 10_000;
/// Weight of the newest version of a name relative to the others.
const NEWEST_WEIGHT: f32 = 1.2;

impl LocalRegistry {
    /// Returns the datasets that match a query best.
    ///
    /// # Errors
    /// [`Error`] when the catalogue is damaged.
    pub fn search(&self, query: &Query, limit: usize) -> Result<SearchReport, Error> {
        self.search_among(query, limit, &|_| true)
    }

    /// Returns the datasets that match a query best, of those that are wanted. Others have no influence on the choice
    /// between words as typed and words with one letter changed.
    ///
    /// # Errors
    /// [`Error`] when the catalogue is damaged.
    pub fn search_among(
        &self,
        query: &Query,
        limit: usize,
        is_wanted: &dyn Fn(&Listed) -> bool,
    ) -> Result<SearchReport, Error> {
        let _step = Step::begin("search", self.home().display());
        let trust = self.trust().store()?;
        let asked = Asked {
            query: &query.clone().with_publishers(|name| keys_of(&trust, name)),
            limit,
            trust: &trust,
            is_wanted,
        };
        // On a full or read-only disk the index is built in memory, for this search only.
        let mut report = match self.found_by_files(&asked) {
            Ok(report) => report,
            Err(_) => self.search_in(&asked, &SearchIndex::in_memory()?)?,
        };
        rank_results(&mut report.found);
        report.found.truncate(limit);
        Ok(report)
    }

    /// Searches the index in the home, after bringing it up to date.
    fn found_by_files(&self, asked: &Asked<'_>) -> Result<SearchReport, Error> {
        let _turn = self.store.lock(SEARCH_LOCK)?;
        let dir = self.home().join(SEARCH_DIR);
        let look = || caught(|| self.search_in(asked, &SearchIndex::open(&dir)?));
        match look() {
            Ok(Ok(report)) => Ok(report),
            // It is damaged or of another version. All its data is derived.
            Ok(Err(Error::Search(_))) | Err(_) => {
                std::fs::remove_dir_all(&dir).map_err(|e| Error::file("remove", &dir, e))?;
                look().map_err(|_| SearchError::Damaged)?
            }
            Ok(Err(other)) => Err(other),
        }
    }

    fn search_in(&self, asked: &Asked<'_>, index: &SearchIndex) -> Result<SearchReport, Error> {
        self.catch_up(index)?;
        for lenient in [false, true] {
            let found = self.wanted_in(asked, index, lenient)?;
            if !found.is_empty() {
                let is_corrected = lenient;
                return Ok(SearchReport {
                    found,
                    is_corrected,
                });
            }
        }
        Ok(SearchReport::default())
    }

    /// Returns wanted results. It looks at more of them until there are enough.
    fn wanted_in(
        &self,
        asked: &Asked<'_>,
        index: &SearchIndex,
        lenient: bool,
    ) -> Result<Vec<SearchResult>, Error> {
        let mut hits_max = asked.limit.saturating_mul(4).clamp(20, HITS_MAX);
        loop {
            let hits = index.search(asked.query, hits_max, lenient)?;
            let is_all = hits.len() < hits_max || hits_max == HITS_MAX;
            let mut found = self.datasets_of(hits, asked.trust)?;
            found.retain(|f| (asked.is_wanted)(&f.listed));
            if is_all || found.len() >= asked.limit {
                return Ok(found);
            }
            hits_max = hits_max.saturating_mul(8).min(HITS_MAX);
        }
    }

    /// Updates the index to the state of the catalogue.
    fn catch_up(&self, index: &SearchIndex) -> Result<(), Error> {
        let heads = self.store.read(|t| Ok::<_, Error>(catalog::heads(t)?))?;
        let stamp = stamp(&heads);
        // An index whose list of parts is lost is empty, regardless of the stamp.
        let is_whole = index.count() == heads.len() as u64;
        if is_whole && index.stamp().as_deref() == Some(&stamp) {
            return Ok(());
        }
        let held = index.held()?;
        let now: BTreeMap<String, (RegisterKey, String)> = heads
            .iter()
            .map(|(key, id)| (key.to_hex(), (*key, id.to_hex())))
            .collect();
        let fits =
            |key: &String, envelope: &String| now.get(key).is_some_and(|(_, e)| e == envelope);
        let remove: Vec<String> = held
            .iter()
            .filter(|(key, envelope)| !fits(key, envelope))
            .map(|(key, _)| key.clone())
            .collect();
        let mut add = Vec::new();
        for (hex, (key, envelope)) in &now {
            if held.get(hex) == Some(envelope) {
                continue;
            }
            let dataset = self
                .store
                .read(|t| Ok::<_, Error>(catalog::by_key(t, *key)?))?;
            if let Some(dataset) = dataset {
                add.push(self.document(hex, &dataset));
            }
        }
        if !remove.is_empty() || !add.is_empty() {
            index.change(&remove, &add)?;
        }
        Ok(index.set_stamp(&stamp)?)
    }

    fn document(&self, key: &str, dataset: &Dataset) -> Document {
        let m = &dataset.manifest;
        // An unreadable card must not hide the dataset.
        let card = m
            .card
            .and_then(|_| self.descriptions().card(dataset).ok())
            .map(|r| r.card);
        let mut text = m.description.clone().unwrap_or_default();
        let mut languages = Vec::new();
        if let Some(card) = &card {
            text += "\n";
            text += &card.markdown;
            languages = texts_of(card.front_matter.get("language"));
        }
        let mut columns = Vec::new();
        if let Some(schema) = Descriptions::schema(m) {
            paths(schema.fields(), "", &mut columns);
        }
        Document {
            key: key.to_owned(),
            envelope: dataset.envelope_id.to_hex(),
            name: m.name.to_string(),
            tags: labels(&m.tags),
            license: m.license.clone(),
            publisher: m.signer.map(|k| k.to_hex()),
            languages,
            columns,
            text,
            source: m.source.as_ref().map(|source| source.url.clone()),
            rows: m.num_rows,
            size_bytes: m.size_bytes,
        }
    }

    fn datasets_of(&self, hits: Vec<Hit>, trust: &TrustStore) -> Result<Vec<SearchResult>, Error> {
        let mut found = Vec::new();
        self.store.read(|t| {
            for hit in hits {
                let key = RegisterKey::parse_hex(&hit.key);
                if let Some(dataset) = key.map(|k| catalog::by_key(t, k)).transpose()?.flatten() {
                    found.push(SearchResult {
                        listed: Listed::of(trust, dataset),
                        score: hit.score,
                        snippet: hit.snippet,
                    });
                }
            }
            Ok::<_, Error>(())
        })?;
        Ok(found)
    }
}

/// Returns the keys of a publisher, by local name or by key.
fn keys_of(trust: &TrustStore, name: &str) -> Vec<String> {
    let publisher = name.parse().ok().and_then(|n| trust.file().get(&n));
    match publisher {
        Some(p) => p
            .previous
            .iter()
            .chain([&p.key])
            .map(|k| k.to_hex())
            .collect(),
        None => vec![name.to_lowercase()],
    }
}

/// Ranks the newest version of each name before older ones of the same relevance, and ambiguous or
/// withdrawn datasets last.
fn rank_results(found: &mut [SearchResult]) {
    let mut newest = BTreeMap::new();
    for f in found.iter() {
        let m = &f.listed.dataset.manifest;
        let version = newest
            .entry(m.name.to_string())
            .or_insert(m.dataset_version.clone());
        if *version < m.dataset_version {
            version.clone_from(&m.dataset_version);
        }
    }
    for f in found.iter_mut() {
        let m = &f.listed.dataset.manifest;
        if newest.get(m.name.as_str()) == Some(&m.dataset_version) {
            f.score *= NEWEST_WEIGHT;
        }
    }
    let is_behind = |f: &SearchResult| {
        let apart = f.listed.decide(Action::Rank).verdict != Verdict::Accept;
        apart || f.listed.withdrawn.is_some()
    };
    found.sort_by(|a, b| {
        let by_trust = is_behind(a).cmp(&is_behind(b));
        by_trust.then_with(|| b.score.total_cmp(&a.score))
    });
}

/// Returns a digest of the winning envelopes.
fn stamp(heads: &[(RegisterKey, EnvelopeId)]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    // Version of the document format. A change rebuilds the index.
    hasher.update(b"search 4\n");
    for (key, id) in heads {
        hasher.update(key.as_bytes()).update(id.as_bytes());
    }
    hasher.finalize().as_bytes().to_vec()
}

/// Returns the texts of a front matter value, which may be one string or a list.
fn texts_of(value: Option<&Value>) -> Vec<String> {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    match value {
        Some(Value::Array(several)) => several.iter().filter_map(text).collect(),
        other => other.and_then(text).into_iter().collect(),
    }
}

/// Collects the paths of all columns, including those inside structs and lists.
fn paths(fields: &Fields, above: &str, found: &mut Vec<String>) {
    for field in fields {
        if found.len() >= SCHEMA_FIELDS_MAX {
            return;
        }
        let path = match above {
            "" => field.name().clone(),
            above => format!("{above}.{}", field.name()),
        };
        found.push(path.clone());
        let mut inner = field.data_type();
        while let DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _) = inner
        {
            inner = item.data_type();
        }
        if let DataType::Struct(fields) = inner {
            paths(fields, &path, found);
        }
    }
}
