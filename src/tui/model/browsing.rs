//! Commands and answers of the browser of the registry.

use crate::tui::browse::BrowseAnswer;
use crate::tui::browse::BrowseJob;
use crate::tui::job::Job;
use crate::tui::job::Slot;
use crate::tui::model::State;
use crate::tui::model::parts::panes::Pane;

use crate::tui::model::parts::browser::Browser;
use crate::tui::model::parts::browser::BrowserList;

impl State {
    /// A state that opens a target, or the registry without one.
    pub(in crate::tui) fn new(target: Option<&str>, (width, height): (u16, u16)) -> Self {
        let mut state = Self {
            width,
            height,
            ..Self::default()
        };
        match target {
            Some(name) => state.open(name),
            None => state.browse(),
        }
        state
    }

    /// Shows the registry.
    pub(super) fn browse(&mut self) {
        self.is_browsing = true;
        self.browser = Some(Browser::default());
        self.start(Slot::Browse, Job::Browse(BrowseJob::Datasets));
    }

    /// Opens a target by its name.
    pub(super) fn open(&mut self, name: &str) {
        for slot in Slot::ALL {
            self.cancel(slot);
        }
        let (width, height) = (self.width, self.height);
        let (browser, tasks) = (self.browser.take(), std::mem::take(&mut self.tasks));
        let jobs = std::mem::take(&mut self.jobs);
        *self = Self {
            width,
            height,
            browser,
            tasks,
            jobs,
            ..Self::default()
        };
        self.facts.name = name.to_owned();
        let rows = self.page_rows();
        self.start(
            Slot::Open,
            Job::Open {
                name: name.to_owned(),
                rows,
            },
        );
    }

    /// Lines of the list of the browser.
    pub(in crate::tui) fn browser_lines(&self) -> u16 {
        let body = self.body_height();
        match self.has_detail_below() {
            true => body / 2,
            false => body,
        }
        .saturating_sub(u16::from(body > 3))
    }

    /// Returns true if the description of a dataset is below the list, and not beside it.
    pub(in crate::tui) fn has_detail_below(&self) -> bool {
        self.width < 100 && self.body_height() >= 12
    }

    /// Asks for the description of the selected dataset.
    pub(super) fn load_detail(&mut self) {
        let Some(browser) = &self.browser else { return };
        let wanted = match &browser.list {
            BrowserList::Datasets | BrowserList::Versions(_) => {
                browser.current().map(|entry| entry.reference.clone())
            }
            _ => None,
        };
        let Some(reference) = wanted else { return };
        let has = browser
            .detail
            .as_ref()
            .is_some_and(|(of, _)| *of == reference);
        // It is on its way: a key or an answer must not begin it again.
        let is_asked =
            browser.asked.as_ref() == Some(&reference) && self.jobs.is_running(Slot::Detail);
        if !has && !is_asked && self.is_browsing {
            if let Some(browser) = &mut self.browser {
                browser.asked = Some(reference.clone());
            }
            self.start(Slot::Detail, Job::Browse(BrowseJob::Detail(reference)));
        }
    }

    /// Opens what is selected.
    pub(super) fn open_selected(&mut self) {
        let Some(browser) = &mut self.browser else {
            return;
        };
        if browser.list == BrowserList::Peers {
            let peer = browser
                .shown_peers()
                .get(browser.selected)
                .map(|peer| peer.address.clone());
            let Some(peer) = peer else { return };
            browser.offers.clear();
            browser.show(BrowserList::Offers(peer.clone()));
            return self.start(Slot::Browse, Job::Browse(BrowseJob::Offers(peer)));
        }
        let Some(entry) = browser.current() else {
            return;
        };
        let reference = entry.reference.clone();
        match browser.list {
            BrowserList::Offers(_) => self.pull_selected(),
            _ => self.open(&reference),
        }
    }

    /// Pulls the selected dataset of a peer.
    pub(super) fn pull_selected(&mut self) {
        let Some(browser) = &self.browser else { return };
        let BrowserList::Offers(peer) = &browser.list else {
            return self.say("choose a dataset of a peer: `p` lists the peers");
        };
        let Some(entry) = browser.current() else {
            return;
        };
        let job = BrowseJob::Pull {
            peer: peer.clone(),
            reference: entry.reference.clone(),
        };
        self.start(Slot::Pull, Job::Browse(job));
    }

    /// Shows the versions of the selected dataset, or all datasets again.
    pub(super) fn show_versions(&mut self) {
        let Some(browser) = &mut self.browser else {
            return;
        };
        match browser.list.clone() {
            BrowserList::Versions(_) => browser.show(BrowserList::Datasets),
            _ => {
                if let Some(name) = browser.current().map(|entry| entry.name.clone()) {
                    browser.show(BrowserList::Versions(name));
                }
            }
        }
    }

    /// Shows the peers, or the datasets here again.
    pub(super) fn show_peers(&mut self) {
        let Some(browser) = &mut self.browser else {
            return;
        };
        match browser.list {
            BrowserList::Peers | BrowserList::Offers(_) => browser.show(BrowserList::Datasets),
            _ => {
                browser.show(BrowserList::Peers);
                self.start(Slot::Browse, Job::Browse(BrowseJob::Peers));
            }
        }
    }

    /// Marks the selected version for a comparison.
    pub(super) fn mark_version(&mut self) {
        let Some(browser) = &mut self.browser else {
            return;
        };
        let Some(reference) = browser.current().map(|entry| entry.reference.clone()) else {
            return;
        };
        self.say(format!("`=` compares another version with {reference}"));
        if let Some(browser) = &mut self.browser {
            browser.marked = Some(reference);
        }
    }

    /// Compares the marked version and the selected one.
    pub(super) fn compare_versions(&mut self) {
        let Some(browser) = &self.browser else { return };
        let current = browser.current().map(|entry| entry.reference.clone());
        match (browser.marked.clone(), current) {
            (Some(old), Some(new)) if old != new => {
                self.say("comparing…");
                self.start(Slot::Compare, Job::Browse(BrowseJob::Compare { old, new }));
            }
            _ => self.say("mark a version with `m`, then choose another"),
        }
    }

    /// Takes back one layer of the browser; false if there is none.
    pub(super) fn leave_browser_layer(&mut self) -> bool {
        let Some(browser) = &mut self.browser else {
            return false;
        };
        if !browser.query.is_empty() {
            browser.query.clear();
            browser.selected = 0;
            return true;
        }
        match browser.list.clone() {
            BrowserList::Datasets => false,
            BrowserList::Offers(_) => {
                browser.show(BrowserList::Peers);
                true
            }
            _ => {
                browser.show(BrowserList::Datasets);
                true
            }
        }
    }

    /// Takes an answer.
    pub(super) fn take_browse_answer(&mut self, answer: BrowseAnswer) {
        let Some(browser) = &mut self.browser else {
            return;
        };
        match answer {
            BrowseAnswer::Datasets(datasets) => {
                browser.datasets = datasets;
                browser.is_ready = true;
            }
            BrowseAnswer::Detail { reference, lines } => browser.detail = Some((reference, lines)),
            BrowseAnswer::Peers(peers) => browser.peers = peers,
            BrowseAnswer::Offers(offers) => browser.offers = offers,
            BrowseAnswer::Pulled(reference) => {
                self.say(format!("{reference} is here now"));
                if self.is_browsing {
                    self.open(&reference);
                }
            }
            BrowseAnswer::Compared { title, lines } => {
                self.message = None;
                self.pane = Some(Pane::Lines {
                    title,
                    lines,
                    top: 0,
                });
            }
        }
    }
}
