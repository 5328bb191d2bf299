//! Marker search: one pass over a row finds all positions where a text rule may apply. The cost of
//! a row without markers does not depend on the number of rules.

use aho_corasick::packed::Config;
use aho_corasick::packed::MatchKind;
use aho_corasick::packed::Searcher;

use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;

/// Meaning of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect::lint) enum Marker {
    /// Start of a code fence: three backticks.
    Fence,
    /// Start of a think tag.
    Think,
    /// Start of a control token of a model.
    Special,
    /// Start of an HTML tag or entity.
    Html,
    /// Phrase of an assistant.
    Boilerplate,
    /// Prefix of a key or token.
    Secret,
    /// `PRIVATE KEY-----`.
    PrivateKey,
    /// Start of a JSON web token.
    WebToken,
    /// Name of a secret.
    SecretName,
}

/// Search for the markers of the enabled rules.
#[derive(Debug)]
pub(in crate::inspect::lint) struct Markers {
    /// Separate searches for short and long markers, and for markers with a leading bracket. The
    /// vector search compares the first bytes, up to four, of the shortest marker, and false
    /// positives cost most of its time. It has eight buckets, so brackets and words are kept apart:
    /// few bytes of text look like both.
    searches: [MarkerSearch; 3],
}

#[derive(Debug)]
struct MarkerSearch {
    /// `None` without markers.
    searcher: Option<Searcher>,
    kinds: Vec<Marker>,
}

impl Markers {
    pub(in crate::inspect::lint) fn new(options: &LintOptions) -> Self {
        Self {
            searches: [SHORT, TAGS, WORDS].map(|all| MarkerSearch::new(all, options)),
        }
    }

    /// Passes the position of each marker in a text to `found`.
    pub(in crate::inspect::lint) fn each(&self, text: &[u8], mut found: impl FnMut(Marker, usize)) {
        for search in &self.searches {
            let Some(searcher) = &search.searcher else {
                continue;
            };
            for one in searcher.find_iter(text) {
                if let Some(marker) = search.kinds.get(one.pattern().as_usize()) {
                    found(*marker, one.start());
                }
            }
        }
    }
}

impl MarkerSearch {
    fn new(all: &[(Marker, &[&str])], options: &LintOptions) -> Self {
        let wanted = || all.iter().filter(|(marker, _)| options.any(marker.rules()));
        let texts = wanted().flat_map(|(_, texts)| texts.iter());
        // Of two markers at one position, the longer one must win.
        let mut config = Config::new();
        config.match_kind(MatchKind::LeftmostLongest);
        Self {
            searcher: config.builder().extend(texts).build(),
            kinds: wanted()
                .flat_map(|(marker, texts)| texts.iter().map(|_| *marker))
                .collect(),
        }
    }
}

impl Marker {
    fn rules(self) -> &'static [RuleId] {
        match self {
            Self::Fence => &[RuleId::UnbalancedFence],
            Self::Think => &[RuleId::UnbalancedThink, RuleId::ThinkingOnly],
            Self::Special => &[RuleId::SpecialToken],
            Self::Html => &[RuleId::HtmlMarkup],
            Self::Boilerplate => &[RuleId::AssistantBoilerplate],
            Self::Secret | Self::PrivateKey | Self::WebToken => &[RuleId::Secret],
            Self::SecretName => &[RuleId::PossibleSecret],
        }
    }
}

const SHORT: &[(Marker, &[&str])] = &[
    (Marker::Fence, &["```"]),
    (Marker::Html, &["<br", "<p>"]),
    (Marker::Secret, &["sk-", "hf_"]),
    (Marker::WebToken, &["eyJ"]),
];

/// At most 64 per search, the limit of the vector search.
const TAGS: &[(Marker, &[&str])] = &[
    (
        Marker::Think,
        &["<think", "</think", "<reasoning", "</reasoning"],
    ),
    (
        Marker::Special,
        &[
            "[INST]",
            "[/INST]",
            "<<SYS>>",
            "<</SYS>>",
            "<start_of_turn>",
            "<end_of_turn>",
            "<\u{ff5c}",
            "</s>",
            "<bos>",
            "<eos>",
            "<unk>",
            "<pad>",
            "[TOOL_CALLS]",
            "[AVAILABLE_TOOLS]",
        ],
    ),
    (
        Marker::Html,
        &[
            "<div", "<span", "</p>", "</a>", "<script", "&nbsp;", "&amp;", "&lt;",
        ],
    ),
];

const WORDS: &[(Marker, &[&str])] = &[
    (
        Marker::Boilerplate,
        &[
            "an AI language model",
            "as a large language model",
            "As a large language model",
            "my knowledge cutoff",
        ],
    ),
    (
        Marker::Secret,
        &[
            "AKIA",
            "ASIA",
            "ghp_",
            "gho_",
            "ghu_",
            "ghs_",
            "ghr_",
            "github_pat_",
            "glpat-",
            "xoxb-",
            "xoxp-",
            "xoxa-",
            "xoxr-",
            "xoxs-",
            "AIza",
            "sk_live_",
            "rk_live_",
        ],
    ),
    (Marker::PrivateKey, &["PRIVATE KEY-----"]),
    (
        Marker::SecretName,
        &[
            "api_key", "apikey", "apiKey", "api-key", "API_KEY", "secret", "Secret", "SECRET",
            "passw", "Passw", "PASSW", "_token", "_TOKEN",
        ],
    ),
];
