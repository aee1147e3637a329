//! Changes that were decided, applied.

use std::slice;

use aam_registry_core::{
    decide::{Changes, Decision, LatestMove, Write},
    types::{
        AccountState, DistTag, LatestTag, Manifest, OneTimePurpose, PackageName, ScopeRole, Token, TokenId, User,
        Version, VersionText,
    },
};
use futures_util::{future::try_join_all, try_join};
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    aged,
    audit::Append,
    connection::Session,
    erasure, evals,
    failure::Tx,
    jobs, listing, moderation_writes, publish, publisher_tokens, read_only, scopes, second_factor_writes,
    session_writes,
    sql::{self, Text},
    token_notices, trusted_publishers,
};
use crate::relational::{columns, resources::invitations};

const CREATE_USER: &str = "WITH account AS (
        INSERT INTO users (id, username, email, email_key, password_hash, is_admin, disabled, created_at, email_verified,
            is_approver, is_moderator, is_auditor)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, $11, $12, $13)
    ), scope AS (INSERT INTO scopes (name, created_at) VALUES ($2, $8)
    ), member AS (INSERT INTO scope_members (scope, user_id, role) VALUES ($2, $1, $9)
    )
    INSERT INTO pending_totals (users) VALUES (1)";
const UPDATE_ACCOUNT: &str =
    "UPDATE users SET username = $13, email = $2, email_key = $3, password_hash = $4, is_admin = $5,
    disabled = $6, session_generation = $7, kept_session = $8, email_verified = $9, is_approver = $10,
    is_moderator = $11, is_auditor = $12 WHERE id = $1";
const ADD_ONE_TIME_TOKEN: &str =
    "INSERT INTO one_time_tokens (digest, user_id, purpose, expires_at) VALUES ($1, $2, $3, $4)";
const END_ONE_TIME_TOKENS: &str =
    "DELETE FROM one_time_tokens WHERE user_id = $1 AND ($2::text IS NULL OR purpose = $2)";
