//! The webhooks of scopes.

use jiff::Timestamp;

use crate::types::{AuditEvent, NewAuditEntry, ScopeName, WebhookUrl, id::id};

id! {
    /// The id of a webhook of a scope.
    WebhookId
}

/// A receiver of what happens in a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeWebhook {
    /// Its id.
    pub id: WebhookId,
    /// The scope whose events it receives.
    pub scope: ScopeName,
    /// Where they are sent.
    pub url: WebhookUrl,
    /// Which are sent: at least one, each once, in the order of [`AuditEvent::ALL`].
    pub events: Vec<AuditEvent>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when every delivery has failed; `None` after one that was received.
    pub failing_since: Option<Timestamp>,
    /// Since when and why nothing is sent; `None` while it is in use.
    pub disabled: Option<DisabledWebhook>,
}

/// Since when and why a webhook is not in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DisabledWebhook {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: DisableReason,
}

/// Why a webhook is not in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisableReason {
    /// An owner of the scope, or an administrator, disabled it.
    Request,
    /// The receiver answered 410: it is gone.
    Gone,
    /// Every delivery failed for a week.
    Failing,
}

impl DisableReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Request, Self::Gone, Self::Failing];

    /// The reason as text: `request`, `gone`, `failing`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// Reads the reason's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// A webhook as it is stored, with what its deliveries are signed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWebhook {
    /// The webhook.
    pub webhook: ScopeWebhook,
    /// Its secret, encrypted.
    pub secret: SealedSecret,
}

/// A secret that was encrypted by a [`SecretSealer`](crate::ports::SecretSealer), as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret(String);

impl SealedSecret {
    /// What a sealer made.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text to store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the kinds of the deliveries to the webhooks of scopes begin with.
const KIND_PREFIX: &str = "webhook:@";

impl ScopeWebhook {
    /// The most webhooks of one scope.
    pub const MAX_PER_SCOPE: u64 = 10;
    /// What the kind of every delivery to a webhook of a scope begins with.
    pub const KIND_PREFIX: &str = KIND_PREFIX;

    /// The kind of the jobs that are deliveries to it.
    pub fn job_kind(&self) -> String {
        Self::kind_of(&self.scope, self.id)
    }

    /// The kind of the jobs that are deliveries to the webhook `id` of `scope`.
    pub fn kind_of(scope: &ScopeName, id: WebhookId) -> String {
        format!("{KIND_PREFIX}{scope}/{id}")
    }

    /// Reads scope and id out of a kind that [`kind_of`](Self::kind_of) made.
    pub fn of_kind(kind: &str) -> Option<(ScopeName, WebhookId)> {
        let (scope, id) = kind.strip_prefix(KIND_PREFIX)?.split_once('/')?;
        Some((scope.parse().ok()?, id.parse().ok()?))
    }

    /// Whether what `entry` records is to be sent to it.
    pub fn wants(&self, entry: &NewAuditEntry) -> bool {
        self.disabled.is_none()
            && self.events.contains(&entry.event)
            && entry.scope_of_webhooks().is_some_and(|scope| scope == self.scope)
    }
}

impl AuditEvent {
    /// Whether a webhook of a scope may receive it: it tells of a package of the
    /// scope, or of the scope itself, and nothing of users' accounts.
    pub fn is_of_scope(self) -> bool {
        match self {
            Self::PackagePublish
            | Self::VersionYank
            | Self::VersionUnyank
            | Self::VersionDeprecate
            | Self::VersionApprove
            | Self::VersionReject
            | Self::VersionQuarantine
            | Self::VersionRelease
            | Self::VersionRemove
            | Self::TagSet
            | Self::TagRemove
            | Self::OwnershipAdd
            | Self::OwnershipRemove
            | Self::VisibilityChange
            | Self::EvalRecord
            | Self::GateSet
            | Self::PublisherAdd
            | Self::PublisherRemove
            | Self::PolicySet
            | Self::ScopeMemberSet
            | Self::ScopeMemberRemove
            | Self::WebhookCreate
            | Self::WebhookChange
            | Self::WebhookDelete
            | Self::WebhookDisable => true,
            Self::ScopeCreate
            | Self::UserRegister
            | Self::UserLogin
            | Self::UserLoginFailed
            | Self::UserLogout
            | Self::UserDisable
            | Self::UserEnable
            | Self::UserRoleSet
            | Self::UserEmailChange
            | Self::UserPasswordChange
            | Self::UserPasswordReset
            | Self::TokenCreate
            | Self::TokenRevoke
            | Self::TokenLeakReported
            | Self::TokenEnding
            | Self::TokenStale
            | Self::SessionRevoke
            | Self::UserInvite
            | Self::UserDelete
            | Self::UserTotpEnable
            | Self::UserTotpDisable
            | Self::UserEmailVerify
            | Self::ReportCreate
            | Self::ReportClose
            | Self::AdminCreate
            | Self::AdminReadOnly
            | Self::AdminRead
            | Self::AdminAuditPrune
            | Self::PackageDownload => false,
        }
    }

