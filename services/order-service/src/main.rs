//! Runs order-service.

use std::error::Error;

use order_service::config::Config;
use order_service::{app, state};
use service_common::config::Variables;
use service_common::{server, telemetry};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    telemetry::log_to_stdout();
    let config = Config::from_variables(&Variables::of_process())?;
    let state = state::open(&config).await?;
    server::serve(&config.service, app(state.clone()), state).await?;
    Ok(())
}
