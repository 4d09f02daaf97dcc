//! Configuration from environment variables, read once at start.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// What every service is told.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Where the API listens.
    pub http: SocketAddr,
    /// Where `/livez`, `/readyz` and `/metrics` listen.
    pub admin: SocketAddr,
    /// The store, such as `sqlite:data/product-service.db`.
    pub store_url: String,
    /// Whether the service ends when its standard input closes, as it does when `ecomctl up` goes away.
    pub exit_with_stdin: bool,
}

/// A variable that is missing or has a value that is not taken.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name}: {reason}")]
pub struct ConfigError {
    name: String,
    reason: String,
}

/// The environment variables of the process.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Returns those of this process. A variable that is no Unicode text is left out.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Returns the value of `name`, parsed, or `default` when it is not set.
    ///
    /// # Errors
    /// The value does not parse.
    pub fn get<T: FromStr<Err: std::fmt::Display>>(&self, name: &str, default: T) -> Result<T, ConfigError> {
        match self.0.get(name) {
            None => Ok(default),
            Some(value) => value.parse().map_err(|error| ConfigError {
                name: name.to_owned(),
                reason: format!("`{value}`: {error}"),
            }),
        }
    }
}

impl Variables {
    /// Returns the value of `name`.
    ///
    /// # Errors
    /// It is not set.
    pub fn require(&self, name: &str) -> Result<String, ConfigError> {
        let value = self.0.get(name).filter(|value| !value.is_empty()).cloned();
        value.ok_or_else(|| ConfigError { name: name.to_owned(), reason: "is not set".to_owned() })
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// How far the admin listener is from the API, unless `ADMIN_PORT` says otherwise.
const ADMIN_OFFSET: u16 = 1000;

impl ServiceConfig {
    /// Reads `LISTEN_ADDRESS`, `HTTP_PORT`, `ADMIN_PORT`, `STORE_URL` and `EXIT_WITH_STDIN`.
    ///
    /// # Errors
    /// A value does not parse.
    pub fn from_variables(variables: &Variables, name: &str, http_port: u16) -> Result<Self, ConfigError> {
        let address = variables.get("LISTEN_ADDRESS", IpAddr::V4(Ipv4Addr::UNSPECIFIED))?;
        let http = variables.get("HTTP_PORT", http_port)?;
        let admin = variables.get("ADMIN_PORT", http.saturating_add(ADMIN_OFFSET))?;
        Ok(Self {
            http: SocketAddr::new(address, http),
            admin: SocketAddr::new(address, admin),
            store_url: variables.get("STORE_URL", format!("sqlite:data/{name}.db"))?,
            exit_with_stdin: variables.get("EXIT_WITH_STDIN", false)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_follows_http() {
        let variables = Variables::from_iter([("HTTP_PORT", "7000")]);
        let config = ServiceConfig::from_variables(&variables, "x", 5003).unwrap();
        assert_eq!((config.http.port(), config.admin.port()), (7000, 8000));
        assert_eq!(config.store_url, "sqlite:data/x.db");
    }

    #[test]
    fn a_bad_value_is_named() {
        let variables = Variables::from_iter([("HTTP_PORT", "seventy")]);
        let error = ServiceConfig::from_variables(&variables, "x", 5003).unwrap_err();
        assert_eq!(
            error.to_string(),
            "environment variable HTTP_PORT: `seventy`: invalid digit found in string"
        );
    }
}
