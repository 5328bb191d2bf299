//! `registry token`: the tokens of clients that read datasets over HTTP and S3.

use clap::Args;
use clap::Subcommand;
use serde::Serialize;

use crate::cli::context::Context;
use crate::cli::exit::Failure;
use crate::cli::parse::parse_alias;
use crate::ident::Alias;
use crate::ident::Reference;
use crate::keyring::AccessToken;
use crate::keyring::AccessTokens;
use crate::keyring::TokenSecret;
use crate::registry::Error;
use crate::registry::host;

/// The tokens of clients that read datasets over HTTP and S3
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token, and show its secret, which is not shown again
    #[command(after_help = "Examples:
  alimentar registry token add training
  alimentar registry token add lab-b --dataset corpus@^1 --dataset photos
The access key and the secret are the keys of S3 clients; the secret alone is the bearer token of HTTP clients, such as HF_TOKEN.")]
    Add {
        /// Its name here
        #[arg(value_parser = parse_alias)]
        name: Alias,
        /// Limit it to this dataset; may be given several times
        #[arg(long = "dataset", value_name = "REF")]
        datasets: Vec<String>,
        /// It may add datasets too, where the server takes any (`serve --allow-upload`)
        #[arg(long)]
        write: bool,
    },
    /// List the tokens
    #[command(after_help = "Examples:
  alimentar token list")]
    List,
    /// Refuse a token from now on, also in a running server
    #[command(after_help = "Examples:
  alimentar token revoke reader")]
    Revoke {
        /// Its name here
        #[arg(value_parser = parse_alias)]
        name: Alias,
    },
}

impl TokenArgs {
    pub(crate) fn adds_token(&self) -> bool {
        matches!(self.command, TokenCommand::Add { .. })
    }
}

#[derive(Serialize)]
struct TokenOutput {
    tokens: Vec<TokenObject>,
    /// The secret of the new token.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// The name of the token that was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
}

#[derive(Serialize)]
struct TokenObject {
    name: String,
    access_key: String,
    created: String,
    last_used: Option<String>,
    datasets: Vec<String>,
    write: bool,
    /// Its secret, if it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl TokenObject {
    fn of(token: AccessToken) -> Self {
        Self {
            created: token.created.to_rfc3339(),
            last_used: token.last_used.map(|at| at.to_rfc3339()),
            name: token.name,
            access_key: token.access_key,
            datasets: token.datasets,
            write: token.can_write,
            secret: None,
        }
    }

    /// The row of a table.
    fn row(&self) -> Vec<String> {
        let datasets = match self.datasets.as_slice() {
            [] => "all".to_owned(),
            some => some.join(" "),
        };
        let day = |time: &str| time.split('T').next().unwrap_or_default().to_owned();
        let last_used = self.last_used.as_deref().map(day);
        vec![
            self.name.clone(),
            self.access_key.clone(),
            day(&self.created),
            last_used.unwrap_or_else(|| "never".to_owned()),
            if self.write { "yes" } else { "no" }.to_owned(),
            datasets,
        ]
    }
}

pub(crate) fn run(ctx: &Context, args: &TokenArgs) -> Result<(), Failure> {
    // The home is checked and made as for every command of the registry.
    let home = ctx.registry()?.home();
    let tokens = AccessTokens::open(home).map_err(Error::from)?;
    match &args.command {
        TokenCommand::Add {
            name,
            datasets,
            write,
        } => {
            for text in datasets {
                text.parse::<Reference>()?;
            }
            let made = tokens.add(name, datasets, *write, host::now());
            let (token, secret) = made.map_err(Error::from)?;
            print_added(ctx, token, &secret)
        }
        TokenCommand::List => {
            let listed = tokens.list().map_err(Error::from)?;
            print_tokens(ctx, listed, None)
        }
        TokenCommand::Revoke { name } => {
            tokens.revoke(name).map_err(Error::from)?;
            let left = tokens.list().map_err(Error::from)?;
            print_tokens(ctx, left, Some(name))
        }
    }
}

fn print_added(ctx: &Context, token: AccessToken, secret: &TokenSecret) -> Result<(), Failure> {
    let object = TokenObject {
        secret: Some(secret.reveal().to_owned()),
        ..TokenObject::of(token)
    };
    let text = format!(
        "Made the token `{}`; the secret is not shown again\n  access key  {}\n  secret      {}\n",
        object.name,
        object.access_key,
        secret.reveal()
    );
    let lines = [object.access_key.clone(), secret.reveal().to_owned()];
    let output = TokenOutput {
        tokens: vec![object],
        secret: Some(secret.reveal().to_owned()),
        revoked: None,
    };
    Ok(ctx.out.result(&output, &lines, &text)?)
}

/// Prints all tokens, or the name of one that was revoked. JSON has the tokens in either case.
fn print_tokens(
    ctx: &Context,
    tokens: Vec<AccessToken>,
    revoked: Option<&Alias>,
) -> Result<(), Failure> {
    let tokens: Vec<TokenObject> = tokens.into_iter().map(TokenObject::of).collect();
    let rows: Vec<Vec<String>> = tokens.iter().map(TokenObject::row).collect();
    let text = match (revoked, rows.is_empty()) {
        (Some(name), _) => format!("The token `{name}` is refused from now on\n"),
        (None, true) => {
            "There are no tokens: `alimentar registry token add NAME` makes one\n".to_owned()
        }
        (None, false) => {
            let head = ["NAME", "ACCESS KEY", "MADE", "USED", "WRITES", "DATASETS"];
            ctx.out.table(&head, &rows)
        }
    };
    let lines: Vec<String> = tokens.iter().map(|t| t.access_key.clone()).collect();
    let output = TokenOutput {
        tokens,
        secret: None,
        revoked: revoked.map(ToString::to_string),
    };
    Ok(ctx.out.result(&output, &lines, &text)?)
}
