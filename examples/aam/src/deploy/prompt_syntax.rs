//! The placeholders of a prompt, written for each tool.
//!
//! Claude Code and OpenCode fill in `$ARGUMENTS`, `$1`, `` !`command` `` and
//! `@file`, GitHub Copilot `${input:name}` and `#file:path`, Gemini CLI
//! `{{args}}`, `!{command}` and `@{path}`; a package's own form is `{{name}}`.
//! The other tools fill in nothing: they put what the user types behind the prompt.

use serde_json::Value;

use super::{
    document::Document,
    prompt_scan::{Dialect, Piece, Scan, braced, code, is_name, number},
};

/// A tool that fills in placeholders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filler {
    Claude,
    OpenCode,
    Copilot,
    Gemini,
    /// A tool that fills in nothing.
    Nobody,
}

/// A prompt as it is written for a tool.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub(super) body: String,
    /// The placeholders that the tool does not fill in, and reads as text.
    pub(super) as_text: Vec<String>,
    /// The commands that the tool runs when the prompt is used.
    pub(super) commands: Vec<String>,
    /// The names of the inputs that the front matter has to declare, in their order.
    pub(super) inputs: Vec<String>,
}

/// The body of `document` with the placeholders of `filler`.
pub(super) fn filled(document: &Document, filler: Filler) -> Filled {
    let prompt = Prompt::of(document);
    let mut outcome = Filled { inputs: prompt.inputs.clone(), ..Filled::default() };
    outcome.body = prompt.written(&prompt.pieces, filler, &mut outcome);
    // A tool's own words are best left as they are.
    let is_own = matches!(
        (prompt.scan.dialect, filler),
        (Dialect::Claude, Filler::Claude) | (Dialect::Copilot, Filler::Copilot) | (Dialect::Gemini, Filler::Gemini)
    );
    if is_own {
        outcome.body.clone_from(&document.body);
        outcome.as_text.clear();
        outcome.inputs.clear();
    }
    outcome
}

/// What Claude Code fills in in the body of a skill, and other tools do not:
/// the forms, and the commands among them.
pub(super) fn of_skill(body: &str) -> (Vec<String>, Vec<String>) {
    let shown = code(body);
    let scan = Scan { dialect: Dialect::Claude, names: &[], positional: false, zero: false };
    let (mut forms, mut commands) = (Vec::new(), Vec::new());
    let mut at = 0;
    for piece in scan.pieces(body) {
        let start = at;
        at += piece.raw().len();
        // Skills that are about such forms show them as code.
        if shown.iter().any(|code| code.contains(&start)) {
            continue;
        }
        match piece {
            Piece::Arguments(_) | Piece::Argument(..) | Piece::Variable(_) => note(&mut forms, piece.form()),
            Piece::Shell(_, command) => {
                note(&mut forms, piece.form());
                note(&mut commands, command.to_owned());
            }
            _ => {}
        }
    }
    (forms, commands)
}

fn note(list: &mut Vec<String>, one: String) {
    if !list.contains(&one) {
        list.push(one);
    }
}

/// Which tool's placeholders a prompt is written with, judged by its path and its text.
fn dialect(document: &Document) -> Dialect {
    let Document { path, body, head, .. } = document;
    let is_below = |folder: &str| path.split('/').rev().skip(1).any(|segment| segment == folder);
    let claude = ["argument-hint", "arguments", "allowed-tools"];
    if path.ends_with(".prompt.md") || body.contains("${input:") {
        Dialect::Copilot
    } else if body.contains("{{args}}") || is_below(".gemini") {
        Dialect::Gemini
    } else if is_below("commands")
        || is_below("command")
        || claude.into_iter().any(|key| head.get(key).is_some())
        || body.contains("$ARGUMENTS")
        || !body.contains("{{")
    {
        Dialect::Claude
    } else {
        Dialect::Plain
    }
}

/// The parts of a prompt.
#[derive(Debug)]
struct Prompt<'a> {
    scan: Scan<'a>,
    pieces: Vec<Piece<'a>>,
    inputs: Vec<String>,
    /// Whether it also uses everything that the user typed, as one text.
    has_arguments: bool,
    /// The highest number of a word that it asks for.
    last: usize,
}

impl<'a> Prompt<'a> {
    fn of(document: &'a Document) -> Self {
        let body = &*document.body;
        let dialect = dialect(document);
        let names = if dialect == Dialect::Claude { &*document.arguments } else { &[] };
        let shown = code(body);
        let hinted = document.head.get("argument-hint").is_some() || !names.is_empty();
        let numbers = || body.match_indices('$').filter_map(|(at, _)| Some((at, number(&body[at..])?)));
        let in_code = |at: usize| shown.iter().any(|code| code.contains(&at));
        // Numbers behind a `$` may be amounts, or variables of the code that is shown.
        let positional = numbers().any(|(at, number)| number <= 1 && (hinted || !in_code(at)));
        let zero = positional && numbers().any(|(_, number)| number == 0);
        let scan = Scan { dialect, names, positional, zero };
        let pieces = scan.pieces(body);
        let mut inputs = names.to_vec();
        let (mut has_arguments, mut last) = (false, 0);
        for piece in &pieces {
            match piece {
                Piece::Input(_, name) => note(&mut inputs, (*name).to_owned()),
                Piece::Arguments(_) => has_arguments = true,
                Piece::Argument(_, number) => last = last.max(*number),
                _ => {}
            }
        }
        Self { scan, pieces, inputs, has_arguments, last }
    }

