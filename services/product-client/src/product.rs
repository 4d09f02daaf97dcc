//! A product as product-service shows it, and how others refer to one.

use std::fmt;

use serde::{Deserialize, Serialize};
use service_common::error::ApiError;
use service_common::money::Cents;

/// Most pieces of one product in a cart or an order.
pub const MAX_QUANTITY: u32 = 1000;

/// A product, as far as carts and orders need it.
#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// What customers call it.
    pub name: String,
    /// The price of one piece.
    pub price: Cents,
}

/// The id of a product, at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProductId(i64);

impl ProductId {
    /// Returns the id.
    ///
    /// # Errors
    /// 422 naming `field` when `id` is below 1.
    pub fn new(field: &str, id: i64) -> Result<Self, ApiError> {
        if id < 1 {
            return Err(ApiError::invalid(field, "must be at least 1"));
        }
        Ok(Self(id))
    }

    /// Returns the number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for ProductId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number of pieces, 1 to [`MAX_QUANTITY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(u32);

impl Quantity {
    /// Returns the quantity.
    ///
    /// # Errors
    /// 422 naming `field` when it is not within 1 to [`MAX_QUANTITY`].
    pub fn new(field: &str, quantity: i64) -> Result<Self, ApiError> {
        u32::try_from(quantity)
            .ok()
            .filter(|quantity| (1..=MAX_QUANTITY).contains(quantity))
            .map(Self)
            .ok_or_else(|| ApiError::invalid(field, format!("must be within 1 and {MAX_QUANTITY}")))
    }

    /// Returns the number of pieces.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}
