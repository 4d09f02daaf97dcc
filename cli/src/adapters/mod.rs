//! Everything that touches the world: files, programs, sockets.

pub mod argocd;
pub mod cargo;
pub mod cluster;
pub mod credentials;
pub mod deploy_key;
pub mod docker;
pub mod files;
pub mod git;
pub mod http;
pub mod loader;
pub mod local;
pub mod minikube;
pub mod process;
pub mod registry;
pub mod retry;
pub mod shop;
pub mod toolchain;
pub mod workspace;
