//! Which events users are told of by mail, who is told, and by which letter.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use super::{letter::Letter, letters};
use crate::{
    decide::{APPROVAL, OldVersionsFacts, WAITING_TAG, WAS_OPEN},
    registry::{DONE, LINK, OPERATOR, PUBLISHER, PasswordResetLink, REGISTERED, REQUESTED, STEP, VerificationLink},
    types::{AccountRole, ApprovalStatus, AuditEvent, DisableReason, NewAuditEntry, ScopeName, Username},
};

/// Whether there are letters about events of this kind.
pub(super) fn are_of(event: AuditEvent) -> bool {
    matches!(
        event,
        AuditEvent::UserRegister
            | AuditEvent::UserLogin
            | AuditEvent::UserEmailChange
            | AuditEvent::UserEmailVerify
            | AuditEvent::UserPasswordChange
            | AuditEvent::UserPasswordReset
            | AuditEvent::UserTotpEnable
            | AuditEvent::UserTotpDisable
            | AuditEvent::TokenCreate
            | AuditEvent::TokenLeakReported
            | AuditEvent::TokenEnding
            | AuditEvent::TokenStale
            | AuditEvent::UserDisable
            | AuditEvent::UserEnable
            | AuditEvent::UserRoleSet
            | AuditEvent::OwnershipAdd
            | AuditEvent::OwnershipRemove
            | AuditEvent::ScopeMemberSet
            | AuditEvent::ScopeMemberRemove
            | AuditEvent::WebhookDisable
            | AuditEvent::PackagePublish
            | AuditEvent::VersionApprove
            | AuditEvent::VersionReject
            | AuditEvent::VersionQuarantine
            | AuditEvent::VersionRelease
            | AuditEvent::VersionRemove
            | AuditEvent::ReportCreate
            | AuditEvent::ReportClose
    )
}

/// The scope whose owners are told of an event. Of a webhook of the operator no user is told.
pub(super) fn scope_to_tell(event: &NewAuditEntry) -> Option<ScopeName> {
    let scope = text(event, "scope").filter(|_| event.event == AuditEvent::WebhookDisable);
    scope.and_then(|scope| scope.parse().ok())
}

/// Whether approvers are told of an event: a version, or its dist-tag, waits for them.
pub(super) fn is_for_approvers(event: &NewAuditEntry) -> bool {
    let waits = text(event, APPROVAL) == Some(ApprovalStatus::Pending.as_str()) || text(event, WAITING_TAG).is_some();
    event.event == AuditEvent::PackagePublish && waits
}

/// Whether the owners of its package are told of an event. They are told of a decision about a version of a trusted
/// publisher, which gets no mail itself.
pub(super) fn is_for_owners(event: &NewAuditEntry) -> bool {
    match event.event {
        AuditEvent::VersionQuarantine | AuditEvent::VersionRelease | AuditEvent::VersionRemove => {
            // Nobody needs versions that nobody uses, of which there may be thousands.
            text(event, "cause") != Some(OldVersionsFacts::CAUSE)
        }
        AuditEvent::VersionApprove | AuditEvent::VersionReject => {
            text(event, PUBLISHER).is_some_and(|publisher| publisher.parse::<Username>().is_err())
        }
        _ => false,
    }
}

/// The role whose holders are told of an event.
pub(super) fn role_to_tell(event: &NewAuditEntry) -> Option<AccountRole> {
    (event.event == AuditEvent::ReportCreate).then_some(AccountRole::Moderator)
}

