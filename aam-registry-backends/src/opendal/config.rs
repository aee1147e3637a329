use std::path::PathBuf;

/// Where archives are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpendalConfig {
    /// In a folder of this machine.
    Fs {
        /// The folder; created where it does not exist.
        root: PathBuf,
    },
    /// In memory, until the process ends.
    Memory,
}

impl OpendalConfig {
    /// A folder of this machine.
    pub fn fs(root: impl Into<PathBuf>) -> Self {
        Self::Fs { root: root.into() }
    }
}
