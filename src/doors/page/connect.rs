//! The page of lines that connect other programs.

use std::sync::Arc;

use hyper::StatusCode;

use crate::doors::body::Answer;
use crate::doors::catalogue::DatasetList;
use crate::doors::error::DoorError;
use crate::doors::page::client_lines::CLIENTS;
use crate::doors::page::client_lines::client_lines;
use crate::doors::page::facts;
use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::layout;
use crate::doors::page::layout::Page;
use crate::doors::page::layout::Part;
use crate::doors::page::limits::SUGGESTIONS_MAX;
use crate::doors::page::links::Link;
use crate::doors::request::DoorRequest;
use crate::doors::shown::ShownDataset;
use crate::doors::state::Doors;

/// Answers with the lines for a dataset, or for an example.
pub(super) async fn answer(
    doors: &Arc<Doors>,
    list: &DatasetList,
    request: &DoorRequest,
) -> Result<Answer, DoorError> {
    let asked = request.param("dataset").unwrap_or_default();
    let dataset = find(list, asked);
    let named = match &dataset {
        Some(dataset) => Some(named(doors, dataset).await?),
        None => None,
    };
    let http = request.base();
    let s3 = s3_of(doors, &http);
    let mut html = Html::new();
    html.leaf("h1", &[], "Connect");
    html.leaf(
        "p",
        &[],
        "Programs that know the hub or S3 read the datasets of this node unmodified. The bytes that they get were compared with \
         their hashes before they left.",
    );
    if dataset.is_none() && !asked.is_empty() {
        let text = "There is no such dataset, as far as you may see. These lines are an example.";
        html.leaf("p", &[At::Lit("class", "note")], text);
    }
    choice(&mut html, list, asked);
    tokens(&mut html, doors);
    html.element(
        "nav",
        &[At::Lit("class", "tabs"), At::Label("Clients")],
        |h| {
            for (client, title) in CLIENTS {
                let title = title.split(',').next().unwrap_or(title);
                h.link(&Link::literal("").part(client), title);
            }
        },
    );
    for (client, title) in CLIENTS {
        html.element("section", &[At::Lit("id", client), At::Label(title)], |h| {
            h.leaf("h2", &[], title);
            match client_lines(client, Some(&http), s3.as_deref(), named.as_deref()) {
                Some(lines) => facts::block(h, &lines),
                None => {
                    h.leaf("p", &[At::Lit("class", "hint")], "It reads through S3, which this node does not serve: `registry serve --s3`.");
                }
            }
        });
    }
    facts::commands(
        &mut html,
        "On the command line",
        &[facts::command_line(&[
            "alimentar",
            "registry",
            "serve",
            "--print-client",
        ])],
    );
    let page = Page::new("Connect", Part::Connect, html);
    Ok(layout::page(request, StatusCode::OK, page))
}

/// Returns the URL of S3: the host of this request, at the port of that door.
fn s3_of(doors: &Doors, http: &str) -> Option<String> {
    let port = doors.s3_address.get()?.port();
    let (scheme, host) = http.split_once("://")?;
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    Some(format!("{scheme}://{name}:{port}"))
}

fn find(list: &DatasetList, asked: &str) -> Option<Arc<ShownDataset>> {
    let (publisher, named) = asked.split_once('/')?;
    match named.split_once('@') {
        Some((name, version)) => list.revision(publisher, name, version),
        None => list.newest(publisher, named),
    }
}

/// Returns the words that name a dataset, and its first file with rows.
async fn named(doors: &Doors, dataset: &Arc<ShownDataset>) -> Result<String, DoorError> {
    let open = doors.catalogue.open(dataset).await?;
    let with_rows = open
        .files()
        .iter()
        .find(|file| file.rows.is_some_and(|rows| rows > 0));
    let file = with_rows.or(open.files().first());
    let path = file.map_or_else(String::new, |file| format!(":{}", file.path));
    Ok(format!("{}{path}", dataset.key_prefix()))
}

fn choice(h: &mut Html, list: &DatasetList, asked: &str) {
    let form = [
        At::Lit("class", "in-rows"),
        At::Lit("method", "get"),
        At::Action(&Link::literal("/connect")),
    ];
    h.element("form", &form, |h| {
        h.leaf("label", &[At::Lit("for", "dataset")], "Dataset");
        h.void(
            "input",
            &[
                At::Lit("id", "dataset"),
                At::Lit("name", "dataset"),
                At::Lit("list", "names"),
                At::Lit("autocomplete", "off"),
                At::Lit("spellcheck", "false"),
                At::Lit("placeholder", "publisher/name@version"),
                At::Value(asked),
            ],
        );
        h.element("datalist", &[At::Lit("id", "names")], |h| {
            for dataset in list.all().iter().take(SUGGESTIONS_MAX) {
                h.void("option", &[At::Value(&dataset.key_prefix())]);
            }
        });
        h.leaf("button", &[At::Lit("type", "submit")], "Show");
    });
}

fn tokens(h: &mut Html, doors: &Doors) {
    let text = match doors.options.is_token_needed {
        true => {
            "Every client of this node needs a token. Its owner makes one with `alimentar registry token add NAME`: a secret \
             for the hub's clients and curl, and with the access key beside it for those of S3."
        }
        false => {
            "Clients need no token here. With one, they also see the datasets that it permits."
        }
    };
    h.leaf("p", &[At::Lit("class", "hint")], text);
}

#[cfg(test)]
mod tests {
    #[test]
    fn empty_place_with_a_part_is_on_the_page() {
        let link = super::Link::literal("").part("hf");
        assert_eq!(link.as_str(), "#hf");
    }
}
