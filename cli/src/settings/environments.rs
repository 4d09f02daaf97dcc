//! Settings of commands that take images from one environment to another.

use anyhow::Result;

use super::{AfterCommit, CommitSettings, images};
use crate::cli::{CommitArgs, PromoteArgs};
use crate::error::Failure;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::spec::PlatformSpec;

/// Settings of `promote`.
#[derive(Clone, Debug)]
pub struct PromoteSettings {
    /// Whose images are taken.
    pub from: EnvironmentName,
    /// Who gets them.
    pub to: EnvironmentName,
    /// Of which services.
    pub services: Vec<ServiceName>,
    /// How they are committed.
    pub commit: CommitSettings,
}

impl PromoteSettings {
    /// Returns the settings.
    ///
    /// # Errors
    /// `spec` does not declare an environment or a service; or the environment gets what was built.
    pub fn new(args: PromoteArgs, spec: &PlatformSpec) -> Result<Self> {
        let (from, to) = (spec.declared(args.from)?, spec.declared(args.to)?);
        if from == to {
            return Err(Failure::new(format!("`{from}` has its own images already")).usage().into());
        }
        if spec.following_builds().contains(&to) {
            let message = format!("`{to}` follows builds, which would replace what is promoted to it");
            let hint = format!("say `images: promote` in `environments.{to}`, or promote to another one");
            return Err(Failure::new(message).usage().hint(hint).into());
        }
        let services = images::services(args.services, spec)?;
        Ok(Self { from, to, services, commit: args.commit.into() })
    }
}

impl From<CommitArgs> for CommitSettings {
    fn from(args: CommitArgs) -> Self {
        let then = if args.push { AfterCommit::Push } else { AfterCommit::Stay };
        Self { message: args.message, branch: args.branch, declare: None, then }
    }
}
