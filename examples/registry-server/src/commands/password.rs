//! Reads the passwords that commands need.

use std::io::{self, BufRead, IsTerminal};

use super::Failed;

/// The password of the command line; if there is none, asks for it at a terminal, or reads it from the
/// standard input.
pub(super) fn given_or_read(given: Option<String>) -> Result<String, Failed> {
    match given {
        Some(password) => Ok(password),
        None => read().map_err(|error| Failed(format!("the password cannot be read: {error}"))),
    }
}

fn read() -> io::Result<String> {
    if !io::stdin().is_terminal() {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    loop {
        let password = rpassword::prompt_password("Password (at least 12 characters): ")?;
        if password == rpassword::prompt_password("The same again: ")? {
            return Ok(password);
        }
        super::answer::warn("the two differ; once more");
    }
}
