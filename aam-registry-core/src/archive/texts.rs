//! Looks at the texts of a package's artifacts while its archive passes, in a limited amount of memory.

use std::{borrow::Cow, collections::HashMap, str};

use super::front_matter::{self, Finding};
use crate::types::{ArchiveFile, Artifact, ArtifactType, Manifest};

/// How much of a text is looked at. Longer texts are only checked for being UTF-8 from there on.
const START: usize = 64 * 1024;
/// How much is looked at of all texts together, and kept until the manifest has come.
const ALL: usize = 1024 * 1024;
/// The most findings of one package.
const MAX_FINDINGS: usize = 1000;

/// What keeps tools from reading an artifact of a package, or makes it worse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactFinding {
    /// The file's path in the package.
    pub path: String,
    /// Where in the file, and what.
    pub finding: Finding,
}

/// The texts of the archive that is read.
#[derive(Debug)]
pub(super) struct Texts {
    /// The artifacts by the path of their text; `None` until the manifest has come.
    artifacts: Option<HashMap<String, (ArtifactType, Artifact)>>,
    /// Texts that came before the manifest.
    waiting: Vec<(String, Text)>,
    /// How many bytes may still be looked at.
    left: usize,
    findings: Vec<ArtifactFinding>,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self { artifacts: None, waiting: Vec::new(), left: ALL, findings: Vec::new() }
    }

    /// Begins the file at `path`; `None` if it is not looked at.
    pub(super) fn begin(&self, path: &str) -> Option<Text> {
        let is_text = match &self.artifacts {
            Some(artifacts) => artifacts.contains_key(path),
            // Any of these can turn out to be an artifact's.
            None => [".md", ".mdc"].iter().any(|end| path.ends_with(end)),
        };
        (is_text && self.left > 0).then(|| Text { limit: START.min(self.left), ..Text::default() })
    }

    /// The file at `path` is complete.
    pub(super) fn end(&mut self, path: &str, text: Text) {
        self.left -= text.start.len();
        match self.artifacts.as_ref().map(|artifacts| artifacts.get(path)) {
            None => self.waiting.push((path.to_owned(), text)),
            Some(Some((kind, artifact))) => Self::note(&mut self.findings, path, text.findings(*kind, artifact)),
            Some(None) => {}
        }
    }

    /// The manifest has come.
    pub(super) fn learn(&mut self, manifest: &Manifest) {
        let mut artifacts = HashMap::new();
        for (kind, artifact) in manifest.artifacts.iter() {
            let in_folder = (kind == ArtifactType::Skill).then(|| format!("{}/SKILL.md", artifact.path));
            for path in in_folder.into_iter().chain([artifact.path.clone()]) {
                artifacts.entry(path).or_insert_with(|| (kind, artifact.clone()));
            }
        }
        for (path, text) in self.waiting.drain(..) {
            match artifacts.get(&path) {
                Some((kind, artifact)) => Self::note(&mut self.findings, &path, text.findings(*kind, artifact)),
                // Another file may be looked at in its place.
                None => self.left += text.start.len(),
            }
        }
        self.artifacts = Some(artifacts);
    }

    /// What was found in the package with these `files`, which are sorted by path.
    pub(super) fn finish(mut self, manifest: &Manifest, files: &[ArchiveFile]) -> Vec<ArtifactFinding> {
        let is_file = |path: &str| files.binary_search_by(|file| (*file.path).cmp(path)).is_ok();
        for (kind, artifact) in manifest.artifacts.iter() {
            let (path, text) = match kind {
                _ if is_file(&artifact.path) => continue,
                ArtifactType::Agent => continue,
                ArtifactType::Skill => {
                    let path = format!("{}/SKILL.md", artifact.path);
                    if is_file(&path) {
                        continue;
                    }
                    (path, Cow::Borrowed(front_matter::NO_SKILL))
                }
                ArtifactType::Prompt | ArtifactType::Instruction => {
                    (artifact.path.clone(), front_matter::folder_instead(kind).into())
                }
            };
            Self::note(&mut self.findings, &path, [Finding { line: None, fatal: true, text: text.into_owned() }]);
        }
        self.findings.sort_by(|a, b| (&a.path, a.finding.line).cmp(&(&b.path, b.finding.line)));
        self.findings
    }

    fn note(noted: &mut Vec<ArtifactFinding>, path: &str, findings: impl IntoIterator<Item = Finding>) {
        let room = MAX_FINDINGS.saturating_sub(noted.len());
        let findings = findings.into_iter().take(room);
        noted.extend(findings.map(|finding| ArtifactFinding { path: path.to_owned(), finding }));
    }
}

