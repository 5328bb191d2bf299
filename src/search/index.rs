//! Search index: tantivy in a directory of its own.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::path::PathBuf;

use tantivy::Index;
use tantivy::IndexReader;
use tantivy::ReloadPolicy;
use tantivy::TantivyDocument;
use tantivy::Term;
use tantivy::collector::TopDocs;
use tantivy::query::AllQuery;
use tantivy::query::BooleanQuery;
use tantivy::query::EmptyQuery;
use tantivy::query::Occur;
use tantivy::query::PhrasePrefixQuery;
use tantivy::query::Query as TantivyQuery;
use tantivy::query::RangeQuery;
use tantivy::query::TermQuery;
use tantivy::query::TermSetQuery;
use tantivy::schema::FAST;
use tantivy::schema::Field;
use tantivy::schema::INDEXED;
use tantivy::schema::IndexRecordOption;
use tantivy::schema::STORED;
use tantivy::schema::STRING;
use tantivy::schema::Schema;
use tantivy::schema::TEXT;
use tantivy::schema::TextFieldIndexing;
use tantivy::schema::TextOptions;
use tantivy::schema::Value;
use tantivy::snippet::SnippetGenerator;

use crate::search::SearchError;
use crate::search::query::Clause;
use crate::search::query::Match;
use crate::search::query::Query;
use crate::search::query::WordOptions;
use crate::search::stems::stems;

/// Searchable metadata of a dataset.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The dataset's register.
    pub key: String,
    /// The envelope of the indexed manifest.
    pub envelope: String,
    /// Dataset name.
    pub name: String,
    /// Labels of the dataset.
    pub tags: Vec<String>,
    /// SPDX expression of the licence.
    pub license: Option<String>,
    /// The publisher's key, in hexadecimal.
    pub publisher: Option<String>,
    /// Language codes.
    pub languages: Vec<String>,
    /// Paths of columns, parts joined by dots.
    pub columns: Vec<String>,
    /// Text of description and card.
    pub text: String,
    /// URL that the dataset was taken in from.
    pub source: Option<String>,
    /// Number of rows.
    pub rows: u64,
    /// Total length in bytes.
    pub size_bytes: u64,
}

/// A search result.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The dataset's register.
    pub key: String,
    /// Relevance score. Only the order within one search has a meaning.
    pub score: f32,
    /// Excerpt with matching words between `**`; empty if only other fields match.
    pub snippet: String,
}

/// Fields of the index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    key: Field,
    envelope: Field,
    name: Field,
    tag: Field,
    license: Field,
    publisher: Field,
    lang: Field,
    column: Field,
    path: Field,
    pub(super) text: Field,
    pub(super) stems: Field,
    source: Field,
    rows: Field,
    size: Field,
}

/// The search index of a registry.
pub struct SearchIndex {
    /// Directory of the index; `None` for one in memory.
    dir: Option<PathBuf>,
    pub(super) index: Index,
    reader: IndexReader,
    pub(super) fields: Fields,
}

impl std::fmt::Debug for SearchIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SearchIndex")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

/// File beside the index with the state of the tables at its last update.
const STAMP_FILE: &str = "stamp";
/// Memory that a writer may fill before it writes: the minimum of tantivy.
const WRITER_BYTES: usize = 15_000_000;
/// Maximum number of characters of a snippet.
const SNIPPET_CHARS: usize = 160;

impl SearchIndex {
    /// Opens the index in a directory, and creates an empty one if there is none.
    ///
    /// # Errors
    /// [`SearchError`] when it cannot be read.
    pub fn open(dir: &Path) -> Result<Self, SearchError> {
        let files = dir.join("index");
        std::fs::create_dir_all(&files)?;
        let (schema, fields) = schema();
        let mmap =
            tantivy::directory::MmapDirectory::open(&files).map_err(tantivy::TantivyError::from)?;
        let index = Index::open_or_create(mmap, schema)?;
        if !index.validate_checksum()?.is_empty() {
            return Err(SearchError::Damaged);
        }
        Self::on(Some(dir.to_owned()), index, fields)
    }

    /// Creates an empty index in memory.
    ///
    /// # Errors
    /// [`SearchError::Index`].
    pub fn in_memory() -> Result<Self, SearchError> {
        let (schema, fields) = schema();
        Self::on(None, Index::create_in_ram(schema), fields)
    }