    /// `pieces` with the placeholders of `filler`.
    fn written(&self, pieces: &[Piece<'_>], filler: Filler, outcome: &mut Filled) -> String {
        let mut text = String::new();
        for piece in pieces {
            let is_like_claude = matches!(filler, Filler::Claude | Filler::OpenCode);
            let written = match piece {
                Piece::Text(text) => Some((*text).to_owned()),
                Piece::Input(_, name) => self.input(name, filler),
                Piece::Arguments(_) => arguments(filler).map(str::to_owned),
                Piece::Argument(_, number) => self.argument(*number, filler),
                Piece::Shell(_, command) => {
                    let inner = self.written(&self.scan.arguments(command), filler, outcome);
                    let written = shell(&inner, filler);
                    if written.is_some() {
                        note(&mut outcome.commands, (*command).to_owned());
                    }
                    written
                }
                Piece::File(_, path) => file(path, filler),
                Piece::FileOfArgument(raw) => is_like_claude.then(|| (*raw).to_owned()),
                Piece::Variable(_) => None,
            };
            text.push_str(&written.unwrap_or_else(|| {
                note(&mut outcome.as_text, piece.form());
                piece.raw().to_owned()
            }));
        }
        text
    }

    fn input(&self, name: &str, filler: Filler) -> Option<String> {
        let is_all = self.inputs.len() == 1 && !self.has_arguments;
        let at = self.inputs.iter().position(|other| other == name)?;
        match filler {
            Filler::Claude | Filler::OpenCode if is_all => Some("$ARGUMENTS".to_owned()),
            Filler::Claude => Some(format!("${}", underscored(name))),
            Filler::OpenCode => Some(format!("${}", at + 1)),
            Filler::Copilot => Some(format!("${{input:{name}}}")),
            Filler::Gemini => is_all.then(|| "{{args}}".to_owned()),
            Filler::Nobody => None,
        }
    }

    fn argument(&self, number: usize, filler: Filler) -> Option<String> {
        match filler {
            // Claude Code counts `$1` from 0, and counted it from 1 earlier; this it always counted from 0.
            Filler::Claude => Some(format!("$ARGUMENTS[{}]", number.saturating_sub(1))),
            Filler::OpenCode => Some(format!("${number}")),
            Filler::Copilot => Some(format!("${{input:argument{number}}}")),
            Filler::Gemini => (self.last == 1 && !self.has_arguments).then(|| "{{args}}".to_owned()),
            Filler::Nobody => None,
        }
    }
}

/// A name as Claude Code takes it for an argument.
pub(super) fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

/// The arguments that a front matter of Claude Code names: a list, or words.
pub(super) fn declared(value: Option<&Value>) -> Vec<String> {
    let words: Vec<&str> = match value {
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    words.into_iter().filter(|word| is_name(word)).map(str::to_owned).collect()
}

fn arguments(filler: Filler) -> Option<&'static str> {
    match filler {
        Filler::Claude | Filler::OpenCode => Some("$ARGUMENTS"),
        Filler::Copilot => Some("${input:arguments}"),
        Filler::Gemini => Some("{{args}}"),
        Filler::Nobody => None,
    }
}

fn shell(command: &str, filler: Filler) -> Option<String> {
    match filler {
        Filler::Claude | Filler::OpenCode => (!command.contains('`')).then(|| format!("!`{command}`")),
        Filler::Gemini => (braced(&format!("{command}}}")) == Some(command)).then(|| format!("!{{{command}}}")),
        Filler::Copilot | Filler::Nobody => None,
    }
}

fn file(path: &str, filler: Filler) -> Option<String> {
    match filler {
        Filler::Claude | Filler::OpenCode => Some(format!("@{path}")),
        Filler::Gemini => (!path.starts_with('~')).then(|| format!("@{{{path}}}")),
        // A link, which is followed from `.github/prompts/`.
        Filler::Copilot => {
            let inside = path.strip_prefix("./").unwrap_or(path);
            (!inside.starts_with(['~', '/', '.'])).then(|| format!("[{inside}](../../{inside})"))
        }
        Filler::Nobody => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAUDE: &str = "Fix $ARGUMENTS: $1 and `$2`, !`git log $1`, @src/a.rs, @$2, @README.md. Ask @jane.smith, @app.get(x) for $5.\n";

    fn of(path: &str, head: &str, body: &str) -> Document {
        Document::of_text(path, &format!("---\n{head}\n---\n{body}"))
    }

    #[track_caller]
    fn becomes(document: &Document, filler: Filler, body: &str, as_text: &[&str]) {
        let outcome = filled(document, filler);
        assert_eq!(outcome.body, body);
        assert_eq!(outcome.as_text, as_text);
    }

    #[test]
    fn what_claude_code_fills_in_is_filled_in_by_others_that_can() {
        let command = of("commands/fix.md", "argument-hint: '[what] [where]'", CLAUDE);
        becomes(&command, Filler::Claude, CLAUDE, &[]);
        becomes(&command, Filler::OpenCode, CLAUDE, &[]);
        becomes(
            &command,
            Filler::Copilot,
            "Fix ${input:arguments}: ${input:argument1} and `${input:argument2}`, !`git log $1`, \
             [src/a.rs](../../src/a.rs), @${input:argument2}, [README.md](../../README.md). Ask @jane.smith, \
             @app.get(x) for ${input:argument5}.\n",
            &["`` !`command` ``", "`@file`"],
        );
        becomes(
            &command,
            Filler::Gemini,
            "Fix {{args}}: $1 and `$2`, !{git log $1}, @{src/a.rs}, @$2, @{README.md}. Ask @jane.smith, @app.get(x) \
             for $5.\n",
            &["`$1`", "`$2`", "`@file`", "`$5`"],
        );
        let forms = ["`$ARGUMENTS`", "`$1`", "`$2`", "`` !`command` ``", "`@file`", "`$5`"];
        becomes(&command, Filler::Nobody, CLAUDE, &forms);
    }

    #[test]
    fn arguments_counted_from_0_or_named_keep_their_place() {
        let zero = of("commands/a.md", "description: d", "$0 and $1 and $ARGUMENTS[2].\n");
        becomes(&zero, Filler::OpenCode, "$1 and $2 and $3.\n", &[]);
        let named = of("commands/a.md", "arguments: [issue, branch]", "$branch, $issue, $issues.\n");
        becomes(&named, Filler::OpenCode, "$2, $1, $issues.\n", &[]);
        becomes(&named, Filler::Copilot, "${input:branch}, ${input:issue}, $issues.\n", &[]);
        becomes(&named, Filler::Gemini, "$branch, $issue, $issues.\n", &["`$branch`", "`$issue`"]);
        let one = of("commands/a.md", "description: d", "Look at $1.\n");
        becomes(&one, Filler::Gemini, "Look at {{args}}.\n", &[]);
    }

    #[test]
    fn amounts_code_and_templates_are_left_alone() {
        let body = "It costs $1,500 or $5.0M.\n```sh\nawk '{print $1}' @media/x.md\n```\nUse `{{value}}` and {{x}}.\n";
        let command = of("commands/a.md", "description: d", body);
        for filler in [Filler::OpenCode, Filler::Copilot, Filler::Gemini, Filler::Nobody] {
            becomes(&command, filler, body, &[]);
        }
        let escaped = of("commands/a.md", "description: d", "Pay \\$1.\n");
        becomes(&escaped, Filler::Copilot, "Pay \\$1.\n", &[]);
    }

    #[test]
    fn the_forms_of_copilot_gemini_and_packages_are_read_too() {
        let body = "Do ${input:what:which?} in ${input:where} with #file:docs/a.md, ${selection}.\n";
        let copilot = of(".github/prompts/a.prompt.md", "mode: agent", body);
        becomes(&copilot, Filler::Claude, "Do $what in $where with @docs/a.md, ${selection}.\n", &["`${selection}`"]);
        becomes(&copilot, Filler::Copilot, body, &[]);
        let gemini = of("prompts/a.md", "description: d", "Do {{args}}: !{git log -n {{args}}} @{docs/a b.md}\n");
        becomes(&gemini, Filler::OpenCode, "Do $ARGUMENTS: !`git log -n $ARGUMENTS` @docs/a b.md\n", &[]);
        let plain = of("prompts/a.md", "description: d", "Do {{ what }} to {{where:hint}}, {{ no good }}, grüße\n");
        becomes(&plain, Filler::Claude, "Do $what to $where, {{ no good }}, grüße\n", &[]);
        becomes(&plain, Filler::OpenCode, "Do $1 to $2, {{ no good }}, grüße\n", &[]);
        assert_eq!(filled(&plain, Filler::Claude).inputs, ["what", "where"]);
    }

    #[test]
    fn a_skill_that_shows_such_forms_as_code_uses_none() {
        let (forms, commands) = of_skill("Run ${CLAUDE_SKILL_DIR}/x on $ARGUMENTS.\n- !`git status`\n");
        assert_eq!(forms, ["`${CLAUDE_SKILL_DIR}`", "`$ARGUMENTS`", "`` !`command` ``"]);
        assert_eq!(commands, ["git status"]);
        let (forms, commands) = of_skill("Write `$ARGUMENTS` there:\n```md\n$ARGUMENTS !`x`\n```\nIt costs $1.\n");
        assert!(forms.is_empty() && commands.is_empty(), "{forms:?} {commands:?}");
    }
}
