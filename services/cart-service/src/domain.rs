//! What a cart is, and what it costs.

use std::collections::BTreeMap;

use product_client::{Product, ProductId};
use serde::Serialize;
use service_common::money::Cents;
use service_common::user_id::UserId;

/// Most different products in a cart.
pub const MAX_ITEMS: i64 = 100;

/// One product in a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Which product.
    pub product_id: ProductId,
    /// How many pieces, at least 1.
    pub quantity: u32,
}

/// A cart with prices.
#[derive(Debug, Serialize)]
pub struct Cart {
    user_id: UserId,
    items: Vec<PricedItem>,
    total: Cents,
}

#[derive(Debug, Serialize)]
struct PricedItem {
    product_id: ProductId,
    quantity: u32,
    /// `None` when the product is no longer sold: it costs nothing, and cannot be ordered.
    #[serde(flatten)]
    product: Option<Priced>,
}

#[derive(Debug, Serialize)]
struct Priced {
    name: String,
    price: Cents,
    subtotal: Cents,
}

impl Cart {
    /// Returns the cart of `items`, in their order, or `None` when the total does not fit.
    #[must_use]
    pub fn price(user_id: UserId, items: &[Item], products: &BTreeMap<ProductId, Product>) -> Option<Self> {
        let mut total = Cents::ZERO;
        let items = items
            .iter()
            .map(|item| {
                let product = match products.get(&item.product_id) {
                    None => None,
                    Some(product) => {
                        let subtotal = product.price.checked_mul(item.quantity)?;
                        total = total.checked_add(subtotal)?;
                        Some(Priced { name: product.name.clone(), price: product.price, subtotal })
                    }
                };
                Some(PricedItem { product_id: item.product_id, quantity: item.quantity, product })
            })
            .collect::<Option<_>>()?;
        Some(Self { user_id, items, total })
    }
}