const CREATE_TOKEN: &str = "INSERT INTO tokens
        (id, user_id, name, secret, scopes, packages, created_at, expires_at, last_used_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const REVOKE_TOKENS: &str = "UPDATE tokens SET revoked_at = $2, last_used_from = NULL WHERE id = ANY($1)";
const REVOKE_SESSION: &str = "INSERT INTO revoked_sessions (id, user_id, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING";
const CREATE_SCOPE: &str = "WITH scope AS (INSERT INTO scopes (name, created_at, created_by) VALUES ($1, $2, $3))
    INSERT INTO scope_members (scope, user_id, role) VALUES ($1, $3, $4)";
const PUT_MEMBER: &str = "INSERT INTO scope_members (scope, user_id, role) VALUES ($1, $2, $3)
    ON CONFLICT (scope, user_id) DO UPDATE SET role = excluded.role";
const DROP_MEMBER: &str = "DELETE FROM scope_members WHERE scope = $1 AND user_id = $2";
const ADD_OWNER: &str = "INSERT INTO package_owners (package_id, user_id) SELECT id, $2 FROM packages WHERE name = $1";
const REMOVE_OWNER: &str =
    "DELETE FROM package_owners o USING packages p WHERE p.name = $1 AND o.package_id = p.id AND o.user_id = $2";
const YANK: &str = "UPDATE versions v SET yanked_at = $3, yanked_reason = $4 FROM packages p
    WHERE p.name = $1 AND v.package_id = p.id AND v.version_key = $2";
macro_rules! set_text {
    ($column:literal) => {
        concat!(
            "UPDATE versions v SET ",
            $column,
            " = $3 FROM packages p WHERE p.name = $1 AND v.package_id = p.id AND v.version_key = $2"
        )
    };
}
const PUT_TAG: &str = "INSERT INTO dist_tags (package_id, tag, version_id, instead_of)
    SELECT p.id, $2, v.id, $4 FROM packages p JOIN versions v ON v.package_id = p.id
    WHERE p.name = $1 AND v.version_key = $3
    ON CONFLICT (package_id, tag) DO UPDATE SET version_id = excluded.version_id, instead_of = excluded.instead_of";
const REMOVE_TAGS: &str =
    "DELETE FROM dist_tags t USING packages p WHERE p.name = $1 AND t.package_id = p.id AND t.tag = ANY($2)";

macro_rules! set_text_alone {
    ($column:literal) => {
        &[set_text!($column)]
    };
}

/// The statements that a publish runs.
const PUBLISHES: &[&str] = &[
    publish::INSERT_PACKAGE,
    publish::INSERT_VERSION,
    PUT_TAG,
    REMOVE_TAGS,
    listing::LIST,
    listing::UNLIST,
    listing::TOUCH_LISTING,
    trusted_publishers::DROP_OTHERS,
    trusted_publishers::SETTLE,
];

/// Prepares what a publish will run, so that no lock is held meanwhile.
pub(super) async fn prepare_publish(tx: &Session) -> Tx<()> {
    Append::prepare(tx).await?;
    for sql in PUBLISHES {
        tx.prepare([sql]).await?;
    }
    Ok(())
}

/// Applies what was decided; gives the answer. Sends all of it at once.
pub(super) async fn apply<T>(tx: &Session, decision: Decision<'_, T>) -> Tx<T> {
    let Decision { answer, changes: Changes { writes, audit, invalidates } } = decision;
    let append = Append::prepare(tx).await?;
    for sql in writes.iter().flat_map(statements) {
        // Prepared before any is sent, so that they arrive in this order.
        tx.prepare([sql]).await?;
    }
    let listed = match writes.iter().find_map(manifest_to_list) {
        Some((package, latest)) => Some(listing::manifest(tx, package, &latest.version).await?),
        None => None,
    };
    let written = try_join_all(writes.iter().map(|write| run(tx, write, listed.as_ref())));
    let recorded = try_join_all(audit.iter().map(|entry| append.run(tx, entry, invalidates.as_ref())));
    try_join!(written, recorded)?;
    Ok(answer)
}

/// What `latest` becomes, where the manifest of that version has to be read to list its package.
fn manifest_to_list<'a>(write: &'a Write<'_>) -> Option<(&'a PackageName, &'a LatestTag)> {
    let (package, latest) = match write {
        Write::MoveLatest { package, latest } => (package, latest),
        Write::Publish(new) => (&new.commit.manifest.name, &new.latest),
        _ => return None,
    };
    let after = latest.after.as_ref().filter(|_| latest.names_another())?;
    let is_at_hand = matches!(write, Write::Publish(new) if new.commit.manifest.version == after.version);
    (!is_at_hand).then_some((package, after))
}

