//! HTTP requests to a running shop.

use std::time::Duration;

use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, LOCATION, USER_AGENT};
use hyper::{Method, Request};
use serde_json::Value;
use url::Url;

use super::http::{Http, HttpError, Scheme};

/// Longest time for one request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A shop at a URL.
#[derive(Clone, Debug)]
pub struct Shop {
    http: Http,
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

impl Shop {
    /// Returns the shop at `url`.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn at(url: Url) -> Result<Self, HttpError> {
        let scheme = if url.scheme() == "https" { Scheme::Https } else { Scheme::Http };
        Ok(Self { http: Http::new(scheme, TIMEOUT)?, url })
    }

    /// Returns the answer to a request for `path`, with `body` as JSON if there is one.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, HttpError> {
        let url = format!("{}{path}", self.url.as_str().trim_end_matches('/'));
        let mut request = Request::builder().method(method).uri(url);
        request = request.header(USER_AGENT, concat!("ecomctl/", env!("CARGO_PKG_VERSION")));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.http.send(request.body(Full::from(body))?).await?;
        Ok(Answer {
            status: answer.status().as_u16(),
            location: answer.headers().get(LOCATION).and_then(|url| url.to_str().ok()).map(ToOwned::to_owned),
            body: serde_json::from_slice(answer.body()).unwrap_or_default(),
        })
    }
}
