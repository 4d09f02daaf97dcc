//! The HTTP calls to product-service.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use service_common::error::{ApiError, chain};

use crate::{Product, ProductId};

/// Longest time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// Longest time for one try.
const TRY_TIMEOUT: Duration = Duration::from_secs(1);
/// Tries of a call before it fails.
const TRIES: u32 = 3;
/// Pause before the second try at most; it doubles before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Most ids that product-service takes in one request.
const IDS_A_REQUEST: usize = 100;
/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// A client of one product-service. Clones share connections.
#[derive(Clone, Debug)]
pub struct ProductClient {
    http: reqwest::Client,
    url: String,
}

/// Why products cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ProductsError {
    /// It did not answer in time, or not with 200.
    #[error("product-service does not answer")]
    Away(#[from] reqwest::Error),
    /// It answered something else than products.
    #[error("product-service answered what is no list of products")]
    Answer(#[from] serde_json::Error),
    /// It answered more than is read.
    #[error("product-service answered more than {MAX_ANSWER} bytes")]
    TooLarge,
}

impl From<ProductsError> for ApiError {
    fn from(error: ProductsError) -> Self {
        tracing::warn!(cause = %chain(&error), "products cannot be had");
        Self::unavailable("product-service is unavailable, try again")
    }
}

#[derive(Deserialize)]
struct Products {
    products: Vec<Product>,
}

impl ProductClient {
    /// Returns a client of the service at `url`, such as `http://product-service`.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(url: &str) -> Result<Self, ProductsError> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TRY_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned() })
    }

    /// Returns those of `ids` that exist. Asks nothing when there are none.
    ///
    /// # Errors
    /// The service did not answer in three tries, or answered nonsense.
    pub async fn find(&self, ids: &[ProductId]) -> Result<BTreeMap<ProductId, Product>, ProductsError> {
        let mut found = BTreeMap::new();
        for ids in ids.chunks(IDS_A_REQUEST) {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let answer =
                self.get_with_retries(&format!("{}/products?ids={}", self.url, ids.join(","))).await?;
            found.extend(answer.products.into_iter().map(|product| (product.id, product)));
        }
        Ok(found)
    }

    async fn get_with_retries(&self, url: &str) -> Result<Products, ProductsError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.get(url).await {
                Err(ProductsError::Away(error)) if may_pass(&error) => {
                    tokio::time::sleep(pause.mul_f64(rand::random())).await;
                    pause *= 2;
                }
                result => return result,
            }
        }
        self.get(url).await
    }

    async fn get(&self, url: &str) -> Result<Products, ProductsError> {
        let mut response = self.http.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(ProductsError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

/// Whether another try can help: anything but an answer that says the request is wrong.
fn may_pass(error: &reqwest::Error) -> bool {
    error.status().is_none_or(|status| status.is_server_error())
}
