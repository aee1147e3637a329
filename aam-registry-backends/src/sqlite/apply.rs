//! Changes that were decided, applied.

use aam_registry_core::{
    decide::{Changes, Decision, LatestMove, NewVersion, Write},
    types::{
        AccountState, DistTag, LatestTag, NewAuditEntry, NewJob, OneTimePurpose, OneTimeToken, PackageName, ScopeName,
        ScopeRole, Sha256Digest, Token, TokenId, User, UserId, Version,
    },
};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    aged, audit, erasure, evals, facts,
    failure::{Failure, Tx},
    ids::PackageId,
    jobs, listing, moderation_writes, old_versions, publisher_tokens, read_only, second_factor_writes, session_writes,
    sql, token_notices, trusted_publishers,
};
use crate::relational::columns;

/// Applies what was decided; gives the answer.
pub(super) fn apply<T>(tx: &Connection, decision: Decision<'_, T>) -> Tx<T> {
    let Changes { writes, audit, .. } = decision.changes;
    for write in &writes {
        run(tx, write)?;
    }
    record(tx, &audit)?;
    Ok(decision.answer)
}

/// Appends entries to the audit log, and queues their events.
pub(super) fn record(tx: &Connection, entries: &[NewAuditEntry]) -> Tx<()> {
    for entry in entries {
        audit::append(tx, entry)?;
        NewJob::of_event(entry).iter().try_for_each(|event| jobs::add(tx, event))?;
    }
    Ok(())
}

