//! HTTPS.

use std::{fs, thread, time::Duration};

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

    // Half a pair is not served.
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
