//! HTTP requests with limits on time and size. Certificates are checked against those that this machine trusts.

use std::error::Error;
use std::io;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::RETRY_AFTER;
use hyper::{Request, Response, StatusCode};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use super::retry::Retry;

/// Largest answer that is read, in bytes, unless another limit is set.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No connection, or it broke.
    #[error("{}", innermost(.0.as_ref()))]
    Broken(Box<dyn Error + Send + Sync>),
    /// None in time.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The answer is too large.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The request cannot be made of what was given.
    #[error("no request can be made")]
    Request(#[from] hyper::http::Error),
    /// The certificates that this machine trusts cannot be read.
    #[error("failed to read the certificates that this machine trusts")]
    Certificates(#[from] io::Error),
    /// The TLS library has no protocol version.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}

/// Returns the last cause, which is what helps: "connection refused", not "client error".
pub(super) fn innermost(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Whether an answer may be another one if it is asked for again.
fn is_transient(status: StatusCode) -> bool {
    [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status) || status.is_server_error()
}

/// A client that follows no redirect. Clones share connections.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
    largest: usize,
}

/// Which URLs a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http` alone: no certificates are read.
    Http,
    /// `http` and `https`.
    Https,
}

impl Http {
    /// Returns a client that gives up after `timeout`.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(scheme: Scheme, timeout: Duration) -> Result<Self, HttpError> {
        let provider = ring::default_provider();
        let builder = HttpsConnectorBuilder::new();
        let builder = match scheme {
            Scheme::Https => builder.with_provider_and_native_roots(provider)?,
            Scheme::Http => {
                let config = ClientConfig::builder_with_provider(provider.into())
                    .with_safe_default_protocol_versions()?;
                builder.with_tls_config(
                    config.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
                )
            }
        };
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            timeout,
            largest: MAX_ANSWER,
        })
    }

    /// Returns the same client with other limits: on the time of an answer, and on its bytes.
    #[must_use]
    pub fn with_limits(&self, timeout: Duration, largest: usize) -> Self {
        Self { timeout, largest, ..self.clone() }
    }

    /// Returns the same client with the limits of another one.
    #[must_use]
    pub fn with_limits_of(&self, other: &Self) -> Self {
        self.with_limits(other.timeout, other.largest)
    }

    /// Returns the whole answer to a request that may be sent again: what may pass (408, 429, 5xx, a broken connection) is
    /// tried some times.
    ///
    /// # Errors
    /// There is no answer in time, or it is too large.
    pub async fn send_until_answered(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, HttpError> {
        let mut retry = Retry::default();
        loop {
            let answered = self.send(request.clone()).await;
            let asked = match &answered {
                Ok(answer) if is_transient(answer.status()) => {
                    let asked =
                        answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                    asked.map(Duration::from_secs)
                }
                Err(HttpError::Broken(_)) => None,
                _ => return answered,
            };
            if !retry.pause(asked).await {
                return answered;
            }
        }
    }

    /// Returns the whole answer to a request.
    ///
    /// # Errors
    /// There is none in time, or it is too large.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, HttpError> {
        let answered = async {
            let answer =
                self.client.request(request).await.map_err(|error| HttpError::Broken(error.into()))?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, self.largest).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    HttpError::TooLarge(self.largest)
                } else {
                    HttpError::Broken(error)
                }
            })?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        tokio::time::timeout(self.timeout, answered).await.map_err(|_| HttpError::TimedOut(self.timeout))?
    }
}
