//! The configuration of the `docker` program: credentials and contexts
//! (<https://docs.docker.com/reference/cli/docker/#configuration-files>).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::image::Repository;

/// What it says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DockerConfig {
    auths: BTreeMap<String, Auth>,
    #[serde(rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    /// The context that is used unless told otherwise.
    #[serde(rename = "currentContext")]
    pub context: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Auth {
    #[serde(rename = "auth")]
    pair: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth(***)")
    }
}

/// A text that nobody may read.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// What shows a registry who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A name and a password or access token.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token that is exchanged for others (`docker login` by browser).
    IdentityToken(Secret),
}

impl Credential {
    /// Returns the credential of a name and a password; the name `<token>` says that the password is an identity token.
    #[must_use]
    pub fn new(user: String, password: String) -> Self {
        if user == "<token>" {
            Self::IdentityToken(Secret(password))
        } else {
            Self::Password { user, password: Secret(password) }
        }
    }
}

/// Where a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// The program `docker-credential-<name>` knows it.
    Helper {
        /// The helper's name.
        name: String,
        /// What it is asked for.
        server: String,
    },
    /// It stands in the configuration.
    Here(Credential),
}

/// The name of Docker Hub in configurations.
const HUB: &str = "https://index.docker.io/v1/";

/// Returns the names that a registry has in configurations.
fn server_names(host: &str) -> Vec<&str> {
    if host == "docker.io" {
        vec![HUB, "docker.io", "index.docker.io", "registry-1.docker.io"]
    } else {
        vec![host]
    }
}

/// Returns a key of `auths` without scheme and API path: `https://ghcr.io/v2/` is `ghcr.io`.
fn plain(key: &str) -> &str {
    if key == HUB {
        return key;
    }
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}

impl DockerConfig {
    /// Returns where the credential for a repository may be, the first place to look in first: a helper of its registry,
    /// the store of all, `auths` with the longest key that the repository begins with.
    #[must_use]
    pub fn sources(&self, repository: &Repository) -> Vec<CredentialSource> {
        let names = server_names(repository.host());
        let helper = |name: &String, server: &str| CredentialSource::Helper {
            name: name.clone(),
            server: server.to_owned(),
        };
        let mut sources = Vec::new();
        sources.extend(names.iter().find_map(|server| Some(helper(self.helpers.get(*server)?, server))));
        sources.extend(self.store.iter().filter(|name| !name.is_empty()).map(|name| helper(name, names[0])));
        let whole = repository.as_str();
        let mut keys: Vec<String> = whole
            .match_indices('/')
            .map(|(at, _)| whole[..at].to_owned())
            .chain([whole.to_owned()])
            .collect();
        keys.reverse();
        keys.extend(names.iter().map(|name| (*name).to_owned()));
        keys.dedup();
        for key in keys {
            let auth = self.auths.iter().find(|(name, _)| plain(name) == key).map(|(_, auth)| auth);
            sources.extend(auth.and_then(Auth::credential).map(CredentialSource::Here));
        }
        sources
    }
}

impl Auth {
    fn credential(&self) -> Option<Credential> {
        if let Some(token) = self.identitytoken.as_ref().filter(|token| !token.is_empty()) {
            return Some(Credential::IdentityToken(Secret(token.clone())));
        }
        if let (Some(user), Some(password)) = (&self.username, &self.password) {
            return Some(Credential::new(user.clone(), password.clone()));
        }
        let decoded = STANDARD.decode(self.pair.as_ref()?.trim()).ok()?;
        let decoded = String::from_utf8(decoded).ok()?;
        let (user, password) = decoded.trim_end_matches('\0').split_once(':')?;
        Some(Credential::new(user.to_owned(), password.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(config: &str, repository: &str) -> Vec<CredentialSource> {
        let config: DockerConfig = serde_json::from_str(config).unwrap();
        config.sources(&repository.to_owned().try_into().unwrap())
    }

    fn here(user: &str, password: &str) -> CredentialSource {
        CredentialSource::Here(Credential::new(user.to_owned(), password.to_owned()))
    }

    #[test]
    fn docker_hub_has_a_name_of_its_own() {
        let auth = STANDARD.encode("you:p:ss/+=");
        let config = format!(r#"{{"auths": {{"https://index.docker.io/v1/": {{"auth": "{auth}"}}}}}}"#);
        assert_eq!(sources(&config, "docker.io/you/cart"), [here("you", "p:ss/+=")]);
        assert_eq!(sources(&config, "ghcr.io/you/cart"), []);
    }

    #[test]
    fn a_repository_goes_before_its_host_and_helpers_before_both() {
        let config = r#"{
            "auths": {
                "ghcr.io/you/cart": {"username": "b", "password": "2"},
                "https://ghcr.io/v2/": {"username": "a", "password": "1"},
                "other.io": {}
            },
            "credHelpers": {"ghcr.io": "gh"},
            "credsStore": "desktop"
        }"#;
        let helper =
            |name: &str| CredentialSource::Helper { name: name.to_owned(), server: "ghcr.io".to_owned() };
        let expected = [helper("gh"), helper("desktop"), here("b", "2"), here("a", "1")];
        assert_eq!(sources(config, "ghcr.io/you/cart"), expected);
        assert_eq!(sources(config, "ghcr.io/you/order")[2..], [here("a", "1")]);
        assert_eq!(sources(config, "other.io/x").len(), 1);
    }

    #[test]
    fn identity_tokens_are_known_and_never_shown() {
        let config = r#"{"auths": {"a.io": {"auth": "PHRva2VuPjo=", "identitytoken": "t0ken"}}}"#;
        let found = sources(config, "a.io/x");
        assert_eq!(found, [CredentialSource::Here(Credential::IdentityToken(Secret("t0ken".to_owned())))]);
        assert!(!format!("{found:?}").contains("t0ken"));
        assert_eq!(sources(r#"{"auths": {"a.io": {"auth": "!"}}}"#, "a.io/x"), []);
    }
}
