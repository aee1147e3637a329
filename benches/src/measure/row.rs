use std::{any::Any, fmt};

use super::{Contender, Goal};

/// One kind of work that several contenders do in turn.
pub(crate) struct Row {
    /// A description of the work, with sizes and numbers of connections.
    pub(crate) title: String,
    pub(crate) contenders: Vec<Box<dyn Contender>>,
    pub(crate) goals: Vec<Goal>,
    /// Contenders that cannot be measured, and why.
    pub(crate) absent: Vec<String>,
    /// The most rounds that are useful.
    pub(crate) most_rounds: u32,
    /// Services that run while the row is measured.
    pub(crate) running: Vec<Box<dyn Any + Send>>,
}

impl Row {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            contenders: Vec::new(),
            goals: Vec::new(),
            absent: Vec::new(),
            most_rounds: u32::MAX,
            running: Vec::new(),
        }
    }

    /// Keeps a server, a folder, … until the row is done.
    pub(crate) fn keep(&mut self, running: impl Any + Send) {
        self.running.push(Box::new(running));
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.contenders.iter().map(|contender| contender.name()).collect();
        f.debug_struct("Row").field("title", &self.title).field("contenders", &names).finish_non_exhaustive()
    }
}
