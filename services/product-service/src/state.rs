//! What the handlers share: the store, and the catalogue that is kept up with it.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use service_common::error::chain;
use service_common::health::Readiness;
use service_common::sqlite::{self, OpenError};

use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::store::Store;

/// How old the catalogue gets at most.
const REFRESH: Duration = Duration::from_secs(1);

/// What the handlers share. Clones share it.
#[derive(Clone, Debug)]
pub struct AppState {
    store: Store,
    catalogue: Arc<ArcSwap<Catalogue>>,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The products cannot be read.
    #[error("failed to read the products")]
    Read(#[from] sqlx::Error),
    /// The products cannot be shown.
    #[error("failed to write the products as JSON")]
    Write(#[from] serde_json::Error),
}

impl AppState {
    /// Returns the catalogue as it is now.
    #[must_use]
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.load_full()
    }

    async fn refresh(&self) -> Result<(), StartError> {
        let products = self.store.all().await?;
        if !self.catalogue.load().shows(&products) {
            self.catalogue.store(Arc::new(Catalogue::new(products)?));
        }
        Ok(())
    }
}

/// Opens the store and returns the state; from then on a task keeps the catalogue within a second of the store.
///
/// # Errors
/// The store cannot be opened or read.
pub async fn open(config: &Config) -> Result<AppState, StartError> {
    let store = Store::open(&config.service.store_url).await?;
    let catalogue = Catalogue::new(store.all().await?)?;
    let state = AppState { store, catalogue: Arc::new(ArcSwap::from_pointee(catalogue)) };
    let refreshed = state.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(REFRESH).await;
            if let Err(error) = refreshed.refresh().await {
                tracing::warn!(cause = %chain(&error), "the catalogue is not refreshed");
            }
        }
    });
    Ok(state)
}

impl Readiness for AppState {
    async fn ready(&self) -> Result<(), String> {
        sqlite::ping(self.store.pool()).await
    }
}
