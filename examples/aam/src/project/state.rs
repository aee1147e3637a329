//! `.aam/installed.yaml`: what was unpacked and written in this copy of the project.

use std::collections::BTreeMap;

use aam_registry_core::types::{PackageName, Sha256Digest};
use serde::{Deserialize, Serialize};

use crate::{atomic_file::Mode, deploy::Record, failure::Result, project::Project, text::Text, yaml};

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The archives that are unpacked in `.aam/packages`, whole.
    #[serde(default)]
    pub(crate) unpacked: BTreeMap<Text<PackageName>, Text<Sha256Digest>>,
    /// What was deployed.
    #[serde(flatten)]
    pub(crate) deployed: Record,
}

impl State {
    /// Reads it; a missing file is nothing.
    pub(crate) fn read(project: &Project) -> Result<Self> {
        Ok(yaml::read(&project.state())?.unwrap_or_default())
    }

    /// Writes it.
    pub(crate) fn write(&self, project: &Project) -> Result<()> {
        let head = "# Written by aam, for uninstall: what was written in this copy of the project. Do not edit.\n";
        yaml::write(&project.state(), head, self, Mode::Plain)
    }
}
