//! What `GET /products` is measured against: a bare axum handler that returns the same bytes, with no limits, no
//! metrics and no store. See `benches/list.sh`.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use tokio::net::TcpListener;

const BODY: &str = r#"{"products":[{"id":1,"name":"Laptop","price":999.99,"category":"Electronics","stock":15},{"id":2,"name":"Smartphone","price":699.99,"category":"Electronics","stock":30},{"id":3,"name":"Headphones","price":149.99,"category":"Electronics","stock":50},{"id":4,"name":"Desk Chair","price":199.99,"category":"Furniture","stock":10}],"count":4}"#;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/products", get(|| async { ([(header::CONTENT_TYPE, "application/json")], BODY) }));
    axum::serve(TcpListener::bind("127.0.0.1:15100").await?, app).await
}
