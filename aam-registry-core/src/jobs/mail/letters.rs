//! The texts of every mail, in one place.

use super::letter::Letter;
use crate::types::DisableReason;

/// Who did something, to complete a sentence; empty if it was the recipient.
fn by(actor: &str, username: &str) -> String {
    if actor == username { String::new() } else { format!(" by {actor}") }
}

/// What to do if somebody else has the account.
const NOT_YOU: &str = "If this was not you, somebody else can use your account. Change your password with `aam passwd`, \
                       revoke the API tokens that you do not know (`aam token list`, `aam token revoke`), and tell the \
                       administrator of the registry.";

/// The account is new, or has another e-mail address, which its user has to verify.
pub(super) fn verify_email(is_new: bool, link: &str, until: &str) -> Letter {
    let why =
        if is_new { "An account was made with this e-mail address." } else { "Your account has this e-mail address." };
    Letter::new("verify-email", "Verify your e-mail address")
        .text(format!("{why} To show that mail to it reaches you, open:"))
        .link(link)
        .text(format!("The link works once, until {until}. Or run, with the link:"))
        .command("aam verify-email LINK")
        .text("If you have no account at this registry, ignore this mail.")
}

/// Somebody has registered, and has to show that mail to the address arrives.
pub(super) fn confirm_registration(link: &str, until: &str) -> Letter {
    Letter::new("confirm-registration", "Confirm your e-mail address")
        .text(
            "Somebody asked for an account with this e-mail address and the name above. To make the account, open this \
             link:",
        )
        .link(link)
        .text(format!("The link works once, until {until}. Or run, with the link:"))
        .command("aam verify-email LINK")
        .text("Then log in with `aam login`. If this was not you, ignore this mail: no account is made.")
}

/// The account has another e-mail address now; sent to the one before.
pub(super) fn address_changed(at: &str) -> Letter {
    Letter::new("address-changed", "The e-mail address of your account was changed")
        .text(format!(
            "Your account had this e-mail address until {at}, and has another one now. Mails about your account no \
             longer come here, nor do links to reset your password."
        ))
        .text(
            "If this was not you, somebody else can use your account: tell the administrator of the registry at once, \
             who can disable the account and give you a link to set another password.",
        )
}

/// Somebody has logged in from a place that is new for the account.
pub(super) fn login_from_new_place(at: &str, address: Option<&str>, client: Option<&str>) -> Letter {
    let from = address.map(|address| format!(" from the address {address}")).unwrap_or_default();
    let with = client.map(|client| format!(" with \u{201c}{client}\u{201d}")).unwrap_or_default();
    Letter::new("login-from-new-place", "A login to your account from a new place")
        .text(format!("Somebody logged in to your account{from}{with} at {at}, for the first time from there."))
        .text(
            "If this was not you, somebody else knows your password: change it with `aam passwd`, which ends all other \
             sessions, revoke the API tokens that you do not know (`aam token list`, `aam token revoke`), and tell the \
             administrator of the registry. `aam sessions` shows who is logged in.",
        )
}

/// Somebody has registered with the address of an account that there is.
pub(super) fn address_known(at: &str, url: &str, expires: &str) -> Letter {
    Letter::new("address-known", "You have an account already")
        .text(format!(
            "Somebody has registered with your e-mail address at {at}. You have an account already, whose name is \
             above, so no other one was made."
        ))
        .text(format!(
            "If this was you, log in to it, or set another password with this link, which works once and until \
             {expires}:"
        ))
        .link(url)
        .text("If this was not you, ignore this mail.")
}

/// Somebody is invited to make an account.
pub(super) fn invitation(by: Option<&str>, url: &str, expires: &str) -> Letter {
    let by =
        by.map_or("An administrator of the registry".to_owned(), |by| format!("{by}, who administers the registry,"));
    Letter::new("invitation", "You are invited to an AAM registry")
        .text(format!("{by} invites you to make an account. Open this link, which works once and until {expires}:"))
        .link(url)
        .text("Or run this command:")
        .command(format!("aam register --invitation {url}"))
        .text("If you expect no invitation, ignore this mail.")
}

/// An API token ends soon.
pub(super) fn token_ending(name: &str, expires: &str) -> Letter {
    Letter::new("token-ending", "An API token of your account ends soon")
        .text(format!("Your API token \"{name}\" works until {expires}. If you still need it, make another one:"))
        .command("aam token create")
}

