//! What `ecomctl up` runs on this machine.

use std::collections::BTreeMap;

/// The processes and routes of the local platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalPlan {
    /// One process a Deployment.
    pub processes: Vec<LocalProcess>,
    /// The gateway's routes, the longest path first.
    pub routes: Vec<Route>,
}

/// A service as a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalProcess {
    /// The name of the service, and of its program.
    pub name: String,
    /// Its environment variables.
    pub env: BTreeMap<String, String>,
    /// The ports that it listens on, with the name that the container gives them.
    pub ports: BTreeMap<String, u16>,
    /// The URL that answers 200 once it can serve.
    pub ready_url: String,
}

/// A path prefix of the gateway, and the port on this machine that answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The host that is asked for; `None` is any.
    pub host: Option<String>,
    /// The prefix, matched by whole segments.
    pub prefix: String,
    /// The port.
    pub port: u16,
}

impl Route {
    /// Returns whether this route answers a request, as `pathType: Prefix` says
    /// (<https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types>).
    #[must_use]
    pub fn matches(&self, host: &str, path: &str) -> bool {
        let host_matches = self.host.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(host));
        let prefix = self.prefix.trim_end_matches('/');
        let path_matches =
            path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        host_matches && path_matches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_match_whole_segments() {
        let route = Route { host: None, prefix: "/cart".to_owned(), port: 1 };
        for (path, matches) in
            [("/cart", true), ("/cart/", true), ("/cart/user123", true), ("/carts", false), ("/", false)]
        {
            assert_eq!(route.matches("localhost", path), matches, "{path}");
        }
    }

    #[test]
    fn a_host_matches_itself_only() {
        let route = Route { host: Some("shop.example.com".to_owned()), prefix: "/".to_owned(), port: 1 };
        assert!(route.matches("Shop.example.com", "/x"));
        assert!(!route.matches("localhost", "/x"));
    }
}
