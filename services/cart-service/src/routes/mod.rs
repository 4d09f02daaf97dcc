//! The HTTP API.

mod cart;

use axum::Router;
use service_common::health::health;

use crate::state::AppState;

/// Returns the API.
pub fn app(state: AppState) -> Router {
    Router::new().merge(cart::routes()).merge(health(crate::NAME)).with_state(state)
}
