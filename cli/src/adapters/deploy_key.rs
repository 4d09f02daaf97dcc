//! Keys by which Argo CD reads a repository over ssh, and the hosts that it may trust.

use std::process::Command;

use ssh_key::private::Ed25519Keypair;
use ssh_key::{LineEnding, PrivateKey};

use super::files;
use super::process::ProgramError;
use crate::model::docker_config::Secret;

/// An ed25519 key pair in OpenSSH's formats.
pub struct DeployKey {
    /// The private half.
    pub private: Secret,
    /// The public half, as a line of `authorized_keys`.
    pub public: String,
}

/// A key that cannot be written: a defect of ecomctl.
#[derive(Debug, thiserror::Error)]
#[error("failed to make an ssh key: {0}")]
pub struct KeyError(#[from] ssh_key::Error);

impl DeployKey {
    /// Returns a new one.
    ///
    /// # Errors
    /// None that can be met.
    pub fn new(comment: &str) -> Result<Self, KeyError> {
        let pair = Ed25519Keypair::from_seed(&rand::random::<[u8; 32]>());
        let mut key = PrivateKey::from(pair);
        key.set_comment(comment);
        Ok(Self {
            private: Secret(key.to_openssh(LineEnding::LF)?.to_string()),
            public: key.public_key().to_openssh()?,
        })
    }
}

/// Returns the public half of a private key.
///
/// # Errors
/// It is no key.
pub fn public_half(private: &str) -> Result<String, KeyError> {
    Ok(PrivateKey::from_openssh(private)?.public_key().to_openssh()?)
}

/// Returns the lines of the user's and the machine's `known_hosts` that are of a host, such as `git.example.com` or `[git.example.com]:2222`.
///
/// # Errors
/// There is no `ssh-keygen`.
pub fn known_hosts(host: &str) -> Result<String, ProgramError> {
    let mut text = String::new();
    for file in [files::home().join(".ssh/known_hosts"), "/etc/ssh/ssh_known_hosts".into()] {
        let output = Command::new("ssh-keygen").args(["-F", host, "-f"]).arg(file).output();
        let output =
            output.map_err(|source| ProgramError::Start { program: "ssh-keygen".to_owned(), source })?;
        text.push_str(&String::from_utf8_lossy(&output.stdout));
    }
    // Marked lines are of certificates or of keys that are revoked. Hashed names say nothing to others than this machine's ssh, so the name is written out.
    let named = text.lines().filter(|line| !line.starts_with(['#', '@'])).filter_map(|line| {
        let (_, key) = line.split_once(' ')?;
        Some(format!("{host} {key}\n"))
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_another_one_each_time_and_both_halves_belong_together() {
        let (one, other) = (DeployKey::new("ecomctl shop").unwrap(), DeployKey::new("ecomctl shop").unwrap());
        assert!(
            one.public.starts_with("ssh-ed25519 ") && one.public.ends_with(" ecomctl shop"),
            "{}",
            one.public
        );
        assert_eq!(public_half(&one.private.0).unwrap(), one.public);
        assert_ne!(one.public, other.public);
        assert!(public_half("no key").is_err());
    }
}
