//! Words by their stem in the languages of their card. Each stem is kept under its language, so
//! that what two languages spell alike is not mixed.

use tantivy::tokenizer::Language;
use tantivy::tokenizer::LowerCaser;
use tantivy::tokenizer::PreTokenizedString;
use tantivy::tokenizer::RemoveLongFilter;
use tantivy::tokenizer::SimpleTokenizer;
use tantivy::tokenizer::Stemmer;
use tantivy::tokenizer::TextAnalyzer;
use tantivy::tokenizer::Token;

/// Longer words are not indexed, as in the fields beside.
const WORD_BYTES_MAX: usize = 40;

/// Languages by the codes that cards use (ISO 639-1), English left out: it has a field of its own.
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

/// The code under which a language of a card is stemmed; `None` for English and others.
fn code(language: &str) -> Option<(&'static str, Language)> {
    // `de-AT` is stemmed as German.
    let language = language.to_ascii_lowercase();
    let first = language.split(['-', '_']).next().unwrap_or_default();
    LANGUAGES.iter().find(|(code, _)| *code == first).copied()
}

/// The stems of a text in one language of a card.
pub(super) fn stems(language: &str, text: &str) -> Option<PreTokenizedString> {
    let (code, language) = code(language)?;
    let tokens = tokens(code, language, text);
    Some(PreTokenizedString {
        text: String::new(),
        tokens,
    })
}

/// The stems of a query's words in every language: whoever searches does not say in which.
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
