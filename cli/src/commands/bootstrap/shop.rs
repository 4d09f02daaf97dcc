//! Whether the shop answers as it should.

use anyhow::Result;

use super::Observed;
use super::site::Site;
use crate::commands::gateway;
use crate::commands::verify;
use crate::printer::Task;
use crate::settings::{Mode, Scope};

pub(super) async fn observe(site: &mut Site) -> Result<Observed> {
    if site.has_changed || site.settings.mode == Mode::Plan && site.cluster.is_none() {
        return Ok(Observed::differs(["check it through the gateway"]));
    }
    if site.settings.mode == Mode::Plan {
        return Ok(Observed::same("it is checked by `ecomctl verify`"));
    }
    // Nothing has changed, so nothing is bought.
    check(site, Scope::ReadOnly).await.map(Observed::same)
}

pub(super) async fn act(site: &mut Site, task: &Task) -> Result<String> {
    task.hide();
    check(site, Scope::Everything).await
}

async fn check(site: &mut Site, scope: Scope) -> Result<String> {
    let platform = site.platform()?;
    let reached = gateway::reach(site.cluster()?, &platform, site.settings.url.clone()).await?;
    let url = reached.url.clone();
    let paths = gateway::paths(&platform);
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let passed = verify::passed(&reached.url, scope, &paths, site.printer).await?;
    site.url = Some(url);
    Ok(format!("{passed} checks passed through the gateway"))
}
