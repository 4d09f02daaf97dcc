//! HTTP requests to a running shop.

use std::error::Error;
use std::time::Duration;

use reqwest::{Client, Method, Url};
use serde_json::Value;
use url::Host;

use super::http;

/// Longest time for one request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// A shop at a URL.
#[derive(Clone, Debug)]
pub struct Shop {
    http: Client,
    url: Url,
}

/// What a shop answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header `Location`.
    pub location: Option<String>,
    /// The body, `null` when it is no JSON.
    pub body: Value,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ShopError {
    /// No connection, or none in time.
    #[error("{}", innermost(.0))]
    Http(#[from] reqwest::Error),
    /// The answer is too large.
    #[error("the answer is larger than {MAX_ANSWER} bytes")]
    TooLarge,
}

/// The last cause is what helps: "connection refused", not "error sending request".
fn innermost(error: &dyn Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl Shop {
    /// Returns the shop at `url`.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn at(url: Url) -> Result<Self, ShopError> {
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let http = http::client(TIMEOUT, loopback)?;
        Ok(Self { http, url })
    }

    /// Returns the answer to a request for `path`, with `body` as JSON if there is one.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, ShopError> {
        let url = format!("{}{path}", self.url.as_str().trim_end_matches('/'));
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let mut response = request.send().await?;
        let status = response.status().as_u16();
        let location = response.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.map(ToOwned::to_owned);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes.len() + chunk.len() > MAX_ANSWER {
                return Err(ShopError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Answer { status, location, body })
    }
}
