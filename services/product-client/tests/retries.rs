//! What the client does when product-service falters. A stand-in falters here: the real one cannot be told to.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use product_client::{ProductClient, ProductId, ProductsError};
use tokio::net::TcpListener;

const PRODUCTS: &str = r#"{"products": [{"id": 1, "name": "Laptop", "price": 999.99}], "count": 1}"#;

/// Answers each request with what `answer` says for its number, from 1. Returns a client and the count of requests.
async fn faltering(
    answer: impl Fn(u32) -> (StatusCode, String) + Clone + Send + Sync + 'static,
) -> (ProductClient, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let handler = move || async move { answer(count.fetch_add(1, Ordering::SeqCst) + 1).into_response() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/products", get(handler));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (ProductClient::new(&url).unwrap(), asked)
}

fn ids() -> [ProductId; 1] {
    [ProductId::new("id", 1).unwrap()]
}

#[tokio::test]
async fn two_failures_are_passed_over() {
    let (client, asked) = faltering(|number| match number {
        1 | 2 => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
        _ => (StatusCode::OK, PRODUCTS.to_owned()),
    })
    .await;
    assert_eq!(client.find(&ids()).await.unwrap()[&ids()[0]].name, "Laptop");
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn the_third_failure_is_the_last() {
    let (client, asked) = faltering(|_| (StatusCode::SERVICE_UNAVAILABLE, String::new())).await;
    assert!(matches!(client.find(&ids()).await, Err(ProductsError::Away(_))));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_request_that_is_wrong_is_not_repeated() {
    let (client, asked) = faltering(|_| (StatusCode::BAD_REQUEST, String::new())).await;
    assert!(matches!(client.find(&ids()).await, Err(ProductsError::Away(_))));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn nonsense_is_an_error() {
    let (client, _) = faltering(|_| (StatusCode::OK, "<html>".to_owned())).await;
    assert!(matches!(client.find(&ids()).await, Err(ProductsError::Answer(_))));
    let (client, _) = faltering(|_| (StatusCode::OK, " ".repeat(2 << 20))).await;
    assert!(matches!(client.find(&ids()).await, Err(ProductsError::TooLarge)));
}

#[tokio::test]
async fn silence_ends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = ProductClient::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let found = tokio::time::timeout(Duration::from_secs(8), client.find(&ids())).await;
    assert!(matches!(found, Ok(Err(ProductsError::Away(_)))), "three tries of a second each");
}

#[tokio::test]
async fn no_ids_ask_nothing() {
    let (client, asked) = faltering(|_| (StatusCode::OK, PRODUCTS.to_owned())).await;
    assert!(client.find(&[]).await.unwrap().is_empty());
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
