//! The one HTTP client's settings.

use std::time::Duration;

use reqwest::Client;

/// Returns a client that gives up after `timeout`, follows no redirect, and asks loopback addresses directly.
pub(super) fn client(timeout: Duration, loopback: bool) -> reqwest::Result<Client> {
    // A second call finds the provider installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("ecomctl/", env!("CARGO_PKG_VERSION")));
    if loopback {
        builder = builder.no_proxy();
    }
    builder.build()
}
