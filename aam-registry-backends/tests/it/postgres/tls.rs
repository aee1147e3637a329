//! What a server has to prove before it is trusted.

use std::{fs, sync::Arc};

use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata};
use aam_registry_core::{Error, Result, ports::PackageStore};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use super::{proxy, world::TestDatabase};

/// What a client sends to ask for encryption.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an issuer")
}

/// A server that is encrypted by a certificate for `name`; gives its port and a
/// folder with the root that vouches for it, `root.pem`, and another, `other.pem`.
async fn encrypted(name: &str) -> (u16, TempDir) {
    let (issuer, other) = (issuer(), issuer());
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("root.pem"), issuer.pem()).expect("write");
    fs::write(folder.path().join("other.pem"), other.pem()).expect("write");
    fs::write(folder.path().join("empty.pem"), "").expect("write");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(decrypt(acceptor.clone(), client));
        }
    });
    (port, folder)
}

async fn decrypt(acceptor: TlsAcceptor, mut client: TcpStream) {
    let mut request = [0; 8];
    if client.read_exact(&mut request).await.is_err() || request != SSL_REQUEST {
        return;
    }
    client.write_all(b"S").await.expect("answer");
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let Ok(mut server) = TcpStream::connect(proxy::server()).await else { return };
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}

/// What becomes of a call to `database` through `host` and `port`, as `options` say.
async fn ask(database: &TestDatabase, host: &str, port: u16, options: &str) -> Result<()> {
    let url = database.url();
    let (before, after) = url.split_once('@').expect("a URL with a user");
    let (_, name) = after.split_once('/').expect("a URL with a database");
    let config = PostgresConfig::new(&format!("{before}@{host}:{port}/{name}?{options}")).expect("a URL");
    PostgresMetadata::open(config).await?.check().await
}

fn reason(result: Result<()>) -> String {
    match result {
        Err(Error::Backend(backend)) => backend.source.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_proves_who_it_is_by_a_root_that_is_named() {
    let database = TestDatabase::new().await;
    let (port, folder) = encrypted("localhost").await;
    let roots = |file: &str| format!("sslrootcert={}", folder.path().join(file).display());
    let required = format!("sslmode=require&{}", roots("root.pem"));
    ask(&database, "localhost", port, &required).await.expect("it proved who it is");
    let required = format!("sslmode=verify-full&{}", roots("root.pem"));
    ask(&database, "localhost", port, &required).await.expect("it proved who it is");

    let another_name = format!("sslmode=require&{}", roots("root.pem"));
    let cause = reason(ask(&database, "127.0.0.1", port, &another_name).await);
    assert!(cause.contains("not valid for name"), "{cause}");
    for options in [format!("sslmode=require&{}", roots("other.pem")), "sslmode=require".to_owned(), roots("other.pem")]
    {
        let cause = reason(ask(&database, "localhost", port, &options).await);
        assert!(cause.contains("invalid peer certificate") || cause.contains("root certificate"), "{options}: {cause}");
    }
    for (file, why) in [("empty.pem", "no root certificate"), ("missing.pem", "cannot be read")] {
        let cause = reason(ask(&database, "localhost", port, &format!("sslmode=require&{}", roots(file))).await);
        assert!(cause.contains(why), "{cause}");
    }
}

#[tokio::test]
async fn a_server_need_not_prove_who_it_is_where_encryption_is_preferred() {
    let database = TestDatabase::new().await;
    let (port, _folder) = encrypted("localhost").await;
    ask(&database, "127.0.0.1", port, "").await.expect("it is encrypted");
    ask(&database, "127.0.0.1", port, "sslmode=prefer").await.expect("it is encrypted");
    reason(ask(&database, "127.0.0.1", port, "sslmode=disable").await);
}

#[tokio::test]
async fn a_server_in_the_clear_is_refused_where_encryption_is_required() {
    let database = TestDatabase::new().await;
    let (host, port) =
        proxy::server().rsplit_once(':').map(|(host, port)| (host.to_owned(), port.to_owned())).expect("a port");
    let port = port.parse().expect("a port");
    ask(&database, &host, port, "sslmode=prefer").await.expect("it is in the clear");
    let cause = reason(ask(&database, &host, port, "sslmode=require").await);
    assert!(cause.contains("server does not support TLS"), "{cause}");
}
