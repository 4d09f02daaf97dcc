//! cart-service over HTTP, on its embedded store, priced by a real product-service.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use cart_service::config::Config;
use cart_service::{app, state};
use serde_json::json;
use service_common::config::Variables;
use tempfile::TempDir;
use test_support::{Bad, Served, product_service, serve};

async fn cart_service(folder: &TempDir, product_service: &str) -> Served {
    let store = format!("sqlite:{}/carts.db", folder.path().display());
    let variables =
        Variables::from_iter([("STORE_URL", store.as_str()), ("PRODUCT_SERVICE_URL", product_service)]);
    let config = Config::from_variables(&variables).unwrap();
    serve(app(state::open(&config).await.unwrap())).await
}

async fn service(folder: &TempDir) -> Served {
    cart_service(folder, product_service(folder.path()).await.url()).await
}

#[tokio::test]
async fn a_new_cart_is_empty() {
    let folder = TempDir::new().unwrap();
    let answer = service(&folder).await.get("/cart/user123").await;
    assert_eq!(answer, (200, json!({ "user_id": "user123", "items": [], "total": 0.00 })));
}

#[tokio::test]
async fn adding_prices_the_cart() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    let (status, body) = service.post("/cart/user123/add", json!({ "product_id": 1, "quantity": 2 })).await;
    let laptops =
        json!({ "product_id": 1, "quantity": 2, "name": "Laptop", "price": 999.99, "subtotal": 1999.98 });
    let cart = json!({ "user_id": "user123", "items": [laptops], "total": 1999.98 });
    assert_eq!((status, body), (200, json!({ "message": "Item added to cart", "cart": cart })));
    assert_eq!(service.get("/cart/user123").await, (200, cart));
}

#[tokio::test]
async fn quantities_add_up_and_default_to_one() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    service.post("/cart/u/add", json!({ "product_id": 3 })).await;
    service.post("/cart/u/add", json!({ "product_id": 1 })).await;
    let (_, body) = service.post("/cart/u/add", json!({ "product_id": 3, "quantity": 4 })).await;
    assert_eq!(body["cart"]["items"][0]["quantity"], json!(5), "in the order of adding: {body}");
    assert_eq!(body["cart"]["total"], json!(1749.94));
}

#[tokio::test]
async fn removing_what_is_there_or_not() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    service.post("/cart/u/add", json!({ "product_id": 1 })).await;
    for _ in 0..2 {
        let (status, body) = service.delete("/cart/u/remove/1").await;
        assert_eq!((status, &body["message"]), (200, &json!("Item removed from cart")));
        assert_eq!(body["cart"], json!({ "user_id": "u", "items": [], "total": 0.00 }));
    }
}

#[tokio::test]
async fn concurrent_adds_all_count() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    let adds = (0..50).map(|_| {
        let service = service.clone();
        tokio::spawn(async move { service.post("/cart/u/add", json!({ "product_id": 2 })).await.0 })
    });
    for add in adds.collect::<Vec<_>>() {
        assert_eq!(add.await.unwrap(), 200);
    }
    assert_eq!(service.get("/cart/u").await.1["items"][0]["quantity"], json!(50));
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let folder = TempDir::new().unwrap();
    service(&folder).await.post("/cart/u/add", json!({ "product_id": 2, "quantity": 3 })).await;
    assert_eq!(service(&folder).await.get("/cart/u").await.1["items"][0]["quantity"], json!(3));
}

#[tokio::test]
async fn without_product_service_it_says_so_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    service(&folder).await.post("/cart/u/add", json!({ "product_id": 1 })).await;
    let lonely = cart_service(&folder, "http://127.0.0.1:1").await;
    let unavailable = (503, json!({ "error": "product-service is unavailable, try again" }));
    assert_eq!(lonely.post("/cart/u/add", json!({ "product_id": 1 })).await, unavailable);
    assert_eq!(lonely.delete("/cart/u/remove/1").await, unavailable);
    assert_eq!(lonely.get("/cart/u").await, unavailable);
    let refused = lonely.request("GET", "/cart/u").send().await.unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(service(&folder).await.get("/cart/u").await.1["items"][0]["quantity"], json!(1));
}

#[tokio::test]
async fn says_that_it_is_healthy() {
    let folder = TempDir::new().unwrap();
    let answer = service(&folder).await.get("/health").await;
    assert_eq!(answer, (200, json!({ "status": "healthy", "service": "cart-service" })));
}

