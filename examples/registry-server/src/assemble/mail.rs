//! The mail server.

use aam_registry_backends::smtp::{SmtpConfig, SmtpMailer};
use aam_registry_core::registry::RegistryBuilder;
use secrecy::ExposeSecret;

use super::{AssembleError, reason};
use crate::config::Settings;

/// Adds what sends mails through the server of the settings, if they name one.
pub(super) fn add(builder: RegistryBuilder, settings: &Settings) -> Result<RegistryBuilder, AssembleError> {
    let (Some(host), Some(from)) = (&settings.smtp_host, &settings.smtp_from) else { return Ok(builder) };
    let mut config = SmtpConfig::new(&host.0, settings.smtp_tls.0, &from.0).with_port(settings.smtp_port.0);
    if let Some(bundle) = &settings.ca_bundle {
        config = config.with_root_certificate(&*bundle.0);
    }
    if let (Some(user), Some(password)) = (&settings.smtp_user, &settings.smtp_password) {
        config = config.with_login(&user.0, password.0.expose_secret());
    }
    let mailer = SmtpMailer::new(&config).map_err(|error| AssembleError::Mail(reason(&error)))?;
    Ok(builder.mailer(mailer, settings.base_url.as_str()))
}
