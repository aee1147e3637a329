/// What is wrong with the text of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its line, from 1; `None` if it concerns the whole file.
    pub line: Option<usize>,
    /// Whether tools cannot load the artifact because of it.
    pub fatal: bool,
    /// What is wrong, and how to mend it; to stand behind the file's path.
    pub text: String,
}
