//! `ecomctl verify` against what is no shop. Against a shop it is tested with `up`.

use std::io::{Read, Write};
use std::net::TcpListener;

use insta::assert_snapshot;

use crate::context::TestContext;

/// Returns the output without times and ports.
fn verify(url: &str, args: &[&str]) -> String {
    let shown = TestContext::empty().run(&[&["verify", "--url", url], args].concat());
    let lines = shown.replace(url, "[URL]");
    let lines = lines.lines().map(|line| match line.split_once(" ms") {
        Some((before, after)) => {
            format!(
                "{} [TIME]{after}",
                before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end()
            )
        }
        None => line.to_owned(),
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    match lines.split_once("verify-").map(|(_, rest)| &rest[..16]) {
        Some(user) => lines.replace(user, "[USER]"),
        None => lines,
    }
}

/// Answers every request with `200 {}`.
fn something_else() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        }
    });
    url
}

#[test]
fn nothing_that_listens() {
    assert_snapshot!(verify("http://127.0.0.1:1/", &["--read-only"]), @"
    exit: 1
    --- stdout
    failed  list products [TIME]: GET /products: Connection refused (os error 111)
    skipped view a product [TIME]: the shop does not answer
    skipped unknown product is 404 [TIME]: the shop does not answer
    skipped cart of a new user is empty [TIME]: the shop does not answer
    skipped a new user has no orders [TIME]: the shop does not answer
    skipped unknown order is 404 [TIME]: the shop does not answer
    --- stderr
    error: 1 of 6 checks failed at [URL]
    hint: is this the URL of the shop's gateway?
    ");
}

#[test]
fn something_that_is_no_shop() {
    assert_snapshot!(verify(&something_else(), &[]), @r#"
    exit: 1
    --- stdout
    failed  list products [TIME]: `products` is no list
    skipped view a product [TIME]: no product is listed
    failed  unknown product is 404 [TIME]: status is 200, expected 404
    failed  cart of a new user is empty [TIME]: user_id is null, expected "verify-[USER]"
    failed  a new user has no orders [TIME]: count is null, expected 0
    failed  unknown order is 404 [TIME]: status is 200, expected 404
    skipped add to cart [TIME]: no product is listed
    skipped read the cart back [TIME]: no product is listed
    skipped remove from cart [TIME]: no product is listed
    skipped negative quantity is refused [TIME]: no product is listed
    skipped place an order [TIME]: no product is listed
    skipped read the order back [TIME]: no order is placed
    skipped list the user's orders [TIME]: no order is placed
    skipped cancel the order [TIME]: no order is placed
    --- stderr
    error: 5 of 14 checks failed at [URL]
    hint: is this the URL of the shop's gateway?
    "#);
}

#[test]
fn json_has_every_check() {
    let output = TestContext::empty().output(&["verify", "--url", "http://127.0.0.1:1", "--output", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["url"], "http://127.0.0.1:1/");
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 14);
    assert_eq!((&checks[0]["name"], &checks[0]["status"]), (&"list products".into(), &"failed".into()));
    assert_eq!(checks[13]["status"], "skipped");
    assert_eq!(report["failed"].as_u64().unwrap() + report["skipped"].as_u64().unwrap(), 14);
}

#[test]
fn what_is_no_url_is_wrong_usage() {
    assert_snapshot!(verify("localhost:8000", &[]), @"
    exit: 2
    --- stdout
    --- stderr
    error: `[URL]` is no URL of a shop
    hint: it begins with `http://` or `https://`
    ");
    let shown = verify("http://you:hunter2@127.0.0.1:1/", &[]);
    assert!(shown.starts_with("exit: 2") && !shown.contains("hunter2"), "{shown}");
    assert_snapshot!(verify("shop", &[]), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value '[URL]' for '--url <URL>': relative URL without a base

    For more information, try '--help'.
    ");
}
