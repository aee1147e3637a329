//! HTTPS in the server process itself.

use std::{
    fs,
    future::Future,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::{self, Either};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, ServerConfig, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName, UnixTime,
        pem::{self, PemObject},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::validity::Validity;

const HANDSHAKE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file does not contain the expected PEM.
    #[error("{path} cannot be used as {what}: {reason}; {remedy}")]
    File {
        /// Which file.
        path: PathBuf,
        /// The expected contents.
        what: &'static str,
        /// The reason.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The certificate and the key do not belong together.
    #[error(
        "the certificate in {certificate} does not match the private key in {key}: TLS_KEY has to name the key \
         that the certificate was issued for"
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate and the key cannot be used for another reason.
    #[error("the certificate and the key cannot be used: {0}")]
    Pair(#[from] Error),
}

/// Accepts TLS connections with the certificate and key of two files.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    files: Arc<[PathBuf; 2]>,
    current: Arc<watch::Sender<Arc<ServerConfig>>>,
}

impl Acceptor {
    /// Reads a certificate chain and its key.
    pub(super) fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let config = read(certificate, key)?;
        let files = [certificate.to_owned(), key.to_owned()];
        Ok(Self { files: Arc::new(files), current: Arc::new(watch::Sender::new(config)) })
    }

    /// Performs the TLS handshake, within `patience`.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        patience: Duration,
    ) -> io::Result<server::TlsStream<TcpStream>> {
        let config = Arc::clone(&self.current.borrow());
        time::timeout(patience.min(HANDSHAKE), TlsAcceptor::from(config).accept(stream)).await?
    }

    /// Loads the files again whenever they change, until `stop` completes. Existing connections keep
    /// the old certificate.
    pub(super) async fn reload_when_changed(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut seen = self.stamps();
        loop {
            let pause = std::pin::pin!(time::sleep(LOOK_AGAIN));
            if let Either::Left(_) = future::select(&mut stop, pause).await {
                return;
            }
            let stamps = self.stamps();
            if stamps == seen {
                continue;
            }
            let [certificate, key] = &*self.files;
            match read(certificate, key) {
                Ok(config) => {
                    self.current.send_replace(config);
                    tracing::info!(event = "certificate_reloaded", "serving the new certificate");
                }
                // One of the two files may not be replaced yet; the next change triggers another
                // attempt.
                Err(error) => {
                    tracing::warn!(event = "certificate_reload_failed", %error, "serving the old certificate");
                }
            }
            seen = stamps;
        }
    }

    fn stamps(&self) -> [Option<(SystemTime, u64)>; 2] {
        self.files.each_ref().map(|path| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::File {
        path: key.to_owned(),
        what: "TLS_KEY",
        reason: told(&error),
        remedy: "TLS_KEY has to name a private key in PEM that the server may read",
    })?;
    let validity = Validity::of(&chain);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| match error {
            Error::InconsistentKeys(_) => {
                TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() }
            }
            other => other.into(),
        })?;
    validity.tell(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |reason: String| TlsError::File {
        path: path.to_owned(),
        what: "TLS_CERT",
        reason,
        remedy: "TLS_CERT has to name a certificate chain in PEM that the server may read",
    };
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| failed(told(&error)))?;
    if chain.is_empty() { Err(failed("there is none in it".to_owned())) } else { Ok(chain) }
}

/// The reason without a prefix that says it is one of reading a file.
fn told(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "there is none in it".to_owned(),
        other => other.to_string(),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Connects to a server on this machine, which must present the certificate in `file`.
pub(crate) async fn connect_to_own<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    file: &Path,
    host: &str,
) -> io::Result<client::TlsStream<S>> {
    let mut chain = certificates(file).map_err(io::Error::other)?;
    let verifier = OwnCertificate { expected: chain.swap_remove(0), provider: provider() };
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Trusts one certificate, whatever its name and issuer: the server is reached at its local address,
/// for which no certificate is issued.
#[derive(Debug)]
struct OwnCertificate {
    expected: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OwnCertificate {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *end_entity == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
