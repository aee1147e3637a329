use std::{fmt::Debug, sync::Arc};

use super::DecisionOf;
use crate::{
    error::Result,
    types::{Asked, Change, UserId},
};

/// Something that is to be changed in a store, decided by facts that the store loads.
///
/// A command about a package that exists is a [`PackageCommand`](super::PackageCommand), one about a resource a line
/// of the list in `decide/resources/mod.rs`, any other one a line of the list in `decide/request.rs`.
pub trait Command: Clone + Debug + Send + Sync + 'static {
    /// What it is decided by.
    type Facts;
    /// The answer to the caller.
    type Answer: Debug + Send + 'static;
    /// What its decision writes.
    type Write<'a>;
    /// The commands that a store handles alike, of which this is one: a part of [`Request`](super::Request).
    type Request;

    /// What follows from it.
    ///
    /// # Errors
    /// What the command refuses.
    fn decision<'a>(&'a self, facts: &Self::Facts) -> Result<DecisionOf<Self::Answer, Self::Write<'a>>>;

    /// What caches have to drop once the command is done. `answer` is what was decided, if anything was.
    fn invalidation(&self, answer: Option<&Self::Answer>) -> Invalidation;

    /// The command as a store takes it.
    fn request(asked: Arc<Asked<Self, Self::Answer>>) -> Self::Request;
}

impl<C: Command> Asked<C, C::Answer> {
    /// Decides, and stores the answer for whoever asked.
    ///
    /// # Errors
    /// What the command refuses.
    pub fn decide(&self, facts: &C::Facts) -> Result<DecisionOf<(), C::Write<'_>>> {
        let DecisionOf { answer, changes } = self.question().decision(facts)?;
        self.answer(answer);
        Ok(DecisionOf { answer: (), changes })
    }

    /// What caches have to drop.
    pub fn invalidation(&self) -> Invalidation {
        self.look(|answer| self.question().invalidation(answer))
    }
}

/// What caches have to drop after a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// Nothing that is cached.
    Nothing,
    /// Metadata.
    Metadata(Change),
    /// Cached credentials, and in caches that replicas share the sessions of this user.
    Credentials(Option<UserId>),
    /// All metadata, which shows the names of owners, and the credentials of this user.
    Account(Option<UserId>),
}

impl Invalidation {
    /// Whose credentials caches have to drop, where that is known.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Credentials(user) | Self::Account(user) => user,
            Self::Nothing | Self::Metadata(_) => None,
        }
    }
}
