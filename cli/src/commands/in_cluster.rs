//! The platform of an environment, and the cluster that it runs in.

use std::path::Path;

use anyhow::Result;

use super::render::resolve_in;
use crate::adapters::cluster::{Cluster, ClusterError};
use crate::adapters::workspace::Project;
use crate::cli::ClusterArgs;
use crate::model::lock::ImageLock;
use crate::model::resolve::ResolvedPlatform;
use crate::model::spec::PlatformSpec;
use crate::model::sync::LiveApplication;
use crate::settings::ClusterSettings;

/// The platform of an environment, and the cluster that it runs in.
pub(super) struct InCluster {
    pub(super) project: Project,
    pub(super) lock: ImageLock,
    pub(super) platform: ResolvedPlatform,
    pub(super) cluster: Cluster,
}

impl InCluster {
    /// Returns what arguments and spec say.
    ///
    /// # Errors
    /// The spec has a mistake, or the cluster does not answer.
    pub(super) async fn find(args: ClusterArgs, directory: &Path) -> Result<Self> {
        let project = Project::find(directory)?;
        let spec = project.spec()?;
        let settings = ClusterSettings::new(args, &spec)?;
        Self::of(project, spec, &settings).await
    }

    /// Returns the same for settings that are known.
    ///
    /// # Errors
    /// The lock has a mistake, or the cluster does not answer.
    pub(super) async fn of(project: Project, spec: PlatformSpec, settings: &ClusterSettings) -> Result<Self> {
        let lock = project.lock()?;
        let platform = resolve_in(&project, &spec, &lock, &settings.environment)?;
        let cluster = connect(settings).await?;
        Ok(Self { project, lock, platform, cluster })
    }

    /// Returns the platform's Applications, the root first.
    ///
    /// # Errors
    /// The cluster fails.
    pub(super) async fn applications(&self) -> Result<Vec<LiveApplication>, ClusterError> {
        let projects = [self.platform.namespace(), self.platform.addons_project()];
        let mut applications = self.cluster.applications().await?;
        applications.retain(|application| application.is_made && projects.contains(&application.project));
        let root = self.platform.root();
        applications.sort_by_key(|application| (application.name != root, application.name.clone()));
        Ok(applications)
    }
}

async fn connect(settings: &ClusterSettings) -> Result<Cluster, ClusterError> {
    if let Some(likely) = settings.likely_context() {
        match Cluster::connect(Some(&likely)).await {
            Err(ClusterError::NoContext { .. }) => {}
            found => return found,
        }
    }
    Cluster::connect(settings.context.as_deref()).await
}
