//! Deciding what to do, without doing it. Pure.

pub mod argocd;
pub mod build;
mod calls;
pub mod declare;
pub mod graph;
pub mod lint;
pub mod local;
pub mod scaffold;
pub mod sync;
pub mod workload;
