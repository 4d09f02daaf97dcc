//! Whether the shop answers as it should.

use std::time::{Duration, Instant};

use anyhow::Result;
use hyper::Method;
use url::Url;

use super::Observed;
use super::site::Site;
use crate::adapters::shop::Shop;
use crate::commands::gateway;
use crate::commands::verify;
use crate::printer::Task;
use crate::settings::{Mode, Scope};

/// How long the gateway may take to know all pods.
const ROUTED: Duration = Duration::from_secs(25);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(250);

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
    let platform = site.platform()?;
    let reached = gateway::reach(site.cluster()?, &platform, site.settings.url.clone()).await?;
    task.step(&format!("waiting for {} ...", reached.url));
    until_routed(&reached.url, &gateway::paths(&platform)).await?;
    drop(reached);
    task.hide();
    check(site, Scope::Everything).await
}

/// Waits until the gateway knows all pods, which it may learn a moment after Argo CD calls everything healthy. Whatever it
/// answers after that is looked at by the checks.
async fn until_routed(url: &Url, paths: &[String]) -> Result<()> {
    let shop = Shop::at(url.clone())?;
    let began = Instant::now();
    for path in paths {
        while began.elapsed() < ROUTED {
            let answer = shop.ask(Method::GET, path, None).await;
            if answer.is_ok_and(|answer| answer.status < 500) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

async fn check(site: &mut Site, scope: Scope) -> Result<String> {
    let platform = site.platform()?;
    let reached = gateway::reach(site.cluster()?, &platform, site.settings.url.clone()).await?;
    let paths = gateway::paths(&platform);
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let passed = verify::passed(&reached.url, scope, &paths, site.printer).await?;
    Ok(format!("{passed} checks passed through the gateway"))
}