/// The username of who is told. Nobody is told what they have done themselves, except for what may
/// also be done by somebody who has stolen a password.
pub(super) fn recipient(event: &NewAuditEntry) -> Option<&str> {
    let actor = event.actor.as_deref();
    match event.event {
        AuditEvent::UserPasswordChange
        | AuditEvent::UserEmailChange
        | AuditEvent::TokenCreate
        | AuditEvent::UserLogin => actor,
        // An account that the operator or the host has made is theirs to tell of.
        AuditEvent::UserRegister => actor.filter(|_| text(event, "user").is_none()),
        AuditEvent::UserEmailVerify
        | AuditEvent::UserTotpEnable
        | AuditEvent::UserTotpDisable
        | AuditEvent::TokenLeakReported
        | AuditEvent::TokenEnding
        | AuditEvent::TokenStale
        | AuditEvent::ReportClose => text(event, "user"),
        AuditEvent::UserPasswordReset | AuditEvent::UserDisable | AuditEvent::UserEnable | AuditEvent::UserRoleSet => {
            text(event, "user")
        }
        AuditEvent::VersionApprove | AuditEvent::VersionReject => text(event, PUBLISHER),
        AuditEvent::OwnershipAdd | AuditEvent::OwnershipRemove => {
            text(event, "owner").filter(|owner| Some(*owner) != actor)
        }
        AuditEvent::ScopeMemberSet | AuditEvent::ScopeMemberRemove => {
            text(event, "member").filter(|member| Some(*member) != actor)
        }
        _ => None,
    }
}

/// Whether an event asks for a mail with a link to set another password.
pub(super) fn asks_for_reset(event: &NewAuditEntry) -> bool {
    event.event == AuditEvent::UserPasswordReset && matches!(text(event, STEP), Some(REQUESTED | REGISTERED))
}

/// Whether an event asks for a mail with a link to verify the address of the account.
pub(super) fn asks_for_verification(event: &NewAuditEntry) -> bool {
    match event.event {
        AuditEvent::UserRegister | AuditEvent::UserEmailChange => true,
        AuditEvent::UserEmailVerify => text(event, STEP) == Some(REQUESTED),
        _ => false,
    }
}

/// The mail with that link.
pub(super) fn verification_letter(event: &NewAuditEntry, link: &VerificationLink, base_url: &str) -> Letter {
    let is_new = event.event == AuditEvent::UserRegister;
    letters::verify_email(is_new, &link.url(base_url), &instant(link.expires_at))
}

/// The mail with the link with which the account of a registration is made.
pub(super) fn registration_letter(url: &str, expires_at: Timestamp) -> Letter {
    letters::confirm_registration(url, &instant(expires_at))
}

/// The mail with the link of an invitation.
pub(super) fn invitation_letter(event: &NewAuditEntry, url: &str) -> Letter {
    let by = event.actor.as_deref().filter(|by| *by != OPERATOR);
    letters::invitation(by, url, text(event, "expires_at").unwrap_or_default())
}

/// The mail to the address that an account had before.
pub(super) fn address_changed_letter(event: &NewAuditEntry) -> Letter {
    letters::address_changed(&instant(event.timestamp))
}

/// The mail with that link.
pub(super) fn reset_letter(event: &NewAuditEntry, link: &PasswordResetLink, base_url: &str) -> Letter {
    if text(event, STEP) == Some(REGISTERED) {
        return letters::address_known(&instant(event.timestamp), &link.url(base_url), &instant(link.expires_at));
    }
    let from = text(event, "client_ip").map(|address| format!(" from the address {address}"));
    let asked = format!("{} at {}", from.unwrap_or_default(), instant(event.timestamp));
    letters::password_reset(&asked, &link.url(base_url), &instant(link.expires_at))
}

