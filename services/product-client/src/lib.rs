//! Asks product-service for products, with timeouts and bounded retries; and the words that services which
//! deal with products share.

mod client;
mod product;

pub use client::{ProductClient, ProductsError};
pub use product::{MAX_QUANTITY, Product, ProductId, Quantity};
