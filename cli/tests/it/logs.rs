//! `ecomctl logs`: the lines that are there, and those that come.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use insta::assert_snapshot;

use crate::context::{SPEC, TestContext};

#[test]
fn logs_begin_with_the_last_lines_and_follow_the_file() {
    let context = TestContext::with_spec(SPEC);
    assert_snapshot!(context.run(&["logs"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: no service has logged anything in this folder
    hint: `ecomctl up` runs them
    ");
    context.write(".ecomctl/logs/cart-service.log", "one\ntwo\nthree\nunfinished");
    context.write(".ecomctl/logs/order-service.log", "only\n");
    assert_snapshot!(context.run(&["logs", "--tail", "2"]), @"
    exit: 0
    --- stdout
    cart-service    | two
    cart-service    | three
    order-service   | only
    --- stderr
    ");
    assert_snapshot!(context.run(&["logs", "gamma", "--tail", "x"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: `x` is no number of lines
    hint: `--tail 20`, `--tail all`
    ");
    let mut command =
        context.command(&["logs", "cart-service", "--follow", "--tail", "0", "--output", "json"]);
    let mut running = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    sleep(Duration::from_millis(300));
    context.write(".ecomctl/logs/cart-service.log", "one\ntwo\nthree\nfinished\n");
    assert_eq!(lines.next().unwrap().unwrap(), r#"{"line":"finished","service":"cart-service"}"#);
    // A service that starts again begins a new file.
    context.write(".ecomctl/logs/cart-service.log", "anew\n");
    assert_eq!(lines.next().unwrap().unwrap(), r#"{"line":"anew","service":"cart-service"}"#);
    Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(0));
}
