//! Ports of this machine.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use crate::model::network::ADMIN_OFFSET;

/// Why a port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// Another program has it.
    #[error("port {port} ({purpose}) is taken{}", holder(.by.as_ref()))]
    Taken {
        /// Which port.
        port: u16,
        /// What it is for.
        purpose: String,
        /// Who has it, if the system tells.
        by: Option<Holder>,
    },
    /// The system does not give it.
    #[error("failed to listen on port {port} ({purpose})")]
    Refused {
        /// Which port.
        port: u16,
        /// What it is for.
        purpose: String,
        /// What the system said.
        source: io::Error,
    },
}

/// The program that has a port.
#[derive(Debug)]
pub struct Holder {
    name: String,
    pid: u32,
}

fn holder(by: Option<&Holder>) -> String {
    by.map(|Holder { name, pid }| format!(" by `{name}` (process {pid})")).unwrap_or_default()
}

/// Returns a listener on a port of loopback; port 0 is any free one.
///
/// # Errors
/// The port is taken, or the system does not give it.
pub fn listen(port: u16, purpose: &str) -> Result<TcpListener, PortError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| {
        let purpose = purpose.to_owned();
        if source.kind() != io::ErrorKind::AddrInUse {
            return PortError::Refused { port, purpose, source };
        }
        let process = listeners::get_process_by_port(port, listeners::Protocol::TCP).ok();
        let by = process.map(|process| Holder { name: process.name, pid: process.pid });
        PortError::Taken { port, purpose, by }
    })
}

/// Returns `count` ports that are free, and whose admin ports are free too.
///
/// # Errors
/// The system has none.
pub fn free(count: usize) -> io::Result<Vec<u16>> {
    let mut held = Vec::new();
    let mut found = Vec::new();
    for _ in 0..count * 50 {
        if found.len() == count {
            break;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        held.push(listener);
        let admin = port.checked_add(ADMIN_OFFSET);
        let admin = admin.and_then(|admin| TcpListener::bind((Ipv4Addr::LOCALHOST, admin)).ok());
        if let Some(admin) = admin {
            held.push(admin);
            found.push(port);
        }
    }
    if found.len() == count { Ok(found) } else { Err(io::ErrorKind::AddrNotAvailable.into()) }
}
