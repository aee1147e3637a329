use std::{error::Error as StdError, fmt, time::Duration};

use aam_registry_core::{
    Error, Result,
    ports::{MailFailure, Mailer},
    types::Mail,
};
use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use tokio::time;

use super::{SmtpConfig, SmtpSecurity};

/// How long one command may take.
const COMMAND: Duration = Duration::from_secs(15);
/// How long a mail may take, the connection included.
const PATIENCE: Duration = Duration::from_secs(25);
/// The most characters of a server's answer that are told.
const MAX_ANSWER: usize = 200;

/// Sends mails through an SMTP server, each on a connection of its own.
///
/// What the server refuses with a code from 500 to 599 is not sent again, except for refusals that are
/// about the server or the login and not about the mail.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// What follows the `@` in the ids of mails.
    domain: String,
    server: String,
}

impl SmtpMailer {
    /// Sends as `config` says. Connects to nothing yet.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if the sender is no address, a certificate cannot be parsed, or the
    /// certificates of the system cannot be used.
    pub fn new(config: &SmtpConfig) -> Result<Self> {
        let from: Mailbox = config.from.parse().map_err(|_| invalid("the sender is no e-mail address"))?;
        let domain = from.email.domain().to_owned();
        let tls = || -> Result<TlsParameters> {
            let mut tls = TlsParameters::builder(config.host.clone());
            for pem in &config.roots {
                tls = tls.add_root_certificate(Certificate::from_pem(pem).map_err(|error| invalid(reason(&error)))?);
            }
            tls.build_rustls().map_err(|error| invalid(reason(&error)))
        };
        let tls = match config.security {
            SmtpSecurity::StartTls => Tls::Required(tls()?),
            SmtpSecurity::Tls => Tls::Wrapper(tls()?),
            SmtpSecurity::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port)
            .tls(tls)
            .timeout(Some(COMMAND))
            // Servers may refuse names without a domain, as those of containers are.
            .hello_name(ClientId::Domain(domain.clone()));
        if let Some((user, password)) = &config.credentials {
            transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
        }
        let server = format!("{}:{}", config.host, config.port);
        Ok(Self { transport: transport.build(), from, domain, server })
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailFailure> {
        let to = mail.to.parse().map_err(|_| MailFailure::permanent("the recipient has no valid e-mail address"))?;
        let subject: String = mail.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id, self.domain)))
            .date(mail.at.into())
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            // Nobody's absence note answers it (RFC 3834).
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|error| MailFailure::permanent(format!("the mail cannot be built: {}", reason(&error))))
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailFailure> {
        let message = self.message(mail)?;
        match time::timeout(PATIENCE, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_elapsed) => {
                let seconds = PATIENCE.as_secs();
                Err(MailFailure::temporary(format!("{} took longer than {seconds} seconds", self.server)))
            }
        }
    }
}

impl SmtpMailer {
    fn failure(&self, error: &smtp::Error) -> MailFailure {
        let Some(code) = error.status() else {
            return MailFailure::temporary(format!("{}: {}", self.server, without_addresses(&reason(error))));
        };
        let code = u16::from(code);
        let message = format!("{} answered: {}", self.server, without_addresses(&reason(error)));
        MailFailure { message, is_permanent: is_about_the_mail(code) }
    }
}

/// Whether a refusal is about the mail, so that it would be refused again. Other refusals end when the
/// operator corrects the settings or the server: those of the login (530 to 538), of commands (500 to
/// 504), and of a server that takes no mail at all (521, 556).
fn is_about_the_mail(code: u16) -> bool {
    matches!(code, 500..=599) && !matches!(code, 500..=504 | 521 | 530..=538 | 556)
}

/// The text with each word that may be an e-mail address left out, and not too long.
fn without_addresses(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().map(|word| if word.contains('@') { "…" } else { word }).collect();
    words.join(" ").chars().take(MAX_ANSWER).collect()
}

/// An error with its causes.
fn reason(error: &(dyn StdError + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    texts.dedup();
    texts.join(": ")
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid_request(message)
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpMailer").field("server", &self.server).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_login_are_not_about_the_mail() {
        assert!([550, 551, 552, 553, 554].into_iter().all(is_about_the_mail));
        assert!(![421, 450, 451, 452, 500, 502, 503, 521, 530, 534, 535, 538, 556].into_iter().any(is_about_the_mail));
    }

    #[test]
    fn addresses_are_not_told() {
        let told = without_addresses("permanent error (550): 5.1.1 <ada@example.com>: user\r\nunknown");
        assert_eq!(told, "permanent error (550): 5.1.1 … user unknown");
    }
}
