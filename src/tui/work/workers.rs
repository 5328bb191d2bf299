//! The running jobs, one for each slot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use crate::panics::caught;
use crate::tui::document::CancelToken;
use crate::tui::document::DocumentError;
use crate::tui::event::Event;
use crate::tui::job::AnswerBody;
use crate::tui::job::Job;
use crate::tui::job::Slot;
use crate::tui::work::analysis;
use crate::tui::work::editing;
use crate::tui::work::export;
use crate::tui::work::layout;
use crate::tui::work::registry;
use crate::tui::work::reporter::Reporter;
use crate::tui::work::rows;
use crate::tui::work::scans;
use crate::tui::work::surroundings::Surroundings;

/// The running jobs.
pub(in crate::tui) struct Workers {
    pub around: Arc<Surroundings>,
    to: Sender<Event>,
    running: BTreeMap<Slot, CancelToken>,
}

impl Workers {
    pub(in crate::tui) fn new(around: Surroundings, to: Sender<Event>) -> Self {
        Self {
            around: Arc::new(around),
            to,
            running: BTreeMap::new(),
        }
    }

    /// Starts a job. An earlier one in its slot is told to stop.
    pub(in crate::tui) fn start(&mut self, slot: Slot, generation: u64, job: Job) {
        let cancel = CancelToken::default();
        if let Some(earlier) = self.running.insert(slot, cancel.clone()) {
            earlier.cancel();
        }
        let reporter = Reporter::new(slot, generation, self.to.clone(), cancel);
        let around = Arc::clone(&self.around);
        let thread = std::thread::Builder::new().name(format!("view-{slot:?}"));
        let after = reporter.clone();
        let started = thread.spawn(move || {
            let done = caught(|| run(&around, job, &reporter));
            match done {
                Ok(Ok(body)) => reporter.answer(body),
                Ok(Err(DocumentError::Cancelled)) => {}
                Ok(Err(error)) => reporter.answer(AnswerBody::Failed(error.to_string())),
                Err(_) => {
                    let text = "a part of the program failed; the rest goes on".to_owned();
                    reporter.answer(AnswerBody::Failed(text));
                }
            }
        });
        if let Err(error) = started {
            after.answer(AnswerBody::Failed(error.to_string()));
        }
    }

    pub(in crate::tui) fn cancel(&mut self, slot: Slot) {
        if let Some(token) = self.running.remove(&slot) {
            token.cancel();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.running.values().for_each(CancelToken::cancel);
    }
}

fn run(around: &Surroundings, job: Job, to: &Reporter) -> Result<AnswerBody, DocumentError> {
    match job {
        Job::Open { name, rows } => rows::open(around, &name, rows, to),
        Job::Page {
            start,
            count,
            expanded,
            put,
        } => {
            let page = around
                .document()?
                .page(&start, count, &expanded, &to.cancel)?;
            Ok(AnswerBody::Page {
                page,
                put,
                first: None,
            })
        }
        Job::Around {
            place,
            number,
            before,
            count,
            expanded,
        } => rows::around(
            &*around.document()?,
            (place, number),
            (before, count),
            &expanded,
            to,
        ),
        Job::Listed {
            rows,
            first,
            expanded,
            put,
        } => rows::listed(&*around.document()?, &rows, first, &expanded, put, to),
        Job::Number(place) => rows::number(&*around.document()?, place, to),
        Job::Find(row) => rows::find(&*around.document()?, row, to),
        Job::Record {
            place,
            form,
            width,
            column,
        } => {
            let document = around.document()?;
            layout::record(
                &document,
                place,
                (form, width),
                column.as_deref(),
                &to.cancel,
            )
        }
        Job::Count => rows::count(&*around.document()?, to),
        Job::Scan(filters) => scans::scan(&*around.document()?, &filters, to),
        Job::Sort {
            column,
            order,
            filters,
        } => scans::sort(&*around.document()?, &column, order, &filters, to),
        Job::Stats { column, width } => analysis::stats(&*around.document()?, &column, width, to),
        Job::Lint => analysis::lint(&*around.document()?, to),
        Job::Duplicates => analysis::duplicates(&*around.document()?, to),
        Job::Export { rows, path } => export::to_file(&*around.document()?, &rows, &path, to),
        Job::Edit { edit, row, rows } => editing::edit(around, edit, (row, rows), to),
        Job::Browse(job) => registry::run(around, job, to),
    }
}
