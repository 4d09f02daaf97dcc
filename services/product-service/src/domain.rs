//! What a product is.

use serde::Serialize;
use service_common::money::Cents;

/// A product of the shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Its id, at least 1.
    pub id: i64,
    /// What customers call it.
    pub name: String,
    /// The price of one piece.
    pub price: Cents,
    /// The shelf it stands on.
    pub category: String,
    /// Pieces that can be sold.
    pub stock: i64,
}
