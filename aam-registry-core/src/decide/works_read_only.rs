//! Which changes are made in read-only mode nevertheless.

use super::{AccountUpdate, Request, ResourceRequest, SecondFactorUpdate};

impl Request {
    /// Whether it is executed while the registry is read-only: what ends read-only mode, what a login needs, what
    /// takes a credential away, and notes of what background jobs have done.
    pub fn works_read_only(&self) -> bool {
        match self {
            Self::SetReadOnly(_)
            | Self::BeginSession(_)
            | Self::LogOut(_)
            | Self::EndSession(_)
            | Self::RevokeToken(_)
            | Self::RevokeTokens(_)
            | Self::RevokePublisherToken(_)
            | Self::Resource(ResourceRequest::WebhookReport(_) | ResourceRequest::OperatorWebhookReport(_)) => true,
            Self::ChangeAccount(asked) => matches!(asked.question().update, AccountUpdate::OtherSessionsEnded),
            Self::ChangeSecondFactor(asked) => matches!(asked.question().update, SecondFactorUpdate::Use(_)),
            Self::Package(_)
            | Self::CreateUser(_)
            | Self::DeleteAccount(_)
            | Self::CreateToken(_)
            | Self::TellOfToken(_)
            | Self::CreateScope(_)
            | Self::ChangeMember(_)
            | Self::ChangeScopePolicy(_)
            | Self::ChangePublisher(_)
            | Self::ExchangeIdToken(_)
            | Self::RemoveOldVersions(_)
            | Self::DropAged(_)
            | Self::Resource(_) => false,
        }
    }
}
