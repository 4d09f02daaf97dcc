//! Taking images from the Docker engine into the nodes of a cluster, by the program that made it.

use std::fmt;

use tokio::process::Command;

use super::process::{self, ProgramError};

/// What takes images into the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loader {
    /// `minikube image load`, for a profile.
    Minikube(String),
    /// `kind load docker-image`, for a cluster.
    Kind(String),
    /// `k3d image import`, for a cluster.
    K3d(String),
    /// A command of the user's shell; the images are its further arguments.
    Command(String),
}

impl Loader {
    /// Returns what fits a context of the kubeconfig, by the name that the program has given it.
    #[must_use]
    pub fn for_context(context: &str) -> Option<Self> {
        if let Some(name) = context.strip_prefix("kind-") {
            return Some(Self::Kind(name.to_owned()));
        }
        if let Some(name) = context.strip_prefix("k3d-") {
            return Some(Self::K3d(name.to_owned()));
        }
        (context == "minikube").then(|| Self::Minikube(context.to_owned()))
    }

    /// Returns the program.
    #[must_use]
    pub fn program(&self) -> &str {
        match self {
            Self::Minikube(_) => "minikube",
            Self::Kind(_) => "kind",
            Self::K3d(_) => "k3d",
            Self::Command(_) => "sh",
        }
    }

    /// Takes an image of the engine into the nodes. `told` hears each line that the program prints.
    ///
    /// # Errors
    /// The program fails.
    pub async fn load(&self, image: &str, told: impl FnMut(&str)) -> Result<(), ProgramError> {
        let mut command = Command::new(self.program());
        match self {
            Self::Minikube(profile) => command.args(["image", "load", image, "--profile", profile]),
            Self::Kind(name) => command.args(["load", "docker-image", image, "--name", name]),
            Self::K3d(name) => command.args(["image", "import", image, "--cluster", name]),
            Self::Command(text) => command.args(["-c", &format!("{text} \"$@\""), "sh", image]),
        };
        process::run(&mut command, told).await
    }
}

impl fmt::Display for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minikube(_) => f.write_str("minikube image load"),
            Self::Kind(_) => f.write_str("kind load docker-image"),
            Self::K3d(_) => f.write_str("k3d image import"),
            Self::Command(text) => f.write_str(text),
        }
    }
}
