//! Translates the words of a query: whole, incomplete, misspelt, or stemmed.

use tantivy::Term;
use tantivy::query::BooleanQuery;
use tantivy::query::BoostQuery;
use tantivy::query::ConstScoreQuery;
use tantivy::query::EmptyQuery;
use tantivy::query::FuzzyTermQuery;
use tantivy::query::Occur;
use tantivy::query::PhrasePrefixQuery;
use tantivy::query::PhraseQuery;
use tantivy::query::Query as TantivyQuery;
use tantivy::query::TermQuery;
use tantivy::schema::Field;
use tantivy::schema::IndexRecordOption;

use crate::search::SearchError;
use crate::search::SearchIndex;
use crate::search::query::Match;
use crate::search::query::WordOptions;
use crate::search::stems::all_stems;

impl SearchIndex {
    /// Builds a query for words in any of these fields, each with its weight.
    pub(super) fn text(
        &self,
        fields: &[(Field, f32)],
        what: &Match,
        how: WordOptions,
    ) -> Result<Box<dyn TantivyQuery>, SearchError> {
        let (Match::Text(text) | Match::Phrase(text) | Match::Prefix(text)) = what else {
            return Ok(Box::new(EmptyQuery));
        };
        let may_be_begun = how.may_be_begun && is_beginning(what);
        let mut begun: Vec<(Occur, Box<dyn TantivyQuery>)> = Vec::new();
        let mut any: Vec<(Occur, Box<dyn TantivyQuery>)> = Vec::new();
        for (field, weight) in fields {
            let mut terms = Vec::new();
            let mut analyzer = self.index.tokenizer_for_field(*field)?;
            let mut tokens = analyzer.token_stream(text);
            tokens.process(&mut |t| terms.push(Term::from_field_text(*field, &t.text)));
            if may_be_begun && !terms.is_empty() {
                let query = Box::new(PhrasePrefixQuery::new(terms.clone()));
                let query = BoostQuery::new(query, weight * BEGUN_WEIGHT);
                begun.push((Occur::Should, Box::new(query)));
            }
            let query: Box<dyn TantivyQuery> = match terms.as_slice() {
                [] => continue,
                _ if matches!(what, Match::Prefix(_)) => Box::new(PhrasePrefixQuery::new(terms)),
                [only] if how.lenient => Box::new(FuzzyTermQuery::new(only.clone(), 1, true)),
                [only] => {
                    let frequencies = IndexRecordOption::WithFreqs;
                    Box::new(TermQuery::new(only.clone(), frequencies))
                }
                _ => Box::new(PhraseQuery::new(terms)),
            };
            any.push((Occur::Should, Box::new(BoostQuery::new(query, *weight))));
        }
        let is_text = fields.iter().any(|(field, _)| *field == self.fields.text);
        if is_text && !matches!(what, Match::Prefix(_)) {
            any.extend(self.stemmed(text));
        }
        let whole = BooleanQuery::new(any);
        if begun.is_empty() {
            return Ok(Box::new(whole));
        }
        // The score of a whole word always exceeds that of an incomplete one.
        let above = ConstScoreQuery::new(Box::new(whole.clone()), WHOLE_SCORE);
        begun.push((Occur::Should, Box::new(above)));
        begun.push((Occur::Should, Box::new(whole)));
        Ok(Box::new(BooleanQuery::new(begun)))
    }
}

/// Weight of an incomplete word. The weights of all fields together stay below [`WHOLE_SCORE`].
const BEGUN_WEIGHT: f32 = 0.01;
/// Score that a whole word has in addition.
const WHOLE_SCORE: f32 = 0.2;

/// Returns true if a text is long enough for a match of beginnings. A single letter of the alphabet
/// matches too much.
fn is_beginning(what: &Match) -> bool {
    match what {
        Match::Text(text) => text.len() > 1,
        _ => false,
    }
}

impl SearchIndex {
    /// Builds queries for the stems of the words, one for each language.
    fn stemmed(&self, text: &str) -> Vec<(Occur, Box<dyn TantivyQuery>)> {
        let field = self.fields.stems;
        let one = |stems: Vec<String>| -> Option<(Occur, Box<dyn TantivyQuery>)> {
            let terms: Vec<Term> = stems
                .iter()
                .map(|s| Term::from_field_text(field, s))
                .collect();
            let query: Box<dyn TantivyQuery> = match terms.as_slice() {
                [] => return None,
                [only] => Box::new(TermQuery::new(only.clone(), IndexRecordOption::WithFreqs)),
                _ => Box::new(PhraseQuery::new(terms)),
            };
            Some((Occur::Should, query))
        };
        all_stems(text).into_iter().filter_map(one).collect()
    }
}
