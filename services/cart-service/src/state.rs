//! What the handlers share: the store and the way to product-service.

use product_client::{ProductClient, ProductsError};
use service_common::health::Readiness;
use service_common::sqlite::{self, OpenError};

use crate::config::Config;
use crate::store::Store;

/// What the handlers share. Clones share it.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The carts.
    pub store: Store,
    /// Who knows prices.
    pub products: ProductClient,
}

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The client of product-service cannot be made.
    #[error("failed to make the client of product-service")]
    Client(#[from] ProductsError),
}

/// Opens the store and returns the state.
///
/// # Errors
/// The store cannot be opened.
pub async fn open(config: &Config) -> Result<AppState, StartError> {
    Ok(AppState {
        store: Store::open(&config.service.store_url).await?,
        products: ProductClient::new(&config.product_service_url)?,
    })
}

impl Readiness for AppState {
    async fn ready(&self) -> Result<(), String> {
        sqlite::ping(self.store.pool()).await
    }
}
