use crate::types::AuditEvent;

/// A text about a published version that those in charge of it set, change and remove.
///
/// Everything that stores such texts, changes them or passes them on works for all of this list. One
/// more of them is a variant here, a column of that name in a migration of each database, and routes.
/// The list is exhaustive on purpose: an adapter that cannot store a new text shall not compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionText {
    /// The warning that clients show.
    Deprecation,
}

impl VersionText {
    /// Every text.
    pub const ALL: [Self; 1] = [Self::Deprecation];

    /// Its name wherever a version has it: as a column of a database and as a key of JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Deprecation => "deprecated",
        }
    }

    /// What the audit log says of a change.
    pub const fn event(self) -> AuditEvent {
        match self {
            Self::Deprecation => AuditEvent::VersionDeprecate,
        }
    }

    /// The event that the log names.
    pub(crate) const fn log_event(self) -> &'static str {
        match self {
            Self::Deprecation => "version_deprecated",
        }
    }
}

/// The texts of one version; by default it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionTexts([Option<String>; VersionText::ALL.len()]);

impl VersionTexts {
    /// Reads each text with `read`, such as from the column of its [key](VersionText::key).
    ///
    /// # Errors
    /// The first error of `read`.
    pub fn read<E>(mut read: impl FnMut(VersionText) -> Result<Option<String>, E>) -> Result<Self, E> {
        let mut texts = Self::default();
        for text in VersionText::ALL {
            texts.set(text, read(text)?);
        }
        Ok(texts)
    }

    /// The text, if the version has it.
    pub fn get(&self, text: VersionText) -> Option<&str> {
        self.0[text as usize].as_deref()
    }

    /// Sets the text; `None` removes it.
    pub fn set(&mut self, text: VersionText, value: Option<String>) {
        self.0[text as usize] = value;
    }

    /// Removes the text and returns it.
    pub fn take(&mut self, text: VersionText) -> Option<String> {
        self.0[text as usize].take()
    }

    /// The same with that text.
    #[must_use]
    pub fn with(mut self, text: VersionText, value: impl Into<String>) -> Self {
        self.set(text, Some(value.into()));
        self
    }

    /// The texts that the version has.
    pub fn iter(&self) -> impl Iterator<Item = (VersionText, &str)> {
        VersionText::ALL.into_iter().filter_map(|text| Some((text, self.get(text)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_a_place_and_a_key_of_its_own() {
        for (place, text) in VersionText::ALL.into_iter().enumerate() {
            assert_eq!(text as usize, place, "the list is in the order of the variants");
            let keys = VersionText::ALL.iter().filter(|other| other.key() == text.key());
            assert_eq!(keys.count(), 1, "{}", text.key());
            let texts = VersionTexts::default().with(text, "old");
            assert_eq!(texts.iter().collect::<Vec<_>>(), [(text, "old")]);
        }
    }
}
