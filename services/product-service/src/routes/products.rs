//! `GET /products` and `GET /products/{id}`.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use serde::Deserialize;
use service_common::error::ApiError;
use service_common::extract::{Path, Query};

use crate::state::AppState;

/// Most ids that one request may ask for.
const MAX_IDS: usize = 100;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/products", get(list)).route("/products/{id}", get(show))
}

#[derive(Deserialize)]
struct ListQuery {
    /// Only these products, separated by commas.
    ids: Option<String>,
}

async fn list(State(state): State<AppState>, Query(query): Query<ListQuery>) -> Result<Response, ApiError> {
    let catalogue = state.catalogue();
    let body = match query.ids {
        None => catalogue.all(),
        Some(ids) => catalogue.some(&parse_ids(&ids)?).map_err(|error| ApiError::internal(&error))?,
    };
    Ok(json(body))
}

fn parse_ids(text: &str) -> Result<Vec<i64>, ApiError> {
    let ids = text
        .split(',')
        .map(|id| {
            id.parse().map_err(|_| ApiError::bad_request("ids: must be whole numbers separated by commas"))
        })
        .collect::<Result<Vec<i64>, _>>()?;
    if ids.len() > MAX_IDS {
        return Err(ApiError::bad_request(format!("ids: must be at most {MAX_IDS}")));
    }
    Ok(ids)
}

async fn show(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, ApiError> {
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ApiError::bad_request("id: must be a whole number"));
    }
    // A number too large for an id is the id of no product.
    let found = id.parse().ok().and_then(|id| state.catalogue().one(id));
    found.map(json).ok_or_else(|| ApiError::not_found("Product not found"))
}

fn json(body: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
