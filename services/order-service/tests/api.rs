//! order-service over HTTP, on its embedded store, priced by a real product-service.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use order_service::config::Config;
use order_service::{app, state};
use serde_json::{Value, json};
use service_common::config::Variables;
use tempfile::TempDir;
use test_support::{Bad, Served, product_service, serve};

async fn order_service(folder: &TempDir, product_service: &str) -> Served {
    let store = format!("sqlite:{}/orders.db", folder.path().display());
    let variables =
        Variables::from_iter([("STORE_URL", store.as_str()), ("PRODUCT_SERVICE_URL", product_service)]);
    let config = Config::from_variables(&variables).unwrap();
    serve(app(state::open(&config).await.unwrap())).await
}

async fn service(folder: &TempDir) -> Served {
    order_service(folder, product_service(folder.path()).await.url()).await
}

fn tutorial_order() -> Value {
    json!({ "user_id": "user123", "items": [{ "product_id": 1, "quantity": 2 }], "total": 199.98 })
}

#[tokio::test]
async fn the_order_of_the_tutorial_succeeds_with_the_true_total() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    let response = service.request("POST", "/orders").json(&tutorial_order()).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (201, &"/orders/1".parse().unwrap())
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["message"], json!("Order created successfully"));
    let order = &body["order"];
    assert_eq!(order["id"], json!(1));
    assert_eq!(order["user_id"], json!("user123"));
    assert_eq!(order["items"], json!([{ "product_id": 1, "quantity": 2, "price": 999.99 }]));
    assert_eq!(order["total"], json!(1999.98));
    assert_eq!((&order["client_total"], &order["total_matches"]), (&json!(199.98), &json!(false)));
    assert_eq!(order["status"], json!("confirmed"));
    assert_eq!(order["created_at"], order["updated_at"]);
    let created: jiff::Timestamp = order["created_at"].as_str().unwrap().parse().unwrap();
    assert!(created.duration_until(jiff::Timestamp::now()).as_secs() < 60);
    assert_eq!(service.get("/orders/1").await, (200, order.clone()));
}

#[tokio::test]
async fn a_total_that_is_right_or_left_out() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    let items = json!([{ "product_id": 3, "quantity": 1 }, { "product_id": 4, "quantity": 2 }]);
    let right = json!({ "user_id": "u", "items": items, "total": 549.97 });
    assert_eq!(service.post("/orders", right).await.1["order"]["total_matches"], json!(true));
    let (_, body) = service.post("/orders", json!({ "user_id": "u", "items": items })).await;
    assert_eq!((&body["order"]["total"], body["order"].get("total_matches")), (&json!(549.97), None));
}

#[tokio::test]
async fn lists_the_orders_of_a_user() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    assert_eq!(service.get("/orders/user123").await, (200, json!({ "orders": [], "count": 0 })));
    for _ in 0..2 {
        service.post("/orders", tutorial_order()).await;
    }
    let (status, body) = service.get("/orders/user123").await;
    assert_eq!((status, &body["count"]), (200, &json!(2)));
    assert_eq!((&body["orders"][0]["id"], &body["orders"][1]["id"]), (&json!(1), &json!(2)));
    assert_eq!(service.get("/orders?user_id=user123").await, (200, body));
}

#[tokio::test]
async fn a_user_whose_name_is_a_number_is_found_by_query() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    service.post("/orders", json!({ "user_id": "77", "items": [{ "product_id": 1, "quantity": 1 }] })).await;
    assert_eq!(service.get("/orders?user_id=77").await.1["count"], json!(1));
    assert_eq!(service.get("/orders/77").await, (404, json!({ "error": "Order not found" })));
}

#[tokio::test]
async fn cancels_once_and_says_the_same_again() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    service.post("/orders", tutorial_order()).await;
    let (status, first) = service.post("/orders/1/cancel", json!(null)).await;
    assert_eq!((status, &first["order"]["status"]), (200, &json!("cancelled")));
    assert_eq!(service.post("/orders/1/cancel", json!(null)).await, (200, first));
    assert_eq!(service.get("/orders/1").await.1["status"], json!("cancelled"));
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let (_, body) = service(&folder).await.post("/orders", tutorial_order()).await;
    let again = service(&folder).await;
    assert_eq!(again.get("/orders/1").await, (200, body["order"].clone()));
    assert_eq!(again.post("/orders", tutorial_order()).await.1["order"]["id"], json!(2));
}

#[tokio::test]
async fn without_product_service_it_says_so_and_orders_nothing() {
    let folder = TempDir::new().unwrap();
    let lonely = order_service(&folder, "http://127.0.0.1:1").await;
    let unavailable = (503, json!({ "error": "product-service is unavailable, try again" }));
    assert_eq!(lonely.post("/orders", tutorial_order()).await, unavailable);
    assert_eq!(lonely.get("/orders/user123").await.1["count"], json!(0));
}

#[tokio::test]
async fn says_that_it_is_healthy() {
    let folder = TempDir::new().unwrap();
    let answer = service(&folder).await.get("/health").await;
    assert_eq!(answer, (200, json!({ "status": "healthy", "service": "order-service" })));
}

