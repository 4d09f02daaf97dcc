//! Ctrl-C, SIGTERM, and the terminal that goes away.

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Exit;
use crate::printer::Printer;

/// The signals that ask `ecomctl` to stop. While this lives, they do not end the process.
pub(super) struct Interrupt([Signal; 3]);

impl Interrupt {
    /// Begins to listen.
    ///
    /// # Errors
    /// The system does not let it.
    pub(super) fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("failed to listen for signals");
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    /// Returns how `work` ends, or that it was interrupted: then it is dropped, which stops what it has begun.
    pub(super) async fn during(
        &mut self,
        work: impl Future<Output = Result<Exit>>,
        printer: Printer,
    ) -> Result<Exit> {
        let outcome = tokio::select! {
            result = work => Some(result),
            () = self.received() => None,
        };
        outcome.unwrap_or_else(|| {
            printer.interrupted();
            Ok(Exit::Interrupted)
        })
    }

    /// Returns what `work` gives, or nothing when it was interrupted.
    ///
    /// # Errors
    /// The work fails.
    pub(super) async fn unless<T>(
        &mut self,
        work: impl Future<Output = Result<T>>,
        printer: Printer,
    ) -> Result<Option<T>> {
        tokio::select! {
            result = work => result.map(Some),
            () = self.received() => {
                printer.interrupted();
                Ok(None)
            }
        }
    }

    /// Waits for one of them.
    pub(super) async fn received(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
