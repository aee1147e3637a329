/// What is wrong with a package that was reported, or with a version in quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModerationCategory {
    /// It harms who installs it.
    Malware,
    /// It holds a secret that was published by mistake.
    Secret,
    /// It is spam, insults, or pretends to be another package.
    Abuse,
    /// It breaks a law or a licence.
    Legal,
    /// Anything else, which the text says.
    Other,
}

impl ModerationCategory {
    /// Every category.
    pub const ALL: [Self; 5] = [Self::Malware, Self::Secret, Self::Abuse, Self::Legal, Self::Other];

    /// The category as text: `malware`, `secret`, `abuse`, `legal`, `other`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malware => "malware",
            Self::Secret => "secret",
            Self::Abuse => "abuse",
            Self::Legal => "legal",
            Self::Other => "other",
        }
    }

    /// Reads the category's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == text)
    }
}
