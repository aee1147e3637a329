use std::fmt;

use lettre::message::Mailbox;

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// By TLS that begins with the command `STARTTLS`; without it nothing is sent. Port 587 by default.
    StartTls,
    /// By TLS from the start. Port 465 by default.
    Tls,
    /// Not at all. Port 25 by default.
    None,
}

impl SmtpSecurity {
    /// The port that servers usually listen on.
    pub fn default_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// Which mail server to use, and how.
#[derive(Clone)]
pub struct SmtpConfig {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: SmtpSecurity,
    pub(super) from: String,
    pub(super) credentials: Option<(String, String)>,
    pub(super) roots: Vec<Vec<u8>>,
}

impl SmtpConfig {
    /// The server `host`, on the default port, without a login. Mails come from the address `from`, such
    /// as `registry@example.com` or `AAM registry <registry@example.com>`.
    pub fn new(host: impl Into<String>, security: SmtpSecurity, from: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: security.default_port(),
            security,
            from: from.into(),
            credentials: None,
            roots: Vec::new(),
        }
    }

    /// Whether mails can come from `text`: an e-mail address, with a name in front or without.
    pub fn is_sender(text: &str) -> bool {
        text.parse::<Mailbox>().is_ok()
    }

    /// Sets the port.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Logs in as `user`.
    #[must_use]
    pub fn with_login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    /// Trusts this certificate (PEM) beside those that the system trusts.
    #[must_use]
    pub fn with_root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots.push(pem.into());
        self
    }
}

impl fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("logs_in", &self.credentials.is_some())
            .finish_non_exhaustive()
    }
}
