//! The admin listener: `/livez` never touches a dependency, `/readyz` asks the store, `/metrics` is Prometheus text.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::telemetry::Metrics;

/// Longest time that a readiness check may take.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Something that can tell whether requests can be served.
pub trait Readiness: Send + Sync + 'static {
    /// Returns the reason when the service cannot serve now.
    fn ready(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Whether the service has begun to drain. Clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// Makes `/readyz` answer 503 from now on.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Admin<R> {
    readiness: R,
    draining: Draining,
    metrics: Metrics,
}

/// Returns the routes of the admin listener.
pub fn admin<R: Readiness>(readiness: R, draining: Draining, metrics: Metrics) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz::<R>))
        .route("/metrics", get(metrics_text::<R>))
        .with_state(Arc::new(Admin { readiness, draining, metrics }))
}

async fn readyz<R: Readiness>(State(admin): State<Arc<Admin<R>>>) -> (StatusCode, String) {
    let state = match tokio::time::timeout(READY_TIMEOUT, admin.readiness.ready()).await {
        _ if admin.draining.is_on() => Err("draining".to_owned()),
        Ok(state) => state,
        Err(_) => Err("the store does not answer".to_owned()),
    };
    match state {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}

async fn metrics_text<R: Readiness>(State(admin): State<Arc<Admin<R>>>) -> impl IntoResponse {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], admin.metrics.encode())
}

#[derive(Clone, Copy, Serialize)]
struct Health {
    status: &'static str,
    service: &'static str,
}

/// Returns `GET /health` of the API, as the tutorial has it.
pub fn health<S: Clone + Send + Sync + 'static>(service: &'static str) -> Router<S> {
    Router::new().route("/health", get(move || async move { Json(Health { status: "healthy", service }) }))
}