/// The statements that a write runs.
fn statements(write: &Write<'_>) -> &'static [&'static str] {
    match write {
        Write::CreateUser { .. } => &[CREATE_USER],
        Write::UpdateAccount(_) => &[UPDATE_ACCOUNT],
        Write::AddOneTimeToken { .. } => &[ADD_ONE_TIME_TOKEN],
        Write::EndOneTimeTokens { .. } => &[END_ONE_TIME_TOKENS],
        Write::CreateToken { .. } => &[CREATE_TOKEN],
        Write::RevokeTokens { .. } => &[REVOKE_TOKENS],
        Write::RevokeSession { .. } => &[REVOKE_SESSION],
        Write::SetSecondFactor { .. } => &[second_factor_writes::PUT, second_factor_writes::REMOVE],
        Write::NoteTokenNotice { .. } => &[token_notices::NOTE_END, token_notices::NOTE_STALE],
        Write::EraseAccount { .. } => &[erasure::ERASE],
        Write::SetReadOnly(_) => &[read_only::CLEAR, read_only::SET],
        Write::DropAged { what, .. } => aged::statements(*what),
        Write::RemoveInvitation(_) => &[invitations::REMOVE],
        Write::AddSession(_) => &[session_writes::ADD],
        Write::ForgetSession { .. } => &[session_writes::FORGET],
        Write::ForgetSessions { .. } => &[session_writes::FORGET_ALL],
        Write::CreateScope { .. } => &[CREATE_SCOPE],
        Write::SetScopePolicy { .. } => &[scopes::SET_POLICY],
        Write::SetMember { .. } => &[PUT_MEMBER, DROP_MEMBER],
        Write::SetOwner { .. } => &[ADD_OWNER, REMOVE_OWNER],
        Write::SetYank { .. } => &[YANK],
        Write::SetStatus { .. } => &[moderation_writes::SET_STATUS],
        Write::SetWantedTag { .. } => &[moderation_writes::SET_WANTED_TAG],
        Write::AddApproval { .. } => &[moderation_writes::ADD_APPROVAL],
        Write::OpenRecall { .. } => &[moderation_writes::OPEN_RECALL],
        Write::LiftRecall { .. } => &[moderation_writes::LIFT_RECALL],
        Write::DiscardArchive { .. } => &[moderation_writes::DISCARD_ARCHIVE],
        Write::SetText { text, .. } => columns::with_text_column!(text, set_text_alone),
        Write::SetTag { .. } => &[PUT_TAG],
        Write::RemoveTags { .. } => &[REMOVE_TAGS],
        Write::MoveLatest { .. } => &[PUT_TAG, REMOVE_TAGS, listing::LIST, listing::UNLIST],
        Write::SetVisibility { .. } => &[listing::SET_PRIVATE],
        Write::Touch { .. } => &[listing::TOUCH],
        Write::PutEval { .. } => &[evals::PUT],
        Write::SetGates { .. } => &[evals::DROP_GATES, evals::ADD_GATES],
        Write::QueueJob(_) => &[jobs::ENQUEUE],
        Write::PutPublisher(_) => &[trusted_publishers::PUT],
        Write::DeletePublisher(_) => &[trusted_publishers::DELETE],
        Write::RevokePublisherToken(_) => &[publisher_tokens::REVOKE_TOKEN],
        Write::SetTrustedOnly { .. } => &[trusted_publishers::SET_ONLY],
        Write::SettlePublishers { .. } => &[trusted_publishers::DROP_OTHERS, trusted_publishers::SETTLE],
        Write::AddPublisherToken(_) => &[publisher_tokens::ADD_TOKEN],
        Write::UseIdToken { .. } => &[trusted_publishers::USE_ID_TOKEN],
        Write::Publish(_) => PUBLISHES,
    }
}

#[expect(clippy::too_many_lines, reason = "a short arm for each kind of write")]
async fn run(tx: &Session, write: &Write<'_>, listed: Option<&Manifest>) -> Tx<()> {
    match write {
        Write::CreateUser { user, password_hash } => create_user(tx, user, password_hash).await,
        Write::UpdateAccount(account) => update_account(tx, account).await,
        Write::AddOneTimeToken { user, token } => {
            let (digest, user) = (token.digest.as_bytes().as_slice(), Uuid::from(*user));
            let (purpose, expires_at) = (token.purpose.as_str(), token.expires_at.as_microsecond());
            let row: [&(dyn ToSql + Sync); 4] = [&digest, &user, &purpose, &expires_at];
            sql::run(tx, ADD_ONE_TIME_TOKEN, row).await.map(drop)
        }
        Write::EndOneTimeTokens { user, purpose } => {
            let purpose = purpose.map(OneTimePurpose::as_str);
            sql::run(tx, END_ONE_TIME_TOKENS, [&Uuid::from(*user), &purpose]).await.map(drop)
        }
        Write::CreateToken { token, secret } => create_token(tx, token, secret.as_bytes()).await,
        Write::RevokeTokens { tokens, at } => revoke_tokens(tx, tokens, *at).await,
        Write::RevokeSession { user, session, expires_at } => {
            let (user, expires_at) = (Uuid::from(*user), expires_at.as_microsecond());
            sql::run(tx, REVOKE_SESSION, [&Text(session), &user, &expires_at]).await.map(drop)
        }
        Write::SetSecondFactor { user, factor } => second_factor_writes::set(tx, *user, factor.as_ref()).await,
        Write::NoteTokenNotice { token, notice } => token_notices::note(tx, *token, *notice).await,
        Write::EraseAccount { user, at } => erasure::erase(tx, *user, *at).await,
        Write::SetReadOnly(mode) => read_only::set(tx, mode.as_ref()).await,
        Write::DropAged { what, before, limit } => aged::drop_oldest(tx, *what, *before, *limit).await,
        Write::RemoveInvitation(id) => sql::run(tx, invitations::REMOVE, [&Uuid::from(*id)]).await.map(drop),
        Write::AddSession(session) => session_writes::add(tx, session).await,
        Write::ForgetSession { user, session } => {
            sql::run(tx, session_writes::FORGET, [&Uuid::from(*user), &Text(session)]).await.map(drop)
        }
        Write::ForgetSessions { user, kept } => {
            let kept = kept.as_deref().map(Text);
            sql::run(tx, session_writes::FORGET_ALL, [&Uuid::from(*user), &kept]).await.map(drop)
        }
        Write::CreateScope { name, owner, created_at } => {
            let (created_at, owner, role) =
                (created_at.as_microsecond(), Uuid::from(*owner), ScopeRole::Owner.as_str());
            sql::run(tx, CREATE_SCOPE, [&name.as_str(), &created_at, &owner, &role]).await.map(drop)
        }
        Write::SetScopePolicy { scope, require_2fa } => {
            sql::run(tx, scopes::SET_POLICY, [&scope.as_str() as &(dyn ToSql + Sync), require_2fa]).await.map(drop)
        }
        Write::SetMember { scope, user, role } => {
            let (scope, user) = (scope.as_str(), Uuid::from(*user));
            match role {
                Some(role) => sql::run(tx, PUT_MEMBER, [&scope, &user, &role.as_str()]).await.map(drop),
                None => sql::run(tx, DROP_MEMBER, [&scope, &user]).await.map(drop),
            }
        }
        Write::SetOwner { package, user, owns } => {
            let change = if *owns { ADD_OWNER } else { REMOVE_OWNER };
            sql::run(tx, change, [&package.as_str(), &Uuid::from(*user)]).await.map(drop)
        }
        Write::SetYank { package, version, yanked } => {
            let at = yanked.as_ref().map(|yank| yank.at.as_microsecond());
            let reason = yanked.as_ref().and_then(|yank| yank.reason.as_deref()).map(Text);
            sql::run(tx, YANK, [&package.as_str(), &version.key(), &at, &reason]).await.map(drop)
        }
        Write::SetStatus { package, version, status } => {
            sql::run(tx, moderation_writes::SET_STATUS, [&package.as_str(), &version.key(), &status.as_str()])
                .await
                .map(drop)
        }
        Write::SetWantedTag { package, version, tag } => {
            let tag = tag.as_ref().map(DistTag::as_str);
            sql::run(tx, moderation_writes::SET_WANTED_TAG, [&package.as_str(), &version.key(), &tag]).await.map(drop)
        }
        Write::AddApproval { package, version, approver, status, comment, at } => {
            let (user, at, key) = (Uuid::from(*approver), at.as_microsecond(), version.key());
            let comment = comment.as_deref().map(Text);
            let row: [&(dyn ToSql + Sync); 6] = [&package.as_str(), &key, &user, &status.as_str(), &comment, &at];
            sql::run(tx, moderation_writes::ADD_APPROVAL, row).await.map(drop)
        }
        Write::OpenRecall { package, version, quarantine } => {
            moderation_writes::open_recall(tx, package, version, quarantine).await
        }
        Write::LiftRecall { package, version, at } => {
            let (key, at) = (version.key(), at.as_microsecond());
            sql::run(tx, moderation_writes::LIFT_RECALL, [&package.as_str(), &key, &at]).await.map(drop)
        }
        Write::DiscardArchive { package, version, archive, by } => {
            let (upload, by, key) = (Uuid::from(archive.upload_id()), Uuid::from(*by), version.key());
            sql::run(tx, moderation_writes::DISCARD_ARCHIVE, [&package.as_str(), &key, &upload, &by]).await.map(drop)
        }
        Write::SetText { package, version, text, value } => {
            let (set, value) = (columns::with_text_column!(text, set_text), value.as_deref().map(Text));
            sql::run(tx, set, [&package.as_str(), &version.key(), &value]).await.map(drop)
        }
        Write::SetTag { package, tag, version } => put_tag(tx, package, tag, version, None).await,
        Write::RemoveTags { package, tags } => remove_tags(tx, package, tags).await,
        Write::MoveLatest { package, latest } => move_latest(tx, package, latest, listed).await,
        Write::SetVisibility { package, visibility } => {
            sql::run(tx, listing::SET_PRIVATE, [&package.as_str(), &visibility.is_private()]).await.map(drop)
        }
        Write::Touch { package, at } => listing::touch(tx, package, *at).await,
        Write::PutEval { package, version, result } => evals::put(tx, package, version, result).await,
        Write::SetGates { package, gates } => evals::set_gates(tx, package, gates).await,
        Write::QueueJob(job) => jobs::enqueue(tx, slice::from_ref(job)).await,
        Write::PutPublisher(publisher) => trusted_publishers::put(tx, publisher).await,
        Write::DeletePublisher(id) => sql::run(tx, trusted_publishers::DELETE, [&Uuid::from(*id)]).await.map(drop),
        Write::RevokePublisherToken(id) => {
            sql::run(tx, publisher_tokens::REVOKE_TOKEN, [&Uuid::from(*id)]).await.map(drop)
        }
        Write::SetTrustedOnly { package, only } => {
            sql::run(tx, trusted_publishers::SET_ONLY, [&package.as_str(), only]).await.map(drop)
        }
        Write::SettlePublishers { package, owner } => {
            let (package, owner) = (package.as_str(), owner.map(Uuid::from));
            try_join!(
                sql::run(tx, trusted_publishers::DROP_OTHERS, [&package, &owner]),
                sql::run(tx, trusted_publishers::SETTLE, [&package]),
            )
            .map(drop)
        }
        Write::AddPublisherToken(token) => publisher_tokens::add_token(tx, token).await,
        Write::UseIdToken { key, until } => {
            let (key, until) = (key.as_bytes().as_slice(), until.as_microsecond());
            sql::run(tx, trusted_publishers::USE_ID_TOKEN, [&key, &until]).await.map(drop)
        }
        Write::Publish(new) => {
            let manifest = &new.commit.manifest;
            let package = async { if new.is_new_package { publish::insert_package(tx, new).await } else { Ok(()) } };
            // The version is inserted with the tags that name it.
            let names_it = new.latest.after.as_ref().is_some_and(|latest| latest.version == manifest.version);
            let latest = async {
                if names_it && new.latest.names_another() {
                    listing::list(tx, manifest).await
                } else if !names_it && new.latest.is_change() {
                    move_latest(tx, &manifest.name, &new.latest, listed).await
                } else {
                    listing::touch_listing(tx, &manifest.name, new.published_at).await
                }
            };
            try_join!(package, publish::insert_version(tx, new), latest).map(drop)
        }
    }
}

async fn create_user(tx: &Session, user: &User, password_hash: &str) -> Tx<()> {
    let (id, created_at) = (Uuid::from(user.id), user.created_at.as_microsecond());
    let (username, email, email_key) = (user.username.as_str(), Text(&user.email), columns::email_key(&user.email));
    let (email_key, role) = (Text(&email_key), ScopeRole::Owner.as_str());
    let [is_admin, is_approver, is_moderator, is_auditor] = columns::account_role_flags(user.roles);
    let row: [&(dyn ToSql + Sync); 13] = [
        &id,
        &username,
        &email,
        &email_key,
        &password_hash,
        &is_admin,
        &user.disabled,
        &created_at,
        &role,
        &user.email_verified,
        &is_approver,
        &is_moderator,
        &is_auditor,
    ];
    sql::run(tx, CREATE_USER, row).await.map(drop)
}

async fn update_account(tx: &Session, account: &AccountState) -> Tx<()> {
    let AccountState { user, password_hash, session_generation, kept_session } = account;
    let (id, email_key) = (Uuid::from(user.id), columns::email_key(&user.email));
    let (email, email_key, kept) = (Text(&user.email), Text(&email_key), kept_session.as_deref().map(Text));
    let generation = columns::signed(*session_generation);
    let [is_admin, is_approver, is_moderator, is_auditor] = columns::account_role_flags(user.roles);
    let row: [&(dyn ToSql + Sync); 13] = [
        &id,
        &email,
        &email_key,
        password_hash,
        &is_admin,
        &user.disabled,
        &generation,
        &kept,
        &user.email_verified,
        &is_approver,
        &is_moderator,
        &is_auditor,
        &user.username.as_str(),
    ];
    sql::run(tx, UPDATE_ACCOUNT, row).await.map(drop)
}

async fn create_token(tx: &Session, token: &Token, secret: &[u8]) -> Tx<()> {
    let row: [&(dyn ToSql + Sync); 9] = [
        &Uuid::from(token.id),
        &Uuid::from(token.user),
        &Text(&token.name),
        &secret,
        &columns::token_scopes_text(token.scopes)?,
        &columns::token_patterns_text(&token.packages)?,
        &token.created_at.as_microsecond(),
        &token.expires_at.map(Timestamp::as_microsecond),
        &token.last_used_at.map(Timestamp::as_microsecond),
    ];
    sql::run(tx, CREATE_TOKEN, row).await.map(drop)
}

async fn revoke_tokens(tx: &Session, tokens: &[TokenId], at: Timestamp) -> Tx<()> {
    let tokens: Vec<_> = tokens.iter().map(|id| Uuid::from(*id)).collect();
    sql::run(tx, REVOKE_TOKENS, [&tokens, &at.as_microsecond()]).await.map(drop)
}

async fn put_tag(
    tx: &Session,
    package: &PackageName,
    tag: &DistTag,
    version: &Version,
    instead_of: Option<&Version>,
) -> Tx<()> {
    let (key, instead_of) = (version.key(), instead_of.map(ToString::to_string));
    sql::run(tx, PUT_TAG, [&package.as_str(), &tag.as_str(), &key, &instead_of]).await.map(drop)
}

async fn remove_tags(tx: &Session, package: &PackageName, tags: &[DistTag]) -> Tx<()> {
    let tags: Vec<_> = tags.iter().map(DistTag::as_str).collect();
    sql::run(tx, REMOVE_TAGS, [&package.as_str(), &tags]).await.map(drop)
}

/// Makes `latest` what it has become, and lists what it names now by the manifest `listed`.
async fn move_latest(tx: &Session, package: &PackageName, latest: &LatestMove, listed: Option<&Manifest>) -> Tx<()> {
    let latest_alone = [DistTag::latest()];
    let Some(after) = &latest.after else {
        return try_join!(remove_tags(tx, package, &latest_alone), listing::unlist(tx, package)).map(drop);
    };
    let put = put_tag(tx, package, &latest_alone[0], &after.version, after.instead_of.as_ref());
    let list = async {
        match listed {
            Some(manifest) => listing::list(tx, manifest).await,
            None => Ok(()),
        }
    };
    try_join!(put, list).map(drop)
}
