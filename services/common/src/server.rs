//! Two HTTP listeners with limits for hostile clients, and a stop that loses no request.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, Semaphore, watch};
use tower_http::catch_panic::CatchPanicLayer;

use crate::config::ServiceConfig;
use crate::error::ApiError;
use crate::health::{Draining, Readiness, admin};
use crate::telemetry::Metrics;

/// Largest request body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// Longest path with query that is answered, in bytes.
const MAX_PATH: usize = 4 * 1024;
/// Largest request head, in bytes; more is answered with 431 or 414.
const MAX_HEAD: usize = 32 * 1024;
/// Longest time for a request, from its head to its response.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a request head. Longer than gateways keep an idle connection (Kong: 60 s), so that it is
/// never this side that closes one under a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Longest time that open requests get once the service is told to stop.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Most connections a listener serves at once; more wait in the backlog.
const MAX_CONNECTIONS: usize = 4096;

/// Why a service stopped that was not told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port is taken, or the address is not this machine's.
    #[error("failed to listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// No signal can be waited for.
    #[error("failed to wait for signals")]
    Signal(#[source] std::io::Error),
}

/// Serves `api` and the admin routes until SIGTERM, SIGINT or, if so configured, the end of standard input; then
/// `/readyz` turns 503, the API takes no new connection, open requests are answered, and the admin listener goes last.
///
/// # Errors
/// An address cannot be listened on.
pub async fn serve<R: Readiness>(
    config: &ServiceConfig,
    api: Router,
    readiness: R,
) -> Result<(), ServeError> {
    let stop = Stop::new(config.exit_with_stdin).map_err(ServeError::Signal)?;
    let metrics = Metrics::default();
    let draining = Draining::default();
    let http = listen(config.http).await?;
    let admin_listener = listen(config.admin).await?;
    tracing::info!(http = %config.http, admin = %config.admin, "listening");

    let (stop_api, api_stopped) = watch::channel(());
    let (stop_admin, admin_stopped) = watch::channel(());
    let api = tokio::spawn(accept(http, guarded(api, metrics.clone()), api_stopped));
    let admin = admin(readiness, draining.clone(), metrics);
    let admin = tokio::spawn(accept(admin_listener, admin, admin_stopped));
    stop.told().await;
    tracing::info!("draining");
    draining.begin();
    drop(stop_api);
    let _ = api.await;
    drop(stop_admin);
    let _ = admin.await;
    tracing::info!("stopped");
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })
}

/// Returns `api` with what every request passes: limits, a timeout, metrics, and JSON for what no handler answers.
pub fn guarded(api: Router, metrics: Metrics) -> Router {
    api.fallback(|| async { ApiError::not_found("Not found") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
        })
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a handler panicked");
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal error").into_response()
        }))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(metrics, observe))
}

async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = if request.uri().path_and_query().is_some_and(|path| path.as_str().len() > MAX_PATH) {
        ApiError::new(StatusCode::URI_TOO_LONG, format!("the path is longer than {MAX_PATH} bytes"))
            .into_response()
    } else {
        match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
            Ok(response) => response,
            Err(_) => ApiError::unavailable("The request took too long").into_response(),
        }
    };
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    metrics.observe(&method, route, response.status(), began.elapsed());
    response
}

/// Serves connections of `listener` until `stopped` closes, then waits for the open ones. A head that is larger than
/// hyper's buffer is answered by hyper: 431 or 414 without a body.
pub async fn accept(listener: TcpListener, app: Router, mut stopped: watch::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            next = next => next,
            _ = stopped.changed() => break,
        };
        let Ok(stream) = accepted.and_then(|(stream, _)| without_delay(stream)) else {
            // Out of file descriptors, or the peer is gone already: let others finish.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let service = TowerToHyperService::new(app.clone());
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A client that breaks off or sends no HTTP is the client's affair.
            let _ = connection.await;
            drop(slot);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await;
}

fn without_delay(stream: TcpStream) -> std::io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What tells a service to stop. From the moment that this is made, a signal does not end the process.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    closed: Arc<Notify>,
}

impl Stop {
    fn new(exit_with_stdin: bool) -> io::Result<Self> {
        let closed = Arc::new(Notify::new());
        if exit_with_stdin {
            // A thread of its own: a blocking read in the runtime would keep it from ending.
            let closed = Arc::clone(&closed);
            std::thread::spawn(move || {
                let mut stdin = io::stdin().lock();
                let mut buffer = [0; 64];
                while matches!(stdin.read(&mut buffer), Ok(read) if read > 0) {}
                closed.notify_one();
            });
        }
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, closed })
    }

    async fn told(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = self.closed.notified() => {}
        }
    }
}
