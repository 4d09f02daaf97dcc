//! The gateway: what an ingress controller does with the rendered Ingress, on one port of this machine.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::model::local::Route;

/// Longest time that a service gets to begin its answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Headers that concern one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Largest body that is passed on, in bytes. It is read whole first, so that a service may refuse it early.
const MAX_BODY: usize = 1024 * 1024;

type Body = BoxBody<Bytes, hyper::Error>;

struct Gateway {
    routes: Vec<Route>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Serves `routes` on `listener` for as long as this is polled.
///
/// # Errors
/// The listener cannot be used.
pub async fn serve(listener: std::net::TcpListener, routes: Vec<Route>) -> io::Result<Infallible> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let gateway = Arc::new(Gateway { routes, client });
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, or the peer is gone already: let others finish.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let gateway = Arc::clone(&gateway);
                async move { Ok::<_, Infallible>(gateway.answer(request).await) }
            });
            // A client that breaks off or sends no HTTP is the client's affair.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

impl Gateway {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name)).unwrap_or_default();
        let Some(route) = self.routes.iter().find(|route| route.matches(host, &path)) else {
            return refuse(StatusCode::NOT_FOUND, &format!("no route for {path}"));
        };
        let whole = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
        let Ok(uri) = Uri::try_from(format!("http://127.0.0.1:{}{whole}", route.port)) else {
            return refuse(StatusCode::BAD_REQUEST, "the path cannot be passed on");
        };
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                return refuse(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    &format!("the body is larger than {MAX_BODY} bytes"),
                );
            }
            Err(_) => return refuse(StatusCode::BAD_REQUEST, "the body cannot be read"),
        };
        let mut request = Request::from_parts(head, Full::new(body));
        *request.uri_mut() = uri;
        drop_hop_by_hop(request.headers_mut());
        request.headers_mut().remove(header::CONTENT_LENGTH);
        request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static("127.0.0.1"));
        match tokio::time::timeout(TIMEOUT, self.client.request(request)).await {
            Ok(Ok(mut response)) => {
                drop_hop_by_hop(response.headers_mut());
                response.map(BodyExt::boxed)
            }
            Ok(Err(_)) => refuse(StatusCode::BAD_GATEWAY, "the service does not answer"),
            Err(_) => refuse(StatusCode::GATEWAY_TIMEOUT, "the service takes too long"),
        }
    }
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.into_iter().chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn refuse(status: StatusCode, reason: &str) -> Response<Body> {
    let body = serde_json::json!({ "error": reason }).to_string();
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
