//! Deciding what to do, without doing it. Pure.

pub mod build;
pub mod local;
pub mod scaffold;
