//! All products as they were at one moment, with the JSON that requests are answered with: reads touch no store.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use crate::domain::Product;

/// A snapshot of all products.
#[derive(Debug)]
pub struct Catalogue {
    products: BTreeMap<i64, Product>,
    list: Bytes,
    each: BTreeMap<i64, Bytes>,
}

#[derive(Serialize)]
struct List<'a> {
    products: &'a [&'a Product],
    count: usize,
}

impl Catalogue {
    /// Returns the snapshot of `products`.
    ///
    /// # Errors
    /// A product cannot be written as JSON.
    pub fn new(products: Vec<Product>) -> Result<Self, serde_json::Error> {
        let products: BTreeMap<i64, Product> =
            products.into_iter().map(|product| (product.id, product)).collect();
        let each = products
            .iter()
            .map(|(id, product)| Ok((*id, Bytes::from(serde_json::to_vec(product)?))))
            .collect::<Result<_, serde_json::Error>>()?;
        let list = list(products.values())?;
        Ok(Self { products, list, each })
    }

    /// Returns `{"products":[…],"count":n}` of all products, by id.
    #[must_use]
    pub fn all(&self) -> Bytes {
        self.list.clone()
    }

    /// Returns the same of those of `ids` that exist, in that order.
    ///
    /// # Errors
    /// A product cannot be written as JSON.
    pub fn some(&self, ids: &[i64]) -> Result<Bytes, serde_json::Error> {
        list(ids.iter().filter_map(|id| self.products.get(id)))
    }

    /// Returns the JSON of one product.
    #[must_use]
    pub fn one(&self, id: i64) -> Option<Bytes> {
        self.each.get(&id).cloned()
    }

    /// Returns whether `products` are those of this snapshot.
    #[must_use]
    pub fn shows(&self, products: &[Product]) -> bool {
        self.products.values().eq(products)
    }
}

fn list<'a>(products: impl Iterator<Item = &'a Product>) -> Result<Bytes, serde_json::Error> {
    let products: Vec<&Product> = products.collect();
    serde_json::to_vec(&List { count: products.len(), products: &products }).map(Bytes::from)
}
