//! order-service as the process that is shipped.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::process::Process;

/// Killed at once after the answer, it still has the order.
#[tokio::test]
async fn an_acknowledged_order_survives_a_kill() {
    let folder = TempDir::new().unwrap();
    let products = TempDir::new().unwrap();
    let product_service = test_support::product_service(products.path()).await;

    let start = || {
        let url = [("PRODUCT_SERVICE_URL", product_service.url())];
        Process::start(env!("CARGO_BIN_EXE_order-service"), folder.path(), &url)
    };
    let client = reqwest::Client::new();
    let order = json!({ "user_id": "u", "items": [{ "product_id": 1, "quantity": 1 }] });
    for count in 1..=3 {
        let mut process = start();
        let answer = client.post(format!("{}/orders", process.url)).json(&order).send().await.unwrap();
        process.kill();
        assert_eq!(answer.status(), 201);
        let process = start();
        let orders = client.get(format!("{}/orders/u", process.url)).send().await.unwrap();
        assert_eq!(orders.json::<Value>().await.unwrap()["count"], json!(count));
    }
}

/// A stand-in for product-service that takes its time, so that the order is in flight when the signal comes.
#[tokio::test]
async fn a_request_in_flight_is_answered_after_sigterm() {
    let folder = TempDir::new().unwrap();
    let (asked, mut is_asked) = tokio::sync::mpsc::unbounded_channel();
    let slow = axum::Router::new().route(
        "/products",
        axum::routing::get(move || async move {
            asked.send(()).unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
            r#"{"products": [{"id": 1, "name": "Laptop", "price": 999.99}]}"#
        }),
    );
    let slow = test_support::serve(slow).await;
    let url = [("PRODUCT_SERVICE_URL", slow.url())];
    let mut process = Process::start(env!("CARGO_BIN_EXE_order-service"), folder.path(), &url);
    let order = json!({ "user_id": "u", "items": [{ "product_id": 1, "quantity": 1 }] });
    let request = reqwest::Client::new().post(format!("{}/orders", process.url)).json(&order);
    let answer = tokio::spawn(request.send());
    is_asked.recv().await.unwrap();
    assert_eq!(reqwest::get(format!("{}/readyz", process.admin)).await.unwrap().status(), 200);
    process.terminate();
    let ready = loop {
        let ready = reqwest::get(format!("{}/readyz", process.admin)).await.unwrap();
        if ready.status() != 200 {
            break ready;
        }
    };
    assert_eq!((ready.status().as_u16(), ready.text().await.unwrap().as_str()), (503, "draining\n"));
    assert_eq!(answer.await.unwrap().unwrap().status(), 201);
    assert!(process.ended().success());
}

#[test]
fn a_bad_variable_is_named() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_order-service"))
        .env_clear()
        .env("HTTP_PORT", "seventy")
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && output.stderr.is_empty());
    let line: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(line["level"], json!("ERROR"));
    let cause = "environment variable HTTP_PORT: `seventy`: invalid digit found in string";
    assert_eq!(line["cause"], json!(cause));
}
