//! Output: stdout has what a pipe can use, stderr has status, warnings and errors.

mod tasks;

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

pub use tasks::{Task, Tasks};

/// How results are written to stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();
const NAME: Style = AnsiColor::Blue.on_default();

/// Where everything that is written goes through.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    output: Output,
    quiet: bool,
}

impl Printer {
    /// Returns a printer; a quiet one writes no status.
    #[must_use]
    pub fn new(output: Output, quiet: bool) -> Self {
        Self { output, quiet }
    }

    /// Returns whether results are JSON.
    #[must_use]
    pub fn is_json(self) -> bool {
        self.output == Output::Json
    }

    /// Returns whether no status is written.
    #[must_use]
    pub fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Writes that the command was interrupted, over what a live view has left of its last line.
    pub fn interrupted(self) {
        let clear = if io::stderr().is_terminal() { "\r\x1b[2K" } else { "" };
        self.status(format!("{clear}Interrupted."));
    }

    /// Writes a finished fact to stderr.
    pub fn status(self, fact: impl AsRef<str>) {
        if !self.quiet {
            to_stderr(format_args!("{}\n", fact.as_ref()));
        }
    }

    /// Writes a warning to stderr.
    pub fn warn(self, text: impl AsRef<str>) {
        to_stderr(format_args!("{WARN}warning:{WARN:#} {}\n", text.as_ref()));
    }

    /// Writes an error with its causes to stderr, and what to do about it.
    pub fn error(self, error: &anyhow::Error, hint: Option<&str>) {
        to_stderr(format_args!("{BAD}error:{BAD:#} {error}\n"));
        for cause in error.chain().skip(1) {
            to_stderr(format_args!("  cause: {cause}\n"));
        }
        if let Some(hint) = hint {
            to_stderr(format_args!("{HINT}hint:{HINT:#} {hint}\n"));
        }
    }

    /// Writes a line of a service's log to stderr.
    pub fn log_line(self, name: &str, width: usize, line: &str) {
        to_stderr(format_args!("{NAME}{name:<width$} |{NAME:#} {line}\n"));
    }

    /// Writes the result of a check: to stdout, or to stderr when stdout has JSON.
    ///
    /// # Errors
    /// stdout cannot be written to.
    pub fn check(self, mark: Mark, text: &str) -> io::Result<()> {
        let (style, word) = match mark {
            Mark::Ok => (GOOD, "ok"),
            Mark::Failed => (BAD, "failed"),
            Mark::Skipped => (WARN, "skipped"),
        };
        let line = format!("{style}{word:<7}{style:#} {text}\n");
        if self.is_json() {
            self.status(line.trim_end());
            return Ok(());
        }
        to_stdout(line.as_bytes())
    }

    /// Writes a line for people to stdout.
    ///
    /// # Errors
    /// stdout cannot be written to.
    pub fn line(self, text: &str) -> io::Result<()> {
        to_stdout(format!("{text}\n").as_bytes())
    }

    /// Writes a line of a unified diff to stdout.
    ///
    /// # Errors
    /// stdout cannot be written to.
    pub fn diff_line(self, line: &str) -> io::Result<()> {
        let style = match line.as_bytes() {
            [b'-', b'-', b'-', ..] | [b'+', b'+', b'+', ..] => Style::new().bold(),
            [b'@', b'@', ..] => HINT,
            [b'-', ..] => AnsiColor::Red.on_default(),
            [b'+', ..] => GOOD,
            _ => Style::new(),
        };
        self.line(&format!("{style}{line}{style:#}"))
    }

    /// Writes bytes to stdout as they are.
    ///
    /// # Errors
    /// stdout cannot be written to.
    pub fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        // Not through anstream, which would look for colours in all of them.
        write_to(io::stdout().lock(), bytes)
    }

    /// Writes a result as JSON to stdout.
    ///
    /// # Errors
    /// stdout cannot be written to.
    pub fn json(self, value: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        to_stdout(&text)
    }
}

/// Returns the first ten digits of a commit or of a digest, as people compare them.
#[must_use]
pub fn short(id: &str) -> &str {
    let digits = id.strip_prefix("sha256:").unwrap_or(id);
    digits.get(..10).unwrap_or(digits)
}

/// Asks a question that is answered by yes or no; anything but yes is no.
///
/// # Errors
/// The terminal cannot be read.
pub fn ask(question: &str) -> io::Result<bool> {
    to_stderr(format_args!("{question} [y/N] "));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// As it should.
    #[serde(rename = "passed")]
    Ok,
    /// Otherwise.
    Failed,
    /// Not tried: something that it needs has failed.
    Skipped,
}

fn to_stdout(bytes: &[u8]) -> io::Result<()> {
    write_to(anstream::stdout().lock(), bytes)
}

/// A reader that has gone has what it wanted: the command goes on, and its exit code says how it ended.
fn write_to(mut out: impl Write, bytes: &[u8]) -> io::Result<()> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// There is nowhere left to say that stderr cannot be written to.
fn to_stderr(text: std::fmt::Arguments<'_>) {
    let _ = anstream::stderr().lock().write_fmt(text);
}