    fn on(dir: Option<PathBuf>, index: Index, fields: Fields) -> Result<Self, SearchError> {
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Self {
            dir,
            index,
            reader,
            fields,
        })
    }

    /// Returns the stamp of the last update.
    pub fn stamp(&self) -> Option<Vec<u8>> {
        std::fs::read(self.dir.as_ref()?.join(STAMP_FILE)).ok()
    }

    /// Records the stamp of the state that the index now has.
    ///
    /// # Errors
    /// [`SearchError::Io`].
    pub fn set_stamp(&self, stamp: &[u8]) -> Result<(), SearchError> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let partial = dir.join(format!("{STAMP_FILE}.new"));
        std::fs::write(&partial, stamp)?;
        Ok(std::fs::rename(partial, dir.join(STAMP_FILE))?)
    }

    /// Returns the number of documents.
    pub fn count(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Returns the register and envelope of every document.
    ///
    /// # Errors
    /// [`SearchError`] when the index is damaged.
    pub fn held(&self) -> Result<BTreeMap<String, String>, SearchError> {
        let searcher = self.reader.searcher();
        let mut held = BTreeMap::new();
        for segment in searcher.segment_readers() {
            let store = segment.get_store_reader(16)?;
            for doc in store.iter::<TantivyDocument>(segment.alive_bitset()) {
                let doc = doc?;
                held.insert(
                    text_of(&doc, self.fields.key),
                    text_of(&doc, self.fields.envelope),
                );
            }
        }
        Ok(held)
    }

    /// Removes documents by register, and adds others.
    ///
    /// # Errors
    /// [`SearchError`] when the index cannot be written. It stays unchanged then.
    pub fn change(&self, remove: &[String], add: &[Document]) -> Result<(), SearchError> {
        let mut writer = self
            .index
            .writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES)?;
        for key in remove {
            writer.delete_term(Term::from_field_text(self.fields.key, key));
        }
        for document in add {
            writer.add_document(self.document(document))?;
        }
        writer.commit()?;
        self.reader.reload()?;
        Ok(())
    }

    fn document(&self, d: &Document) -> TantivyDocument {
        let f = &self.fields;
        let mut doc = TantivyDocument::default();
        doc.add_text(f.key, &d.key);
        doc.add_text(f.envelope, &d.envelope);
        doc.add_text(f.name, &d.name);
        d.tags.iter().for_each(|t| doc.add_text(f.tag, t));
        let lower = |t: &String| t.to_lowercase();
        d.license
            .iter()
            .for_each(|t| doc.add_text(f.license, lower(t)));
        d.publisher
            .iter()
            .for_each(|t| doc.add_text(f.publisher, lower(t)));
        for language in &d.languages {
            if let Some(stems) = stems(language, &d.text) {
                doc.add_pre_tokenized_text(f.stems, stems);
            }
        }
        d.languages
            .iter()
            .for_each(|t| doc.add_text(f.lang, lower(t)));
        for column in &d.columns {
            doc.add_text(f.column, column);
            doc.add_text(f.path, lower(column));
        }
        doc.add_text(f.text, &d.text);
        d.source.iter().for_each(|url| doc.add_text(f.source, url));
        doc.add_u64(f.rows, d.rows);
        doc.add_u64(f.size, d.size_bytes);
        doc
    }

    /// Returns the best matching documents. With `lenient`, words may differ by one letter.
    ///
    /// # Errors
    /// [`SearchError`] when the index is damaged.
    pub fn search(
        &self,
        query: &Query,
        limit: usize,
        lenient: bool,
    ) -> Result<Vec<Hit>, SearchError> {
        let mut clauses: Vec<(Occur, Box<dyn TantivyQuery>)> = Vec::new();
        for clause in &query.clauses {
            let occur = if clause.negated {
                Occur::MustNot
            } else {
                Occur::Must
            };
            clauses.push((occur, self.clause(clause, lenient && !clause.negated)?));
        }
        if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
            clauses.push((Occur::Must, Box::new(AllQuery)));
        }
        let query = BooleanQuery::new(clauses);
        let searcher = self.reader.searcher();
        let found = searcher.search(&query, &TopDocs::with_limit(limit.max(1)).order_by_score())?;
        let mut snippets = SnippetGenerator::create(&searcher, &query, self.fields.text)?;
        snippets.set_max_num_chars(SNIPPET_CHARS);
        let mut hits = Vec::new();
        for (score, address) in found {
            let doc: TantivyDocument = searcher.doc(address)?;
            let snippet = snippets.snippet(&text_of(&doc, self.fields.text));
            hits.push(Hit {
                key: text_of(&doc, self.fields.key),
                score,
                snippet: marked(snippet.fragment(), snippet.highlighted()),
            });
        }
        Ok(hits)
    }

    fn clause(&self, clause: &Clause, lenient: bool) -> Result<Box<dyn TantivyQuery>, SearchError> {
        let f = &self.fields;
        let exact = |field: Field| -> Box<dyn TantivyQuery> {
            if let Match::OneOf(values) = &clause.what {
                let terms = values.iter().map(|v| Term::from_field_text(field, v));
                return Box::new(TermSetQuery::new(terms));
            }
            let (Match::Text(text) | Match::Phrase(text) | Match::Prefix(text)) = &clause.what
            else {
                return Box::new(EmptyQuery);
            };
            let term = Term::from_field_text(field, &text.to_lowercase());
            match clause.what {
                Match::Prefix(_) => Box::new(PhrasePrefixQuery::new(vec![term])),
                _ => Box::new(TermQuery::new(term, IndexRecordOption::Basic)),
            }
        };
        // Exclusions match whole words only.
        let how = WordOptions {
            lenient,
            may_be_begun: !clause.negated && !lenient,
        };
        Ok(match clause.field.as_deref() {
            Some("license") => exact(f.license),
            Some("publisher") => exact(f.publisher),
            Some("lang") => exact(f.lang),
            Some("schema") => exact(f.path),
            Some("rows") => range(f.rows, &clause.what),
            Some("size") => range(f.size, &clause.what),
            Some("name") => self.text(&[(f.name, 1.0)], &clause.what, how)?,
            Some("tag") => self.text(&[(f.tag, 1.0)], &clause.what, how)?,
            Some("text") => self.text(&[(f.text, 1.0)], &clause.what, how)?,
            Some("source") => self.text(&[(f.source, 1.0)], &clause.what, how)?,
            // The name has the highest weight, followed by labels.
            _ => {
                let everywhere = [
                    (f.name, 6.0),
                    (f.tag, 3.0),
                    (f.column, 2.0),
                    (f.text, 1.0),
                    (f.source, 1.0),
                ];
                self.text(&everywhere, &clause.what, how)?
            }
        })
    }
}