/// An API token is not used any more.
pub(super) fn token_stale(name: &str) -> Letter {
    Letter::new("token-stale", "An API token of your account is not used any more")
        .text(format!(
            "Your API token \"{name}\" was not used for 90 days. If you do not need it, revoke it: nobody would notice \
             that somebody else uses it."
        ))
        .command("aam token list")
}

/// An API token was found where others can read it.
pub(super) fn token_leaked(at: &str, name: &str, url: Option<&str>) -> Letter {
    let found = url.map(|url| format!(" It was found at {url}.")).unwrap_or_default();
    Letter::new("token-leaked", "An API token of your account has leaked and is revoked")
        .text(format!(
            "Somebody has found your API token \"{name}\" where others can read it, and reported it at {at}. The \
             registry has revoked it, so it no longer works.{found}"
        ))
        .text(
            "Remove it from where it was found, look at what was done with it lately (the versions of your packages, \
             your other tokens), and make another token if you need one.",
        )
}

/// Logins need a second factor, or need none any more.
pub(super) fn second_factor_changed(at: &str, is_enabled: bool, by_operator: bool) -> Letter {
    let (subject, what) = match (is_enabled, by_operator) {
        (true, _) => (
            "A second factor was added to your account",
            "Logins to your account need a code of an authenticator app since",
        ),
        (false, false) => {
            ("The second factor of your account was removed", "Logins to your account need no code since")
        }
        (false, true) => (
            "The second factor of your account was removed",
            "An administrator of the registry has removed the second factor of your account at",
        ),
    };
    Letter::new("second-factor-changed", subject).text(format!("{what} {at}.")).text(NOT_YOU)
}

/// The user has set another password.
pub(super) fn password_changed(at: &str) -> Letter {
    Letter::new("password-changed", "Your password was changed")
        .text(format!("The password of your account was changed at {at}. Your other sessions have ended."))
        .text(NOT_YOU)
}

/// The operator has set another password.
pub(super) fn password_set(at: &str) -> Letter {
    Letter::new("password-set", "Your password was reset")
        .text(format!(
            "An administrator of the registry has set another password for your account at {at}. All your sessions \
             have ended; your API tokens continue to work."
        ))
        .text("If you did not ask for this, ask the administrator of the registry.")
}

/// Somebody has asked for a link to set another password.
pub(super) fn password_reset(asked: &str, link: &str, until: &str) -> Letter {
    Letter::new("password-reset", "Reset your password")
        .text(format!("Somebody asked to reset the password of your account{asked}. To set a new one, open:"))
        .link(link)
        .text(format!(
            "The link works once, until {until}. Or run this command, and paste the link when it asks for it:"
        ))
        .command("aam passwd --reset")
        .text("If this was not you, ignore this mail: nothing has changed. Do not pass the link on.")
}

/// An administrator has made a link to set another password.
pub(super) fn reset_link_made(at: &str) -> Letter {
    Letter::new("reset-link-made", "A link to reset your password was made")
        .text(format!(
            "An administrator of the registry has made a link with which the password of your account can be reset, \
             at {at}. It is not in this mail: the administrator gives it to you."
        ))
        .text("If you did not ask for this, ask the administrator of the registry.")
}

/// The user has set another password with a link.
pub(super) fn password_reset_done(at: &str) -> Letter {
    Letter::new("password-reset-done", "Your password was reset")
        .text(format!(
            "The password of your account was reset with a link at {at}. All your sessions have ended; your API tokens \
             continue to work."
        ))
        .text(
            "If this was not you, somebody else can read your mail or was given your link. Ask for another link with \
             `aam passwd --forgot`, and tell the administrator of the registry.",
        )
}

/// The user has made an API token.
pub(super) fn token_created(at: &str, name: &str, scopes: &str, packages: &str, expires: &str) -> Letter {
    Letter::new("token-created", "A new API token for your account")
        .text(format!("An API token named \u{201c}{name}\u{201d} was created for your account at {at}."))
        .text(format!("It can be used for: {scopes}. Packages: {packages}. Expires: {expires}."))
        .text(NOT_YOU)
}

/// The operator has disabled the account.
pub(super) fn account_disabled(at: &str) -> Letter {
    Letter::new("account-disabled", "Your account was disabled")
        .text(format!(
            "An administrator of the registry has disabled your account at {at}. You cannot log in, and your API \
             tokens are refused. Your packages are not affected."
        ))
        .text("Ask the administrator of the registry if you do not know why.")
}

