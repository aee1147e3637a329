//! The folder of the client's own files.

use std::{env, path::PathBuf};

use crate::{
    confined::Folder,
    failure::{Failure, Result},
};

/// `~/.aam`, or what `AAM_HOME` says.
#[derive(Clone, Debug)]
pub(crate) struct Home(PathBuf);

impl Home {
    /// Finds the folder; it need not exist.
    pub(crate) fn find() -> Result<Self> {
        let told = env::var_os("AAM_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
        told.or_else(|| env::home_dir().map(|home| home.join(".aam")))
            .map(Self)
            .ok_or_else(|| Failure::usage("Your home folder is not known; set AAM_HOME to a folder for aam's files"))
    }

    /// The folder, opened; made where it is missing.
    pub(crate) fn open(&self) -> Result<Folder> {
        Folder::create(&self.0)
    }

    /// Registries and preferences.
    pub(crate) fn config(&self) -> PathBuf {
        self.0.join(CONFIG)
    }

    /// Tokens; mode 600.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.0.join(CREDENTIALS)
    }
}

/// The name of the file of registries and preferences.
pub(super) const CONFIG: &str = "config.yaml";
/// The name of the file of tokens.
pub(super) const CREDENTIALS: &str = "credentials.yaml";
