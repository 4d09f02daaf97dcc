//! The types that flow through `ecomctl`, from the file to the tree. No IO.

pub mod argocd;
pub mod docker_config;
pub mod git_url;
pub mod image;
pub mod inputs;
pub mod labels;
pub mod local;
pub mod lock;
pub mod manifests;
pub mod name;
pub mod network;
pub mod object;
pub mod overlay;
pub mod package;
pub mod parse;
pub mod quantity;
pub mod resolve;
pub mod rules;
mod scalar;
pub mod spec;
pub mod sync;
pub mod tree;
