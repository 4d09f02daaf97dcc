//! An engine that speaks TLS and wants to know who asks.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

use super::shop::Shop;

/// Makes an authority, and what it has signed for an engine and for a client.
const CERTIFICATES: &str = r#"
set -e
new="openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
$new -x509 -keyout ca-key.pem -out ca.pem -days 2 -subj /CN=authority
for who in server client; do
  $new -keyout $who-key.pem -out $who.csr -subj /CN=$who -addext subjectAltName=IP:127.0.0.1
  openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out $who.pem -days 2 -copy_extensions copy
done
mkdir client
cp ca.pem client/ca.pem
cp client.pem client/cert.pem
cp client-key.pem client/key.pem
"#;

/// Serves the engine's socket by TLS to who has a certificate of the authority, for as long as the test runs.
fn serve(folder: &Path) -> String {
    let certificates = |name: &str| -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_file_iter(folder.join(name)).unwrap().map(Result::unwrap).collect()
    };
    let mut authorities = RootCertStore::empty();
    authorities.add(certificates("ca.pem").remove(0)).unwrap();
    let provider = Arc::new(ring::default_provider());
    let clients =
        WebPkiClientVerifier::builder_with_provider(authorities.into(), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server-key.pem")).unwrap();
    let config = config.with_client_cert_verifier(clients).with_single_cert(certificates("server.pem"), key);
    let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(client).await else { return };
                    let mut engine = UnixStream::connect("/var/run/docker.sock").await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut engine).await;
                });
            }
        });
    });
    address
}

#[test]
#[ignore = "needs docker"]
fn an_engine_behind_tls_is_used_with_the_users_certificate() {
    let folder = TempDir::new().unwrap();
    let mut openssl = Command::new("sh");
    let made = openssl.args(["-c", CERTIFICATES]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let address = serve(folder.path());
    let shop = Shop::new(None);
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = shop.command(args);
        command.env("DOCKER_HOST", &address).envs(variables.iter().copied());
        shop.context.show(&command.output().unwrap())
    };
    let certificates = folder.path().join("client").display().to_string();
    let ours = [("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", certificates.as_str())];
    let shown = run(&["build"], &ours);
    assert!(shown.starts_with("exit: 0") && shown.contains("Built ecomctl.local/alpha-"), "{shown}");
    let shown = run(&["build"], &[]);
    assert!(shown.starts_with("exit: 1") && shown.contains("no Docker engine answers"), "{shown}");
}
