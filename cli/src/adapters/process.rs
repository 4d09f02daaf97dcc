//! A program and all that it starts.

use std::io;
use std::process::{ExitStatus, Stdio};

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
