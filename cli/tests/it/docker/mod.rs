//! `build`, `push` and `render --commit` with a real engine, real registries and real git.

mod build;
mod interrupted;
mod push;
mod racing;
pub(crate) mod registry;
pub(crate) mod shop;
mod shown;
mod tls;

/// Returns how many rounds a loop runs: `few` in CI, all with `ROUNDS=all`.
pub(crate) fn rounds(few: usize, all: usize) -> usize {
    if std::env::var("ROUNDS").is_ok_and(|rounds| rounds == "all") { all } else { few }
}
