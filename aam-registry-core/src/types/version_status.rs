//! Where a version stands: approved or not, in quarantine, removed.

use jiff::Timestamp;

use crate::types::{ModerationCategory, Username};

/// Whether a version has passed the operator's approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApprovalStatus {
    /// It may be used; also where no approval is required.
    #[default]
    Approved,
    /// Nobody has decided yet.
    Pending,
    /// An approver refused it.
    Rejected,
}

impl ApprovalStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Approved, Self::Pending, Self::Rejected];

    /// The status as text: `approved`, `pending`, `rejected`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Pending => "pending",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the status's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What moderators did to a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Moderation {
    /// Nothing.
    #[default]
    None,
    /// It is in quarantine: only its owners and those who moderate know of it.
    Quarantined,
    /// It was removed for good. Its number is never used again.
    Removed,
}

/// Where a version stands. By this and by what somebody is to the package
/// [is decided](crate::decide::shown) who sees the version and who gets its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct VersionStatus {
    /// Whether it has passed approval.
    pub approval: ApprovalStatus,
    /// What moderators did to it.
    pub moderation: Moderation,
}

impl VersionStatus {
    /// That of a version which everybody sees who sees its package.
    pub const OPEN: Self = Self { approval: ApprovalStatus::Approved, moderation: Moderation::None };

    /// Every status.
    pub fn all() -> impl Iterator<Item = Self> {
        let moderation = [Moderation::None, Moderation::Quarantined, Moderation::Removed];
        moderation.into_iter().flat_map(|moderation| ApprovalStatus::ALL.map(|approval| Self { approval, moderation }))
    }

    /// Whether everybody sees the version who sees its package.
    pub fn is_open(self) -> bool {
        self == Self::OPEN
    }

    /// Whether the version is in quarantine.
    pub fn is_quarantined(self) -> bool {
        self.moderation == Moderation::Quarantined
    }

    /// Whether the version was removed.
    pub fn is_removed(self) -> bool {
        self.moderation == Moderation::Removed
    }

    /// Whether everybody who sees the package may know that the version was removed: everybody could have seen it.
    pub fn is_gone_for_all(self) -> bool {
        self.is_removed() && self.approval == ApprovalStatus::Approved
    }

    /// The status as databases keep it: `approved`, `pending quarantined`, `approved removed` and so on. Only that of
    /// [`OPEN`](Self::OPEN) is `approved`, and all of removed versions end with `removed`.
    pub const fn as_str(self) -> &'static str {
        match (self.approval, self.moderation) {
            (approval, Moderation::None) => approval.as_str(),
            (ApprovalStatus::Approved, Moderation::Quarantined) => "approved quarantined",
            (ApprovalStatus::Pending, Moderation::Quarantined) => "pending quarantined",
            (ApprovalStatus::Rejected, Moderation::Quarantined) => "rejected quarantined",
            (ApprovalStatus::Approved, Moderation::Removed) => "approved removed",
            (ApprovalStatus::Pending, Moderation::Removed) => "pending removed",
            (ApprovalStatus::Rejected, Moderation::Removed) => "rejected removed",
        }
    }

    /// Reads what [`as_str`](Self::as_str) gives.
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().find(|status| status.as_str() == text)
    }
}

/// The quarantine of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Why, in one word.
    pub category: ModerationCategory,
    /// Why, in the moderator's words.
    pub reason: String,
    /// Since when.
    pub at: Timestamp,
    /// Who put it there; `None` if the account is gone.
    pub by: Option<Username>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_text_of_its_own() {
        assert_eq!(VersionStatus::all().count(), 9);
        for status in VersionStatus::all() {
            let text = status.as_str();
            assert_eq!(VersionStatus::parse(text), Some(status));
            assert_eq!(text == "approved", status.is_open());
            assert_eq!(text.ends_with("removed"), status.is_removed());
        }
        assert_eq!(VersionStatus::parse("removed"), None);
    }
}
