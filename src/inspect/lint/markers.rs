//! One pass over a row that finds everywhere a rule of text might speak, so that the cost of a row
//! without such places does not grow with the number of rules.

use aho_corasick::packed::Config;
use aho_corasick::packed::MatchKind;
use aho_corasick::packed::Searcher;

use crate::inspect::lint::LintOptions;
use crate::inspect::lint::RuleId;

/// What a marker may be the beginning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
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
pub(super) struct Markers {
    /// None where there is nothing to look for.
    searcher: Option<Searcher>,
    kinds: Vec<Marker>,
}

impl Markers {
    pub(super) fn new(options: &LintOptions) -> Self {
        let is_on = |marker: Marker| options.any(marker.rules());
        let wanted = || ALL.iter().filter(|(marker, _)| is_on(*marker));
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

    /// Shows where each marker in a text begins.
    pub(super) fn each(&self, text: &[u8], mut found: impl FnMut(Marker, usize)) {
        let Some(searcher) = &self.searcher else {
            return;
        };
        for one in searcher.find_iter(text) {
            if let Some(marker) = self.kinds.get(one.pattern().as_usize()) {
                found(*marker, one.start());
            }
        }
    }
}

impl Marker {
    fn rules(self) -> &'static [RuleId] {
        match self {
            Self::Fence => &[RuleId::UnbalancedFence],
            Self::Think => &[RuleId::UnbalancedThink],
            Self::Special => &[RuleId::SpecialToken],
            Self::Html => &[RuleId::HtmlMarkup],
            Self::Boilerplate => &[RuleId::AssistantBoilerplate],
            Self::Secret | Self::PrivateKey | Self::WebToken => &[RuleId::Secret],
            Self::SecretName => &[RuleId::PossibleSecret],
        }
    }
}

/// What is searched for. All at once, as long as there are few enough for the vector search of the
/// crate, which is at most 128.
const ALL: &[(Marker, &[&str])] = &[
    (Marker::Fence, &["```"]),
    (Marker::Think, &["think>", "thinking>", "reasoning>"]),
    (
        Marker::Special,
        &["<|", "[INST]", "<<SYS>>", "<start_of_turn>"],
    ),
    (
        Marker::Html,
        &[
            "<div", "<span", "<br", "<p>", "</p>", "</a>", "<script", "<table", "&nbsp;", "&amp;",
            "&lt;", "&quot;",
        ],
    ),
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
            "sk-",
            "sk_live_",
            "rk_live_",
            "hf_",
        ],
    ),
    (Marker::PrivateKey, &["PRIVATE KEY-----"]),
    (Marker::WebToken, &["eyJ"]),
    (
        Marker::SecretName,
        &[
            "api_key",
            "apikey",
            "apiKey",
            "api-key",
            "API_KEY",
            "APIKEY",
            "secret",
            "Secret",
            "SECRET",
            "passwd",
            "password",
            "Password",
            "PASSWORD",
            "access_token",
            "ACCESS_TOKEN",
            "auth_token",
            "AUTH_TOKEN",
        ],
    ),
];
