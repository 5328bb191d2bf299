//! Word stems in the languages of a card. Each stem is kept under its language, so that equal
//! spellings of two languages are not mixed.

use tantivy::tokenizer::Language;
use tantivy::tokenizer::LowerCaser;
use tantivy::tokenizer::PreTokenizedString;
use tantivy::tokenizer::RemoveLongFilter;
use tantivy::tokenizer::SimpleTokenizer;
use tantivy::tokenizer::Stemmer;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::tokenizer::Token;

/// Maximum length in bytes of an indexed word, as in the other fields.
const WORD_BYTES_MAX: usize = 40;

/// Languages by ISO 639-1 code, as cards use them. English has a field of its own.
const LANGUAGES: [(&str, Language); 17] = [
    ("ar", Language::Arabic),
    ("da", Language::Danish),
    ("de", Language::German),
    ("el", Language::Greek),
    ("es", Language::Spanish),
    ("fi", Language::Finnish),
    ("fr", Language::French),
    ("hu", Language::Hungarian),
    ("it", Language::Italian),
    ("nl", Language::Dutch),
    ("no", Language::Norwegian),
    ("pt", Language::Portuguese),
    ("ro", Language::Romanian),
    ("ru", Language::Russian),
    ("sv", Language::Swedish),
    ("ta", Language::Tamil),
    ("tr", Language::Turkish),
];

/// Returns the code under which a language of a card is stemmed, or `None` for English and others.
fn code(language: &str) -> Option<(&'static str, Language)> {
    // `de-AT` is stemmed as German.
    let language = language.to_ascii_lowercase();
    let first = language.split(['-', '_']).next().unwrap_or_default();
    LANGUAGES.iter().find(|(code, _)| *code == first).copied()
}

/// Returns the stems of a text in one language of a card.
pub(super) fn stems(language: &str, text: &str) -> Option<PreTokenizedString> {
    let (code, language) = code(language)?;
    let tokens = tokens(code, language, text);
    Some(PreTokenizedString {
        text: String::new(),
        tokens,
    })
}

/// Returns the stems of a query's words in every language, because a query does not name its
/// language.
pub(super) fn all_stems(text: &str) -> Vec<Vec<String>> {
    let of = |(code, language): &(&'static str, Language)| {
        let tokens = tokens(code, *language, text).into_iter();
        tokens.map(|t| t.text).collect()
    };
    LANGUAGES.iter().map(of).collect()
}

fn tokens(code: &str, language: Language, text: &str) -> Vec<Token> {
    let mut analyzer = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX))
        .filter(LowerCaser)
        .filter(Stemmer::new(language))
        .build();
    let mut found = Vec::new();
    analyzer.token_stream(text).process(&mut |token| {
        let mut token = token.clone();
        token.text = format!("{code}:{}", token.text);
        found.push(token);
    });
    found
}
