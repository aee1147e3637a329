//! Requests of the server, through a proxy on this machine and to servers with a certificate authority of their own.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use aam_registry_backends::outgoing::{AllowedNetworks, NameResolver, Outgoing, OutgoingError};
use async_trait::async_trait;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{self, pki_types::PrivateKeyDer},
};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A certificate authority of a company.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = parameters.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(parameters, key), pem }
    }

    /// What a server of that name accepts connections with.
    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new([name.to_owned()]).expect("parameters");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("signed");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a certificate with its key");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Reads the head of a request and gives its first line.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut lines = BufReader::with_capacity(1, stream).lines();
    let first = lines.next_line().await.expect("read").unwrap_or_default();
    while lines.next_line().await.expect("read").is_some_and(|line| !line.is_empty()) {}
    first
}

async fn answer(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    head(stream).await;
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
    stream.write_all(answer.as_bytes()).await.expect("written");
    stream.shutdown().await.expect("closed");
}

/// A server with TLS for that name.
async fn encrypted(authority: &Authority, name: &str) -> SocketAddr {
    let acceptor = authority.acceptor(name);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust the certificate ends the connection.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                answer(&mut stream).await;
            }
        }
    });
    address
}

/// A server without TLS.
async fn plain() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            answer(&mut stream).await;
        }
    });
    address
}

/// A proxy that notes what it is asked, and connects to `server` whatever it was asked for.
async fn proxy(server: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let line = head(&mut client).await;
            noted.lock().expect("not poisoned").push(line.clone());
            let mut upstream = TcpStream::connect(server).await.expect("connected");
            if line.starts_with("CONNECT ") {
                client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.expect("written");
            } else {
                upstream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
            }
            // Either side may reset the connection.
            let _ = copy_bidirectional(&mut client, &mut upstream).await;
        }
    });
    (address, asked)
}

fn asked(of: &Mutex<Vec<String>>) -> Vec<String> {
    std::mem::take(&mut *of.lock().expect("not poisoned"))
}

async fn get(outgoing: &Outgoing, allowed: AllowedNetworks, url: &str) -> Result<String, OutgoingError> {
    let client = outgoing.client(allowed, TIMEOUT).expect("a client");
    let body = client.get(url).await?.body(1024).await?;
    Ok(String::from_utf8(body.to_vec()).expect("text"))
}

fn loopback() -> AllowedNetworks {
    AllowedNetworks::new(["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network")))
}

#[tokio::test]
async fn a_certificate_authority_is_trusted_when_it_is_named() {
    let authority = Authority::new();
    let server = encrypted(&authority, "localhost").await;
    let url = format!("https://localhost:{}/", server.port());
    let unknown = get(&Outgoing::default(), loopback(), &url).await.expect_err("nobody vouches for it");
    assert!(unknown.to_string().contains("certificate"), "{unknown}");
    let trusting = Outgoing::default().with_root_certificates(authority.pem.as_bytes()).expect("certificates");
    assert_eq!(get(&trusting, loopback(), &url).await.expect("an answer"), "hello");
    let other = Outgoing::default().with_root_certificates(Authority::new().pem.as_bytes()).expect("certificates");
    get(&other, loopback(), &url).await.expect_err("another authority");
}

/// A name that only the proxy can look up, as where there is no DNS for the internet.
#[tokio::test]
async fn requests_go_through_the_proxy() {
    let authority = Authority::new();
    let name = "hooks.invalid";
    let server = encrypted(&authority, name).await;
    let (proxy, noted) = proxy(server).await;
    let outgoing = Outgoing::default()
        .with_root_certificates(authority.pem.as_bytes())
        .and_then(|outgoing| outgoing.with_proxy(&format!("http://localhost:{}", proxy.port()), ""))
        .expect("a proxy");
    let url = format!("https://{name}/");
    assert_eq!(get(&outgoing, AllowedNetworks::default(), &url).await.expect("an answer"), "hello");
    assert_eq!(asked(&noted), [format!("CONNECT {name}:443 HTTP/1.1")]);
}

