//! Changes that were decided, applied.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::tables::{
    StoredApproval, StoredPackage, StoredRecall, StoredScope, StoredToken, StoredUpload, StoredVersion, Tables,
};
use crate::{
    decide::{Changes, Decision, NewVersion, Write},
    error::{Error, Result},
    types::{AccountState, Gates, NewAuditEntry, NewJob, PackageName, ScopeName, ScopeRole, TrustedPublisher, Version},
};

impl Tables {
    /// Applies what was decided at `now`, the clock's instant; gives the answer.
    pub(super) fn apply<T>(&mut self, decision: Decision<'_, T>, now: Timestamp) -> Result<T> {
        let Changes { writes, audit, .. } = decision.changes;
        for write in writes {
            self.write(write, now)?;
        }
        self.record(&audit, now);
        Ok(decision.answer)
    }

    /// Appends these entries to the audit log, and queues their events.
    pub(super) fn record(&mut self, audit: &[NewAuditEntry], now: Timestamp) {
        for entry in audit {
            self.append(entry);
            if let Some(event) = NewJob::of_event(entry) {
                self.jobs.add(event, now);
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "a short arm for each kind of write")]
    fn write(&mut self, write: Write<'_>, now: Timestamp) -> Result<()> {
        match write {
            Write::CreateUser { user, password_hash } => {
                let members = [(user.id, ScopeRole::Owner)].into();
                let scope = StoredScope { created_at: user.created_at, created_by: None, require_2fa: false, members };
                self.scopes.insert(ScopeName::from(&user.username), scope);
                let account = AccountState { user, password_hash, session_generation: 0, kept_session: None };
                self.users.insert(account.user.id, account);
            }
            Write::UpdateAccount(account) => {
                self.users.insert(account.user.id, account);
            }
            Write::NoteTokenNotice { token, notice } => self.token_notices.push((token, notice)),
            Write::EraseAccount { user, .. } => self.erase_account(user),
            Write::DropAged { what, before, limit } => self.drop_aged(what, before, limit),
            Write::SetReadOnly(mode) => self.read_only = mode,
            Write::RemoveInvitation(id) => {
                self.invitations.remove(&id);
            }
            Write::AddOneTimeToken { user, token } => self.one_time_tokens.push((user, token)),
            Write::EndOneTimeTokens { user, purpose } => self
                .one_time_tokens
                .retain(|(of, token)| *of != user || purpose.is_some_and(|purpose| token.purpose != purpose)),
            Write::CreateToken { token, secret } => {
                self.tokens.insert(token.id, StoredToken { token, secret });
            }
            Write::RevokeTokens { tokens, .. } => {
                for id in tokens {
                    self.tokens.remove(&id);
                    self.revoked_tokens.insert(id);
                }
            }
            Write::RevokeSession { user, session, expires_at } => {
                self.revoked_sessions.insert((user, session), expires_at);
            }
            Write::SetSecondFactor { user, factor } => {
                if let Some(account) = self.users.get_mut(&user) {
                    account.user.otp_enabled = factor.as_ref().is_some_and(|factor| factor.is_confirmed);
                }
                match factor {
                    Some(factor) => self.second_factors.insert(user, factor),
                    None => self.second_factors.remove(&user),
                };
            }
            Write::AddSession(session) => self.sessions.push(session),
            Write::ForgetSession { user, session } => {
                self.sessions.retain(|one| one.user != user || one.id != session);
            }
            Write::ForgetSessions { user, kept } => {
                self.sessions.retain(|one| one.user != user || kept.as_ref() == Some(&one.id));
            }
            Write::CreateScope { name, owner, created_at } => {
                let members = [(owner, ScopeRole::Owner)].into();
                let scope = StoredScope { created_at, created_by: Some(owner), require_2fa: false, members };
                self.scopes.insert(name, scope);
            }
            Write::SetScopePolicy { scope, require_2fa } => {
                self.scopes.get_mut(&scope).ok_or_else(missing)?.require_2fa = require_2fa;
            }
            Write::SetMember { scope, user, role } => {
                let members = &mut self.scopes.get_mut(&scope).ok_or_else(missing)?.members;
                match role {
                    Some(role) => members.insert(user, role),
                    None => members.remove(&user),
                };
            }
            Write::SetOwner { package, user, owns } => {
                let owners = &mut self.package_mut(&package)?.owners;
                if owns {
                    owners.insert(user)
                } else {
                    owners.remove(&user)
                };
            }
            Write::SetYank { package, version, yanked } => self.version_mut(&package, &version)?.yanked = yanked,
            Write::SetStatus { package, version, status } => self.version_mut(&package, &version)?.status = status,
            Write::SetWantedTag { package, version, tag } => self.version_mut(&package, &version)?.wanted_tag = tag,
            Write::AddApproval { package, version, approver, status, comment, at } => {
                let approval = StoredApproval { approver, status, comment, at };
                self.version_mut(&package, &version)?.approvals.push(approval);
            }
            Write::OpenRecall { package, version, quarantine } => {
                let recalls = &mut self.version_mut(&package, &version)?.recalls;
                match recalls.last_mut().filter(|last| last.lifted_at.is_none()) {
                    Some(open) => open.quarantine = quarantine,
                    None => recalls.push(StoredRecall { quarantine, lifted_at: None }),
                }
            }
            Write::LiftRecall { package, version, at } => {
                if let Some(last) = self.version_mut(&package, &version)?.recalls.last_mut() {
                    last.lifted_at = Some(at);
                }
            }
            Write::DiscardArchive { package, version, archive, by } => {
                let version = self.version_mut(&package, &version)?;
                version.files.clear();
                version.readme = None;
                let upload = StoredUpload { user: by, lease_until: now, abandoned_at: Some(now) };
                self.uploads.insert(archive.upload_id(), upload);
            }
            Write::SetText { package, version, text, value } => {
                self.version_mut(&package, &version)?.texts.set(text, value);
            }
            Write::SetTag { package, tag, version } => {
                self.package_mut(&package)?.tags.insert(tag, version);
            }
            Write::RemoveTags { package, tags } => {
                self.package_mut(&package)?.tags.retain(|tag, _| !tags.contains(tag));
            }
            Write::MoveLatest { package, latest } => self.package_mut(&package)?.latest = latest.after,
            Write::SetVisibility { package, visibility } => self.package_mut(&package)?.visibility = visibility,
            Write::Touch { package, at } => self.package_mut(&package)?.updated_at = at,
            Write::PutEval { package, version, result } => {
                self.version_mut(&package, &version)?.evals.insert(result.name.clone(), result);
            }
            Write::SetGates { package, gates } => self.package_mut(&package)?.gates = gates,
            Write::QueueJob(job) => self.jobs.add(job, now),
            Write::PutPublisher(publisher) => {
                self.publishers.insert(publisher.id, publisher);
            }
            Write::DeletePublisher(id) => {
                self.publishers.remove(&id);
                self.publisher_tokens.retain(|_, token| token.publisher != id);
            }
            Write::RevokePublisherToken(id) => {
                self.publisher_tokens.remove(&id);
            }
            Write::SetTrustedOnly { package, only } => self.package_mut(&package)?.trusted_only = only,
            Write::SettlePublishers { package, owner } => {
                let stays = |one: &TrustedPublisher| owner.is_none_or(|owner| owner == one.created_by);
                self.publishers.retain(|_, one| one.package != package || !one.pending || stays(one));
                let settled = self.publishers.values_mut().filter(|one| one.package == package);
                settled.for_each(|one| one.pending = false);
            }
            Write::AddPublisherToken(token) => {
                self.publisher_tokens.insert(token.id, token);
            }
            Write::UseIdToken { key, until } => {
                self.used_id_tokens.insert(key, until);
            }
            Write::Publish(new) => self.publish(new)?,
        }
        Ok(())
    }

    fn publish(&mut self, new: NewVersion<'_>) -> Result<()> {
        let NewVersion {
            commit,
            is_new_package,
            owner,
            published_by,
            publisher,
            published_at,
            visibility,
            status,
            tag,
            wanted_tag,
            latest,
        } = new;
        let (name, version) = (&commit.manifest.name, &commit.manifest.version);
        self.uploads.remove(&commit.upload);
        if is_new_package {
            let made = StoredPackage {
                visibility,
                created_at: published_at,
                updated_at: published_at,
                owners: owner.into_iter().collect::<BTreeSet<_>>(),
                latest: None,
                tags: BTreeMap::new(),
                versions: Vec::new(),
                gates: Gates::new(),
                trusted_only: false,
            };
            self.packages.insert(name.clone(), made);
        }
        let package = self.package_mut(name)?;
        package.updated_at = published_at;
        package.versions.push(StoredVersion {
            published_at,
            published_by,
            publisher,
            status,
            wanted_tag,
            ..StoredVersion::from(commit)
        });
        package.latest = latest.after;
        package.tags.extend(tag.map(|tag| (tag, version.clone())));
        Ok(())
    }

    fn package_mut(&mut self, name: &PackageName) -> Result<&mut StoredPackage> {
        self.packages.get_mut(name).ok_or_else(missing)
    }

    fn version_mut(&mut self, name: &PackageName, version: &Version) -> Result<&mut StoredVersion> {
        let versions = &mut self.package_mut(name)?.versions;
        versions.iter_mut().find(|one| one.manifest.version == *version).ok_or_else(missing)
    }
}

/// The error of a write to what the facts said was there.
fn missing() -> Error {
    Error::internal("a decision changes what is not there")
}
