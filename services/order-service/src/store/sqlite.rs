//! Orders in an embedded SQLite file. A commit is on the disk before it is acknowledged.

use jiff::Timestamp;
use service_common::money::Cents;
use service_common::sqlite::{Durability, OpenError, open};
use service_common::user_id::UserId;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};

use crate::domain::{Item, NewOrder, Order, Status};

const MIGRATIONS: [&str; 1] = ["CREATE TABLE orders (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        user_id TEXT NOT NULL,
        total_cents INTEGER NOT NULL,
        client_total_cents INTEGER,
        status TEXT NOT NULL,
        created_at_micros INTEGER NOT NULL,
        updated_at_micros INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX orders_of_user ON orders (user_id, id);
    CREATE TABLE order_items (
        order_id INTEGER NOT NULL REFERENCES orders (id),
        position INTEGER NOT NULL,
        product_id INTEGER NOT NULL,
        quantity INTEGER NOT NULL,
        price_cents INTEGER NOT NULL,
        PRIMARY KEY (order_id, position)
    ) STRICT, WITHOUT ROWID"];

/// The orders in a SQLite file. Clones share connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the store of `url`.
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

    /// Keeps a new order, confirmed `now`, and returns it.
    ///
    /// # Errors
    /// The store failed; then there is no order.
    pub async fn create(&self, new: NewOrder, now: Timestamp) -> Result<Order, sqlx::Error> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let id = sqlx::query(
            "INSERT INTO orders (user_id, total_cents, client_total_cents, status, created_at_micros, updated_at_micros)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(new.user_id.as_str())
        .bind(new.total.get())
        .bind(new.client_total.map(Cents::get))
        .bind(Status::Confirmed.as_str())
        .bind(now.as_microsecond())
        .bind(now.as_microsecond())
        .execute(&mut *transaction)
        .await?
        .last_insert_rowid();
        for (position, item) in (0_i64..).zip(&new.items) {
            sqlx::query(
                "INSERT INTO order_items (order_id, position, product_id, quantity, price_cents)
                 VALUES (?, ?, ?, ?, ?)",
            )
            .bind(id)
            .bind(position)
            .bind(item.product_id)
            .bind(item.quantity)
            .bind(item.price.get())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        // Not read back: a read that fails would deny an order that is made.
        Ok(Order {
            id,
            user_id: new.user_id.to_string(),
            items: new.items,
            total: new.total,
            client_total: new.client_total,
            total_matches: new.client_total.map(|client| client == new.total),
            status: Status::Confirmed,
            created_at: now,
            updated_at: now,
        })
    }

    /// Returns an order.
    ///
    /// # Errors
    /// The query failed.
    pub async fn get(&self, id: i64) -> Result<Option<Order>, sqlx::Error> {
        let row =
            sqlx::query("SELECT * FROM orders WHERE id = ?").bind(id).fetch_optional(&self.pool).await?;
        match row {
            None => Ok(None),
            Some(row) => Ok(Some(self.with_items(&row).await?)),
        }
    }

    /// Returns the newest `limit` orders of a user, oldest first.
    ///
    /// # Errors
    /// The query failed.
    pub async fn of_user(&self, user: &UserId, limit: u32) -> Result<Vec<Order>, sqlx::Error> {
        let rows = sqlx::query("SELECT * FROM orders WHERE user_id = ? ORDER BY id DESC LIMIT ?")
            .bind(user.as_str())
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let mut orders = Vec::with_capacity(rows.len());
        for row in rows.iter().rev() {
            orders.push(self.with_items(row).await?);
        }
        Ok(orders)
    }

    /// Cancels an order `now` and returns it; one that is cancelled already stays as it is.
    ///
    /// # Errors
    /// The store failed.
    pub async fn cancel(&self, id: i64, now: Timestamp) -> Result<Option<Order>, sqlx::Error> {
        sqlx::query("UPDATE orders SET status = ?, updated_at_micros = ? WHERE id = ? AND status <> ?")
            .bind(Status::Cancelled.as_str())
            .bind(now.as_microsecond())
            .bind(id)
            .bind(Status::Cancelled.as_str())
            .execute(&self.pool)
            .await?;
        self.get(id).await
    }

    async fn with_items(&self, row: &SqliteRow) -> Result<Order, sqlx::Error> {
        let id: i64 = row.try_get("id")?;
        let items = sqlx::query(
            "SELECT product_id, quantity, price_cents FROM order_items WHERE order_id = ? ORDER BY position",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let total = Cents::new(row.try_get("total_cents")?);
        let client_total = row.try_get::<Option<i64>, _>("client_total_cents")?.map(Cents::new);
        let status: String = row.try_get("status")?;
        Ok(Order {
            id,
            user_id: row.try_get("user_id")?,
            items: items.iter().map(item).collect::<Result<_, _>>()?,
            total,
            client_total,
            total_matches: client_total.map(|client| client == total),
            status: Status::parse(&status).ok_or_else(|| corrupt(&format!("status `{status}`")))?,
            created_at: timestamp(row, "created_at_micros")?,
            updated_at: timestamp(row, "updated_at_micros")?,
        })
    }
}

fn item(row: &SqliteRow) -> Result<Item, sqlx::Error> {
    Ok(Item {
        product_id: row.try_get("product_id")?,
        quantity: row.try_get("quantity")?,
        price: Cents::new(row.try_get("price_cents")?),
    })
}

fn timestamp(row: &SqliteRow, column: &str) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_microsecond(row.try_get(column)?).map_err(|error| corrupt(&format!("{column}: {error}")))
}

fn corrupt(what: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("the store has an order with {what}").into())
}