fn run(tx: &Connection, write: &Write<'_>) -> Tx<()> {
    match write {
        Write::CreateUser { user, password_hash } => create_user(tx, user, password_hash),
        Write::UpdateAccount(account) => update_account(tx, account),
        Write::AddOneTimeToken { user, token } => add_one_time_token(tx, *user, token),
        Write::EndOneTimeTokens { user, purpose } => {
            let end = "DELETE FROM one_time_tokens WHERE user_id = ?1 AND (?2 IS NULL OR purpose = ?2)";
            sql::run(tx, end, (user.to_string(), purpose.map(OneTimePurpose::as_str))).map(drop)
        }
        Write::CreateToken { token, secret } => create_token(tx, token, secret),
        Write::RevokeTokens { tokens, at } => revoke_tokens(tx, tokens, *at),
        Write::RevokeSession { user, session, expires_at } => {
            let revoke =
                "INSERT INTO revoked_sessions (id, user_id, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            sql::run(tx, revoke, (session, user.to_string(), expires_at.as_microsecond())).map(drop)
        }
        Write::SetSecondFactor { user, factor } => second_factor_writes::set(tx, *user, factor.as_ref()),
        Write::NoteTokenNotice { token, notice } => token_notices::note(tx, *token, *notice),
        Write::EraseAccount { user, at } => erasure::erase(tx, *user, *at),
        Write::RemoveInvitation(id) => {
            sql::run(tx, "DELETE FROM invitations WHERE id = ?1", [id.to_string()]).map(drop)
        }
        Write::SetReadOnly(mode) => read_only::set(tx, mode.as_ref()),
        Write::DropAged { what, before, limit } => aged::drop_oldest(tx, *what, *before, *limit),
        Write::AddSession(session) => session_writes::add(tx, session),
        Write::ForgetSession { user, session } => {
            let forget = "DELETE FROM sessions WHERE user_id = ?1 AND id = ?2";
            sql::run(tx, forget, (user.to_string(), session)).map(drop)
        }
        Write::ForgetSessions { user, kept } => {
            let forget = "DELETE FROM sessions WHERE user_id = ?1 AND (?2 IS NULL OR id <> ?2)";
            sql::run(tx, forget, (user.to_string(), kept)).map(drop)
        }
        Write::CreateScope { name, owner, created_at } => create_scope(tx, name, *owner, *created_at, Some(*owner)),
        Write::SetScopePolicy { scope, require_2fa } => {
            let set = "UPDATE scopes SET require_2fa = ?2 WHERE name = ?1";
            sql::run(tx, set, (scope.as_str(), require_2fa)).map(drop)
        }
        Write::SetMember { scope, user, role } => set_member(tx, scope, *user, *role),
        Write::SetOwner { package, user, owns } => set_owner(tx, package, *user, *owns),
        Write::SetYank { package, version, yanked } => {
            let (at, reason) = yanked.as_ref().map(|yank| (yank.at.as_microsecond(), yank.reason.as_ref())).unzip();
            let yank =
                "UPDATE versions SET yanked_at = ?3, yanked_reason = ?4 WHERE package_id = ?1 AND version_key = ?2";
            sql::run(tx, yank, (id(tx, package)?, version.key(), at, reason.flatten())).map(drop)
        }
        Write::SetStatus { package, version, status } => {
            let set = "UPDATE versions SET status = ?3 WHERE package_id = ?1 AND version_key = ?2";
            sql::run(tx, set, (id(tx, package)?, version.key(), status.as_str())).map(drop)
        }
        Write::SetWantedTag { package, version, tag } => {
            let set = "UPDATE versions SET wanted_tag = ?3 WHERE package_id = ?1 AND version_key = ?2";
            sql::run(tx, set, (id(tx, package)?, version.key(), tag.as_ref().map(DistTag::as_str))).map(drop)
        }
        Write::AddApproval { package, version, approver, status, comment, at } => {
            let (version, approver) = ((package, version), *approver);
            moderation_writes::add_approval(tx, version, approver, *status, comment.as_deref(), *at)
        }
        Write::OpenRecall { package, version, quarantine } => {
            moderation_writes::open_recall(tx, (package, version), quarantine)
        }
        Write::LiftRecall { package, version, at } => moderation_writes::lift_recall(tx, (package, version), *at),
        Write::DiscardArchive { package, version, archive, by } => {
            moderation_writes::discard_archive(tx, (package, version), archive, *by)
        }
        Write::SetText { package, version, text, value } => {
            let column = text.key();
            let set = format!("UPDATE versions SET {column} = ?3 WHERE package_id = ?1 AND version_key = ?2");
            sql::run(tx, &set, (id(tx, package)?, version.key(), value)).map(drop)
        }
        Write::SetTag { package, tag, version } => set_tag(tx, id(tx, package)?, tag, version, None),
        Write::RemoveTags { package, tags } => {
            let package = id(tx, package)?;
            tags.iter().try_for_each(|tag| remove_tag(tx, package, tag))
        }
        Write::MoveLatest { package, latest } => move_latest(tx, id(tx, package)?, latest),
        Write::SetVisibility { package, visibility } => {
            listing::set_private(tx, id(tx, package)?, visibility.is_private())
        }
        Write::Touch { package, at } => listing::touch(tx, id(tx, package)?, *at),
        Write::PutEval { package, version, result } => evals::put(tx, id(tx, package)?, version, result),
        Write::SetGates { package, gates } => evals::set_gates(tx, id(tx, package)?, gates),
        Write::QueueJob(job) => jobs::add(tx, job),
        Write::PutPublisher(publisher) => trusted_publishers::put(tx, publisher),
        Write::DeletePublisher(id) => trusted_publishers::delete(tx, *id),
        Write::RevokePublisherToken(id) => {
            sql::run(tx, "DELETE FROM publisher_tokens WHERE id = ?1", [id.to_string()]).map(drop)
        }
        Write::SetTrustedOnly { package, only } => {
            sql::run(tx, "UPDATE packages SET trusted_only = ?2 WHERE name = ?1", (package.as_str(), only)).map(drop)
        }
        Write::SettlePublishers { package, owner } => trusted_publishers::settle(tx, package, *owner),
        Write::AddPublisherToken(token) => publisher_tokens::add_token(tx, token),
        Write::UseIdToken { key, until } => trusted_publishers::use_id_token(tx, key, *until),
        Write::Publish(new) => publish(tx, new),
    }
}

/// The id of a package that is there.
fn id(tx: &Connection, name: &PackageName) -> Tx<PackageId> {
    facts::package_id(tx, name)?.ok_or_else(|| Failure::Corrupt("a package that is gone".into()))
}

fn create_user(tx: &Connection, user: &User, password_hash: &str) -> Tx<()> {
    let [is_admin, is_approver, is_moderator, is_auditor] = columns::account_role_flags(user.roles);
    sql::run(
        tx,
        concat!(
            "INSERT INTO users (id, username, email, email_key, email_verified, password_hash, disabled, created_at, ",
            columns::role_columns!(""),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        ),
        (
            user.id.to_string(),
            user.username.as_str(),
            &user.email,
            columns::email_key(&user.email),
            user.email_verified,
            password_hash,
            user.disabled,
            user.created_at.as_microsecond(),
            is_admin,
            is_approver,
            is_moderator,
            is_auditor,
        ),
    )?;
    create_scope(tx, &ScopeName::from(&user.username), user.id, user.created_at, None)?;
    sql::run(tx, "UPDATE registry_totals SET users = users + 1", []).map(drop)
}

