//! Everything that touches the world: files, programs, sockets.

pub mod cargo;
pub mod git;
pub mod http;
pub mod local;
pub mod process;
pub mod shop;
pub mod workspace;
