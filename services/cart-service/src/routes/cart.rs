//! `GET /cart/{user_id}`, `POST /cart/{user_id}/add` and `DELETE /cart/{user_id}/remove/{product_id}`.
//!
//! Prices are asked for before anything changes: a 503 means that nothing has.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use product_client::{Product, ProductId, Quantity};
use serde::{Deserialize, Serialize};
use service_common::error::ApiError;
use service_common::extract::{self, Path};
use service_common::user_id::UserId;

use crate::domain::{Cart, Item};
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/cart/{user_id}", get(show))
        .route("/cart/{user_id}/add", post(add))
        .route("/cart/{user_id}/remove/{product_id}", delete(remove))
}

#[derive(Deserialize)]
struct Add {
    product_id: i64,
    #[serde(default = "one")]
    quantity: i64,
}

fn one() -> i64 {
    1
}

#[derive(Serialize)]
struct Changed {
    message: &'static str,
    cart: Cart,
}

type Products = BTreeMap<ProductId, Product>;

async fn show(State(state): State<AppState>, Path(user): Path<String>) -> Result<Json<Cart>, ApiError> {
    let user = UserId::parse(&user)?;
    let items = state.store.items(&user).await?;
    let products = with_missing(&state, &items, Products::new()).await?;
    Ok(Json(price(user, &items, &products)?))
}

async fn add(
    State(state): State<AppState>,
    Path(user): Path<String>,
    extract::Json(body): extract::Json<Add>,
) -> Result<Json<Changed>, ApiError> {
    let user = UserId::parse(&user)?;
    let product = ProductId::new("product_id", body.product_id)?;
    let quantity = Quantity::new("quantity", body.quantity)?;
    let mut ids = ids(&state.store.items(&user).await?);
    if !ids.contains(&product) {
        ids.push(product);
    }
    let products = state.products.find(&ids).await?;
    if !products.contains_key(&product) {
        return Err(ApiError::invalid("product_id", format!("there is no product {product}")));
    }
    state.store.add(&user, product, quantity).await?;
    changed(&state, user, products, "Item added to cart").await
}

async fn remove(
    State(state): State<AppState>,
    Path((user, product)): Path<(String, String)>,
) -> Result<Json<Changed>, ApiError> {
    let user = UserId::parse(&user)?;
    let product = product.parse().map_err(|_| ApiError::bad_request("product_id: must be a whole number"))?;
    let product = ProductId::new("product_id", product)?;
    let products = state.products.find(&ids(&state.store.items(&user).await?)).await?;
    state.store.remove(&user, product).await?;
    changed(&state, user, products, "Item removed from cart").await
}

/// Returns the cart after a change. The change is made, so prices that cannot be had now are left out of the answer.
async fn changed(
    state: &AppState,
    user: UserId,
    products: Products,
    message: &'static str,
) -> Result<Json<Changed>, ApiError> {
    let items = state.store.items(&user).await?;
    let known = match with_missing(state, &items, products.clone()).await {
        Ok(all) => all,
        Err(_) => products,
    };
    Ok(Json(Changed { message, cart: price(user, &items, &known)? }))
}

fn ids(items: &[Item]) -> Vec<ProductId> {
    items.iter().map(|item| item.product_id).collect()
}

/// Returns `known` and the products of `items` that it lacks.
async fn with_missing(state: &AppState, items: &[Item], mut known: Products) -> Result<Products, ApiError> {
    let missing: Vec<ProductId> = ids(items).into_iter().filter(|id| !known.contains_key(id)).collect();
    known.extend(state.products.find(&missing).await?);
    Ok(known)
}

fn price(user: UserId, items: &[Item], products: &Products) -> Result<Cart, ApiError> {
    Cart::price(user, items, products).ok_or_else(|| ApiError::invalid("quantity", "the total is too large"))
}
