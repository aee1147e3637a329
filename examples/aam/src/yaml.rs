//! YAML files of the client: small, strict, with messages that name the file.

use std::{fs, io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    confined::{Entry, Folder, Mode},
    failure::{Failure, Kind, Result},
};

/// The code of the failure of a file with a conflict that a merge left in it.
pub(crate) const MERGE_CONFLICT: &str = "merge_conflict";

/// The line, from 1, of the first conflict that a merge left in `text`.
pub(crate) fn conflict(text: &str) -> Option<usize> {
    let marked = |mark: &str| text.lines().position(|line| line.starts_with(mark));
    let begin = marked("<<<<<<< ")?;
    marked(">>>>>>> ").filter(|end| *end > begin).map(|_| begin + 1)
}

/// Reads `path`, which may be a link of the user's; `None` where there is no such file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => parse(path, &bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io("read", path, &error)),
    }
}

/// Reads `path` in `folder`, through no link; `None` where there is no such file.
pub(crate) fn read_in<T: DeserializeOwned>(folder: &Folder, path: &str) -> Result<Option<T>> {
    let bytes = folder.read(path)?;
    bytes.map(|bytes| parse(&folder.path().join(path), &bytes)).transpose()
}

/// Reads `bytes`, those of `path`.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T> {
    let invalid = |why: &str| Failure::new(Kind::Usage, "invalid_file", format!("{} {why}", path.display()));
    let text = std::str::from_utf8(bytes).map_err(|_| invalid("is not valid: it is not UTF-8"))?;
    if let Some(line) = conflict(text) {
        let message = format!("{} is in the middle of a merge: line {line} begins a conflict", path.display());
        return Err(Failure::new(Kind::Conflict, MERGE_CONFLICT, message).hint(
            "keep what you want of both sides, and delete the lines that begin with <<<<<<<, ======= and >>>>>>>",
        ));
    }
    serde_saphyr::from_str(text).map_err(|error| invalid(&format!("is not valid: {}", why(&error))))
}

/// What is wrong, in one line and without the limits of the parser, which mean nothing to its reader.
pub(crate) fn why(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error::{
        AliasExpansionLimitExceeded, AliasReplayCounterOverflow, AliasReplayLimitExceeded,
        AliasReplayStackDepthExceeded, Budget,
    };
    let error = error.without_snippet();
    match error {
        Budget { .. }
        | AliasReplayCounterOverflow { .. }
        | AliasReplayLimitExceeded { .. }
        | AliasExpansionLimitExceeded { .. }
        | AliasReplayStackDepthExceeded { .. } => "there is too much in it, or too deep inside".to_owned(),
        _ => {
            let text = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
            text.lines().next().unwrap_or_default().to_owned()
        }
    }
}

/// Writes `value` to `path` in `folder`, after the comment lines of `head`.
pub(crate) fn write_in(folder: &Folder, path: &str, head: &str, value: &impl Serialize, mode: Mode) -> Result<()> {
    let text = serde_saphyr::to_string(value).map_err(|error| {
        let shown = folder.path().join(path);
        Failure::new(Kind::Other, "io", format!("Cannot write {}: {error}", shown.display()))
    })?;
    folder.write(path, format!("{head}{text}").as_bytes(), mode)
}

/// As [`write_in`], for a file that its user may have made a link: it is left to them.
pub(crate) fn write_own(folder: &Folder, path: &str, head: &str, value: &impl Serialize, mode: Mode) -> Result<()> {
    if folder.look(path)? == Entry::Link {
        let shown = folder.path().join(path);
        return Err(Failure::new(
            Kind::Conflict,
            "link_in_the_way",
            format!("{} is a symbolic link, and aam follows none there", shown.display()),
        )
        .hint("replace the link with a real file, or let AAM_HOME name the folder that the real file is in"));
    }
    write_in(folder, path, head, value, mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_parser_is_told_in_the_words_of_its_reader() {
        let text = format!("a: [{}]\n", "1, ".repeat(300_000));
        let failure = parse::<serde_json::Value>(Path::new("x.yaml"), text.as_bytes()).expect_err("too much");
        assert_eq!(&*failure.message, "x.yaml is not valid: there is too much in it, or too deep inside");
    }
}