/// The letter about an event to the user `username`.
pub(super) fn letter(event: &NewAuditEntry, username: &str) -> Option<Letter> {
    let at = instant(event.timestamp);
    let actor = event.actor.as_deref().unwrap_or("somebody");
    let package = event.package.as_ref().map(ToString::to_string).unwrap_or_default();
    let version = event.version.as_deref().unwrap_or_default();
    Some(match event.event {
        AuditEvent::PackagePublish if text(event, WAITING_TAG).is_some() => {
            let tag = text(event, WAITING_TAG).unwrap_or_default();
            letters::approval_of_tag_wanted(&at, &package, version, tag, actor)
        }
        AuditEvent::PackagePublish => letters::approval_wanted(&at, &package, version, actor),
        AuditEvent::VersionApprove | AuditEvent::VersionReject if event.metadata.contains_key(WAS_OPEN) => {
            let is_set = event.metadata.get("tag_is_set").and_then(Value::as_bool).unwrap_or_default();
            let tag = text(event, "tag").map(|tag| (tag, is_set));
            letters::decided_about_tag(&at, &package, version, tag, actor, text(event, "comment"))
        }
        AuditEvent::VersionApprove => letters::approved(&at, &package, version, actor, text(event, "comment")),
        AuditEvent::VersionReject => letters::rejected(&at, &package, version, actor, text(event, "comment")),
        AuditEvent::VersionQuarantine => {
            let (category, reason) = (text(event, "category").unwrap_or("other"), text(event, "reason"));
            letters::quarantined(&at, &package, version, category, reason.unwrap_or_default())
        }
        AuditEvent::VersionRelease => letters::released(&at, &package, version),
        AuditEvent::VersionRemove => letters::removed(&at, &package, version),
        AuditEvent::UserPasswordChange => letters::password_changed(&at),
        AuditEvent::UserPasswordReset => match text(event, STEP) {
            Some(LINK) => letters::reset_link_made(&at),
            Some(DONE) => letters::password_reset_done(&at),
            _ => letters::password_set(&at),
        },
        AuditEvent::TokenCreate => {
            let list = |key: &str, none: &str| match &event.metadata.get(key) {
                Some(Value::Array(items)) if !items.is_empty() => {
                    items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
                }
                _ => none.to_owned(),
            };
            let expires = text(event, "expires_at").unwrap_or("never");
            let name = text(event, "name").unwrap_or_default();
            letters::token_created(&at, name, &list("scopes", "reading"), &list("packages", "all"), expires)
        }
        AuditEvent::TokenEnding => letters::token_ending(
            text(event, "name").unwrap_or_default(),
            text(event, "expires_at").unwrap_or_default(),
        ),
        AuditEvent::TokenStale => letters::token_stale(text(event, "name").unwrap_or_default()),
        AuditEvent::TokenLeakReported => {
            letters::token_leaked(&at, text(event, "name").unwrap_or_default(), text(event, "url"))
        }
        AuditEvent::UserLogin => letters::login_from_new_place(&at, text(event, "client_ip"), text(event, "client")),
        AuditEvent::UserTotpEnable => letters::second_factor_changed(&at, true, false),
        AuditEvent::UserTotpDisable => letters::second_factor_changed(&at, false, actor != username),
        AuditEvent::UserDisable => letters::account_disabled(&at),
        AuditEvent::UserEnable => letters::account_enabled(&at),
        AuditEvent::UserRoleSet => {
            let granted = event.metadata.get("granted").and_then(Value::as_bool).unwrap_or_default();
            match (text(event, "role"), event.metadata.get("roles").and_then(Value::as_array)) {
                (None, Some(roles)) => {
                    let roles: Vec<_> = roles.iter().filter_map(Value::as_str).collect();
                    letters::roles_set(&at, &roles.join(", "), actor, username)
                }
                (role, _) => letters::role_changed(&at, role.unwrap_or_default(), granted),
            }
        }
        AuditEvent::OwnershipAdd => letters::ownership_changed(&at, &package, true, actor, username),
        AuditEvent::OwnershipRemove => letters::ownership_changed(&at, &package, false, actor, username),
        AuditEvent::ScopeMemberSet | AuditEvent::ScopeMemberRemove => {
            letters::membership_changed(&at, text(event, "scope")?, text(event, "role"), actor, username)
        }
        AuditEvent::ReportCreate => {
            let subject = reported(event);
            letters::report_made(&at, &subject, text(event, "category").unwrap_or_default())
        }
        AuditEvent::ReportClose => letters::report_closed(&at, &reported(event), text(event, "comment")),
        AuditEvent::WebhookDisable => {
            let reason = text(event, "reason").and_then(DisableReason::parse);
            letters::webhook_disabled(&at, text(event, "scope")?, text(event, "webhook").unwrap_or_default(), reason)
        }
        _ => return None,
    })
}

/// The package that a report is about, with the version if it names one.
fn reported(event: &NewAuditEntry) -> String {
    let package = text(event, "reported").unwrap_or_default();
    text(event, "version").map_or_else(|| package.to_owned(), |version| format!("{package} {version}"))
}

fn instant(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// One fact of an event.
fn text<'a>(event: &'a NewAuditEntry, key: &str) -> Option<&'a str> {
    event.metadata.get(key).and_then(Value::as_str)
}
