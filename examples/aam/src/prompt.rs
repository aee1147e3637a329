//! Asking a person.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::{
    config::Secret,
    failure::{Failure, Kind, Result},
};

/// Whether a person can be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that is answered with yes or no; no where nothing is answered.
pub(crate) fn yes(question: &str) -> Result<bool> {
    let failed = |error: io::Error| Failure::new(Kind::Other, "io", format!("Cannot ask: {error}"));
    write!(io::stderr(), "{question} [y/N] ").map_err(failed)?;
    io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(&*answer.trim().to_ascii_lowercase(), "y" | "yes"))
}

/// Asks for a line.
pub(crate) fn line(question: &str, flag: &str) -> Result<String> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{question} is needed and nobody can be asked: give {flag}")));
    }
    let failed = |error: io::Error| Failure::new(Kind::Other, "io", format!("Cannot ask: {error}"));
    write!(io::stderr(), "{question}: ").map_err(failed)?;
    io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    let answer = answer.trim().to_owned();
    if answer.is_empty() { Err(Failure::usage(format!("{question} is needed"))) } else { Ok(answer) }
}

/// Asks for a line that may be empty.
pub(crate) fn optional_line(question: &str) -> Result<String> {
    let failed = |error: io::Error| Failure::new(Kind::Other, "io", format!("Cannot ask: {error}"));
    write!(io::stderr(), "{question}: ").map_err(failed)?;
    io::stderr().flush().map_err(failed)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(failed)?;
    Ok(answer.trim().to_owned())
}

/// Asks for a password, unseen; from the first line of stdin where `from_stdin`.
pub(crate) fn password(question: &str, from_stdin: bool) -> Result<Secret> {
    let failed = |error: io::Error| Failure::new(Kind::Other, "io", format!("Cannot read the password: {error}"));
    let text = if from_stdin {
        let mut text = String::new();
        io::stdin().lock().read_line(&mut text).map_err(failed)?;
        text.trim_end_matches(['\n', '\r']).to_owned()
    } else if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("{question}: ")).map_err(failed)?
    } else {
        return Err(Failure::usage("A password is needed and nobody can be asked: pipe it in with --password-stdin"));
    };
    if text.is_empty() { Err(Failure::usage("The password is empty")) } else { Ok(Secret::new(text)) }
}

/// Has the person type `name` before something that cannot be undone; asks nothing where `is_sure`.
pub(crate) fn confirm_name(question: &str, name: &str, is_sure: bool) -> Result<()> {
    if is_sure {
        return Ok(());
    }
    if !can_ask() {
        return Err(Failure::usage("Nobody can be asked whether this is meant: give --yes"));
    }
    let typed = optional_line(&format!("{question} Type {name} to go on"))?;
    if typed == name { Ok(()) } else { Err(Failure::usage("Nothing was deleted")) }
}
