//! A program and all that it starts.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncBufReadExt, BufReader};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// A program in a process group of its own: Ctrl-C in the terminal reaches `ecomctl` alone, which decides. When this
/// is dropped, the group is told to end.
#[derive(Debug)]
pub struct Group {
    child: Child,
    pid: Option<Pid>,
    /// It ends when this is dropped.
    _watch: Option<Child>,
}

impl Group {
    /// Starts `command`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).kill_on_drop(true).spawn()?;
        let pid = pid_of(&child);
        Ok(Self { child, pid, _watch: None })
    }

    /// Starts `command` in the group of a watch, which runs before it does: a shell that tells the group to end when
    /// `ecomctl` is gone without having done so. Its standard input is a pipe, which the system closes then.
    ///
    /// # Errors
    /// There is no shell, or the program cannot be started.
    pub fn spawn_watched(command: &mut Command) -> io::Result<Self> {
        const WATCH: &str = "while read -r _; do :; done; kill -s TERM 0";
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCH]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let watch = shell.process_group(0).kill_on_drop(true).spawn()?;
        let pid = pid_of(&watch);
        let group = pid.map_or(0, |pid| pid.as_raw_nonzero().get());
        let child = command.process_group(group).kill_on_drop(true).spawn()?;
        Ok(Self { child, pid, _watch: Some(watch) })
    }

    /// Returns the process group, until the program has ended.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// Takes the end of the program's standard input.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Takes the end of the program's standard output.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Takes the end of the program's standard error.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Waits for the program to end.
    ///
    /// # Errors
    /// The system cannot tell.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.pid = None;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            signal(pid, Signal::TERM);
        }
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
}

/// Sends a signal to a process group. One that is gone has nothing left to be told.
pub fn signal(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

/// Why a program did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is not there.
    #[error("there is no program `{0}`")]
    Missing(String),
    /// It cannot be started.
    #[error("failed to run `{program}`")]
    Start {
        /// Which.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// It has failed.
    #[error("`{command}` failed{}", after(.said))]
    Failed {
        /// The program and its arguments.
        command: String,
        /// The last that it said.
        said: String,
    },
}

fn after(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// Makes sure that a program is on the path.
///
/// # Errors
/// It is not.
pub fn require(program: &str) -> Result<(), ProgramError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).is_file()) {
        return Ok(());
    }
    Err(ProgramError::Missing(program.to_owned()))
}

/// How many of the last lines are told when a program fails.
const LAST_LINES: usize = 3;

/// Runs a program to its end, which is also its end when `ecomctl` is gone. `told` hears each line that it prints.
///
/// # Errors
/// It cannot be started, or fails.
pub async fn run(command: &mut Command, mut told: impl FnMut(&str)) -> Result<(), ProgramError> {
    let shown = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    let program = shown(command.as_std().get_program());
    let words: Vec<String> =
        std::iter::once(program.clone()).chain(command.as_std().get_args().map(shown)).collect();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let start = |source| ProgramError::Start { program: program.clone(), source };
    let mut group = Group::spawn_watched(command).map_err(start)?;
    let (Some(stdout), Some(stderr)) = (group.stdout(), group.stderr()) else {
        return Err(start(io::ErrorKind::BrokenPipe.into()));
    };
    let (mut out, mut err) = (BufReader::new(stdout).lines(), BufReader::new(stderr).lines());
    let (mut out_ended, mut err_ended) = (false, false);
    let mut last = std::collections::VecDeque::new();
    while !(out_ended && err_ended) {
        let line = tokio::select! {
            line = out.next_line(), if !out_ended => { out_ended = !matches!(line, Ok(Some(_))); line }
            line = err.next_line(), if !err_ended => { err_ended = !matches!(line, Ok(Some(_))); line }
        };
        if let Ok(Some(line)) = line
            && !line.trim().is_empty()
        {
            told(line.trim());
            last.push_back(line.trim().to_owned());
            if last.len() > LAST_LINES {
                last.pop_front();
            }
        }
    }
    let status = group.wait().await.map_err(start)?;
    if status.success() {
        return Ok(());
    }
    let said = last.into_iter().collect::<Vec<_>>().join("; ");
    Err(ProgramError::Failed { command: words.join(" "), said })
}
