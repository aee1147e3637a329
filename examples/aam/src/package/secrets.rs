//! Finds files that seem to contain a secret.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::LazyLock,
};

use regex::bytes::{Regex, RegexSet};

/// How many bytes of a file are looked at in one go.
const CHUNK: usize = 1024 * 1024;
/// How many bytes at the end of a chunk are searched again with the next one: more than a secret has.
const OVERLAP: usize = 16 * 1024;

/// What a secret is called, and what it looks like: the published forms of
/// tokens that secret scanners find, and keys by their armour.
const SECRETS: &[(&str, &str)] = &[
    ("a private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("an age secret key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    ("a token of an AAM registry", r"\baam_[0-9A-Za-z_-]{40,}"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    (
        "an AWS secret key",
        r#"(?i)\baws_?secret_?(?:access_?)?key["']?\s{0,4}[:=]\s{0,4}["']?[0-9a-z/+=]{40}(?:[^0-9a-z/+=]|$)"#,
    ),
    ("a private key of PuTTY", r"\bPuTTY-User-Key-File-[0-9]+: "),
    ("a GitHub token", r"\b(?:gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{60,})"),
    ("a GitLab token", r"\bgl(?:pat|dt|rt|ptt|soat)-[0-9A-Za-z_-]{20,}"),
    ("an npm token", r"\bnpm_[0-9A-Za-z]{36}\b"),
    ("a PyPI token", r"\bpypi-AgEI[0-9A-Za-z_-]{50,}"),
    ("a crates.io token", r"\bcio[0-9A-Za-z]{32}\b"),
    ("a Slack token", r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}"),
    ("a Slack webhook", r"https://hooks\.slack\.com/services/T[0-9A-Z]+/B[0-9A-Z]+/[0-9A-Za-z]{20,}"),
    ("a Stripe key", r"\b[rs]k_live_[0-9A-Za-z]{20,}"),
    ("an OpenAI key", r"\bsk-(?:proj|svcacct|admin)-[0-9A-Za-z_-]{40,}"),
    ("an Anthropic key", r"\bsk-ant-[0-9A-Za-z_-]{40,}"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("a Hugging Face token", r"\bhf_[0-9A-Za-z]{34,}\b"),
    ("a SendGrid key", r"\bSG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}\b"),
    ("a JSON Web Token", r"\beyJ[0-9A-Za-z_-]{15,}\.eyJ[0-9A-Za-z_-]{15,}\.[0-9A-Za-z_-]{20,}"),
    (
        "a login that git sends",
        r#"(?i)\bextraheader\s*=\s*"?authorization:\s*(?:basic|bearer|token)\s+[0-9a-z+/=._~-]{8,}"#,
    ),
    (
        "a password in an address",
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@$<{]{1,64}:[^\s/:@$<{*]{8,128}@[a-z0-9.-]+\.[a-z]{2,}",
    ),
];

static ANY: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(SECRETS.iter().map(|(_, pattern)| of_ascii(pattern))).expect("valid patterns"));

/// The pattern for ASCII alone: the tables of Unicode are features of the crate that a build may lack.
fn of_ascii(pattern: &str) -> String {
    format!("(?-u){pattern}")
}

/// A line that seems to contain a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Secret {
    /// What it looks like, with its article.
    pub(super) what: &'static str,
    /// Its line, from 1.
    pub(super) line: usize,
}

/// The first secret that a file seems to hold.
pub(super) fn first(path: &Path) -> io::Result<Option<Secret>> {
    first_in(File::open(path)?)
}

fn first_in(mut source: impl Read) -> io::Result<Option<Secret>> {
    let mut bytes = Vec::with_capacity(CHUNK);
    let (mut lines_before, mut encoding) = (0, None);
    loop {
        let read = source.by_ref().take(CHUNK as u64).read_to_end(&mut bytes)?;
        let encoding = *encoding.get_or_insert_with(|| Encoding::of(&bytes));
        if let Some(Secret { what, line }) = find(&encoding.ascii(&bytes)) {
            return Ok(Some(Secret { what, line: lines_before + line }));
        }
        if read < CHUNK {
            return Ok(None);
        }
        let done = bytes.len() - OVERLAP;
        lines_before += encoding.ascii(&bytes[..done]).split(|byte| *byte == b'\n').count() - 1;
        bytes.drain(..done);
    }
}

/// How a file writes the characters of ASCII, of which all secrets consist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    /// One byte each.
    Bytes,
    /// UTF-16, as editors and shells of Windows write it, the low byte first.
    LittleEndian,
    /// UTF-16, the high byte first.
    BigEndian,
}

impl Encoding {
    /// The encoding of a file that begins with `bytes`.
    fn of(bytes: &[u8]) -> Self {
        /// How much of a file shows its encoding.
        const HEAD: usize = 1024;
        match bytes {
            [0xff, 0xfe, ..] => return Self::LittleEndian,
            [0xfe, 0xff, ..] => return Self::BigEndian,
            _ => {}
        }
        // Without a byte order mark: text has a zero in every other place, and no zero in between.
        let head = &bytes[..bytes.len().min(HEAD)];
        let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
        match (zeros(0), zeros(1)) {
            (0, many) if many * 4 > head.len() => Self::LittleEndian,
            (many, 0) if many * 4 > head.len() => Self::BigEndian,
            _ => Self::Bytes,
        }
    }

    /// `bytes` with one byte for each character of ASCII; other characters become bytes that are none.
    fn ascii(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let unit = match self {
            Self::Bytes => return Cow::Borrowed(bytes),
            Self::LittleEndian => u16::from_le_bytes,
            Self::BigEndian => u16::from_be_bytes,
        };
        let (units, _) = bytes.as_chunks();
        units.iter().map(|pair| u8::try_from(unit(*pair)).ok().filter(u8::is_ascii).unwrap_or(0xff)).collect()
    }
}

fn find(bytes: &[u8]) -> Option<Secret> {
    let matched = ANY.matches(bytes);
    let found = matched.iter().filter_map(|at| {
        let (what, pattern) = SECRETS[at];
        let start = Regex::new(&of_ascii(pattern)).ok()?.find(bytes)?.start();
        Some(Secret { what, line: bytes[..start].split(|byte| *byte == b'\n').count() })
    });
    found.min_by_key(|secret| secret.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(text: &str) -> Option<(&'static str, usize)> {
        find(text.as_bytes()).map(|secret| (secret.what, secret.line))
    }

    #[test]
    fn secrets_are_found_with_their_line() {
        // Put together here, so that no scanner takes this file for a leak.
        let github = format!("ghp{}{}", "_", "a1B2".repeat(9));
        assert_eq!(what(&format!("a\nb\ntoken: {github}\n")), Some(("a GitHub token", 3)));
        let key = format!("-----BEGIN OPENSSH {} KEY-----", "PRIVATE");
        assert_eq!(what(&key), Some(("a private key", 1)));
        let aws = format!("{}{}", "AKIA", "IOSFODNN7ABCDEFG");
        assert_eq!(what(&format!("x={aws}\n{key}")), Some(("an AWS access key", 1)));
        let address = format!("postgres://user:{}@db.example.com/x", "s3cret-word");
        assert_eq!(what(&address), Some(("a password in an address", 1)));
    }

    #[test]
    fn a_secret_far_into_a_file_or_across_two_chunks_is_found() {
        let token = format!("ghp{}{}", "_", "a1B2".repeat(9));
        for before in [CHUNK - 20, CHUNK - 1, 2 * CHUNK + 7] {
            let text = format!("{}\n{token}\n", "x\n".repeat(before / 2));
            let found = first_in(text.as_bytes()).expect("read");
            assert_eq!(found, Some(Secret { what: "a GitHub token", line: before / 2 + 2 }), "{before}");
        }
        assert_eq!(first_in("x\n".repeat(CHUNK).as_bytes()).expect("read"), None);
    }

    #[test]
    fn a_secret_in_a_file_of_utf_16_is_found() {
        let text = format!("one\r\nzw\u{f6}lf \u{6570}\r\nkey: ghp{}{}\r\n", "_", "a1B2".repeat(9));
        let long = format!("{}{text}", "x\r\n".repeat(CHUNK / 6 - 3));
        for (text, line) in [(&text, 3), (&long, CHUNK / 6)] {
            for mark in ["\u{feff}", ""] {
                let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
                let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
                let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
                for bytes in [little, big] {
                    let found = first_in(&*bytes).expect("read");
                    assert_eq!(found, Some(Secret { what: "a GitHub token", line }), "{:?}", &bytes[..4]);
                }
            }
        }
    }

    #[test]
    fn logins_in_a_git_configuration_are_found() {
        for scheme in ["basic", "bearer"] {
            let line = format!("[http]\n\textraheader = AUTHORIZATION: {scheme} {}\n", "eDp5".repeat(6));
            assert_eq!(what(&line), Some(("a login that git sends", 2)), "{line}");
        }
        assert_eq!(what("extraheader = AUTHORIZATION: basic $TOKEN"), None);
    }

    #[test]
    fn keys_without_a_form_of_their_own_are_found_by_what_stands_before() {
        let aws = "wJalr/XUtnFEMI+K7MDENGbPxRfiCYzzzzzzKEY";
        for line in [format!("aws_secret_access_key = {aws}1"), format!("\"AWS_SECRET_ACCESS_KEY\": \"{aws}1\",")] {
            assert_eq!(what(&line), Some(("an AWS secret key", 1)), "{line}");
        }
        assert_eq!(what(&format!("PuTTY-User-Key-{}-3: ssh-ed25519", "File")), Some(("a private key of PuTTY", 1)));
    }

    #[test]
    fn what_documents_write_is_no_secret() {
        for text in [
            "aws_secret_access_key = <your key>",
            "aws_secret_access_key = ${AWS_SECRET_ACCESS_KEY}",
            "export AAM_TOKEN=aam_…",
            "postgres://user:$PASSWORD@db.example.com/x",
            "postgres://user:<password>@db.example.com/x",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "sk-your-key-here",
            "ghp_xxx",
        ] {
            assert_eq!(what(text), None, "{text}");
        }
    }
}