#[tokio::test]
async fn refuses_bad_requests_and_keeps_nothing_of_them() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    service.post("/cart/full/add", json!({ "product_id": 1, "quantity": 999 })).await;
    let before = service.get("/cart/full").await;
    let long_id = "u".repeat(65);
    let (get_long, add_long) = (format!("/cart/{long_id}"), format!("/cart/{long_id}/add"));
    let endless = format!("/cart/{}", "u".repeat(5000));
    let deep = "[".repeat(10_000);
    let large = format!("{{\"product_id\": 1, \"note\": \"{}\"}}", "x".repeat(70_000));
    let add = "/cart/u/add";
    service
        .refuses(&[
            Bad::post(add, "", 400, "EOF"),
            Bad::post(add, "{", 400, "EOF"),
            Bad::post(add, &deep, 422, "an object"),
            Bad::post(add, b"{\"product_id\": \"\xff\"}", 400, ""),
            Bad::post(add, "null", 422, "an object"),
            Bad::post(add, "[1, 2]", 422, "an object"),
            Bad::post(add, "{}", 422, "product_id"),
            Bad::post(add, r#"{"quantity": 1}"#, 422, "product_id"),
            Bad::post(add, r#"{"product_id": "1"}"#, 422, "product_id"),
            Bad::post(add, r#"{"product_id": null}"#, 422, "product_id"),
            Bad::post(add, r#"{"product_id": 1.5}"#, 422, "product_id"),
            Bad::post(add, r#"{"product_id": 0}"#, 422, "product_id"),
            Bad::post(add, r#"{"product_id": -1}"#, 422, "product_id"),
            Bad::post(add, r#"{"product_id": 99}"#, 422, "product_id"),
            Bad::post(add, r#"{"product_id": 99999999999999999999}"#, 422, "product_id"),
            Bad::post(add, r#"{"product_id": 1, "product_id": 2}"#, 422, "product_id"),
            Bad::post(add, r#"{"product_id": 1, "quantity": 0}"#, 422, "quantity"),
            Bad::post(add, r#"{"product_id": 1, "quantity": -2}"#, 422, "quantity"),
            Bad::post(add, r#"{"product_id": 1, "quantity": 1001}"#, 422, "quantity"),
            Bad::post(add, r#"{"product_id": 1, "quantity": 1e99}"#, 422, "quantity"),
            Bad::post(add, r#"{"product_id": 1, "quantity": "2"}"#, 422, "quantity"),
            Bad::post(add, r#"{"product_id": 1, "quantity": null}"#, 422, "quantity"),
            Bad::post("/cart/full/add", r#"{"product_id": 1, "quantity": 2}"#, 422, "quantity"),
            Bad::post(add, &large, 413, "65536"),
            Bad::post("/cart/a%20b/add", r#"{"product_id": 1}"#, 422, "user_id"),
            Bad::post("/cart/%00/add", r#"{"product_id": 1}"#, 422, "user_id"),
            Bad::post("/cart/%F0%9F%9B%92/add", r#"{"product_id": 1}"#, 422, "user_id"),
            Bad::post("/cart/%ff/add", r#"{"product_id": 1}"#, 400, "UTF-8"),
            Bad::post(&add_long, r#"{"product_id": 1}"#, 422, "user_id"),
            Bad::request("POST", add, 415, "Content-Type"),
            Bad::request("GET", &get_long, 422, "user_id"),
            Bad::request("GET", "/cart/a%2Fb", 422, "user_id"),
            Bad::request("GET", &endless, 414, "path"),
            Bad::request("GET", "/cart", 404, "Not found"),
            Bad::request("DELETE", "/cart/u/remove/abc", 400, "product_id"),
            Bad::request("DELETE", "/cart/u/remove/0", 422, "product_id"),
            Bad::request("DELETE", "/cart/u/remove/99999999999999999999", 400, "product_id"),
            Bad::request("DELETE", "/cart/a%20b/remove/1", 422, "user_id"),
            Bad::request("GET", add, 405, "Method"),
            Bad::request("PUT", "/cart/u", 405, "Method"),
            Bad::request("GET", "/cart/u/remove/1", 405, "Method"),
            Bad::request("POST", "/health", 405, "Method"),
        ])
        .await;
    assert_eq!(service.get("/cart/u").await.1["items"], json!([]));
    assert_eq!(service.get("/cart/full").await, before);
}
