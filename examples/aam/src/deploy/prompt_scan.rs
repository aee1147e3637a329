//! Finds the placeholders in the text of a prompt: what a tool replaces when the prompt is used.

use std::ops::Range;

/// Which tool's placeholders a prompt is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Those of Claude Code and OpenCode.
    Claude,
    Copilot,
    Gemini,
    /// `{{name}}` alone.
    Plain,
}

/// A part of a prompt, as it was written, with what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// A named input, for which the tool asks the user.
    Input(&'a str, &'a str),
    /// Everything that the user typed behind the command.
    Arguments(&'a str),
    /// One word of what the user typed, counted from 1.
    Argument(&'a str, usize),
    /// The output of a command.
    Shell(&'a str, &'a str),
    /// The contents of a file.
    File(&'a str, &'a str),
    /// The `@` before an argument: the contents of the file that the user names.
    FileOfArgument(&'a str),
    /// A placeholder that only one tool knows.
    Variable(&'a str),
}

impl<'a> Piece<'a> {
    /// As it was written.
    pub(super) fn raw(&self) -> &'a str {
        match self {
            Self::Text(raw)
            | Self::Input(raw, _)
            | Self::Arguments(raw)
            | Self::Argument(raw, _)
            | Self::Shell(raw, _)
            | Self::File(raw, _)
            | Self::FileOfArgument(raw)
            | Self::Variable(raw) => raw,
        }
    }

    /// What a person knows it by.
    pub(super) fn form(&self) -> String {
        match self {
            Self::Shell(raw, _) if raw.starts_with("!{") => "`!{command}`".to_owned(),
            Self::Shell(..) => "`` !`command` ``".to_owned(),
            Self::File(raw, _) if raw.starts_with('#') => "`#file:path`".to_owned(),
            Self::File(raw, _) if raw.starts_with("@{") => "`@{path}`".to_owned(),
            Self::File(..) | Self::FileOfArgument(_) => "`@file`".to_owned(),
            other => format!("`{}`", other.raw()),
        }
    }
}

/// The variables that VS Code fills in.
const OF_VS_CODE: &[&str] = &[
    "${workspaceFolder}",
    "${workspaceFolderBasename}",
    "${selection}",
    "${selectedText}",
    "${file}",
    "${fileBasename}",
    "${fileBasenameNoExtension}",
    "${fileDirname}",
    "${relativeFile}",
    "#selection",
    "#codebase",
];

/// The variables that Claude Code fills in, but for those of plugins, which lead nowhere there either.
const OF_CLAUDE: &[&str] =
    &["${CLAUDE_SKILL_DIR}", "${CLAUDE_SESSION_ID}", "${CLAUDE_PROJECT_DIR}", "${CLAUDE_EFFORT}"];

/// The ends of names of files that need no `/` to be one.
const ENDINGS: &[&str] = &[
    "md", "mdc", "txt", "json", "jsonc", "yaml", "yml", "toml", "ts", "tsx", "js", "jsx", "mjs", "py", "rs", "go",
    "java", "kt", "rb", "php", "cs", "c", "h", "cpp", "swift", "sh", "css", "html", "sql", "xml", "csv", "lock", "cfg",
    "ini",
];

/// How a text is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scan<'a> {
    pub(super) dialect: Dialect,
    /// The arguments that the prompt gives names.
    pub(super) names: &'a [String],
    /// Whether `$1` is an argument, and no amount or variable of some code.
    pub(super) positional: bool,
    /// Whether arguments are counted from 0.
    pub(super) zero: bool,
}

impl<'a> Scan<'a> {
    /// The parts of `body`, in their order.
    pub(super) fn pieces(&self, body: &'a str) -> Vec<Piece<'a>> {
        let code = code(body);
        Self::parts(body, |at| self.piece(body, at, code.iter().any(|code| code.contains(&at))))
    }

    /// The same, of arguments alone.
    pub(super) fn arguments(&self, text: &'a str) -> Vec<Piece<'a>> {
        Self::parts(text, |at| self.argument(&text[at..]))
    }

    fn parts(body: &'a str, found: impl Fn(usize) -> Option<Piece<'a>>) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let (mut start, mut at) = (0, 0);
        while at < body.len() {
            let escaped = body[..at].ends_with('\\');
            match found(at).filter(|_| !escaped) {
                Some(piece) => {
                    if start < at {
                        pieces.push(Piece::Text(&body[start..at]));
                    }
                    at += piece.raw().len();
                    start = at;
                    pieces.push(piece);
                }
                None => at += body[at..].chars().next().map_or(1, char::len_utf8),
            }
        }
        if start < body.len() {
            pieces.push(Piece::Text(&body[start..]));
        }
        pieces
    }

    /// The piece that begins at the byte `at`, which is in code that is shown or not.
    fn piece(&self, body: &'a str, at: usize, in_code: bool) -> Option<Piece<'a>> {
        let text = &body[at..];
        if !text.starts_with(['$', '{', '!', '@', '#', '`']) {
            return None;
        }
        if let Some(argument) = self.argument(text) {
            return Some(argument);
        }
        let before = body[..at].chars().next_back();
        let apart = before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '"' | '\''));
        match self.dialect {
            Dialect::Claude => {
                if let Some(variable) = OF_CLAUDE.iter().find(|variable| text.starts_with(**variable)) {
                    return Some(Piece::Variable(&text[..variable.len()]));
                }
                if let Some(shell) = shell(text).filter(|_| before.is_none_or(char::is_whitespace)) {
                    return Some(shell);
                }
                let behind = text.strip_prefix('@').filter(|_| apart)?;
                if self.argument(behind).is_some() {
                    return Some(Piece::FileOfArgument(&text[..1]));
                }
                let path = path(behind).filter(|_| !in_code)?;
                Some(Piece::File(&text[..=path.len()], path))
            }
            Dialect::Copilot => {
                if let Some(variable) = OF_VS_CODE.iter().find(|variable| text.starts_with(**variable)) {
                    return Some(Piece::Variable(&text[..variable.len()]));
                }
                let behind = text.strip_prefix("#file:").filter(|_| apart)?;
                let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
                let path = behind[..end].trim_end_matches(['.', ',', ';', ':', ')', '`']);
                (!path.is_empty()).then(|| Piece::File(&text[.."#file:".len() + path.len()], path))
            }
            Dialect::Gemini => {
                let inside = |open: &str| braced(text.strip_prefix(open)?);
                let raw = |inside: &str| &text[.."!{".len() + inside.len() + "}".len()];
                let command = inside("!{").map(|inside| Piece::Shell(raw(inside), inside));
                command.or_else(|| inside("@{").map(|inside| Piece::File(raw(inside), inside)))
            }
            Dialect::Plain => None,
        }
    }

    /// The argument or input that `text` begins with.
    fn argument(&self, text: &'a str) -> Option<Piece<'a>> {
        match self.dialect {
            Dialect::Claude => {
                let behind = text.strip_prefix('$')?;
                if let Some(rest) = behind.strip_prefix("ARGUMENTS") {
                    let index = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                    let Some((digits, _)) = index else { return Some(Piece::Arguments(&text[.."$ARGUMENTS".len()])) };
                    let number: usize = digits.parse().ok()?;
                    return Some(Piece::Argument(&text[.."$ARGUMENTS[]".len() + digits.len()], number + 1));
                }
                let is_end = |length: usize| !behind[length..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
                let named = self.names.iter().filter(|name| behind.starts_with(&***name) && is_end(name.len()));
                if let Some(name) = named.max_by_key(|name| name.len()) {
                    return Some(Piece::Input(&text[..=name.len()], &behind[..name.len()]));
                }
                let number = number(text).filter(|_| self.positional)?;
                Some(Piece::Argument(&text[..2], if self.zero { number + 1 } else { number }))
            }
            Dialect::Copilot => {
                let inside = text.strip_prefix("${input:")?.split_once('}')?.0;
                let name = inside.split(':').next().unwrap_or_default().trim();
                let raw = &text[.."${input:}".len() + inside.len()];
                is_name(name).then_some(Piece::Input(raw, name))
            }
            Dialect::Gemini => {
                let raw = "{{args}}";
                text.starts_with(raw).then(|| Piece::Arguments(&text[..raw.len()]))
            }
            Dialect::Plain => {
                let inside = text.strip_prefix("{{")?.split_once("}}")?.0;
                let name = inside.split(':').next().unwrap_or_default().trim();
                is_name(name).then(|| Piece::Input(&text[.."{{}}".len() + inside.len()], name))
            }
        }
    }
}

/// Whether a text can name an input.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// The number of `$1`, one digit, that begins `text` and is no amount of money.
pub(super) fn number(text: &str) -> Option<usize> {
    let behind = text.strip_prefix('$')?;
    let digit = behind.chars().next()?.to_digit(10)?;
    let mut rest = behind[1..].chars();
    let amount = match rest.next() {
        Some('.' | ',') => rest.next().is_some_and(|c| c.is_ascii_digit()),
        next => next.is_some_and(|c| c.is_alphanumeric() || c == '_'),
    };
    (!amount).then(|| usize::try_from(digit).ok()).flatten()
}

/// A command between `` !` `` and a backtick, or in a fence that begins with ```` ```! ````.
fn shell(text: &str) -> Option<Piece<'_>> {
    if let Some(rest) = text.strip_prefix("```!") {
        let (inside, _) = rest.split_once("```")?;
        return Some(Piece::Shell(&text[.."```!```".len() + inside.len()], inside.trim()));
    }
    let (command, _) = text.strip_prefix("!`")?.split_once('`')?;
    let is_one = !command.trim().is_empty();
    is_one.then(|| Piece::Shell(&text[.."!``".len() + command.len()], command))
}

/// What stands before the brace that closes the one that `text` is behind.
pub(super) fn braced(text: &str) -> Option<&str> {
    let mut depth = 1_usize;
    let end = text.find(|c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some(&text[..end]).filter(|inside| !inside.trim().is_empty())
}

/// The path of a file that `text` begins with, as far as it looks like one:
/// people, decorators and packages begin with `@` too.
fn path(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '~');
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let ends_well = !text[end..].starts_with(['(', '@', '=', '$', '{']);
    let path = text[..end].trim_end_matches('.');
    let rooted = ["./", "../", "~/", "/"].iter().any(|start| path.starts_with(start)) && path.len() > 3;
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_file = if folder.is_empty() { ENDINGS.contains(&ending) } else { name.is_empty() || !ending.is_empty() };
    (ends_well && (rooted || is_file)).then_some(path)
}

/// Where `body` shows code, in fences and between backticks.
pub(super) fn code(body: &str) -> Vec<Range<usize>> {
    let mut code = Vec::new();
    let (mut at, mut fence) = (0, None);
    for line in body.split_inclusive('\n') {
        let bare = line.trim_start();
        let is_fence = bare.starts_with("```") || bare.starts_with("~~~");
        match fence {
            Some(start) if is_fence => {
                code.push(start..at + line.len());
                fence = None;
            }
            None if is_fence => fence = Some(at),
            None => {
                let ticks: Vec<usize> = line.match_indices('`').map(|(tick, _)| at + tick).collect();
                code.extend(ticks.chunks_exact(2).map(|pair| pair[0]..pair[1]));
            }
            Some(_) => {}
        }
        at += line.len();
    }
    code.extend(fence.map(|start| start..body.len()));
    code
}
