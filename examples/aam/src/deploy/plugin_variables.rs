//! Variables that only plugins have: in what a package installs they name nothing.

/// What tools set to the folders of a plugin.
const VARIABLES: &[&str] = &["CLAUDE_PLUGIN_ROOT", "CLAUDE_PLUGIN_DATA", "CURSOR_PLUGIN_ROOT"];

/// The first line of `text`, from 1, that names such a variable, and the variable.
pub(crate) fn plugin_variable(text: &[u8]) -> Option<(usize, &'static str)> {
    let named = |line: &[u8]| {
        let holds = |name: &&&str| line.windows(name.len()).any(|part| part == name.as_bytes());
        VARIABLES.iter().find(holds).copied()
    };
    let mut lines = text.split(|byte| *byte == b'\n').enumerate();
    lines.find_map(|(at, line)| Some((at + 1, named(line)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_variable_of_plugins_is_found() {
        assert_eq!(plugin_variable(b"a\ncd \"${CLAUDE_PLUGIN_ROOT}\"\n"), Some((2, "CLAUDE_PLUGIN_ROOT")));
        assert_eq!(plugin_variable(b"$CLAUDE_PROJECT_DIR\n"), None);
    }
}
