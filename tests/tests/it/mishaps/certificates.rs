//! Certificates that cannot be served, or that clients refuse.

use std::fs;

use aam_registry_tests::{Settings, Stopped};
use insta::assert_snapshot;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::{line, plain, refusal, settings};

/// A folder with a certificate of those years and its key.
fn issued(from: i32, until: i32) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    (parameters.not_before, parameters.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("signed");
    fs::write(folder.path().join("tls.pem"), certificate.pem()).expect("our own folder");
    fs::write(folder.path().join("tls.key"), key.serialize_pem()).expect("our own folder");
    folder
}

fn with(certificate: &TempDir, key: &TempDir) -> Settings {
    let path = |folder: &TempDir, name| folder.path().join(name).display().to_string();
    settings().with("TLS_CERT", path(certificate, "tls.pem")).with("TLS_KEY", path(key, "tls.key"))
}

#[tokio::test]
async fn a_certificate_that_does_not_match_its_key() {
    assert_snapshot!(refusal(&with(&issued(2020, 2090), &issued(2020, 2090))).await, @r"error: HTTPS cannot be served: the certificate in TMP/NAME/tls.pem does not match the private key in TMP/NAME/tls.key: TLS_KEY has to name the key that the certificate was issued for");
}

#[tokio::test]
async fn a_certificate_that_is_not_there() {
    let folder = issued(2020, 2090);
    fs::remove_file(folder.path().join("tls.pem")).expect("our own file");
    assert_snapshot!(refusal(&with(&folder, &folder)).await, @r"error: HTTPS cannot be served: TMP/NAME/tls.pem cannot be used as TLS_CERT: No such file or directory (os error 2); TLS_CERT has to name a certificate chain in PEM that the server may read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_expired() {
    let folder = issued(2020, 2021);
    let log = |certificate: &TempDir| with(certificate, certificate).without("HOST").without("PORT");
    // The server speaks HTTPS, so only its log tells that it serves.
    let server = Stopped::new(log(&folder)).spawn_unheard();
    assert_snapshot!(line(&server, "certificate_expired").await, @r"error: the certificate in TMP/NAME/tls.pem expired on 2021-01-01T00:00:00Z, so clients refuse it: renew it and put it there; the server takes it without a restart");
    drop(server);
    let folder = issued(2090, 2091);
    let server = Stopped::new(log(&folder)).spawn_unheard();
    assert_snapshot!(plain(&line(&server, "certificate_not_valid_yet").await), @r"error: the certificate in TMP/NAME/tls.pem is valid from 2090-01-01T00:00:00Z on, so clients refuse it: set this machine's clock right, or put another certificate there");
}
