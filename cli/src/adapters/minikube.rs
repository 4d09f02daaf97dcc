//! The `minikube` program (<https://minikube.sigs.k8s.io/docs/commands/>).

use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use super::process::{self, ProgramError};

/// Whether a profile runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineState {
    /// There is no such profile.
    Absent,
    /// It is stopped, or a part of it is.
    Stopped,
    /// It runs.
    Running,
}

/// What a machine is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The profile, which is also the kubeconfig's context.
    pub profile: String,
    /// Its memory, in MiB or as minikube reads it.
    pub memory: String,
    /// How many CPUs it has.
    pub cpus: u16,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Status {
    host: String,
    kubelet: String,
    #[serde(rename = "APIServer")]
    api_server: String,
}

/// A profile of several nodes tells of each; those that are no control plane have no API server: `Irrelevant`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Nodes(Vec<Status>),
    Node(Status),
}

impl Machine {
    /// Returns whether it runs.
    ///
    /// # Errors
    /// There is no `minikube`.
    pub async fn state(&self) -> Result<MachineState, ProgramError> {
        let mut command = self.command(&["status", "--output", "json"]);
        let output = command.stdin(Stdio::null()).output().await;
        // Its exit code is a set of what does not run.
        let output = output.map_err(|source| ProgramError::Start { program: PROGRAM.to_owned(), source })?;
        let nodes = match serde_json::from_slice(&output.stdout) {
            Ok(Told::Nodes(nodes)) => nodes,
            Ok(Told::Node(node)) => vec![node],
            Err(_) => Vec::new(),
        };
        let is_absent = nodes.iter().all(|node| ["", "Nonexistent"].contains(&node.host.as_str()));
        let runs = |part: &String| ["Running", "Irrelevant"].contains(&part.as_str());
        let all_run =
            nodes.iter().all(|node| runs(&node.host) && runs(&node.kubelet) && runs(&node.api_server));
        Ok(match (is_absent, all_run) {
            (true, _) => MachineState::Absent,
            (false, true) => MachineState::Running,
            (false, false) => MachineState::Stopped,
        })
    }

    /// Starts it, made anew if it is absent. `told` hears each line that it prints.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start(&self, told: impl FnMut(&str)) -> Result<(), ProgramError> {
        let (memory, cpus) = (format!("--memory={}", self.memory), format!("--cpus={}", self.cpus));
        process::run(&mut self.command(&["start", &memory, &cpus]), told).await
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(args).args(["--profile", &self.profile]);
        command
    }
}

const PROGRAM: &str = "minikube";