fn update_account(tx: &Connection, account: &AccountState) -> Tx<()> {
    let user = &account.user;
    let [is_admin, is_approver, is_moderator, is_auditor] = columns::account_role_flags(user.roles);
    let row = (
        user.id.to_string(),
        &user.email,
        columns::email_key(&user.email),
        user.email_verified,
        &account.password_hash,
        user.disabled,
        columns::signed(account.session_generation),
        &account.kept_session,
        is_admin,
        is_approver,
        is_moderator,
        is_auditor,
        user.username.as_str(),
    );
    let update = "UPDATE users SET username = ?13, email = ?2, email_key = ?3, email_verified = ?4, password_hash = ?5,
                  disabled = ?6, session_generation = ?7, kept_session = ?8, is_admin = ?9, is_approver = ?10,
                  is_moderator = ?11, is_auditor = ?12 WHERE id = ?1";
    sql::run(tx, update, row).map(drop)
}

fn add_one_time_token(tx: &Connection, user: UserId, token: &OneTimeToken) -> Tx<()> {
    let OneTimeToken { digest, purpose, expires_at } = token;
    let row = (digest.as_bytes(), user.to_string(), purpose.as_str(), expires_at.as_microsecond());
    let insert = "INSERT INTO one_time_tokens (digest, user_id, purpose, expires_at) VALUES (?1, ?2, ?3, ?4)";
    sql::run(tx, insert, row).map(drop)
}

fn create_token(tx: &Connection, token: &Token, secret: &Sha256Digest) -> Tx<()> {
    let row = (
        token.id.to_string(),
        token.user.to_string(),
        &token.name,
        secret.as_bytes(),
        columns::token_scopes_text(token.scopes)?,
        columns::token_patterns_text(&token.packages)?,
        token.created_at.as_microsecond(),
        token.expires_at.map(Timestamp::as_microsecond),
        token.last_used_at.map(Timestamp::as_microsecond),
    );
    let insert =
        "INSERT INTO tokens (id, user_id, name, secret, scopes, packages, created_at, expires_at, last_used_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    sql::run(tx, insert, row).map(drop)
}

fn revoke_tokens(tx: &Connection, tokens: &[TokenId], at: Timestamp) -> Tx<()> {
    for id in tokens {
        sql::run(
            tx,
            "UPDATE tokens SET revoked_at = ?2, last_used_from = NULL WHERE id = ?1",
            (id.to_string(), at.as_microsecond()),
        )?;
    }
    Ok(())
}

/// Makes a scope; that of a username counts for nobody.
fn create_scope(
    tx: &Connection,
    name: &ScopeName,
    owner: UserId,
    created_at: Timestamp,
    created_by: Option<UserId>,
) -> Tx<()> {
    let insert = "INSERT INTO scopes (name, created_at, created_by) VALUES (?1, ?2, ?3)";
    let created_by = created_by.map(|user| user.to_string());
    sql::run(tx, insert, (name.as_str(), created_at.as_microsecond(), created_by))?;
    set_member(tx, name, owner, Some(ScopeRole::Owner))
}

fn set_member(tx: &Connection, scope: &ScopeName, user: UserId, role: Option<ScopeRole>) -> Tx<()> {
    let (scope, user) = (scope.as_str(), user.to_string());
    let Some(role) = role else {
        return sql::run(tx, "DELETE FROM scope_members WHERE scope = ?1 AND user_id = ?2", (scope, user)).map(drop);
    };
    let put = "INSERT INTO scope_members (scope, user_id, role) VALUES (?1, ?2, ?3)
               ON CONFLICT (scope, user_id) DO UPDATE SET role = excluded.role";
    sql::run(tx, put, (scope, user, role.as_str())).map(drop)
}

fn set_owner(tx: &Connection, package: &PackageName, user: UserId, owns: bool) -> Tx<()> {
    let row = (id(tx, package)?, user.to_string());
    let change = if owns {
        "INSERT INTO package_owners (package_id, user_id) VALUES (?1, ?2)"
    } else {
        "DELETE FROM package_owners WHERE package_id = ?1 AND user_id = ?2"
    };
    sql::run(tx, change, row).map(drop)
}

fn set_tag(
    tx: &Connection,
    package: PackageId,
    tag: &DistTag,
    version: &Version,
    latest: Option<&LatestTag>,
) -> Tx<()> {
    let instead_of = latest.and_then(|tag| tag.instead_of.as_ref()).map(ToString::to_string);
    let put = "INSERT INTO dist_tags (package_id, tag, version_id, instead_of)
               SELECT ?1, ?2, id, ?4 FROM versions WHERE package_id = ?1 AND version_key = ?3
               ON CONFLICT (package_id, tag)
               DO UPDATE SET version_id = excluded.version_id, instead_of = excluded.instead_of";
    sql::run(tx, put, (package, tag.as_str(), version.key(), instead_of)).map(drop)
}

