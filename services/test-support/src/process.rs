//! A service as the process that is shipped.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A running service program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// The URL of its API.
    pub url: String,
    /// The URL of its admin listener.
    pub admin: String,
}

impl Process {
    /// Starts `program` with its data in `folder` and further `variables`, on ports that are free, and waits until it
    /// listens.
    #[must_use]
    pub fn start(program: &str, folder: &Path, variables: &[(&str, &str)]) -> Self {
        // Another test may take a port between the look and the start.
        (0..5).find_map(|_| Self::try_start(program, folder, variables)).expect("the program listens")
    }

    fn try_start(program: &str, folder: &Path, variables: &[(&str, &str)]) -> Option<Self> {
        let (http, admin) = (free_port(), free_port());
        let mut child = Command::new(program)
            .env_clear()
            .envs([("LISTEN_ADDRESS", "127.0.0.1"), ("EXIT_WITH_STDIN", "true")])
            .env("HTTP_PORT", http.to_string())
            .env("ADMIN_PORT", admin.to_string())
            .envs(variables.iter().copied())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (url, admin) = (format!("http://127.0.0.1:{http}"), format!("http://127.0.0.1:{admin}"));
        let process = Self { child, url, admin };
        let _listening = lines.find(|line| line.as_ref().unwrap().contains("\"listening\""))?;
        // The rest is read too, or the pipe would fill up.
        std::thread::spawn(move || lines.for_each(drop));
        Some(process)
    }

    /// Kills it with no warning.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
    }

    /// Closes its standard input.
    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits for its end, ten seconds at most.
    pub fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
