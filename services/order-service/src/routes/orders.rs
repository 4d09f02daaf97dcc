//! `POST /orders`, `GET /orders?user_id=`, `GET /orders/{id or user_id}` and `POST /orders/{id}/cancel`.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use product_client::{ProductId, Quantity};
use serde::{Deserialize, Serialize};
use service_common::error::ApiError;
use service_common::extract::{self, Object, Path, Query};
use service_common::money::Cents;
use service_common::user_id::UserId;

use crate::domain::{MAX_ITEMS, NewOrder, Order, Wanted};
use crate::state::AppState;

/// Most orders in one list: the newest ones of the user.
const MAX_LISTED: u32 = 100;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/orders", post(create).get(list))
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/cancel", post(cancel))
}

#[derive(Deserialize)]
struct Create {
    user_id: String,
    items: Vec<Object<CreateItem>>,
    total: Option<Cents>,
}

#[derive(Deserialize)]
struct CreateItem {
    product_id: i64,
    quantity: i64,
}

#[derive(Serialize)]
struct Changed {
    message: &'static str,
    order: Order,
}

#[derive(Serialize)]
struct List {
    count: usize,
    orders: Vec<Order>,
}

async fn create(
    State(state): State<AppState>,
    extract::Json(body): extract::Json<Create>,
) -> Result<impl IntoResponse, ApiError> {
    let user_id = UserId::parse(&body.user_id)?;
    let wanted = wanted(&body.items)?;
    let ids: Vec<ProductId> = wanted.iter().map(|item| item.product_id).collect();
    let products = state.products.find(&ids).await?;
    let new = NewOrder::price(user_id, &wanted, body.total, &products)?;
    let order = state.store.create(new, now()).await?;
    let location = [(header::LOCATION, format!("/orders/{}", order.id))];
    Ok((StatusCode::CREATED, location, Json(Changed { message: "Order created successfully", order })))
}

fn wanted(items: &[Object<CreateItem>]) -> Result<Vec<Wanted>, ApiError> {
    if items.is_empty() || items.len() > MAX_ITEMS {
        return Err(ApiError::invalid("items", format!("must have 1 to {MAX_ITEMS} items")));
    }
    let mut seen = BTreeSet::new();
    let check = |(at, Object(item)): (usize, &Object<CreateItem>)| {
        let product_id = ProductId::new(&format!("items[{at}].product_id"), item.product_id)?;
        if !seen.insert(product_id) {
            return Err(ApiError::invalid(
                &format!("items[{at}].product_id"),
                format!("product {product_id} is listed twice"),
            ));
        }
        Ok(Wanted { product_id, quantity: Quantity::new(&format!("items[{at}].quantity"), item.quantity)? })
    };
    items.iter().enumerate().map(check).collect()
}

#[derive(Deserialize)]
struct ListQuery {
    user_id: String,
}

async fn list(State(state): State<AppState>, Query(query): Query<ListQuery>) -> Result<Json<List>, ApiError> {
    Ok(Json(list_of(&state, &query.user_id).await?))
}

/// An order when the segment is all digits, else the orders of that user, as the tutorial has it.
async fn show(
    State(state): State<AppState>,
    Path(segment): Path<String>,
) -> Result<axum::response::Response, ApiError> {
    if segment.bytes().all(|b| b.is_ascii_digit()) {
        let order = state.store.get(order_id(&segment)?).await?.ok_or_else(not_found)?;
        return Ok(Json(order).into_response());
    }
    Ok(Json(list_of(&state, &segment).await?).into_response())
}

async fn cancel(State(state): State<AppState>, Path(id): Path<String>) -> Result<Json<Changed>, ApiError> {
    let order = state.store.cancel(order_id(&id)?, now()).await?.ok_or_else(not_found)?;
    Ok(Json(Changed { message: "Order cancelled", order }))
}

async fn list_of(state: &AppState, user: &str) -> Result<List, ApiError> {
    let orders = state.store.of_user(&UserId::parse(user)?, MAX_LISTED).await?;
    Ok(List { count: orders.len(), orders })
}

/// Returns the time to the microsecond, as the store keeps it.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// A number too large for an id is the id of no order.
fn order_id(segment: &str) -> Result<i64, ApiError> {
    if segment.is_empty() || !segment.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ApiError::bad_request("id: must be a whole number"));
    }
    segment.parse().map_err(|_| not_found())
}

fn not_found() -> ApiError {
    ApiError::not_found("Order not found")
}