fn remove_tag(tx: &Connection, package: PackageId, tag: &DistTag) -> Tx<()> {
    sql::run(tx, "DELETE FROM dist_tags WHERE package_id = ?1 AND tag = ?2", (package, tag.as_str())).map(drop)
}

/// Makes `latest` what it has become, and lists what it names now.
fn move_latest(tx: &Connection, package: PackageId, latest: &LatestMove) -> Tx<()> {
    match &latest.after {
        Some(tag) => set_tag(tx, package, &DistTag::latest(), &tag.version, Some(tag))?,
        None => remove_tag(tx, package, &DistTag::latest())?,
    }
    if latest.names_another() { listing::rebuild(tx, package) } else { Ok(()) }
}

fn publish(tx: &Connection, new: &NewVersion<'_>) -> Tx<()> {
    let NewVersion { commit, is_new_package, published_at, status, tag, wanted_tag, latest, .. } = new;
    let name = &commit.manifest.name;
    sql::run(tx, "DELETE FROM uploads WHERE id = ?1", [commit.upload.to_string()])?;
    let package = if *is_new_package { create_package(tx, new)? } else { id(tx, name)? };
    insert_version(tx, package, new)?;
    if !status.is_open() || wanted_tag.is_some() {
        let wait = "UPDATE versions SET status = ?3, wanted_tag = ?4 WHERE package_id = ?1 AND version_key = ?2";
        let wanted_tag = wanted_tag.as_ref().map(DistTag::as_str);
        sql::run(tx, wait, (package, commit.manifest.version.key(), status.as_str(), wanted_tag))?;
    }
    if latest.is_change() {
        move_latest(tx, package, latest)?;
    }
    if let Some(tag) = tag {
        set_tag(tx, package, tag, &commit.manifest.version, None)?;
    }
    listing::touch(tx, package, *published_at)
}

fn create_package(tx: &Connection, new: &NewVersion<'_>) -> Tx<PackageId> {
    let name = &new.commit.manifest.name;
    let scope = name.scope();
    let similarity_key = scope.is_none().then(|| name.similarity_key());
    sql::run(
        tx,
        "INSERT INTO packages (name, scope, similarity_key, created_at, updated_at, private)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
        (
            name.as_str(),
            scope.as_ref().map(ScopeName::as_str),
            similarity_key,
            new.published_at.as_microsecond(),
            new.visibility.is_private(),
        ),
    )?;
    let package = tx.last_insert_rowid();
    if let Some(owner) = new.owner {
        set_owner(tx, name, owner, true)?;
    }
    sql::run(tx, "UPDATE registry_totals SET packages = packages + 1", [])?;
    Ok(package)
}

fn insert_version(tx: &Connection, package: PackageId, new: &NewVersion<'_>) -> Tx<()> {
    let NewVersion { commit, published_at, published_by, publisher, .. } = new;
    let manifest = &commit.manifest;
    let archive_size = columns::signed(commit.archive_size);
    let dependencies = columns::dependencies_text(&manifest.dependencies)?;
    sql::run(
        tx,
        "INSERT INTO versions (package_id, version, version_key, published_at, published_by, sha256, archive,
                               archive_size, dependencies, publisher)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            package,
            manifest.version.to_string(),
            manifest.version.key(),
            published_at.as_microsecond(),
            published_by.to_string(),
            commit.sha256.as_bytes(),
            commit.archive.as_str(),
            archive_size,
            &dependencies,
            publisher,
        ),
    )?;
    let version = tx.last_insert_rowid();
    if !manifest.dependencies.is_empty() {
        old_versions::list_dependencies(tx, version, &dependencies)?;
    }
    let document = serde_json::to_string(&manifest.document)?;
    sql::run(tx, "INSERT INTO manifests (version_id, document) VALUES (?1, ?2)", (version, document))?;
    let contents = (version, columns::files_text(&commit.files)?, &commit.readme);
    sql::run(tx, "INSERT INTO contents (version_id, files, readme) VALUES (?1, ?2, ?3)", contents)?;
    let add = "UPDATE registry_totals SET versions = versions + 1, storage_bytes = storage_bytes + ?1";
    sql::run(tx, add, [archive_size]).map(drop)
}
