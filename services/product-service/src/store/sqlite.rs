//! Products in an embedded SQLite file.

use service_common::money::Cents;
use service_common::sqlite::{Durability, OpenError, open};
use sqlx::{Row, SqlitePool};

use crate::domain::Product;

const MIGRATIONS: [&str; 2] = [
    "CREATE TABLE products (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
        category TEXT NOT NULL,
        stock INTEGER NOT NULL CHECK (stock >= 0)
    ) STRICT",
    "INSERT INTO products (id, name, price_cents, category, stock) VALUES
        (1, 'Laptop', 99999, 'Electronics', 15),
        (2, 'Smartphone', 69999, 'Electronics', 30),
        (3, 'Headphones', 14999, 'Electronics', 50),
        (4, 'Desk Chair', 19999, 'Furniture', 10)",
];

/// The products in a SQLite file. Clones share connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the store of `url`; a new one has the four products of the tutorial.
    ///
    /// # Errors
    /// See [`open`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Ok(Self { pool: open(url, Durability::EveryCommit, &MIGRATIONS).await? })
    }

    /// Returns the connections.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Returns all products, by id.
    ///
    /// # Errors
    /// The query failed.
    pub async fn all(&self) -> Result<Vec<Product>, sqlx::Error> {
        let rows = sqlx::query("SELECT id, name, price_cents, category, stock FROM products ORDER BY id")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Product {
                    id: row.try_get("id")?,
                    name: row.try_get("name")?,
                    price: Cents::new(row.try_get("price_cents")?),
                    category: row.try_get("category")?,
                    stock: row.try_get("stock")?,
                })
            })
            .collect()
    }
}
