//! What every service of the shop shares, and nothing of what one of them sells: two listeners, logs and
//! metrics, health, configuration from the environment, errors as JSON, money in cents.

pub mod config;
pub mod error;
pub mod extract;
pub mod health;
pub mod money;
pub mod server;
pub mod sqlite;
pub mod telemetry;
pub mod user_id;
