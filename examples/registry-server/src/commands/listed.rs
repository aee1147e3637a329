//! Lists of any length in what a command prints, kept on the disk meanwhile.

use std::{
    fs::File,
    io::{self, BufWriter, Seek, Write},
};

use serde_json::Value;

use super::Failed;

/// Lines, or the items of a JSON array, that are printed when the command ends: a command that finds a million things
/// needs no memory for them, and its progress stays the last line of a terminal meanwhile.
#[derive(Debug)]
pub(super) struct Listed {
    file: BufWriter<File>,
    as_json: bool,
    is_empty: bool,
    /// Why an item was lost.
    lost: Option<io::Error>,
}

impl Listed {
    /// An empty list.
    ///
    /// # Errors
    /// If no temporary file can be made.
    pub(super) fn new(as_json: bool) -> Result<Self, Failed> {
        let file = tempfile::tempfile()
            .map_err(|error| Failed(format!("no temporary file can be made ({error}); TMPDIR names another folder")))?;
        Ok(Self { file: BufWriter::new(file), as_json, is_empty: true, lost: None })
    }

    /// Adds an item: `line` for people, `item` for programs.
    pub(super) fn add(&mut self, line: impl FnOnce() -> String, item: impl FnOnce() -> Value) {
        let written = if self.as_json {
            let before = if self.is_empty { "\n    " } else { ",\n    " };
            write!(self.file, "{before}{}", item())
        } else {
            writeln!(self.file, "{}", line())
        };
        self.is_empty = false;
        self.lost = self.lost.take().or(written.err());
    }

    /// Prints all items.
    fn print(self, to: &mut impl Write) -> io::Result<()> {
        if let Some(lost) = self.lost {
            return Err(lost);
        }
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        io::copy(&mut file, to).map(drop)
    }
}

/// Prints the members of a JSON object that are such lists, and then those of `rest`, an object as text.
pub(super) fn print_json(lists: Vec<(&'static str, Listed)>, rest: &str, to: &mut impl Write) -> io::Result<()> {
    writeln!(to, "{{")?;
    for (name, list) in lists {
        let end = if list.is_empty { "" } else { "\n  " };
        write!(to, "  \"{name}\": [")?;
        list.print(to)?;
        writeln!(to, "{end}],")?;
    }
    writeln!(to, "{}", rest.trim_start_matches(['{', '\n']))
}

/// Prints the lines of such lists, one list after the other.
pub(super) fn print_lines(lists: Vec<(&'static str, Listed)>, to: &mut impl Write) -> io::Result<()> {
    lists.into_iter().try_for_each(|(_, list)| list.print(to))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(items: u32) -> Value {
        let (mut full, empty) = (Listed::new(true).expect("a file"), Listed::new(true).expect("a file"));
        for at in 0..items {
            full.add(String::new, || json!({ "at": at }));
        }
        let rest = serde_json::to_string_pretty(&json!({"scanned": items, "failed": 0})).expect("JSON");
        let mut text = Vec::new();
        print_json(vec![("items", full), ("none", empty)], &rest, &mut text).expect("printed");
        serde_json::from_slice(&text).expect("one JSON object")
    }

    #[test]
    fn lists_and_the_rest_are_one_object() {
        assert_eq!(printed(0), json!({"items": [], "none": [], "scanned": 0, "failed": 0}));
        let two = json!([{"at": 0}, {"at": 1}]);
        assert_eq!(printed(2), json!({"items": two, "none": [], "scanned": 2, "failed": 0}));
    }
}
