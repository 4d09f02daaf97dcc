//! Where orders are kept.

mod sqlite;

pub use sqlite::Store;