#[tokio::test]
async fn refuses_bad_requests_and_keeps_nothing_of_them() {
    let folder = TempDir::new().unwrap();
    let service = service(&folder).await;
    let orders = |items: &str| format!(r#"{{"user_id": "u", "items": {items}}}"#);
    let of = |item: &str| orders(&format!("[{item}]"));
    let total = |total: &str| {
        format!(r#"{{"user_id": "u", "items": [{{"product_id": 1, "quantity": 1}}], "total": {total}}}"#)
    };
    let user =
        |user: &str| format!(r#"{{"user_id": {user}, "items": [{{"product_id": 1, "quantity": 1}}]}}"#);
    let many = orders(&format!("[{}]", vec![r#"{"product_id": 1, "quantity": 1}"#; 101].join(",")));
    let long = format!("\"{}\"", "u".repeat(65));
    let deep = format!("{}{}", r#"{"user_id": "u", "items": "#, "[".repeat(10_000));
    let large = user(&format!("\"{}\"", "u".repeat(70_000)));
    let bodies: Vec<(String, u16, &str)> = vec![
        (String::new(), 400, "EOF"),
        ("{".to_owned(), 400, "EOF"),
        (deep, 422, "items"),
        ("[]".to_owned(), 422, "an object"),
        ("{}".to_owned(), 422, "user_id"),
        (r#"{"user_id": "u"}"#.to_owned(), 422, "items"),
        (r#"{"items": []}"#.to_owned(), 422, "user_id"),
        (user("7"), 422, "user_id"),
        (user("null"), 422, "user_id"),
        (user("\"\""), 422, "user_id"),
        (user("\"a b\""), 422, "user_id"),
        (user("\"a\\u0000b\""), 422, "user_id"),
        (user("\"\u{1f6d2}\""), 422, "user_id"),
        (user(&long), 422, "user_id"),
        (large, 413, "65536"),
        (orders("null"), 422, "items"),
        (orders("{}"), 422, "items"),
        (orders("[]"), 422, "items"),
        (orders("[1]"), 422, "items[0]"),
        (orders("[[1, 2]]"), 422, "items[0]"),
        (many, 422, "items"),
        (of(r#"{"product_id": 1}"#), 422, "quantity"),
        (of(r#"{"quantity": 1}"#), 422, "product_id"),
        (of(r#"{"product_id": 1, "quantity": 0}"#), 422, "items[0].quantity"),
        (of(r#"{"product_id": 1, "quantity": -1}"#), 422, "items[0].quantity"),
        (of(r#"{"product_id": 1, "quantity": 1001}"#), 422, "items[0].quantity"),
        (of(r#"{"product_id": 1, "quantity": 9223372036854775808}"#), 422, "items[0].quantity"),
        (of(r#"{"product_id": 1, "quantity": 1.0}"#), 422, "items[0].quantity"),
        (of(r#"{"product_id": "1", "quantity": 1}"#), 422, "items[0].product_id"),
        (of(r#"{"product_id": 0, "quantity": 1}"#), 422, "items[0].product_id"),
        (of(r#"{"product_id": 99, "quantity": 1}"#), 422, "items[0].product_id"),
        (
            of(r#"{"product_id": 1, "quantity": 1}, {"product_id": 1, "quantity": 2}"#),
            422,
            "items[1].product_id",
        ),
        (of(r#"{"product_id": 1, "quantity": 1, "quantity": 2}"#), 422, "quantity"),
        (total("\"199.98\""), 422, "total"),
        (total("1e400"), 422, "total"),
        (total("1e2"), 422, "total"),
        (total("99999999999999999999"), 422, "total"),
        (total("{}"), 422, "total"),
    ];
    let table: Vec<Bad<'_>> =
        bodies.iter().map(|(body, status, names)| Bad::post("/orders", body, *status, names)).collect();
    service.refuses(&table).await;
    let long_path = format!("/orders/{}", "u".repeat(65));
    let endless = format!("/orders/{}", "u".repeat(5000));
    service
        .refuses(&[
            Bad::post("/orders", b"{\"user_id\": \"\xff\"}", 400, ""),
            Bad::request("POST", "/orders", 415, "Content-Type"),
            Bad::request("GET", "/orders", 400, "user_id"),
            Bad::request("GET", "/orders?user_id=", 422, "user_id"),
            Bad::request("GET", "/orders?user_id=a%00", 422, "user_id"),
            Bad::request("GET", "/orders?user_id=a&user_id=b", 400, "user_id"),
            Bad::request("GET", "/orders/99", 404, "Order not found"),
            Bad::request("GET", "/orders/99999999999999999999", 404, "Order not found"),
            Bad::request("GET", "/orders/a%20b", 422, "user_id"),
            Bad::request("GET", "/orders/%ff", 400, "UTF-8"),
            Bad::request("GET", &long_path, 422, "user_id"),
            Bad::request("GET", &endless, 414, "path"),
            Bad::request("POST", "/orders/99/cancel", 404, "Order not found"),
            Bad::request("POST", "/orders/abc/cancel", 400, "id"),
            Bad::request("POST", "/orders/-1/cancel", 400, "id"),
            Bad::request("GET", "/orders/1/cancel", 405, "Method"),
            Bad::request("DELETE", "/orders/1", 405, "Method"),
            Bad::request("PUT", "/orders", 405, "Method"),
            Bad::request("POST", "/health", 405, "Method"),
            Bad::request("GET", "/orders/1/items", 404, "Not found"),
        ])
        .await;
    assert_eq!(service.get("/orders/u").await.1["count"], json!(0));
}