/// The operator has enabled the account.
pub(super) fn account_enabled(at: &str) -> Letter {
    Letter::new("account-enabled", "Your account was enabled")
        .text(format!("An administrator of the registry has enabled your account at {at}."))
        .text("Log in again to use it; API tokens that have not expired work again:")
        .command("aam login")
}

/// The account has got a role in the whole registry, or has lost it.
pub(super) fn role_changed(at: &str, role: &str, granted: bool) -> Letter {
    let what = if granted { "given the role" } else { "removed from the role" };
    Letter::new("role-changed", format!("Your account was {what} {role}"))
        .text(format!("Your account was {what} \u{201c}{role}\u{201d} of the registry at {at}."))
        .text("If you did not expect this, ask the administrator of the registry.")
}

/// An administrator has set the roles of the account in the whole registry.
pub(super) fn roles_set(at: &str, roles: &str, actor: &str, username: &str) -> Letter {
    let roles = if roles.is_empty() { "none" } else { roles };
    Letter::new("roles-set", format!("The roles of your account: {roles}"))
        .text(format!("The roles of your account in the registry were set at {at}{}: {roles}.", by(actor, username)))
        .text("If you did not expect this, ask the administrator of the registry.")
}

/// Somebody has reported a package; to those who moderate.
pub(super) fn report_made(at: &str, subject: &str, category: &str) -> Letter {
    Letter::new("report-made", format!("{subject} was reported ({category})"))
        .text(format!("A user reported {subject} at {at}, as \u{201c}{category}\u{201d}. What the report says:"))
        .command("aam reports list")
}

/// A moderator has closed a report; to who made it.
pub(super) fn report_closed(at: &str, subject: &str, comment: Option<&str>) -> Letter {
    let letter = Letter::new("report-closed", format!("Your report of {subject} was closed"))
        .text(format!("A moderator closed your report of {subject} at {at}."));
    match comment {
        Some(comment) => letter.text(format!("The moderator says: {comment}")),
        None => letter,
    }
}

/// The user has become an owner of a package, or is none any more.
pub(super) fn ownership_changed(at: &str, package: &str, owns: bool, actor: &str, username: &str) -> Letter {
    let (subject, what) = if owns {
        (format!("You are now an owner of {package}"), "made an owner of")
    } else {
        (format!("You are no longer an owner of {package}"), "removed as an owner of")
    };
    let letter = Letter::new("ownership-changed", subject)
        .text(format!("You were {what} the package {package} at {at}{}.", by(actor, username)));
    if owns {
        letter
            .text("Owners can publish, yank and tag its versions, and change its owners:")
            .command(format!("aam owner ls {package}"))
    } else {
        letter.text("If you did not expect this, ask its other owners.")
    }
}

/// The user has got a role in a scope, or is no member any more.
pub(super) fn membership_changed(at: &str, scope: &str, role: Option<&str>, actor: &str, username: &str) -> Letter {
    let by = by(actor, username);
    match role {
        Some(role) => Letter::new("membership-changed", format!("You are now {} of @{scope}", article(role)))
            .text(format!("You were made {} of the scope @{scope} at {at}{by}.", article(role)))
            .text(match role {
                "owner" => "Owners can publish, yank and tag its packages, and change its members.",
                "member" => "Members can publish, yank and tag its packages.",
                _ => "Contributors can publish its packages.",
            }),
        None => Letter::new("membership-changed", format!("You are no longer a member of @{scope}"))
            .text(format!("You were removed from the scope @{scope} at {at}{by}."))
            .text("If you did not expect this, ask its owners."),
    }
}

/// A webhook of a scope of the user gets no more deliveries.
pub(super) fn webhook_disabled(at: &str, scope: &str, webhook: &str, reason: Option<DisableReason>) -> Letter {
    let why = match reason {
        Some(DisableReason::Gone) => "its receiver answered 410, which means that it is gone",
        Some(DisableReason::Failing) => "every delivery to it failed for a week",
        Some(DisableReason::Request) | None => "it was switched off",
    };
    Letter::new("webhook-disabled", format!("A webhook of @{scope} was disabled"))
        .text(format!("The webhook {webhook} of the scope @{scope} was disabled at {at}, because {why}."))
        .text("Nothing is sent to it any more. See what its last deliveries were answered:")
        .command(format!("aam webhook deliveries {scope} {webhook}"))
        .text("When the receiver works again, enable the webhook; or remove it with `aam webhook rm`:")
        .command(format!("aam webhook update {scope} {webhook} --enable"))
}

