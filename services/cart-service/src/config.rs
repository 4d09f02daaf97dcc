//! What cart-service is told.

use service_common::config::{ConfigError, ServiceConfig, Variables};

/// The configuration of cart-service.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub service: ServiceConfig,
    /// Where product-service answers, such as `http://product-service`.
    pub product_service_url: String,
}

impl Config {
    /// Reads `PRODUCT_SERVICE_URL`, and what [`ServiceConfig::from_variables`] reads.
    ///
    /// # Errors
    /// `PRODUCT_SERVICE_URL` is not set, or a value does not parse.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self {
            service: ServiceConfig::from_variables(variables, crate::NAME, 5001)?,
            product_service_url: variables.require("PRODUCT_SERVICE_URL")?,
        })
    }
}
