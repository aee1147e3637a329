use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{registry::EnrolledFactor, types::RecoveryCode};

/// A second factor that waits to be confirmed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EnrolledTotp")]
pub(crate) struct EnrolledFactorAnswer {
    /// The seed, in Base32.
    secret: String,
    /// What authenticator apps read, as a QR code or by hand.
    otpauth_uri: String,
}

impl From<EnrolledFactor> for EnrolledFactorAnswer {
    fn from(enrolled: EnrolledFactor) -> Self {
        Self { secret: enrolled.secret.expose(), otpauth_uri: enrolled.otpauth_uri }
    }
}

/// A code of the second factor.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct OtpRequest {
    /// Six digits, or a recovery code.
    pub(crate) otp: String,
}

/// Codes that stand in for one-time passwords.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RecoveryCodes")]
pub(crate) struct RecoveryCodesAnswer {
    /// Each works once.
    recovery_codes: Vec<String>,
}

impl From<Vec<RecoveryCode>> for RecoveryCodesAnswer {
    fn from(codes: Vec<RecoveryCode>) -> Self {
        Self { recovery_codes: codes.iter().map(|code| code.expose().to_owned()).collect() }
    }
}
