//! product-service: lists and shows the products of the shop.

pub mod catalogue;
pub mod config;
pub mod domain;
mod routes;
pub mod state;
pub mod store;

pub use routes::app;

/// The name of the service.
pub const NAME: &str = "product-service";
