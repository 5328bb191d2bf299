//! A pass over a row that finds everywhere a rule of text might speak, so that the cost of a row
//! without such places does not grow with the number of rules.

use aho_corasick::packed::Config;
use aho_corasick::packed::MatchKind;
use aho_corasick::packed::Searcher;

use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;

/// What a marker may be the beginning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inspect::lint) enum Marker {
    /// Three backticks.
    Fence,
    /// A think tag.
    Think,
    /// A token of a model's control.
    Special,
    /// A tag or an entity of HTML.
    Html,
    /// A phrase of an assistant.
    Boilerplate,
    /// A key or token that begins with this.
    Secret,
    /// `PRIVATE KEY-----`.
    PrivateKey,
    /// A JSON web token.
    WebToken,
    /// The name of something secret.
    SecretName,
}

/// The markers of the rules that are on.
#[derive(Debug)]
pub(in crate::inspect::lint) struct Markers {
    /// Those of three bytes, and the longer ones: the vector search compares as many bytes as the
    /// shortest has, up to four, and what passes that by chance costs most of the time. It has eight
    /// buckets, so markers with brackets in front are searched for apart from words: few bytes of text
    /// are like both.
    searches: [Search; 3],
}

#[derive(Debug)]
struct Search {
    /// None where there is nothing to look for.
    searcher: Option<Searcher>,
    kinds: Vec<Marker>,
}

impl Markers {
    pub(in crate::inspect::lint) fn new(options: &LintOptions) -> Self {
        Self {
            searches: [SHORT, TAGS, WORDS].map(|all| Search::new(all, options)),
        }
    }

    /// Shows where each marker in a text begins.
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

impl Search {
    fn new(all: &[(Marker, &[&str])], options: &LintOptions) -> Self {
        let wanted = || all.iter().filter(|(marker, _)| options.any(marker.rules()));
        let texts = wanted().flat_map(|(_, texts)| texts.iter());
        // Of two that begin at one byte, the longer has to win.
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

/// At most 64, which is what the vector search takes; so of the next.
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
