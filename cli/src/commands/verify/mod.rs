//! `ecomctl verify`.

mod checks;

use anyhow::Result;
use serde::Serialize;
use url::Url;

use crate::adapters::shop::Shop;
use crate::error::{Exit, Failure};
use crate::printer::{Mark, Printer};
use crate::settings::{Scope, VerifySettings};

use checks::{Check, PATHS};

#[derive(Serialize)]
struct Report<'a> {
    url: &'a Url,
    passed: usize,
    failed: usize,
    skipped: usize,
    checks: &'a [Check],
}

pub(super) async fn run(settings: VerifySettings, printer: Printer) -> Result<Exit> {
    let VerifySettings { url, scope } = settings;
    let checked = check(&url, scope, &PATHS, printer);
    tokio::select! {
        result = checked => result.map(|()| Exit::Done),
        _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
    }
}

/// Checks those of the shop's `paths` at `url`, and prints each check as it ends.
///
/// # Errors
/// A check fails.
pub(super) async fn check(url: &Url, scope: Scope, paths: &[&str], printer: Printer) -> Result<()> {
    let user = format!("verify-{:016x}", rand::random::<u64>());
    let checks =
        checks::run(&Shop::at(url.clone())?, scope, paths, &user, |check| check.print(printer)).await?;
    let count = |mark| checks.iter().filter(|check| check.status == mark).count();
    let (passed, failed, skipped) = (count(Mark::Ok), count(Mark::Failed), count(Mark::Skipped));
    if printer.is_json() {
        printer.json(&Report { url, passed, failed, skipped, checks: &checks })?;
    }
    if failed > 0 {
        let message = format!("{failed} of {} checks failed at {url}", checks.len());
        return Err(Failure::new(message).hint(hint(&checks)).into());
    }
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    printer.status(format!("All {passed} checks passed at {url}{skipped}"));
    Ok(())
}

fn hint(checks: &[Check]) -> &'static str {
    let reached = checks.iter().any(|check| check.status == Mark::Ok);
    if reached { "the lines above say what was expected" } else { "is this the URL of the shop's gateway?" }
}
