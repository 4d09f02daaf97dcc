//! The services as processes: started, watched, stopped.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::logs::LogWriter;
use crate::adapters::http::{Http, HttpError, Scheme};
use crate::adapters::process::{Group, signal};
use crate::model::local::LocalProcess;

/// Lines of a service's log that are kept for an error message.
const LAST_LINES: usize = 10;
/// Lines of logs that wait to be printed at most.
const WAITING_LINES: usize = 4096;
/// Longest line that is read as one, in bytes.
const MAX_LINE: u64 = 64 * 1024;
/// Longest time that a service gets to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two looks at whether it is.
const READY_PAUSE: Duration = Duration::from_millis(20);
/// Longest time that a service gets to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(12);

/// Why the services do not run.
#[derive(Debug, thiserror::Error)]
pub enum ServicesError {
    /// A program cannot be started.
    #[error("failed to start {name} (`{}`)", program.display())]
    Start {
        /// Which service.
        name: String,
        /// Its program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its log cannot be written.
    #[error("failed to write the log of {name}")]
    Log {
        /// Which service.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A service has ended that nobody told to.
    #[error("{name} ended ({status}){}", last_lines(.log))]
    Ended {
        /// Which service.
        name: String,
        /// How it ended.
        status: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// A service does not become ready.
    #[error("{name} is not ready after {} s: {reason}{}", READY_TIMEOUT.as_secs(), last_lines(.log))]
    NotReady {
        /// Which service.
        name: String,
        /// What it answers.
        reason: String,
        /// The last lines of its log.
        log: Vec<String>,
    },
    /// The HTTP client cannot be made.
    #[error("failed to make an HTTP client")]
    Client(#[from] HttpError),
}

fn last_lines(log: &[String]) -> String {
    if log.is_empty() {
        return "; it has logged nothing".to_owned();
    }
    format!("; its last lines:\n  {}", log.join("\n  "))
}

/// A line of a service's log.
#[derive(Clone, Debug)]
pub struct LogLine {
    /// Which service.
    pub name: String,
    /// What it logged.
    pub line: String,
}

/// The running services. When this is dropped, they are told to stop.
#[derive(Debug)]
pub struct Services {
    running: BTreeMap<String, Running>,
    exits: JoinSet<(String, io::Result<ExitStatus>)>,
    lines: mpsc::Sender<LogLine>,
}

#[derive(Debug)]
struct Running {
    pid: Option<Pid>,
    log: Log,
    ready_url: String,
    /// A service ends when this closes, and the system closes it when `ecomctl` is killed.
    _lifeline: Option<ChildStdin>,
}

/// What a service has logged: all of it in a file, the last lines here.
#[derive(Clone, Debug)]
struct Log(Arc<Mutex<(LogWriter, VecDeque<String>)>>);

impl Log {
    fn new(file: LogWriter) -> Self {
        Self(Arc::new(Mutex::new((file, VecDeque::new()))))
    }

    fn push(&self, line: String) {
        let (file, lines) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.line(&line);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.iter().cloned().collect()
    }
}

impl Services {
    /// Returns no services yet, and where the lines of their logs will come out.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<LogLine>) {
        let (lines, received) = mpsc::channel(WAITING_LINES);
        (Self { running: BTreeMap::new(), exits: JoinSet::new(), lines }, received)
    }

    /// Returns the names of the services that run.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.running.keys().map(String::as_str)
    }

    /// Starts `program` as a service whose working directory is `folder`, and which logs to a file in `logs`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(
        &mut self,
        process: &LocalProcess,
        program: &Path,
        folder: &Path,
        logs: &Path,
    ) -> Result<(), ServicesError> {
        let name = process.name.clone();
        let log = LogWriter::begin(logs, &name);
        let log = Log::new(log.map_err(|source| ServicesError::Log { name: name.clone(), source })?);
        let mut command = Command::new(program);
        // As in a container: nothing of the user's environment but how much is logged.
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "RUST_LOG"));
        command.envs(&process.env).current_dir(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::spawn(&mut command).map_err(|source| ServicesError::Start {
            name: name.clone(),
            program: program.to_owned(),
            source,
        })?;
        let mut readers = JoinSet::new();
        if let Some(stdout) = group.stdout() {
            readers.spawn(read(stdout, name.clone(), log.clone(), self.lines.clone()));
        }
        if let Some(stderr) = group.stderr() {
            readers.spawn(read(stderr, name.clone(), log.clone(), self.lines.clone()));
        }
        let running =
            Running { pid: group.pid(), log, ready_url: process.ready_url.clone(), _lifeline: group.stdin() };
        self.running.insert(name.clone(), running);
        self.exits.spawn(async move {
            let status = group.wait().await;
            // What it said last is said before it is known to be gone.
            let _ = tokio::time::timeout(Duration::from_secs(1), readers.join_all()).await;
            (name, status)
        });
        Ok(())
    }

