//! product-service over HTTP, on its embedded store.

use serde_json::json;
use tempfile::TempDir;
use test_support::{Bad, Served, product_service};

async fn service(folder: &TempDir) -> Served {
    product_service(folder.path()).await
}

#[tokio::test]
async fn lists_the_products_of_the_tutorial() {
    let folder = TempDir::new().unwrap();
    let (status, body) = service(&folder).await.get("/products").await;
    let products = json!([
        { "id": 1, "name": "Laptop", "price": 999.99, "category": "Electronics", "stock": 15 },
        { "id": 2, "name": "Smartphone", "price": 699.99, "category": "Electronics", "stock": 30 },
        { "id": 3, "name": "Headphones", "price": 149.99, "category": "Electronics", "stock": 50 },
        { "id": 4, "name": "Desk Chair", "price": 199.99, "category": "Furniture", "stock": 10 },
    ]);
    assert_eq!((status, body), (200, json!({ "products": products, "count": 4 })));
}

#[tokio::test]
async fn lists_only_the_products_that_are_asked_for() {
    let folder = TempDir::new().unwrap();
    let (status, body) = service(&folder).await.get("/products?ids=3,99,1").await;
    assert_eq!((status, &body["count"]), (200, &json!(2)));
    assert_eq!((&body["products"][0]["id"], &body["products"][1]["id"]), (&json!(3), &json!(1)));
}

#[tokio::test]
async fn shows_a_product_or_says_that_there_is_none() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    let (status, body) = service.get("/products/4").await;
    assert_eq!((status, &body["name"]), (200, &json!("Desk Chair")));
    for absent in ["/products/99", "/products/0", "/products/99999999999999999999999"] {
        assert_eq!(service.get(absent).await, (404, json!({ "error": "Product not found" })), "{absent}");
    }
}

#[tokio::test]
async fn says_that_it_is_healthy() {
    let folder = TempDir::new().unwrap();
    let answer = service(&folder).await.get("/health").await;
    assert_eq!(answer, (200, json!({ "status": "healthy", "service": "product-service" })));
}

#[tokio::test]
async fn seed_data_is_made_once() {
    let folder = TempDir::new().unwrap();
    drop(service(&folder).await);
    assert_eq!(service(&folder).await.get("/products").await.1["count"], json!(4));
}

#[tokio::test]
async fn refuses_bad_requests() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    let long = format!("/products/{}", "1".repeat(5000));
    let many = format!("/products?ids={}", vec!["1"; 101].join(","));
    service
        .refuses(&[
            Bad::request("GET", "/products/abc", 400, "id"),
            Bad::request("GET", "/products/-1", 400, "id"),
            Bad::request("GET", "/products/1.5", 400, "id"),
            Bad::request("GET", "/products/%00", 400, "id"),
            Bad::request("GET", "/products/%D9%A1", 400, "id"),
            Bad::request("GET", "/products/%ff", 400, "UTF-8"),
            Bad::request("GET", "/products?ids=", 400, "ids"),
            Bad::request("GET", "/products?ids=1,,2", 400, "ids"),
            Bad::request("GET", "/products?ids=1;DROP", 400, "ids"),
            Bad::request("GET", "/products?ids=99999999999999999999", 400, "ids"),
            Bad::request("GET", "/products?ids=1&ids=2", 400, "ids"),
            Bad::request("GET", &many, 400, "ids"),
            Bad::request("GET", &long, 414, "path"),
            Bad::request("POST", "/products", 405, "Method"),
            Bad::request("DELETE", "/products/1", 405, "Method"),
            Bad::request("POST", "/health", 405, "Method"),
            Bad::request("GET", "/", 404, "Not found"),
            Bad::request("GET", "/products/1/reviews", 404, "Not found"),
        ])
        .await;
}
