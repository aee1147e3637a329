//! `aam otp`

use clap::{Args, Subcommand};
use qrcode::{QrCode, render::unicode};
use serde_json::json;

use crate::{
    failure::{Failure, Result},
    prompt,
    session::Session,
};

/// A second factor for your logins
#[derive(Debug, Subcommand)]
#[command(long_about = "A second factor for your logins: codes of an authenticator app.\n\n  \
    aam otp enrol\n  \
    aam otp disable")]
pub(crate) enum Otp {
    Enrol(Enrol),
    /// Log in without codes again
    Disable {
        /// A code of the app, or a recovery code; asked for where not given
        #[arg(long, value_name = "CODE")]
        otp: Option<String>,
    },
}

/// Let logins need a code of an authenticator app
#[derive(Debug, Args)]
#[command(
    visible_alias = "enroll",
    long_about = "Let logins need a code of an authenticator app. Shows a QR code for the app, asks for a code of it, \
    and prints recovery codes, once: keep them where you keep your passwords."
)]
pub(crate) struct Enrol {
    /// Print the seed alone, and read no code: confirm with `aam otp enrol --confirm CODE`
    #[arg(long, conflicts_with = "confirm")]
    no_confirm: bool,
    /// Confirm the seed that was shown before with a code of it
    #[arg(long, value_name = "CODE")]
    confirm: Option<String>,
}

impl Otp {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let client = session.authenticated(&registry)?;
        match self {
            Self::Enrol(Enrol { no_confirm, confirm }) => {
                let code = if let Some(code) = confirm {
                    code
                } else {
                    let enrolled = client.enroll_otp().await?;
                    let seed = [format!("Or enter this seed: {}", enrolled.secret)];
                    if no_confirm {
                        let lines = || picture(&enrolled.otpauth_uri).into_iter().chain(seed).collect();
                        return session.out.done(&enrolled, lines);
                    }
                    session.out.note("Scan this with your authenticator app:");
                    for line in picture(&enrolled.otpauth_uri).iter().chain(&seed) {
                        session.out.note(line);
                    }
                    prompt::line("Code of the app", "--confirm")?
                };
                let codes = client.confirm_otp(&code).await?;
                session.out.note("Logins need a code from now on. Keep these recovery codes; each works once:");
                session.out.result(&json!({"recovery_codes": codes}), || codes.clone())
            }
            Self::Disable { otp } => {
                let code = match otp {
                    Some(code) => code,
                    None => prompt::line("Code of your authenticator app, or a recovery code", "--otp")?,
                };
                client.disable_otp(&code).await?;
                session.out.done(&json!({"disabled": true}), || vec!["Logins need no code any more".to_owned()])
            }
        }
    }
}

/// A QR code for a terminal, two modules a character.
fn picture(uri: &str) -> Vec<String> {
    let Ok(code) = QrCode::new(uri) else { return vec![uri.to_owned()] };
    let mut drawn = code.render::<unicode::Dense1x2>();
    drawn
        .dark_color(unicode::Dense1x2::Light)
        .light_color(unicode::Dense1x2::Dark)
        .build()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Asks for the code that a login needs.
pub(super) fn asked(failure: Failure) -> Result<String> {
    if &*failure.code != "otp_required" {
        return Err(failure);
    }
    if !prompt::can_ask() {
        return Err(failure.hint("give the code with --otp"));
    }
    prompt::line("Code of your authenticator app", "--otp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_square_of_modules() {
        let lines = picture("otpauth://totp/a:ada?secret=GEZDGNBVGY3TQOJQ");
        let width = lines[0].chars().count();
        assert!(lines.iter().all(|line| line.chars().count() == width));
        assert_eq!(width.div_ceil(2), lines.len());
    }
}
