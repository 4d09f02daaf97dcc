//! Logging in: by name and password, or by a token that a server gives for them
//! (<https://distribution.github.io/distribution/spec/auth/token/>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use hyper::{Request, StatusCode};
use serde::Deserialize;
use url::Url;

use super::{AGENT, RegistryError, RemoteRepository};
use crate::model::docker_config::Credential;

/// How a registry wants to be asked (<https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// With name and password.
    Basic,
    /// With a token of this server.
    Bearer {
        /// The server.
        realm: String,
        /// What the token is for.
        service: String,
    },
}

impl Challenge {
    /// Returns what a header says.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let value = |name: &str| {
            let at = rest.find(&format!("{name}=\""))? + name.len() + 2;
            rest[at..].split('"').next().map(ToOwned::to_owned)
        };
        Some(Self::Bearer { realm: value("realm")?, service: value("service").unwrap_or_default() })
    }
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// Returns the header `Authorization` for a repository.
///
/// # Errors
/// There is no credential where one is needed, or it is not taken.
pub(super) async fn authorization(
    repository: &RemoteRepository,
    challenge: &Challenge,
    scope: &str,
    credential: Option<&Credential>,
) -> Result<Option<String>, RegistryError> {
    let host = repository.host.as_str();
    match (challenge, credential) {
        (Challenge::Basic, Some(Credential::Password { user, password })) => {
            Ok(Some(basic(user, &password.0)))
        }
        (Challenge::Basic, _) => Err(RegistryError::NoCredentials(host.to_owned())),
        (Challenge::Bearer { realm, service }, credential) => {
            let unexpected = |answer: String| RegistryError::Unexpected { host: host.to_owned(), answer };
            let realm: Url =
                realm.parse().map_err(|_| unexpected(format!("with no URL to log in: `{realm}`")))?;
            if realm.scheme() != "https" && repository.base.scheme() != "http" {
                return Err(unexpected(format!("with a way to log in that is not secret: `{realm}`")));
            }
            let http = repository.client_for(&realm)?;
            let request = token_request(realm, service, scope, credential)?;
            let answer = http.send_until_answered(request).await;
            let answer =
                answer.map_err(|source| RegistryError::Unreachable { host: host.to_owned(), source })?;
            match (answer.status(), credential) {
                (StatusCode::OK, _) => {}
                (StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST, Some(_)) => {
                    return Err(RegistryError::WrongCredentials(host.to_owned()));
                }
                (StatusCode::FORBIDDEN, Some(_)) => return Err(repository.refused(StatusCode::FORBIDDEN)),
                (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, None) => {
                    return Err(RegistryError::NoCredentials(host.to_owned()));
                }
                (status, _) => return Err(unexpected(format!("{status} to a login"))),
            }
            let token: Token = serde_json::from_slice(answer.body())
                .map_err(|_| unexpected("no token to a login".to_owned()))?;
            let token = token
                .token
                .or(token.access_token)
                .ok_or_else(|| unexpected("no token to a login".to_owned()))?;
            Ok(Some(format!("Bearer {token}")))
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn token_request(
    mut realm: Url,
    service: &str,
    scope: &str,
    credential: Option<&Credential>,
) -> Result<Request<Full<hyper::body::Bytes>>, RegistryError> {
    if let Some(Credential::IdentityToken(token)) = credential {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("service", service)
            .append_pair("client_id", "ecomctl")
            .append_pair("scope", scope)
            .append_pair("refresh_token", &token.0)
            .finish();
        let request = Request::post(realm.as_str()).header(USER_AGENT, AGENT);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        return Ok(request.body(Full::from(form))?);
    }
    realm.query_pairs_mut().append_pair("service", service).append_pair("scope", scope);
    let mut request = Request::get(realm.as_str()).header(USER_AGENT, AGENT);
    if let Some(Credential::Password { user, password }) = credential {
        request = request.header(AUTHORIZATION, basic(user, &password.0));
    }
    Ok(request.body(Full::default())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::docker_config::Secret;

    #[test]
    fn challenges() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.docker.io/token".to_owned(),
            service: "registry.docker.io".to_owned(),
        };
        assert_eq!(Challenge::parse(hub), Some(expected));
        assert_eq!(Challenge::parse("basic realm=\"x\""), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("Negotiate"), None);
    }

    #[test]
    fn an_identity_token_goes_into_a_form_and_not_into_a_url() {
        let token = Credential::IdentityToken(Secret("s3cret".to_owned()));
        let realm = Url::parse("https://auth.example.com/token").unwrap();
        let request = token_request(realm, "svc", "repository:a:pull,push", Some(&token)).unwrap();
        assert_eq!((request.method().as_str(), request.uri().query()), ("POST", None));
    }
}
