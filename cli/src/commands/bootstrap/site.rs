//! What is bootstrapped, and what is known of it so far.

use std::time::Duration;

use anyhow::Result;

use crate::adapters::cluster::Cluster;
use crate::adapters::docker::Engine;
use crate::adapters::git::{Branch, CommitId, Remote};
use crate::adapters::workspace::Project;
use crate::commands::render::resolve_in;
use crate::error::Failure;
use crate::model::argocd::NAMESPACE;
use crate::model::git_url::GitUrl;
use crate::model::name::PlatformName;
use crate::model::object::AnyObject;
use crate::model::resolve::{GIT_FOLDER, ResolvedPlatform, git_server};
use crate::model::rules;
use crate::model::spec::PlatformSpec;
use crate::plan;
use crate::printer::{Printer, short};
use crate::render;
use crate::settings::{AfterCommit, BootstrapSettings, ClusterChoice, CommitSettings};

/// What is bootstrapped, and what is known of it so far.
pub(super) struct Site {
    pub(super) project: Project,
    pub(super) spec: PlatformSpec,
    pub(super) settings: BootstrapSettings,
    pub(super) printer: Printer,
    /// The engine, once it has answered.
    pub(super) engine: Option<Engine>,
    /// The cluster, once it has answered.
    pub(super) cluster: Option<Cluster>,
    /// Where Argo CD reads from, once that is decided.
    pub(super) endpoint: Endpoint,
    /// Who has installed the Argo CD that is there.
    pub(super) argocd: ArgoCd,
    /// Hosts that Argo CD trusts beside those that it knows.
    pub(super) known_hosts: String,
    /// The commit that is deployed.
    pub(super) commit: Option<CommitId>,
    /// Whether the repository that is deployed can be asked.
    pub(super) has_repository: bool,
    /// Whether a step has changed something.
    pub(super) has_changed: bool,
}

/// Where Argo CD reads from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A repository beside it.
    InCluster,
    /// The one that the spec declares.
    Declared,
    /// `origin`, which the spec will declare.
    Origin(GitUrl),
}

/// Who has installed the Argo CD that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArgoCd {
    /// ecomctl has or will.
    Own,
    /// Somebody else has.
    Adopted,
}

impl Site {
    pub(super) fn new(
        project: Project,
        spec: PlatformSpec,
        settings: BootstrapSettings,
        printer: Printer,
    ) -> Self {
        Self {
            project,
            spec,
            settings,
            printer,
            engine: None,
            cluster: None,
            endpoint: Endpoint::InCluster,
            argocd: ArgoCd::Own,
            known_hosts: String::new(),
            commit: None,
            has_repository: false,
            has_changed: false,
        }
    }

    pub(super) fn name(&self) -> PlatformName {
        self.spec.platform_name()
    }

    /// Returns the cluster; a step that needs it comes after the one that finds it.
    pub(super) fn cluster(&self) -> Result<&Cluster> {
        self.cluster.as_ref().ok_or_else(|| Failure::new("there is no cluster yet").into())
    }

    pub(super) fn engine(&self) -> Result<&Engine> {
        self.engine.as_ref().ok_or_else(|| Failure::new("there is no engine yet").into())
    }

    /// Returns the context of the cluster that is or will be there.
    pub(super) fn context(&self) -> Option<&str> {
        match &self.settings.cluster {
            ClusterChoice::Minikube(machine) => Some(&machine.profile),
            ClusterChoice::Existing(context) => context.as_deref(),
        }
    }

    /// Returns the platform as the lock of the work tree has it.
    pub(super) fn platform(&self) -> Result<ResolvedPlatform> {
        resolve_in(&self.project, &self.spec, &self.project.lock()?, &self.settings.environment)
    }

    /// Returns the namespace of the shop.
    pub(super) fn namespace(&self) -> String {
        let suffix = rules::suffix(&self.spec.environment_names(), &self.settings.environment);
        format!("{}{suffix}", self.name())
    }

    /// Returns the branch that is deployed, which must be the one that is checked out.
    pub(super) fn branch(&self) -> Result<Branch> {
        let branch = Branch::open(self.project.root(), None)?;
        let deployed = self.spec.branch();
        if branch.name() != deployed {
            let message = format!("`{}` is checked out, and Argo CD deploys `{deployed}`", branch.name());
            let hint = format!("`git switch {deployed}`, or declare `git: {{branch: {}}}`", branch.name());
            return Err(Failure::new(message).hint(hint).into());
        }
        Ok(branch)
    }

