//! HTTPS.

use std::{
    fs,
    io::{Read, Write},
    sync::Arc,
    thread,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{process::Site, web};

/// Writes a new certificate and its key.
pub(crate) fn make(site: &Site, name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["registry.example.com".to_owned()]).expect("made");
    let certificate = site.write(&format!("{name}.pem"), &made.cert.pem());
    let key = site.write(&format!("{name}.key"), &made.signing_key.serialize_pem());
    (certificate.display().to_string(), key.display().to_string())
}

#[test]
fn https_is_served_and_new_certificates_are_taken_as_they_come() {
    let site = Site::new();
    let (certificate, key) = make(&site, "served");
    let (new_certificate, new_key) = make(&site, "new");
    let server = site.serve(&["--tls-cert", &certificate, "--tls-key", &key]);
    assert!(server.started["url"].as_str().expect("text").starts_with("https://localhost:"));
    let port = server.port().to_string();
    let old = site.write("old.pem", &fs::read_to_string(&certificate).expect("there")).display().to_string();
    let shows = |certificate: &str| {
        site.run(&["healthcheck", "--port", &port, "--tls-cert", certificate, "--tls-key", &key]).code() == Some(0)
    };
    assert!(shows(&old));
    assert!(!shows(&new_certificate));
    assert!(web::get(server.port(), "/health").is_err(), "it does not speak plain HTTP");

    // A certificate without its key is refused.
    fs::write(&certificate, "nonsense").expect("written");
    server.wait_for("certificate_reload_failed");
    assert!(shows(&old));

    fs::copy(&new_key, &key).expect("copied");
    fs::copy(&new_certificate, &certificate).expect("copied");
    server.wait_for("certificate_reloaded");
    while !shows(&new_certificate) {
        thread::sleep(Duration::from_millis(100));
    }
    assert!(!shows(&old));
}

#[test]
fn a_handshake_is_not_waited_for_for_ever() {
    let mut site = Site::new();
    let (certificate, key) = make(&site, "served");
    site.set("HEADER_TIMEOUT", "1s").set("TLS_CERT", certificate).set("TLS_KEY", key);
    let server = site.set("LOG_LEVEL", "debug").serve(&[]);
    let mut silent = web::connect(server.port()).expect("connected");
    assert!(web::is_closed(&mut silent));
    server.wait_for("tls_handshake_failed");
}

/// The answer of a server with this certificate to an HTTPS request.
fn answer(port: u16, certificate: &str, path: &str) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).expect("a certificate")).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let name = "registry.example.com".try_into().expect("a name");
    let link = ClientConnection::new(config, name).expect("a link");
    let mut stream = StreamOwned::new(link, web::connect(port).expect("connected"));
    write!(stream, "GET {path} HTTP/1.1\r\nHost: registry.example.com\r\nConnection: close\r\n\r\n").expect("sent");
    let mut text = String::new();
    // The connection may end without a TLS close message.
    let _ = stream.read_to_string(&mut text);
    text.to_ascii_lowercase()
}

#[test]
fn whoever_came_by_https_is_told_to_come_so_again() {
    let site = Site::new();
    let (certificate, key) = make(&site, "served");
    let server = site.serve(&["--tls-cert", &certificate, "--tls-key", &key]);
    for path in ["/health", "/nowhere", &format!("/{}", "x".repeat(9000))] {
        let text = answer(server.port(), &certificate, path);
        assert!(text.contains("\r\nstrict-transport-security: max-age=31536000; includesubdomains\r\n"), "{text}");
    }
    drop(server);
    let plain = site.serve(&[]);
    let answer = web::get(plain.port(), "/health").expect("answered");
    assert!(!answer.head.to_ascii_lowercase().contains("strict-transport-security"), "{}", answer.head);
}