/// A text of which a part has come.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// How many bytes of it are looked at.
    limit: usize,
    /// Those that came of them.
    start: Vec<u8>,
    rest: Rest,
    is_cut: bool,
}

impl Text {
    /// Takes the next bytes of it.
    pub(super) fn write(&mut self, piece: &[u8]) {
        let room = if self.is_cut { 0 } else { self.limit - self.start.len() };
        let (start, rest) = piece.split_at(piece.len().min(room));
        self.start.extend_from_slice(start);
        if rest.is_empty() {
            return;
        }
        if !self.is_cut {
            self.is_cut = true;
            // A character may have been cut in two.
            if let Err(error) = str::from_utf8(&self.start)
                && error.error_len().is_none()
            {
                self.rest.carried = self.start.split_off(error.valid_up_to());
            }
            self.rest.lines = line_ends(&self.start);
        }
        self.rest.write(rest);
    }

    fn findings(self, kind: ArtifactType, artifact: &Artifact) -> Vec<Finding> {
        if !self.is_cut {
            return front_matter::findings(kind, artifact, &self.start);
        }
        let start = str::from_utf8(&self.start).ok();
        if start.is_some_and(|text| text.starts_with("---") && front_matter::parts(text).head.is_none()) {
            let text = format!("the front matter has more than {} bytes; shorten it", self.limit);
            return vec![Finding { line: Some(1), fatal: true, text }];
        }
        let mut findings = front_matter::findings(kind, artifact, &self.start);
        if start.is_some()
            && let Some(line) = self.rest.end()
        {
            findings.push(front_matter::not_utf8(line));
        }
        findings
    }
}

/// What of a text is only checked for being UTF-8.
#[derive(Debug, Default)]
struct Rest {
    /// The beginning of a character whose end is to come.
    carried: Vec<u8>,
    /// How many lines came before.
    lines: usize,
    /// The line, from 1, of the first bytes that are no UTF-8.
    broken: Option<usize>,
}

impl Rest {
    fn write(&mut self, piece: &[u8]) {
        if self.broken.is_some() {
            return;
        }
        let joined = if self.carried.is_empty() {
            Cow::Borrowed(piece)
        } else {
            Cow::Owned([&*std::mem::take(&mut self.carried), piece].concat())
        };
        match str::from_utf8(&joined) {
            Ok(_) => self.lines += line_ends(&joined),
            Err(error) => {
                let (valid, rest) = joined.split_at(error.valid_up_to());
                self.lines += line_ends(valid);
                match error.error_len() {
                    None => self.carried = rest.to_vec(),
                    Some(_) => self.broken = Some(self.lines + 1),
                }
            }
        }
    }

    /// The line of the first bytes that are no UTF-8.
    fn end(&self) -> Option<usize> {
        self.broken.or_else(|| (!self.carried.is_empty()).then_some(self.lines + 1))
    }
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pieces: &[&[u8]]) -> Vec<Finding> {
        let artifact = Artifact { name: "a".to_owned(), path: "skills/a".to_owned(), description: String::new() };
        let mut text = Text { limit: START, ..Text::default() };
        for piece in pieces {
            text.write(piece);
        }
        assert!(text.start.len() <= START);
        text.findings(ArtifactType::Skill, &artifact)
    }

    #[test]
    fn a_long_text_is_checked_to_its_end_in_little_memory() {
        let head = "---\nname: a\ndescription: d\n---\n";
        // Two bytes a character, so that one of them lies across the limit or across two pieces.
        for shift in ["", "x"] {
            let body = format!("{shift}{}\n", "\u{e4}".repeat(START));
            for size in [1, 7, 1000, START] {
                let whole = format!("{head}{body}");
                let pieces: Vec<_> = whole.as_bytes().chunks(size).collect();
                assert_eq!(found(&pieces), [], "{size}");
                let mut broken = pieces.clone();
                broken.push(b"one\ntwo \xe4\n");
                assert_eq!(found(&broken).iter().map(|one| one.line).collect::<Vec<_>>(), [Some(7)], "{size}");
                broken.pop();
                broken.push(b"\xc3");
                assert_eq!(found(&broken).iter().map(|one| one.line).collect::<Vec<_>>(), [Some(6)], "{size}");
            }
        }
        let endless = format!("---\nname: a\ndescription: {}\n---\n", "x".repeat(START));
        let found = found(&[endless.as_bytes()]);
        assert!(found.len() == 1 && found[0].text.contains("more than 65536 bytes"), "{found:?}");
    }
}
