//! Where carts are kept.

mod sqlite;

pub use sqlite::{AddError, Store};
