//! From when until when a certificate is valid.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::{
    CertificateError, Error, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

/// How long before its end an operator is told of a certificate: renewals come about 30 days before.
const SOON: Duration = Duration::from_hours(14 * 24);

/// After any certificate: 31 December 9999, which certificates without an end have as theirs (RFC 5280).
const AFTER_ALL: u64 = 253_402_300_799;

/// The time in which a certificate is valid, as far as it can be found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Validity {
    /// Seconds since 1970 until which it is not valid yet, if that is later than now.
    begins: Option<u64>,
    /// Seconds since 1970 when it ends.
    ends: Option<u64>,
}

impl Validity {
    /// The validity of the first certificate of a chain.
    pub(super) fn of(chain: &[CertificateDer<'static>]) -> Self {
        let begins = match refusal(chain, UnixTime::now()) {
            Some(CertificateError::NotValidYetContext { not_before, .. }) => Some(not_before.as_secs()),
            _ => None,
        };
        let ends = match refusal(chain, UnixTime::since_unix_epoch(Duration::from_secs(AFTER_ALL))) {
            Some(CertificateError::ExpiredContext { not_after, .. }) => Some(not_after.as_secs()),
            _ => None,
        };
        Self { begins, ends }
    }

    /// Records when the certificate in `file` ends, and logs if it is not valid now or will soon not be. A server with
    /// such a certificate serves anyway: it takes the new one as soon as the file has it.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus values are 64-bit floats")]
    pub(super) fn tell(self, file: &Path) {
        let now = UnixTime::now().as_secs();
        let file = file.display();
        if let Some(begins) = self.begins {
            tracing::error!(
                event = "certificate_not_valid_yet",
                "the certificate in {file} is valid from {} on, so clients refuse it: set this machine's clock right, or \
                 put another certificate there",
                date(begins),
            );
        }
        let Some(ends) = self.ends else { return };
        metrics::gauge!("aam_certificate_expiry_timestamp_seconds").set(ends as f64);
        if ends <= now {
            tracing::error!(
                event = "certificate_expired",
                "the certificate in {file} expired on {}, so clients refuse it: renew it and put it there; the server \
                 takes it without a restart",
                date(ends),
            );
        } else if ends - now < SOON.as_secs() {
            tracing::warn!(
                event = "certificate_expires_soon",
                "the certificate in {file} expires on {}: renew it and put it there; the server takes it without a restart",
                date(ends),
            );
        }
    }
}

/// Why a client would refuse the certificate at that time; its issuer and name do not matter.
fn refusal(chain: &[CertificateDer<'static>], at: UnixTime) -> Option<CertificateError> {
    let (own, others) = chain.split_first()?;
    let mut roots = RootCertStore::empty();
    roots.add(own.clone()).ok()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let name = ServerName::try_from("localhost").ok()?;
    match verifier.verify_server_cert(own, others, &name, &[], at) {
        Err(Error::InvalidCertificate(reason)) => Some(reason),
        _ => None,
    }
}

fn date(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| "a date that is unknown".to_owned(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(from: i32, until: i32) -> Vec<CertificateDer<'static>> {
        let mut parameters = rcgen::CertificateParams::new(["registry.example.com".to_owned()]).expect("a name");
        parameters.not_before = rcgen::date_time_ymd(from, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        vec![parameters.self_signed(&key).expect("signed").der().clone()]
    }

    #[test]
    fn the_time_of_a_certificate_is_found_out() {
        let past = Validity::of(&certificate(2000, 2001));
        assert_eq!(past, Validity { begins: None, ends: Some(978_307_200) });
        let future = Validity::of(&certificate(3000, 3001));
        assert_eq!((future.begins, future.ends), (Some(32_503_680_000), Some(32_535_216_000)));
        assert_eq!(Validity::of(&[]), Validity::default());
    }
}
