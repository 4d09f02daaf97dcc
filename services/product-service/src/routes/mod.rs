//! The HTTP API.

mod products;

use axum::Router;
use service_common::health::health;

use crate::state::AppState;

/// Returns the API.
pub fn app(state: AppState) -> Router {
    Router::new().merge(products::routes()).merge(health(crate::NAME)).with_state(state)
}
