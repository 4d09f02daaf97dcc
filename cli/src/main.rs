//! Runs `ecomctl`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ecomctl::run(std::env::args_os())
}
