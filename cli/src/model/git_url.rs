//! Where Argo CD reads the repository from.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::scalar::deserialize_text;

/// The URL of a git repository: `https://`, `http://`, `ssh://`, `git://` or `user@host:path`, without a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("examples" = ["https://github.com/you/shop.git", "git@github.com:you/shop.git"]))]
pub struct GitUrl(String);

impl GitUrl {
    /// Returns the URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl GitUrl {
    /// Returns the URL by which a cluster can read what a remote's URL is of; nothing when it is of this machine. What is read
    /// by ssh is read by https instead unless there is a key for it. A user and a password are left out.
    #[must_use]
    pub fn for_cluster(remote: &str, with_key: bool) -> Option<Self> {
        let remote = remote.trim();
        let (scheme, rest) = match remote.split_once("://") {
            Some((scheme, rest)) => (scheme, rest.to_owned()),
            None => ("ssh", remote.replacen(':', "/", 1)),
        };
        let (authority, path) = rest.split_once('/')?;
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let name = host.split(':').next().unwrap_or_default();
        let is_here = name.is_empty() || name == "localhost" || name.starts_with("127.") || name == "[";
        if is_here || (!remote.contains("://") && user.is_empty()) {
            return None;
        }
        let url = match scheme {
            "ssh" if with_key => remote.to_owned(),
            "ssh" => format!("https://{name}/{}", path.trim_start_matches('/')),
            scheme => format!("{scheme}://{host}/{path}"),
        };
        url.parse().ok()
    }

    /// Returns the host that ssh would ask, as `known_hosts` names it; nothing for other schemes.
    #[must_use]
    pub fn ssh_host(&self) -> Option<String> {
        let authority = match self.0.split_once("://") {
            Some(("ssh", rest)) => rest.split('/').next()?,
            Some(_) => return None,
            None => self.0.split_once(':')?.0,
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Some(match host.split_once(':') {
            Some((name, port)) if port != "22" => format!("[{name}]:{port}"),
            Some((name, _)) => name.to_owned(),
            None => host.to_owned(),
        })
    }
}

impl TryFrom<String> for GitUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let valid = Err("is no valid git URL: it must be like `https://github.com/you/shop.git` or \
                         `git@github.com:you/shop.git`");
        let checked = if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            valid
        } else if let Some((scheme, rest)) = text.split_once("://") {
            let authority = rest.split('/').next().unwrap_or_default();
            let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
            let has_path = rest.len() > authority.len() + 1;
            if user.contains(':') || (!user.is_empty() && scheme.starts_with("http")) {
                // Not repeated: what stands there is a secret.
                return Err(
                    "the git URL has a password or token in it; everyone who reads the repository would \
                            have it"
                        .to_owned(),
                );
            }
            if ["https", "http", "ssh", "git"].contains(&scheme) && !host.is_empty() && has_path {
                Ok(())
            } else {
                valid
            }
        } else if let Some((host, path)) = text.split_once(':') {
            let host = host.split_once('@').map_or("", |(_, host)| host);
            if host.is_empty() || host.contains('/') || path.is_empty() { valid } else { Ok(()) }
        } else {
            valid
        };
        match checked {
            Ok(()) => Ok(Self(text)),
            Err(reason) => Err(format!("`{text}` {reason}")),
        }
    }
}

impl std::str::FromStr for GitUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.to_owned().try_into()
    }
}

impl From<GitUrl> for String {
    fn from(url: GitUrl) -> Self {
        url.0
    }
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

deserialize_text!(GitUrl);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_argo_cd_reads() {
        for good in [
            "https://github.com/you/shop.git",
            "ssh://git@github.com:2222/you/shop.git",
            "git@github.com:you/shop.git",
            "git://10.0.0.1/shop.git",
        ] {
            assert!(good.parse::<GitUrl>().is_ok(), "{good}");
        }
        for bad in
            ["", "shop", "/srv/shop.git", "https://", "https://github.com", "ftp://a/b", "a b:c", "host:path"]
        {
            assert!(bad.parse::<GitUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cluster_reads_by_https_what_is_no_key_for() {
        let read = |remote: &str, with_key| GitUrl::for_cluster(remote, with_key).map(String::from);
        let https = Some("https://github.com/you/shop.git".to_owned());
        assert_eq!(read("git@github.com:you/shop.git", false), https);
        assert_eq!(read("ssh://git@github.com:22/you/shop.git", false), https);
        assert_eq!(read("https://you:t0ken@github.com/you/shop.git", false), https);
        assert_eq!(read("git@github.com:you/shop.git", true).unwrap(), "git@github.com:you/shop.git");
        for local in
            ["/srv/shop.git", "../shop", "file:///srv/shop.git", "https://localhost/shop.git", "C:/shop"]
        {
            assert_eq!(read(local, false), None, "{local}");
        }
    }

    #[test]
    fn the_host_of_ssh_is_named_as_known_hosts_does() {
        let host = |url: &str| url.parse::<GitUrl>().unwrap().ssh_host();
        assert_eq!(host("git@github.com:you/shop.git").as_deref(), Some("github.com"));
        assert_eq!(host("ssh://git@a.example:2222/shop.git").as_deref(), Some("[a.example]:2222"));
        assert_eq!(host("https://github.com/you/shop.git"), None);
    }

    #[test]
    fn a_secret_is_refused_and_not_repeated() {
        for bad in ["https://you:hunter2@github.com/you/shop.git", "https://hunter2@github.com/you/shop.git"]
        {
            let error = bad.parse::<GitUrl>().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
