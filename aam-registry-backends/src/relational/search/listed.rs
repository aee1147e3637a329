/// The texts of a package in which searches look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) author: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) artifacts: String,
    /// A bit for each type.
    pub(crate) artifact_types: u8,
    pub(crate) downloads: u64,
    pub(crate) updated_at: i64,
    /// Whether the package is private, so that only some users may find it.
    pub(crate) private: bool,
}
