//! An instruction as each tool reads it.

use super::{
    document::{Document, Reading},
    front_matter::{self, line, quoted},
    limits::Rendered,
};

fn described(document: &Document) -> Vec<String> {
    if document.description.is_empty() { Vec::new() } else { vec![line("description", &document.description)] }
}

/// What a platform reads always, though its author wanted it read when it fits or is asked for.
fn widened(document: &Document) -> Vec<String> {
    let narrower = document.globs().is_empty() && document.reading() != Reading::Always;
    if narrower { vec!["alwaysApply: false".to_owned()] } else { Vec::new() }
}

/// A list of quoted globs on lines of their own.
fn list(key: &str, globs: &[String]) -> Vec<String> {
    let items = globs.iter().map(|glob| format!("  - {}", quoted(glob)));
    std::iter::once(format!("{key}:")).chain(items).collect()
}

/// A rule of Claude Code, read for the files of its `paths`, else always.
pub(super) fn claude(document: &Document) -> Rendered {
    let mut head = described(document);
    let globs = document.globs();
    if !globs.is_empty() {
        head.extend(list("paths", &globs));
    }
    Rendered { bytes: front_matter::join(&head, &document.body), lost: widened(document), ..Rendered::default() }
}

/// A rule of Cursor, which reads globs as they stand there: quotes would be a part of them.
pub(super) fn cursor(document: &Document) -> Rendered {
    let mut head = vec![line("description", &document.description)];
    let globs = document.written_globs();
    if !globs.is_empty() {
        head.push(format!("globs: {}", globs.join(",")));
    }
    let always = document.always_apply().unwrap_or(globs.is_empty() && document.reading() == Reading::Always);
    head.push(format!("alwaysApply: {always}"));
    front_matter::join(&head, &document.body).into()
}

/// An instruction of GitHub Copilot, which reads it only where `applyTo` says for which files.
pub(super) fn copilot(document: &Document) -> Rendered {
    let globs = document.globs();
    let globs = if globs.is_empty() { "**".to_owned() } else { globs.join(",") };
    let mut head = described(document);
    head.push(format!("applyTo: {}", quoted(&globs)));
    Rendered { bytes: front_matter::join(&head, &document.body), lost: widened(document), ..Rendered::default() }
}

/// A rule of Windsurf.
pub(super) fn windsurf(document: &Document) -> Rendered {
    let globs = document.globs();
    let mut head = match (&*globs, document.reading()) {
        ([], Reading::Always) => vec!["trigger: always_on".to_owned()],
        ([], Reading::Fitting) => vec!["trigger: model_decision".to_owned()],
        ([], Reading::Asked) => vec!["trigger: manual".to_owned()],
        ([glob], _) => vec!["trigger: glob".to_owned(), format!("globs: {}", quoted(glob))],
        (globs, _) => [vec!["trigger: glob".to_owned()], list("globs", globs)].concat(),
    };
    head.extend(described(document));
    front_matter::join(&head, &document.body).into()
}

/// A steering file of Kiro.
pub(super) fn kiro(document: &Document) -> Rendered {
    let globs = document.globs();
    let mut head = match (&*globs, document.reading()) {
        ([], Reading::Always) => vec!["inclusion: always".to_owned()],
        ([], Reading::Fitting) => vec!["inclusion: auto".to_owned(), line("name", &document.name)],
        ([], Reading::Asked) => vec!["inclusion: manual".to_owned()],
        ([glob], _) => vec!["inclusion: fileMatch".to_owned(), format!("fileMatchPattern: {}", quoted(glob))],
        (globs, _) => [vec!["inclusion: fileMatch".to_owned()], list("fileMatchPattern", globs)].concat(),
    };
    head.extend(described(document));
    front_matter::join(&head, &document.body).into()
}

/// An instruction inside a file that is always read: what it is limited to is said in words.
pub(super) fn section(document: &Document) -> Rendered {
    let globs: Vec<_> = document.globs().iter().map(|glob| format!("`{glob}`")).collect();
    let limit = match (globs.is_empty(), document.reading()) {
        (false, _) => format!("For files that match {}:\n\n", globs.join(", ")),
        (true, Reading::Fitting) => format!("Where this fits ({}):\n\n", document.description),
        (true, Reading::Asked) => "Only where a person asks for it:\n\n".to_owned(),
        (true, Reading::Always) => String::new(),
    };
    format!("{limit}{}", document.body).into_bytes().into()
}
