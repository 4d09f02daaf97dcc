//! `ecomctl git-transport`: the program that git runs to reach the repository inside the cluster
//! (<https://git-scm.com/docs/git-remote-ext>).

use std::path::Path;

use anyhow::Result;

use crate::adapters::cluster::Cluster;
use crate::cli::GitTransportArgs;
use crate::error::Exit;
use crate::model::argocd::NAMESPACE;
use crate::model::labels;

pub(super) async fn run(args: GitTransportArgs, directory: &Path) -> Result<Exit> {
    // Where ecomctl was started: KUBECONFIG may be relative to it, and git runs this elsewhere.
    std::env::set_current_dir(directory)?;
    let cluster = Cluster::connect(Some(&args.context)).await?;
    let labels = format!("{}={}", labels::NAME, args.server);
    let command = ["git", &args.service, &args.path];
    cluster.exec(NAMESPACE, &labels, &command, tokio::io::stdin(), tokio::io::stdout()).await?;
    Ok(Exit::Done)
}
