//! Every command and flag that a text names exists and is written as it says.

use std::{collections::BTreeSet, fs};

use walkdir::WalkDir;

use crate::{machine::Machine, server::in_package};

/// The command lines between backticks of the client's own texts, and those of its examples.
fn written() -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let sources = in_package("src");
    let files = WalkDir::new(sources).into_iter().filter_map(Result::ok);
    for file in files.filter(|file| file.path().extension().is_some_and(|extension| extension == "rs")) {
        let text = fs::read_to_string(file.path()).expect("source");
        // A text goes on behind a line that ends with a backslash.
        let mut whole = String::new();
        for line in text.lines() {
            match line.strip_suffix('\\') {
                Some(line) if whole.is_empty() => whole.push_str(line),
                Some(line) => whole.push_str(line.trim_start()),
                None => {
                    whole.push_str(if whole.is_empty() { line } else { line.trim_start() });
                    collect(&whole, &mut lines);
                    whole.clear();
                }
            }
        }
    }
    lines
}

fn collect(line: &str, lines: &mut BTreeSet<String>) {
    for quoted in line.split('`').skip(1).step_by(2) {
        if quoted.starts_with("aam ") {
            lines.insert(quoted.to_owned());
        }
    }
    if !line.trim_start().starts_with("//") {
        for example in
            line.split("\\n").map(str::trim).filter_map(|line| line.trim_start_matches('"').strip_prefix("aam "))
        {
            lines.insert(format!("aam {}", example.trim_end_matches(['"', ',', ')', ']'])));
        }
    }
}

/// Something to stand for a placeholder, a name of a format string or an example's quotes.
fn filled(line: &str) -> Vec<String> {
    let line = line.split("  #").next().unwrap_or(line).split(" && ").next().unwrap_or(line);
    let line = line.split(" | ").next().unwrap_or(line).replace("\\\"", "'");
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap_or((quoted, "")),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(match word {
            "<URL>" | "{url}" | "{wanted}" | "{address}" => "http://127.0.0.1:1".to_owned(),
            "<ID>" | "<DELIVERY>" | "{id}" => "00000000-0000-0000-0000-000000000000".to_owned(),
            "{name}@{version}" | "<PACKAGE>@<VERSION>" | "{name}@{}" => "thing@1.0.0".to_owned(),
            "{}" if line.contains("token revoke") => "00000000-0000-0000-0000-000000000000".to_owned(),
            word if word.starts_with(['<', '{']) || word.chars().all(|c| c.is_ascii_uppercase()) => "thing".to_owned(),
            word => word.to_owned(),
        });
        rest = after.trim_start();
    }
    words
}

/// Whether the help of the command that `words` name knows the flag.
fn knows(help: &str, flag: &str) -> bool {
    help.split([' ', ',', '\n', '=']).any(|word| word == flag)
}

fn help(machine: &Machine, command: &[&str]) -> Option<String> {
    let output = machine.run(&[command, &["--help"]].concat());
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn every_command_line_that_a_text_names_is_one_that_aam_takes() {
    let machine = Machine::new();
    let lines = written();
    assert!(lines.len() > 60, "too few were found: {lines:#?}");
    for line in &lines {
        let words = filled(line);
        let words: Vec<_> = words.iter().skip(1).map(String::as_str).collect();
        // The subcommands, as far as there are any.
        let mut command: Vec<&str> = Vec::new();
        for word in words.iter().take_while(|word| !word.starts_with('-')) {
            let longer = [&*command, &[*word]].concat();
            let known = help(&machine, &command).is_some_and(|help| {
                let listed = help.split_once("Commands:").map_or("", |(_, listed)| listed);
                listed.lines().any(|line| line.trim_start().split(' ').next() == Some(*word))
            });
            if !known {
                break;
            }
            command = longer;
        }
        let shown = help(&machine, &command).unwrap_or_default();
        assert!(!command.is_empty() || words.iter().all(|word| word.starts_with('-')), "`{line}` names no command");
        let next = words.get(command.len()).filter(|word| !word.starts_with('-'));
        assert!(next.is_none() || !shown.contains("Commands:\n"), "`{line}`: there is no such command");
        for flag in words.iter().filter(|word| word.starts_with('-')) {
            let flag = flag.split('=').next().unwrap_or(flag);
            assert!(knows(&shown, flag), "`{line}`: `aam {}` has no {flag}", command.join(" "));
        }
        // What follows is taken by the command's own parser: it complains of a usage only where values are left out.
        let given = &words[command.len()..];
        let is_example = !given.is_empty() && !line.contains('…');
        if is_example && !shown.contains("Commands:\n") {
            let output = machine.run(&[&*command, given, &["--help"]].concat());
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "`{line}`: {said}");
        }
    }
}

#[test]
fn every_flag_that_a_text_names_is_one_of_some_command() {
    let machine = Machine::new();
    let mut flags = BTreeSet::new();
    let mut open = vec![Vec::<String>::new()];
    while let Some(command) = open.pop() {
        let words: Vec<_> = command.iter().map(String::as_str).collect();
        let shown = help(&machine, &words).expect("help");
        for word in shown.split([' ', ',', '\n', '=', '[', ']', '`', '(', ')', ';', ':']) {
            if word.starts_with("--") {
                flags.insert(word.trim_end_matches(['.', '\'']).to_owned());
            }
        }
        let listed = shown.split_once("Commands:\n").map_or("", |(_, listed)| listed);
        let listed = listed.split("\n\n").next().unwrap_or_default();
        let names = listed.lines().filter_map(|line| line.trim_start().split(' ').next());
        open.extend(
            names
                .filter(|name| !name.is_empty() && *name != "help")
                .map(|name| [&*command, &[name.to_owned()]].concat()),
        );
    }
    let sources = in_package("src");
    for file in WalkDir::new(sources).into_iter().filter_map(Result::ok).filter(|file| file.file_type().is_file()) {
        let text = fs::read_to_string(file.path()).expect("source");
        let messages = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, _) in messages.match_indices(" --").chain(messages.match_indices("`--")) {
            let name: String = messages[at + 1..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
            // Commands of other programs are written whole.
            let others = ["--ours", "--theirs", "--"];
            if !name.trim_start_matches('-').is_empty() && !others.contains(&&*name) {
                assert!(flags.contains(&name), "{}: no command has {name}", file.path().display());
            }
        }
    }
}
