//! Work that several things do at once: one live view on a terminal, a line for each step elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::Printer;

/// The work that is under way.
#[derive(Clone, Debug)]
pub struct Tasks {
    printer: Printer,
    live: Option<MultiProgress>,
    width: usize,
}

/// One of several things that work.
#[derive(Debug)]
pub struct Task {
    printer: Printer,
    name: String,
    width: usize,
    bar: Option<ProgressBar>,
}

impl Tasks {
    /// Returns no work yet; names are as wide as `width` at most.
    #[must_use]
    pub fn new(printer: Printer, width: usize) -> Self {
        let live = std::io::stderr().is_terminal() && !printer.quiet;
        Self { printer, live: live.then(MultiProgress::new), width }
    }

    /// Returns a thing that begins to work.
    #[must_use]
    pub fn start(&self, name: &str) -> Task {
        let bar = self.live.as_ref().map(|live| {
            let bar = live
                .add(ProgressBar::new_spinner().with_prefix(format!("{name:<width$}", width = self.width)));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {wide_msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Task { printer: self.printer, name: name.to_owned(), width: self.width, bar }
    }
}

impl Task {
    /// Tells of a new step.
    pub fn step(&self, step: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(step.to_owned()),
            None => self.printer.status(format!("{:<width$} {step}", self.name, width = self.width)),
        }
    }

    /// Tells how far a step is, where that can be seen live.
    pub fn detail(&self, detail: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(detail.to_owned());
        }
    }

    /// Takes it from the live view, where others follow that have their own; `done` is told still.
    pub fn hide(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Tells that it is done: the last that is seen of it.
    pub fn done(&self, fact: &str) {
        let line = format!("{:<width$} {fact}", self.name, width = self.width);
        match &self.bar {
            Some(bar) => {
                bar.finish_and_clear();
                // Above what is still live.
                bar.suspend(|| self.printer.status(&line));
            }
            None => self.printer.status(&line),
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
