use std::{fmt, time::Duration};

use aam_registry_core::{Error, Result};
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisError, TlsCertificates, io::tcp::TcpSettings,
};
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use super::roots;
use crate::url_options;

/// The options that a URL, or the URL of a socket, may have.
const OPTIONS: &[&str] = &["protocol"];
const UNIX_OPTIONS: &[&str] = &["db", "user", "pass", "protocol"];

/// The address of Redis, and the time-outs.
#[derive(Clone)]
pub struct RedisConfig {
    url: String,
    root_certificates: Option<Vec<u8>>,
    more_root_certificates: Vec<u8>,
    key_prefix: String,
    pool_size: u32,
    connect_timeout: Duration,
    acquire_timeout: Duration,
    response_timeout: Duration,
    pause: Duration,
}

impl RedisConfig {
    /// The longest time-out for connecting.
    pub const MAX_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

    /// The Redis at `url`: `redis://[user][:password@]host[:port][/database]`, `rediss://…` for TLS, or
    /// `unix:///path`. Keys begin with `aam:`. There are at most 8 pooled connections, one that all
    /// callers share, and one for each subscriber.
    ///
    /// A request waits at most 50 ms for a connection and 50 ms for an answer; an attempt to connect
    /// continues in the background for up to a second; and for a second after a failure no request
    /// waits for Redis.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            root_certificates: None,
            more_root_certificates: Vec::new(),
            key_prefix: "aam:".to_owned(),
            pool_size: 8,
            connect_timeout: Self::MAX_CONNECT_TIMEOUT,
            acquire_timeout: Duration::from_millis(50),
            response_timeout: Duration::from_millis(50),
            pause: Duration::from_secs(1),
        }
    }

    /// Trusts the certificates of `pem` beside the system's; of no effect without TLS.
    #[must_use]
    pub fn with_more_root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.more_root_certificates = pem.into();
        self
    }

    /// Trusts only the certificates of `pem` instead of the system's; only for `rediss://`.
    #[must_use]
    pub fn with_root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Sets the prefix of every key and channel. Registries that share a Redis need different prefixes,
    /// unless their links [add the registry's id](super::RedisLink::awaiting_registry).
    #[must_use]
    pub fn with_key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.key_prefix = prefix.into();
        self
    }

    /// Sets the size of the connection pool; at least 1.
    #[must_use]
    pub fn with_pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections.max(1);
        self
    }

    /// Sets the time-out for connecting, including TLS and login; 1 ms to
    /// [`MAX_CONNECT_TIMEOUT`](Self::MAX_CONNECT_TIMEOUT).
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout.clamp(Duration::from_millis(1), Self::MAX_CONNECT_TIMEOUT);
        self
    }

    /// Sets how long a call waits for a connection; at least 1 ms.
    #[must_use]
    pub fn with_acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// Sets how long a call waits for an answer; at least 1 ms.
    #[must_use]
    pub fn with_response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// Sets how long calls do not use Redis after a failure, before one tests whether it is back.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    pub(super) fn key_prefix(&self) -> &str {
        &self.key_prefix
    }

    pub(super) fn pool_size(&self) -> u32 {
        self.pool_size
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub(super) fn acquire_timeout(&self) -> Duration {
        self.acquire_timeout
    }

    pub(super) fn response_timeout(&self) -> Duration {
        self.response_timeout
    }

    pub(super) fn pause(&self) -> Duration {
        self.pause
    }

    /// Checks only the URL, neither the certificates nor whether Redis is reachable.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if no [`RedisLink`](super::RedisLink) can be built from it; the
    /// message contains nothing of the URL.
    pub fn check_url(&self) -> Result<()> {
        self.info().map(drop)
    }

    fn info(&self) -> Result<ConnectionInfo> {
        // The client library ignores options that it does not know.
        if let Some((before, options)) = self.url.split_once('?') {
            let known =
                if before.starts_with("unix:") || before.starts_with("redis+unix:") { UNIX_OPTIONS } else { OPTIONS };
            let options = options.split_once('#').map_or(options, |(options, _)| options);
            if let Some(reason) = url_options::refusal(options, known) {
                return Err(Error::invalid_request(format!("The Redis URL is not valid: {reason}")));
            }
        }
        let info = self.url.as_str().into_connection_info().map_err(|error| invalid(&error))?;
        if matches!(info.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
            return Err(Error::invalid_request("The Redis URL asks for TLS without checks (`#insecure`)"));
        }
        Ok(info)
    }

    /// The client that connects.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the URL or the certificates are not valid.
    pub(super) fn client(&self) -> Result<Client> {
        let info = self.info()?;
        // Send small commands at once instead of waiting for the previous answer.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let ConnectionAddr::TcpTls { .. } = info.addr() else {
            return match self.root_certificates {
                None => Client::open(info).map_err(|error| invalid(&error)),
                Some(_) => Err(Error::invalid_request("Root certificates for Redis need a `rediss://` URL")),
            };
        };
        let roots = self
            .root_certificates
            .clone()
            .unwrap_or_else(|| [roots::of_the_system(), self.more_root_certificates.clone()].concat());
        if roots::are_none(&roots) {
            return Err(Error::invalid_request("There is no root certificate that could vouch for Redis"));
        }
        // The client library uses the process's default provider. Install one if the host has not.
        if CryptoProvider::get_default().is_none() {
            let _ = aws_lc_rs::default_provider().install_default();
        }
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(roots) };
        Client::build_with_tls(info, certificates)
            .map_err(|error| Error::invalid_request(format!("The root certificates for Redis cannot be used: {error}")))
    }
}

