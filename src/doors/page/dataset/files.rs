//! The files of a dataset.

use crate::doors::open_dataset::OpenDataset;
use crate::doors::page::html::At;
use crate::doors::page::html::Html;
use crate::doors::page::limits::FILES_A_PAGE;
use crate::doors::page::links::Link;
use crate::doors::page::list::number_of;
use crate::doors::page::list::pager;
use crate::doors::page::words;
use crate::doors::request::DoorRequest;
use crate::doors::shown::ShownDataset;
use crate::inspect::FileFormat;
use crate::inspect::Format;
use crate::manifest::FileEntry;

/// Lists the files, a page at a time.
pub(super) fn files(h: &mut Html, open: &OpenDataset, request: &DoorRequest) {
    let all = open.files();
    let from = number_of(request, "files").min(all.len());
    h.element("section", &[At::Lit("aria-labelledby", "files")], |h| {
        h.leaf("h2", &[At::Lit("id", "files")], "Files");
        let scroll = [At::Lit("class", "scroll"), At::Lit("tabindex", "0"), At::Lit("role", "region"), At::Label("Files")];
        h.element("div", &scroll, |h| {
            h.element("table", &[], |h| {
                h.literal(
                    "<thead><tr><th scope=\"col\">Path</th><th scope=\"col\">Format</th>\
                     <th scope=\"col\" class=\"number\">Rows</th><th scope=\"col\" class=\"number\">Size</th>\
                     <th scope=\"col\">Bytes</th></tr></thead>",
                );
                h.element("tbody", &[], |h| {
                    for entry in all.iter().skip(from).take(FILES_A_PAGE) {
                        file(h, &open.dataset, entry);
                    }
                });
            });
        });
        let place = Link::version(&open.dataset);
        pager(h, &place, (from, FILES_A_PAGE, all.len()), "files");
    });
}

fn file(h: &mut Html, dataset: &ShownDataset, entry: &FileEntry) {
    let format = FileFormat::from_number(entry.format);
    h.element("tr", &[], |h| {
        h.element("th", &[At::Lit("scope", "row")], |h| {
            h.link(&Link::file(dataset, "file", &entry.path), &entry.path);
        });
        let name = match format.format {
            Format::Bytes => "",
            _ => format.name(),
        };
        h.leaf("td", &[], name);
        let rows = entry.rows.map(words::grouped).unwrap_or_default();
        h.leaf("td", &[At::Lit("class", "number")], &rows);
        h.leaf(
            "td",
            &[At::Lit("class", "number")],
            &words::size(entry.size_bytes),
        );
        h.element("td", &[], |h| {
            let raw = Link::file(dataset, "raw", &entry.path);
            let label = format!("Download {}", entry.path);
            h.leaf(
                "a",
                &[At::Href(&raw), At::Flag("download"), At::Label(&label)],
                "Download",
            );
        });
    });
}