fn range(field: Field, what: &Match) -> Box<dyn TantivyQuery> {
    let term = |n: u64| Bound::Included(Term::from_field_u64(field, n));
    match what {
        Match::AtLeast(n) => Box::new(RangeQuery::new(term(*n), Bound::Unbounded)),
        Match::AtMost(n) => Box::new(RangeQuery::new(Bound::Unbounded, term(*n))),
        _ => Box::new(EmptyQuery),
    }
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let stems = TextFieldIndexing::default()
        .set_tokenizer("en_stem")
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let words = TextOptions::default()
        .set_indexing_options(stems)
        .set_stored();
    let fields = Fields {
        key: builder.add_text_field("key", STRING | STORED),
        envelope: builder.add_text_field("envelope", STRING | STORED),
        name: builder.add_text_field("name", TEXT),
        tag: builder.add_text_field("tag", TEXT),
        license: builder.add_text_field("license", STRING),
        publisher: builder.add_text_field("publisher", STRING),
        lang: builder.add_text_field("lang", STRING),
        column: builder.add_text_field("column", TEXT),
        path: builder.add_text_field("path", STRING),
        text: builder.add_text_field("text", words),
        stems: builder.add_text_field("stems", TEXT),
        source: builder.add_text_field("source", TEXT),
        rows: builder.add_u64_field("rows", INDEXED | FAST),
        size: builder.add_u64_field("size", INDEXED | FAST),
    };
    (builder.build(), fields)
}

fn text_of(doc: &TantivyDocument, field: Field) -> String {
    let value = doc.get_first(field);
    let text = value.as_ref().and_then(|v| v.as_str());
    text.unwrap_or_default().to_owned()
}

/// Formats a fragment on one line, with highlighted ranges between `**`.
fn marked(fragment: &str, highlighted: &[std::ops::Range<usize>]) -> String {
    if highlighted.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    let mut at = 0;
    for range in highlighted {
        text += fragment.get(at..range.start).unwrap_or_default();
        text += "**";
        text += fragment.get(range.clone()).unwrap_or_default();
        text += "**";
        at = range.end;
    }
    text += fragment.get(at..).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
