//! What an order is, and what it costs.

use std::collections::BTreeMap;

use product_client::{Product, ProductId, Quantity};
use serde::Serialize;
use service_common::error::ApiError;
use service_common::money::Cents;
use service_common::user_id::UserId;

/// Most different products in an order.
pub const MAX_ITEMS: usize = 100;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is accepted.
    Confirmed,
    /// It is called off.
    Cancelled,
}

impl Status {
    /// Returns the word that JSON and the store use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the status of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Confirmed, Self::Cancelled].into_iter().find(|status| status.as_str() == word)
    }
}

/// One product of an order, at the price of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Which product.
    pub product_id: i64,
    /// How many pieces.
    pub quantity: u32,
    /// The price of one piece.
    pub price: Cents,
}

/// What is ordered, checked and priced.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// Who orders.
    pub user_id: UserId,
    /// What, at least one.
    pub items: Vec<Item>,
    /// What it costs.
    pub total: Cents,
    /// What the client thinks that it costs.
    pub client_total: Option<Cents>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Its id, at least 1.
    pub id: i64,
    /// Who ordered.
    pub user_id: String,
    /// What was ordered.
    pub items: Vec<Item>,
    /// What it costs.
    pub total: Cents,
    /// What the client thought that it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_total: Option<Cents>,
    /// Whether the client was right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_matches: Option<bool>,
    /// Where it stands.
    pub status: Status,
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// When its status changed last.
    pub updated_at: jiff::Timestamp,
}

/// Pieces of one product, as a client asks for them.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Which product.
    pub product_id: ProductId,
    /// How many pieces.
    pub quantity: Quantity,
}

impl NewOrder {
    /// Returns what is ordered at the prices of `products`.
    ///
    /// # Errors
    /// 422 naming the item whose product does not exist.
    pub fn price(
        user_id: UserId,
        wanted: &[Wanted],
        client_total: Option<Cents>,
        products: &BTreeMap<ProductId, Product>,
    ) -> Result<Self, ApiError> {
        let mut total = Cents::ZERO;
        let mut items = Vec::with_capacity(wanted.len());
        for (at, Wanted { product_id, quantity }) in wanted.iter().enumerate() {
            let field = format!("items[{at}].product_id");
            let product = products
                .get(product_id)
                .ok_or_else(|| ApiError::invalid(&field, format!("there is no product {product_id}")))?;
            total = product
                .price
                .checked_mul(quantity.get())
                .and_then(|subtotal| total.checked_add(subtotal))
                .ok_or_else(|| ApiError::invalid("items", "the total is too large"))?;
            items.push(Item { product_id: product_id.get(), quantity: quantity.get(), price: product.price });
        }
        Ok(Self { user_id, items, total, client_total })
    }
}