    /// Returns where the branch is pushed to.
    pub(super) fn remote(&self, branch: &Branch) -> Result<Remote> {
        match self.in_cluster_remote() {
            Some(AfterCommit::PushTo { name, url, branch }) => Ok(Remote { name, url: Some(url), branch }),
            _ => Ok(branch.remote()?),
        }
    }

    /// Returns how a commit gets to where Argo CD reads.
    pub(super) fn commit_settings(&self) -> CommitSettings {
        let declare = match &self.endpoint {
            Endpoint::Origin(url) => Some(url.clone()),
            _ => None,
        };
        let then = self.in_cluster_remote().unwrap_or(AfterCommit::Push);
        CommitSettings { message: None, branch: None, declare, then }
    }

    /// The repository inside the cluster is reached by ecomctl itself, which git runs.
    fn in_cluster_remote(&self) -> Option<AfterCommit> {
        let cluster = self.cluster.as_ref().filter(|_| self.endpoint == Endpoint::InCluster)?;
        // Its words are split at spaces (https://git-scm.com/docs/git-remote-ext).
        let word = |text: &str| text.replace('%', "%%").replace(' ', "% ");
        let program = std::env::current_exe().unwrap_or_else(|_| "ecomctl".into());
        let (program, context) = (word(&program.to_string_lossy()), word(&cluster.context));
        let here = word(&std::env::current_dir().unwrap_or_default().to_string_lossy());
        let path = format!("{GIT_FOLDER}/{}.git", self.name());
        Some(AfterCommit::PushTo {
            name: "in-cluster".to_owned(),
            url: format!(
                "ext::{program} -C {here} git-transport {context} {} %s {path}",
                git_server(&self.name())
            ),
            branch: self.spec.branch().to_owned(),
        })
    }

    /// Returns the objects of the repository inside the cluster, with the namespace that they are in.
    pub(super) fn git_server(&self, image: &str) -> Result<Vec<AnyObject>> {
        let mut objects = render::git_objects(&self.name(), image)?;
        // The namespace of an Argo CD that somebody else has installed is theirs.
        if self.argocd == ArgoCd::Own {
            objects.insert(0, plan::argocd::namespace()?);
        }
        Ok(objects)
    }

    pub(super) fn summary(&self, took: Duration) {
        let environment = &self.settings.environment;
        let cluster = self.cluster.as_ref().map_or("", |cluster| cluster.context.as_str());
        let commit = self.commit.map(|commit| commit.to_string()).unwrap_or_default();
        let commit = short(&commit);
        let mut lines = vec![
            format!(
                "\nThe shop runs in `{cluster}`, namespace `{}`, at commit {commit} ({:.0} s).",
                self.namespace(),
                took.as_secs_f64()
            ),
            String::new(),
        ];
        let is_default = *environment == self.spec.default_environment();
        let mut of = if is_default { String::new() } else { format!(" -e {environment}") };
        // What the other commands would not find by themselves.
        let by_itself = match self.spec.context_of(environment) {
            Some(declared) => declared == cluster,
            None => environment.as_str() == "minikube" && cluster == "minikube",
        };
        if !by_itself {
            of = format!("{of} --context {cluster}");
        }
        if let Some(url) = &self.settings.url {
            lines.push(format!("  {url}"));
        }
        for (command, what) in [
            (format!("ecomctl open shop{of}"), "lead http://localhost:8000 to it"),
            (
                format!("ecomctl open argocd{of} --show-password"),
                "see it in Argo CD, with the password of `admin`",
            ),
            (format!("ecomctl status{of}"), "what runs"),
            (format!("ecomctl verify --live{of}"), "from commit to pod"),
        ] {
            lines.push(format!("  {command:<width$}  {what}", width = 38 + of.len()));
        }
        lines.push(String::new());
        lines.push("Change the source, and run `ecomctl bootstrap` again.".to_owned());
        if self.endpoint == Endpoint::InCluster {
            lines.push(format!(
                "The repository that is deployed is inside the cluster, in `{NAMESPACE}`: it goes with it."
            ));
        }
        self.printer.status(lines.join("\n"));
    }
}
