//! The root certificates for Redis with TLS.

use data_encoding::BASE64;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// The system's certificates as PEM. Read once, since they are in more than a hundred files.
pub(super) fn of_the_system() -> Vec<u8> {
    let found = rustls_native_certs::load_native_certs();
    // The system's store may contain invalid certificates; use the others.
    let usable = found.certs.into_iter().filter(|certificate| RootCertStore::empty().add(certificate.clone()).is_ok());
    usable.map(|certificate| pem(&certificate)).collect::<String>().into_bytes()
}

pub(super) fn are_none(pem: &[u8]) -> bool {
    CertificateDer::pem_slice_iter(pem).next().is_none()
}

fn pem(certificate: &CertificateDer<'_>) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64.encode(certificate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_written_as_it_is_read() {
        let certificate = rcgen::generate_simple_self_signed(["h".to_owned()]).expect("a certificate").cert;
        let written = pem(certificate.der());
        let read: Vec<_> = CertificateDer::pem_slice_iter(written.as_bytes()).collect::<Result<_, _>>().expect("PEM");
        assert_eq!(read, [certificate.der().clone()]);
        assert!(!are_none(written.as_bytes()) && are_none(b"nonsense"));
    }
}
