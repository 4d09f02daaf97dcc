//! What product-service is told.

use service_common::config::{ConfigError, ServiceConfig, Variables};

/// The configuration of product-service.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service is told.
    pub service: ServiceConfig,
}

impl Config {
    /// Reads the configuration; see [`ServiceConfig::from_variables`].
    ///
    /// # Errors
    /// A value does not parse.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Ok(Self { service: ServiceConfig::from_variables(variables, crate::NAME, 5003)? })
    }
}
