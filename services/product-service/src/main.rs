//! Runs product-service.

use std::error::Error;
use std::process::ExitCode;

use product_service::config::Config;
use product_service::{app, state};
use service_common::config::Variables;
use service_common::{server, telemetry};

#[tokio::main]
async fn main() -> ExitCode {
    telemetry::log_to_stdout();
    telemetry::exit_code(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_variables(&Variables::of_process())?;
    let state = state::open(&config).await?;
    server::serve(&config.service, app(state.clone()), state).await?;
    Ok(())
}
