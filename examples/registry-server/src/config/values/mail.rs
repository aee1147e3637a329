//! Types of settings about mail.

use aam_registry_backends::smtp::{SmtpConfig, SmtpSecurity};

use crate::config::setting::{Refusal, Value};

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SmtpTls(pub(crate) SmtpSecurity);

impl Value for SmtpTls {
    const PLACEHOLDER: &'static str = "HOW";

    fn allowed() -> String {
        "`starttls`, `tls` or `none`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        match text.to_ascii_lowercase().as_str() {
            "starttls" => Ok(Self(SmtpSecurity::StartTls)),
            "tls" => Ok(Self(SmtpSecurity::Tls)),
            "none" => Ok(Self(SmtpSecurity::None)),
            _ => Err(Refusal::NotAllowed),
        }
    }
}

/// Who mails come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sender(pub(crate) String);

impl Value for Sender {
    const PLACEHOLDER: &'static str = "EMAIL";

    fn allowed() -> String {
        "an e-mail address such as `registry@example.com`, or `AAM registry <registry@example.com>`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        if SmtpConfig::is_sender(text) { Ok(Self(text.to_owned())) } else { Err(Refusal::NotAllowed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for good in ["registry@example.com", "AAM registry <registry@example.com>", "root@localhost"] {
            assert!(Sender::parse(good).is_ok(), "{good}");
        }
        for bad in ["registry", "AAM registry", "a@b, c@d", "<a@b", "a b@example.com", "a@b\r\nBcc: c@d"] {
            assert!(Sender::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_protection_is_one_of_three() {
        assert_eq!(SmtpTls::parse("STARTTLS"), Ok(SmtpTls(SmtpSecurity::StartTls)));
        for bad in ["true", "off", "ssl"] {
            assert_eq!(SmtpTls::parse(bad), Err(Refusal::NotAllowed), "{bad}");
        }
    }
}
