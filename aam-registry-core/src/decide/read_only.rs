//! Read-only mode: how it is switched.

use super::{Action, CallerFacts, Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, NewAuditEntry, ReadOnlyMode},
};

/// Switches read-only mode on or off, on every replica.
#[derive(Clone, Debug)]
pub struct SetReadOnly {
    /// The administrator who does it; `None` for the operator.
    pub actor: Option<Actor>,
    /// The mode to be in; `None` to leave it.
    pub mode: Option<ReadOnlyMode>,
    /// The entry for the audit log.
    pub audit: NewAuditEntry,
}

/// What a switch of read-only mode is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetReadOnlyFacts {
    /// Who acts, where that is a user.
    pub caller: CallerFacts,
    /// The mode that the registry is in.
    pub mode: Option<ReadOnlyMode>,
}

impl SetReadOnly {
    /// Switches it. Gives the mode that the registry is in then. Switched on again, it keeps since when it is on,
    /// and may get another reason.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`].
    pub fn decide(&self, facts: &SetReadOnlyFacts) -> Result<Decision<'_, Option<ReadOnlyMode>>> {
        if let Some(actor) = &self.actor {
            facts.caller.require_live(actor, self.audit.timestamp)?.require_everywhere(Action::SetReadOnly)?;
        }
        let after = self.mode.clone().map(|mode| match &facts.mode {
            Some(before) => ReadOnlyMode { since: before.since, ..mode },
            None => mode,
        });
        let reason = |mode: &Option<ReadOnlyMode>| mode.as_ref().map(|mode| mode.reason.clone());
        if reason(&after) == reason(&facts.mode) {
            return Ok(Decision::unchanged(facts.mode.clone()));
        }
        let writes = vec![Write::SetReadOnly(after.clone())];
        Ok(Decision { answer: after, changes: Changes { writes, audit: vec![self.audit.clone()], invalidates: None } })
    }
}

/// Refuses a change if the registry is read-only.
///
/// # Errors
/// [`Error::ReadOnly`].
pub(crate) fn require_writable(mode: Option<&ReadOnlyMode>) -> Result<()> {
    match mode {
        Some(mode) => Err(Error::ReadOnly { reason: mode.reason.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::types::AuditEvent;

    fn mode(since: i64, reason: Option<&str>) -> ReadOnlyMode {
        let since = Timestamp::from_second(since).expect("an instant");
        ReadOnlyMode { since, by: "operator".to_owned(), reason: reason.map(str::to_owned) }
    }

    fn switched(before: Option<ReadOnlyMode>, to: Option<ReadOnlyMode>) -> (Option<ReadOnlyMode>, usize) {
        let audit = NewAuditEntry::new(AuditEvent::AdminReadOnly, Timestamp::UNIX_EPOCH);
        let command = SetReadOnly { actor: None, mode: to, audit };
        let decision = command.decide(&SetReadOnlyFacts { mode: before, ..SetReadOnlyFacts::default() });
        let decision = decision.expect("the operator may");
        (decision.answer, decision.changes.audit.len())
    }

    #[test]
    fn a_switch_that_changes_nothing_is_not_recorded() {
        assert_eq!(switched(None, None), (None, 0));
        assert_eq!(switched(Some(mode(1, None)), Some(mode(9, None))), (Some(mode(1, None)), 0));
        assert_eq!(switched(Some(mode(1, None)), Some(mode(9, Some("backup")))), (Some(mode(1, Some("backup"))), 1));
        assert_eq!(switched(Some(mode(1, None)), None), (None, 1));
        assert_eq!(switched(None, Some(mode(9, None))), (Some(mode(9, None)), 1));
    }

    #[test]
    fn a_refusal_tells_the_reason() {
        let refused = require_writable(Some(&mode(1, Some("the disk is exchanged")))).expect_err("read-only");
        assert!(refused.to_string().contains("the disk is exchanged"), "{refused}");
        assert!(require_writable(None).is_ok());
    }
}