    /// Every event that a webhook of a scope may receive.
    pub fn of_scopes() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|event| event.is_of_scope())
    }
}

impl NewAuditEntry {
    /// The scope whose webhooks may be told of it: that of the package, or the
    /// one that it is about.
    pub fn scope_of_webhooks(&self) -> Option<ScopeName> {
        if !self.event.is_of_scope() {
            return None;
        }
        match &self.package {
            Some(package) => package.scope(),
            None => self.metadata.get("scope")?.as_str()?.parse().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook() -> ScopeWebhook {
        ScopeWebhook {
            id: WebhookId::generate(),
            scope: "team".parse().expect("a scope"),
            url: WebhookUrl::parse("https://hooks.example/aam").expect("an address"),
            events: vec![AuditEvent::PackagePublish, AuditEvent::ScopeMemberSet],
            created_at: Timestamp::UNIX_EPOCH,
            failing_since: None,
            disabled: None,
        }
    }

    #[test]
    fn the_kind_of_a_delivery_names_scope_and_webhook() {
        let webhook = webhook();
        assert_eq!(ScopeWebhook::of_kind(&webhook.job_kind()), Some((webhook.scope.clone(), webhook.id)));
        for other in ["webhook:@team", "webhook:@team/x", "webhook:hooks.example-00", "event"] {
            assert_eq!(ScopeWebhook::of_kind(other), None, "{other}");
        }
    }

    #[test]
    fn a_webhook_is_told_of_its_own_scope_alone() {
        let webhook = webhook();
        let of = |event| NewAuditEntry::new(event, Timestamp::UNIX_EPOCH);
        let publish = |name: &str| of(AuditEvent::PackagePublish).with_package(&name.parse().expect("a name"));
        assert!(webhook.wants(&publish("@team/kit")));
        assert!(webhook.wants(&of(AuditEvent::ScopeMemberSet).with("scope", "team")));
        assert!(!webhook.wants(&publish("@other/kit")) && !webhook.wants(&publish("kit")));
        assert!(!webhook.wants(&of(AuditEvent::ScopeMemberSet).with("scope", "other")));
        assert!(!webhook.wants(&of(AuditEvent::VersionYank).with_package(&"@team/kit".parse().expect("a name"))));
        let disabled = DisabledWebhook { at: Timestamp::UNIX_EPOCH, reason: DisableReason::Gone };
        assert!(!ScopeWebhook { disabled: Some(disabled), ..webhook }.wants(&publish("@team/kit")));
    }

    /// Whatever its metadata says, an event of an account reaches no scope.
    #[test]
    fn nothing_of_accounts_reaches_a_scope() {
        let everything = ScopeWebhook { events: AuditEvent::ALL.to_vec(), ..webhook() };
        for event in AuditEvent::ALL.iter().filter(|event| !event.is_of_scope()) {
            let entry = NewAuditEntry::new(*event, Timestamp::UNIX_EPOCH)
                .with_package(&"@team/kit".parse().expect("a name"))
                .with("scope", "team");
            assert!(!everything.wants(&entry), "{event:?}");
        }
        assert!(AuditEvent::of_scopes().all(AuditEvent::can_be_subscribed));
    }
}