#[tokio::test]
async fn requests_without_tls_go_through_the_proxy_too() {
    let (proxy, noted) = proxy(plain().await).await;
    let outgoing = Outgoing::default().with_proxy(&proxy.to_string(), "").expect("a proxy");
    let url = "http://hooks.invalid/x";
    assert_eq!(get(&outgoing, AllowedNetworks::default(), url).await.expect("an answer"), "hello");
    assert_eq!(asked(&noted), [format!("GET {url} HTTP/1.1")]);
}

#[tokio::test]
async fn exceptions_do_not_go_through_the_proxy() {
    let server = plain().await;
    let (proxy, noted) = proxy(server).await;
    let outgoing = Outgoing::default().with_proxy(&proxy.to_string(), "127.0.0.0/8,localhost").expect("a proxy");
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{}/", server.port());
        assert_eq!(get(&outgoing, loopback(), &url).await.expect("an answer"), "hello", "{host}");
        let refused = get(&outgoing, AllowedNetworks::default(), &url).await.expect_err("inside");
        assert!(matches!(&refused, OutgoingError::Refused { host: named } if named == host), "{refused}");
    }
    assert_eq!(asked(&noted), [""; 0]);
}

/// Whatever the proxy would do, an address inside is refused here where it can be seen.
#[tokio::test]
async fn the_proxy_is_not_asked_for_addresses_inside() {
    let (proxy, noted) = proxy(plain().await).await;
    let outgoing = Outgoing::default().with_proxy(&proxy.to_string(), "").expect("a proxy");
    for host in ["127.0.0.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "localhost"] {
        let refused = get(&outgoing, AllowedNetworks::default(), &format!("http://{host}/")).await.expect_err(host);
        assert!(matches!(refused, OutgoingError::Refused { .. }), "{host}: {refused}");
    }
    assert_eq!(asked(&noted), [""; 0]);
}

/// Finds the proxy, and gives every other name an address inside.
#[derive(Debug)]
struct NamesInside;

#[async_trait]
impl NameResolver for NamesInside {
    async fn look_up(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

/// The proxy may be on a network that receivers may not be on, but no request is for the proxy itself.
#[tokio::test]
async fn the_proxy_may_be_inside() {
    let (proxy, noted) = proxy(plain().await).await;
    let through = format!("http://proxy.internal:{}", proxy.port());
    let outgoing = Outgoing::default().with_proxy(&through, "proxy.internal").expect("a proxy");
    let client = outgoing.client_with_resolver(AllowedNetworks::default(), TIMEOUT, NamesInside).expect("a client");
    let refused = client.get(&through).await.expect_err("the proxy as a receiver");
    assert!(matches!(refused, OutgoingError::Refused { .. }), "{refused}");
    assert_eq!(asked(&noted), [""; 0]);
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_limit() {
    let server = plain().await;
    let client = Outgoing::default().client(loopback(), TIMEOUT).expect("a client");
    let answer = client.get(&format!("http://{server}/")).await.expect("an answer");
    assert_eq!(answer.status(), http::StatusCode::OK);
    let too_long = answer.body(4).await.expect_err("five bytes");
    assert!(matches!(too_long, OutgoingError::TooLong { limit: 4 }), "{too_long}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            head(&mut client).await;
            client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.expect("written");
            // The client closes the connection.
            let _ = client.read(&mut [0]).await;
        }
    });
    let outgoing = Outgoing::default().with_proxy(&address.to_string(), "").expect("a proxy");
    let refused = get(&outgoing, AllowedNetworks::default(), "https://hooks.invalid/T0KEN").await.expect_err("403");
    let told = refused.to_string();
    assert!(told.contains("tunnel") && !told.contains("T0KEN"), "{told}");
}
