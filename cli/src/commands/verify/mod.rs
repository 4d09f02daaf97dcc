//! `ecomctl verify`.

mod checks;
mod live;

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use url::Url;

use super::gateway;
use super::in_cluster::InCluster;
use super::interrupt::Interrupt;
use crate::adapters::shop::Shop;
use crate::error::{Exit, Failure};
use crate::printer::{Mark, Printer};
use crate::settings::{Scope, Verified, VerifySettings};

use checks::{Check, PATHS};

#[derive(Serialize)]
struct Report<'a> {
    url: &'a Url,
    passed: usize,
    failed: usize,
    skipped: usize,
    checks: &'a [Check],
}

pub(super) async fn run(settings: VerifySettings, directory: &Path, printer: Printer) -> Result<Exit> {
    let VerifySettings { what, scope } = settings;
    let mut interrupt = Interrupt::new()?;
    let work = async {
        match what {
            Verified::Url(url) => check(&url, scope, &PATHS, printer).await.map(|()| Exit::Done),
            Verified::Gateway(args) => {
                let site = InCluster::find(args, directory).await?;
                let reached = gateway::reach(&site.cluster, &site.platform, None).await?;
                let paths = gateway::paths(&site.platform);
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                check(&reached.url, scope, &paths, printer).await.map(|()| Exit::Done)
            }
            Verified::Pods(args) => live::run(&InCluster::find(args, directory).await?, printer).await,
        }
    };
    interrupt.during(Box::pin(work), printer).await
}

/// Checks those of the shop's `paths` at `url`, and prints each check as it ends.
///
/// # Errors
/// A check fails.
pub(super) async fn check(url: &Url, scope: Scope, paths: &[&str], printer: Printer) -> Result<()> {
    let checks = checked(url, scope, paths, printer).await?;
    let count = |mark| checks.iter().filter(|check| check.status == mark).count();
    let (passed, failed, skipped) = (count(Mark::Ok), count(Mark::Failed), count(Mark::Skipped));
    if printer.is_json() {
        printer.json(&Report { url, passed, failed, skipped, checks: &checks })?;
    }
    refuse_failed(url, &checks)?;
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    printer.status(format!("All {passed} checks passed at {url}{skipped}"));
    Ok(())
}

/// Checks the same, and returns how many checks have passed; each is told on stderr.
///
/// # Errors
/// A check fails.
pub(super) async fn passed(url: &Url, scope: Scope, paths: &[&str], printer: Printer) -> Result<usize> {
    let checks = checked(url, scope, paths, printer).await?;
    refuse_failed(url, &checks)?;
    Ok(checks.iter().filter(|check| check.status == Mark::Ok).count())
}

fn refuse_failed(url: &Url, checks: &[Check]) -> Result<()> {
    let failed = checks.iter().filter(|check| check.status == Mark::Failed).count();
    if failed == 0 {
        return Ok(());
    }
    let message = format!("{failed} of {} checks failed at {url}", checks.len());
    Err(Failure::new(message).hint(hint(checks)).into())
}

async fn checked(url: &Url, scope: Scope, paths: &[&str], printer: Printer) -> Result<Vec<Check>> {
    let user = format!("verify-{:016x}", rand::random::<u64>());
    let shop = Shop::at(url.clone())?;
    Ok(checks::run(&shop, scope, paths, &user, |check| check.print(printer)).await?)
}

fn hint(checks: &[Check]) -> &'static str {
    let reached = checks.iter().any(|check| check.status == Mark::Ok);
    if reached { "the lines above say what was expected" } else { "is this the URL of the shop's gateway?" }
}
