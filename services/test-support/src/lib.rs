//! Serves a service on loopback and asks it, for tests. A failure here is a panic: the test has failed.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a failure here is a failed test")]

pub mod process;

use std::fmt;
use std::path::Path;

use axum::Router;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use service_common::config::Variables;
use service_common::server::{accept, guarded};
use service_common::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A service that answers on loopback.
#[derive(Clone, Debug)]
pub struct Served {
    url: String,
    http: Client,
}

/// A request that must be refused.
#[derive(Clone)]
pub struct Bad<'a> {
    /// The method.
    pub method: &'a str,
    /// The path with query.
    pub path: &'a str,
    /// The body; sent as JSON when there is one.
    pub body: Option<&'a [u8]>,
    /// The status that is expected.
    pub status: u16,
    /// What the error must name.
    pub names: &'a str,
}

impl<'a> Bad<'a> {
    /// Returns a request without a body.
    #[must_use]
    pub fn request(method: &'a str, path: &'a str, status: u16, names: &'a str) -> Self {
        Self { method, path, body: None, status, names }
    }

    /// Returns a POST of a JSON body.
    #[must_use]
    pub fn post(path: &'a str, body: &'a (impl AsRef<[u8]> + ?Sized), status: u16, names: &'a str) -> Self {
        Self { method: "POST", path, body: Some(body.as_ref()), status, names }
    }
}

impl fmt::Display for Bad<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(self.body.unwrap_or_default());
        write!(f, "{} {:.80} {body:.200}", self.method, self.path)
    }
}

/// Serves `app` with the limits that every service has.
pub async fn serve(app: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (_running, stopped) = watch::channel(());
        accept(listener, guarded(app, Metrics::default()), stopped).await;
    });
    Served { url, http: Client::builder().no_proxy().build().unwrap() }
}

/// Serves a real product-service with its store in `folder`.
pub async fn product_service(folder: &Path) -> Served {
    let store = format!("sqlite:{}/products.db", folder.display());
    let variables = Variables::from_iter([("STORE_URL", store)]);
    let config = product_service::config::Config::from_variables(&variables).unwrap();
    serve(product_service::app(product_service::state::open(&config).await.unwrap())).await
}

impl Served {
    /// Returns the URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns status and body of a GET.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request("GET", path)).await
    }

    /// Returns status and body of a DELETE.
    pub async fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.request("DELETE", path)).await
    }

    /// Returns status and body of a POST.
    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        answer(self.request("POST", path).json(&body)).await
    }

    /// Returns a request to be sent.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// Sends all of `table`; each must be refused with `{"error": …}` that names what is wrong.
    pub async fn refuses(&self, table: &[Bad<'_>]) {
        for bad in table {
            let mut request = self.request(bad.method, bad.path);
            if let Some(body) = bad.body {
                request = request.header("content-type", "application/json").body(body.to_vec());
            }
            let (status, body) = answer(request).await;
            let error = body["error"].as_str().unwrap_or_default();
            assert_eq!(status, bad.status, "{bad}: {body}");
            assert!(error.contains(bad.names) && !error.is_empty(), "{bad}: {body}");
        }
    }
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}
