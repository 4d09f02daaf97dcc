//! A real registry on loopback, and a network that is not as it should be.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A registry. It ends when this is dropped.
pub(crate) struct Registry {
    process: Child,
    _folder: TempDir,
    /// Host and port.
    pub(crate) address: String,
}

impl Registry {
    /// Starts a registry that lets everybody in.
    pub(crate) fn open() -> Self {
        Self::start(TempDir::new().unwrap(), "")
    }

    /// Starts a registry that wants a name and a password.
    pub(crate) fn with_login(user: &str, password: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let output = Command::new("htpasswd").args(["-Bbn", user, password]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let file = folder.path().join("htpasswd");
        fs::write(&file, output.stdout).unwrap();
        let login = format!("auth: {{htpasswd: {{realm: shop, path: {}}}}}", file.display());
        Self::start(folder, &login)
    }

    fn start(folder: TempDir, login: &str) -> Self {
        let address = free_address();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\nhttp: {{addr: {address}}}\n{login}\n",
            folder.path().join("data").display(),
        );
        fs::write(folder.path().join("config.yml"), config).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(folder.path().join("config.yml"));
        let process = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry is installed");
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < deadline, "the registry does not start");
            thread::sleep(Duration::from_millis(20));
        }
        Self { process, _folder: folder, address }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Serves a bad way to `target`, for as long as the test runs: of eighteen connections one is told 503, one 429, one breaks in
/// the middle. Returns its address, and how many connections it has spoilt.
pub(crate) fn bad_network(target: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let spoilt = Arc::new(AtomicUsize::new(0));
    let counter = spoilt.clone();
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let (Ok(client), target, counter) = (client, target.clone(), counter.clone()) else { continue };
            thread::spawn(move || {
                let refusal = match number % 18 {
                    0 => "503 Service Unavailable",
                    6 => "429 Too Many Requests",
                    12 => {
                        counter.fetch_add(1, Ordering::Relaxed);
                        return forward(&client, &target, 20_000);
                    }
                    _ => return forward(&client, &target, usize::MAX),
                };
                counter.fetch_add(1, Ordering::Relaxed);
                refuse(client, refusal);
            });
        }
    });
    (address, spoilt)
}

fn refuse(mut client: TcpStream, status: &str) {
    let mut head = [0; 4096];
    let _ = client.read(&mut head);
    let _ = write!(
        client,
        "HTTP/1.1 {status}\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
}

/// Forwards both ways, until the client has sent more than `limit` bytes.
pub(crate) fn forward(client: &TcpStream, target: &str, limit: usize) {
    let Ok(server) = TcpStream::connect(target) else { return };
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut client, mut server, mut sent, mut bytes) = (client, server, 0, [0; 8192]);
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        sent += read;
        if sent > limit || server.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
}
