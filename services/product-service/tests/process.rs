//! product-service as the process that is shipped.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::Path;

use tempfile::TempDir;
use test_support::process::Process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_product-service");

fn start(folder: &Path) -> Process {
    Process::start(PROGRAM, folder, &[])
}

async fn text(url: String) -> (u16, String) {
    let response = reqwest::get(url).await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_admin_listener_answers() {
    let folder = TempDir::new().unwrap();
    let process = start(folder.path());
    assert_eq!(text(format!("{}/livez", process.admin)).await, (200, "ok\n".to_owned()));
    assert_eq!(text(format!("{}/readyz", process.admin)).await, (200, "ok\n".to_owned()));
    assert_eq!(text(format!("{}/products/1", process.url)).await.0, 200);
    assert_eq!(text(format!("{}/livez", process.url)).await.0, 404, "not on the API's port");
    let (status, metrics) = text(format!("{}/metrics", process.admin)).await;
    assert_eq!(status, 200);
    let counted = "http_server_request_duration_seconds_count{http_request_method=\"GET\",\
                   http_route=\"/products/{id}\",http_response_status_code=\"200\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn without_its_store_it_is_alive_but_not_ready() {
    let folder = TempDir::new().unwrap();
    let process = start(folder.path());
    std::fs::rename(folder.path().join("data"), folder.path().join("gone")).unwrap();
    let (status, reason) = text(format!("{}/readyz", process.admin)).await;
    assert_eq!(status, 503);
    assert!(reason.contains("data/product-service.db"), "{reason}");
    assert_eq!(text(format!("{}/livez", process.admin)).await.0, 200);
}

#[test]
fn sigterm_ends_it_well() {
    let folder = TempDir::new().unwrap();
    let mut process = start(folder.path());
    process.terminate();
    assert!(process.ended().success());
}

#[test]
fn the_end_of_stdin_ends_it() {
    let folder = TempDir::new().unwrap();
    let mut process = start(folder.path());
    process.close_stdin();
    assert!(process.ended().success());
}
