//! Everything that touches the world: files, programs, sockets.

pub mod cargo;
pub mod cluster;
pub mod credentials;
pub mod docker;
pub mod files;
pub mod git;
pub mod http;
pub mod local;
pub mod process;
pub mod registry;
pub mod retry;
pub mod shop;
pub mod toolchain;
pub mod workspace;
