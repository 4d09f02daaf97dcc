//! cart-service: keeps a cart for each user, priced by product-service.

pub mod config;
pub mod domain;
mod routes;
pub mod state;
pub mod store;

pub use routes::app;

/// The name of the service.
pub const NAME: &str = "cart-service";
