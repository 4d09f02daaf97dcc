//! Carts in an embedded SQLite file.

use product_client::{MAX_QUANTITY, ProductId, Quantity};
use service_common::error::ApiError;
use service_common::sqlite::{Durability, OpenError, open};
use service_common::user_id::UserId;
use sqlx::{Row, SqlitePool};

use crate::domain::{Item, MAX_ITEMS};

const MIGRATIONS: [&str; 1] = ["CREATE TABLE cart_items (
        id INTEGER PRIMARY KEY,
        user_id TEXT NOT NULL,
        product_id INTEGER NOT NULL,
        quantity INTEGER NOT NULL CHECK (quantity >= 1),
        UNIQUE (user_id, product_id)
    ) STRICT"];

/// The carts in a SQLite file. Clones share connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

/// Why something cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// There would be more than [`MAX_QUANTITY`] pieces of the product.
    #[error("the cart would have more than {MAX_QUANTITY} pieces of this product")]
    TooMany,
    /// The cart has [`MAX_ITEMS`] other products.
    #[error("the cart has {MAX_ITEMS} different products already")]
    Full,
    /// The store failed.
    #[error("failed to add to the cart")]
    Store(#[from] sqlx::Error),
}

impl From<AddError> for ApiError {
    fn from(error: AddError) -> Self {
        match error {
            AddError::TooMany => Self::invalid("quantity", error.to_string()),
            AddError::Full => Self::invalid("product_id", error.to_string()),
            AddError::Store(error) => error.into(),
        }
    }
}

impl Store {
    /// Opens the store of `url`.
    ///
    /// # Errors
    /// See [`open`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Ok(Self { pool: open(url, Durability::Checkpoint, &MIGRATIONS).await? })
    }

    /// Returns the connections.
    #[must_use]
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// Returns what is in a cart, in the order of adding.
    ///
    /// # Errors
    /// The query failed.
    pub async fn items(&self, user: &UserId) -> Result<Vec<Item>, sqlx::Error> {
        let rows = sqlx::query("SELECT product_id, quantity FROM cart_items WHERE user_id = ? ORDER BY id")
            .bind(user.as_str())
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let product_id: i64 = row.try_get("product_id")?;
                let product_id = ProductId::new("product_id", product_id).map_err(|_| {
                    sqlx::Error::Decode(format!("product_id {product_id} in the store").into())
                })?;
                Ok(Item { product_id, quantity: row.try_get("quantity")? })
            })
            .collect()
    }

    /// Adds pieces of a product: concurrent calls all count.
    ///
    /// # Errors
    /// A limit is reached (nothing is added), or the store failed.
    pub async fn add(&self, user: &UserId, product: ProductId, quantity: Quantity) -> Result<(), AddError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let others: i64 =
            sqlx::query("SELECT count(*) FROM cart_items WHERE user_id = ? AND product_id <> ?")
                .bind(user.as_str())
                .bind(product.get())
                .fetch_one(&mut *transaction)
                .await?
                .try_get(0)?;
        if others >= MAX_ITEMS {
            return Err(AddError::Full);
        }
        let added = sqlx::query(
            "INSERT INTO cart_items (user_id, product_id, quantity) VALUES (?, ?, ?)
             ON CONFLICT (user_id, product_id) DO UPDATE SET quantity = quantity + excluded.quantity
             WHERE quantity + excluded.quantity <= ?",
        )
        .bind(user.as_str())
        .bind(product.get())
        .bind(quantity.get())
        .bind(MAX_QUANTITY)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Err(AddError::TooMany);
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Removes a product from a cart. Removing what is not there is no error.
    ///
    /// # Errors
    /// The query failed.
    pub async fn remove(&self, user: &UserId, product: ProductId) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM cart_items WHERE user_id = ? AND product_id = ?")
            .bind(user.as_str())
            .bind(product.get())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