fn invalid(error: &RedisError) -> Error {
    Error::invalid_request(format!("The Redis URL is not valid: {error}"))
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may contain a password, even if it is not a valid URL.
        let info: Option<ConnectionInfo> = self.url.as_str().into_connection_info().ok();
        f.debug_struct("RedisConfig")
            .field("address", &info.as_ref().map(|info| info.addr().to_string()))
            .field("database", &info.as_ref().map(|info| info.redis_settings().db()))
            .field("key_prefix", &self.key_prefix)
            .field("pool_size", &self.pool_size)
            .field("connect_timeout", &self.connect_timeout)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("response_timeout", &self.response_timeout)
            .field("pause", &self.pause)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_does_not_show() {
        for url in [
            "redis://:hunter2@localhost:6379/3",
            "rediss://ada:hunter2@localhost",
            "unix:///run/redis.sock?pass=hunter2",
            "redis://:hunter2@local host",
            "hunter2",
        ] {
            let config = RedisConfig::new(url);
            assert!(!format!("{config:?}").contains("hunter2"), "{config:?}");
            match config.client() {
                Ok(client) => assert!(!format!("{client:?}").contains("hunter2"), "{client:?}"),
                Err(error) => assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}"),
            }
        }
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for url in [
            "",
            "localhost",
            "http://localhost",
            "redis://",
            "redis://h/x",
            "rediss://h/#insecure",
            "redis://h:x",
            "redis://h?db=3",
        ] {
            assert!(RedisConfig::new(url).client().is_err(), "{url:?} passed");
            assert!(RedisConfig::new(url).check_url().is_err(), "{url:?} passed");
        }
        for pem in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"] {
            assert!(RedisConfig::new("rediss://h").with_root_certificates(pem).client().is_err(), "{pem:?} passed");
        }
        let certificate = rcgen::generate_simple_self_signed(["h".to_owned()]).expect("a certificate").cert.pem();
        let config = |url| RedisConfig::new(url).with_root_certificates(&*certificate);
        assert!(config("redis://h").client().is_err(), "certificates for what is not encrypted");
        assert!(config("rediss://h").client().is_ok());
    }
}
