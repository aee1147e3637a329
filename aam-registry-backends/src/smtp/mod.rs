//! Sends mails through an SMTP server.

mod config;
mod mailer;

pub use config::{SmtpConfig, SmtpSecurity};
pub use mailer::SmtpMailer;