    /// Waits until every service says that it can serve.
    ///
    /// # Errors
    /// One ends, or is not ready in time.
    pub async fn ready(&mut self) -> Result<(), ServicesError> {
        let client = Http::new(Scheme::Http, Duration::from_secs(2))?;
        let waits: Vec<(String, String, Log)> = self
            .running
            .iter()
            .map(|(name, running)| (name.clone(), running.ready_url.clone(), running.log.clone()))
            .collect();
        let all = async {
            for (name, url, log) in waits {
                wait_ready(&client, &url).await.map_err(|reason| ServicesError::NotReady {
                    name,
                    reason,
                    log: log.lines(),
                })?;
            }
            Ok(())
        };
        tokio::select! {
            result = all => result,
            ended = self.ended() => Err(ended),
        }
    }

    /// Waits until a service ends, and returns which.
    pub async fn ended(&mut self) -> ServicesError {
        let Some(exit) = self.exits.join_next().await else {
            return std::future::pending().await;
        };
        let (name, status) = match exit {
            Ok((name, Ok(status))) => (name, status.to_string()),
            Ok((name, Err(error))) => (name, error.to_string()),
            Err(error) => (String::from("a service"), error.to_string()),
        };
        let log = self.running.remove(&name).map(|running| running.log.lines()).unwrap_or_default();
        ServicesError::Ended { name, status, log }
    }

    /// Tells all services to stop, waits until they have answered what they were asked, and ends those that take
    /// too long. Returns how many ran.
    pub async fn stop(&mut self) -> usize {
        let count = self.running.len();
        self.signal_all(Signal::TERM);
        let all = async { while self.exits.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
            self.signal_all(Signal::KILL);
            while self.exits.join_next().await.is_some() {}
        }
        self.running.clear();
        count
    }

    fn signal_all(&self, what: Signal) {
        for pid in self.running.values().filter_map(|running| running.pid) {
            signal(pid, what);
        }
    }
}

async fn read(from: impl AsyncRead + Unpin, name: String, log: Log, lines: mpsc::Sender<LogLine>) {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match (&mut from).take(MAX_LINE).read_until(b'\n', &mut bytes).await {
            Ok(read) if read > 0 => {}
            _ => return,
        }
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        log.push(line.clone());
        // While nobody reads them, or not as fast, lines are left out.
        let _ = lines.try_send(LogLine { name: name.clone(), line });
    }
}

/// Returns what the service answered last when it is not ready in time.
async fn wait_ready(http: &Http, url: &str) -> Result<(), String> {
    let deadline = tokio::time::Instant::now() + READY_TIMEOUT;
    loop {
        let request = Request::get(url).body(Full::default()).map_err(|error| error.to_string())?;
        let reason = match http.send(request).await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => String::from_utf8_lossy(answer.body()).trim().to_owned(),
            Err(error) => format!("{url}: {error}"),
        };
        if tokio::time::Instant::now() >= deadline {
            return Err(reason);
        }
        tokio::time::sleep(READY_PAUSE).await;
    }
}
