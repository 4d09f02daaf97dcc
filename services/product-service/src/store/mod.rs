//! Where products are kept.

mod sqlite;

pub use sqlite::Store;