/// A version waits for somebody to approve it.
pub(super) fn approval_wanted(at: &str, package: &str, version: &str, publisher: &str) -> Letter {
    Letter::new("approval-wanted", format!("{package} {version} waits for approval"))
        .text(format!(
            "{publisher} published version {version} of {package} at {at}. Others see it once it is approved."
        ))
        .text("Look at it, and decide:")
        .command(format!("aam approve {package}@{version}"))
        .text("Or refuse it, and say why:")
        .command(format!("aam reject {package}@{version} --comment 'WHY'"))
}

/// A version may be used, and a dist-tag waits until it is approved.
pub(super) fn approval_of_tag_wanted(at: &str, package: &str, version: &str, tag: &str, publisher: &str) -> Letter {
    Letter::new("tag-approval-wanted", format!("The dist-tag {tag} of {package} waits for approval"))
        .text(format!(
            "{publisher} published version {version} of {package} at {at} and asked for the dist-tag {tag}. It names the \
             version once that is approved. The version can be used already."
        ))
        .text("Look at it, and decide:")
        .command(format!("aam approve {package}@{version}"))
        .text("Or refuse the dist-tag, and say why:")
        .command(format!("aam reject {package}@{version} --comment 'WHY'"))
}

/// A version was approved.
pub(super) fn approved(at: &str, package: &str, version: &str, approver: &str, comment: Option<&str>) -> Letter {
    let letter = Letter::new("version-approved", format!("{package} {version} was approved"))
        .text(format!("{approver} approved version {version} of {package} at {at}. Others see it from now on."));
    match comment {
        Some(comment) => letter.text(format!("The comment: {comment}")),
        None => letter,
    }
}

/// Somebody decided about a version that others saw before, and about the dist-tag that waited for that.
pub(super) fn decided_about_tag(
    at: &str,
    package: &str,
    version: &str,
    tag: Option<(&str, bool)>,
    approver: &str,
    comment: Option<&str>,
) -> Letter {
    let letter = match tag {
        Some((tag, true)) => {
            Letter::new("tag-approved", format!("The dist-tag {tag} names {package} {version}")).text(format!(
                "{approver} approved version {version} of {package} at {at}. The dist-tag {tag} names it from now on."
            ))
        }
        Some((tag, false)) => {
            Letter::new("tag-refused", format!("The dist-tag {tag} does not name {package} {version}")).text(format!(
                "{approver} decided about version {version} of {package} at {at}. The dist-tag {tag} was not set; the \
                 version can be used as before."
            ))
        }
        None => Letter::new("version-approved", format!("{package} {version} was approved"))
            .text(format!("{approver} approved version {version} of {package} at {at}.")),
    };
    match comment {
        Some(comment) => letter.text(format!("The comment: {comment}")),
        None => letter,
    }
}

/// A version was rejected.
pub(super) fn rejected(at: &str, package: &str, version: &str, approver: &str, comment: Option<&str>) -> Letter {
    let letter = Letter::new("version-rejected", format!("{package} {version} was rejected"))
        .text(format!("{approver} rejected version {version} of {package} at {at}. Others cannot see it."));
    let letter = match comment {
        Some(comment) => letter.text(format!("The comment: {comment}")),
        None => letter,
    };
    letter.text("Its number cannot be used again: publish a version with a higher one.")
}

/// A version was put into quarantine.
pub(super) fn quarantined(at: &str, package: &str, version: &str, category: &str, reason: &str) -> Letter {
    Letter::new("version-quarantined", format!("{package} {version} was put into quarantine"))
        .text(format!(
            "A moderator of the registry put version {version} of {package} into quarantine at {at}: {category}."
        ))
        .text(format!("The reason: {reason}"))
        .text(
            "Nobody can install it any more, and those who have it are told. If this is a mistake, tell the moderators \
             of the registry; else publish a version without the fault.",
        )
}

/// A version was let out of quarantine.
pub(super) fn released(at: &str, package: &str, version: &str) -> Letter {
    Letter::new("version-released", format!("{package} {version} is out of quarantine"))
        .text(format!("A moderator of the registry let version {version} of {package} out of quarantine at {at}."))
        .text("It can be installed again. Dist-tags that named it before, apart from `latest`, have to be set again.")
}

/// A version was removed.
pub(super) fn removed(at: &str, package: &str, version: &str) -> Letter {
    Letter::new("version-removed", format!("{package} {version} was removed"))
        .text(format!("A moderator of the registry removed version {version} of {package} at {at}, for good."))
        .text("Its number cannot be used again.")
}

fn article(role: &str) -> String {
    let article = if role.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {role}")
}
