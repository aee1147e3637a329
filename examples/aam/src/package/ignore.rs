//! What stays out of an archive.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};

use serde::{Serialize, Serializer};

use crate::failure::{Failure, Result};

/// What never goes in, wherever it lies: version control, what aam installed
/// or packed, and what operating systems leave about.
const NEVER: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".aam/",
    ".aamignore",
    ".DS_Store",
    "._*",
    "Thumbs.db",
    "desktop.ini",
    "__MACOSX",
    "*.aam",
];

/// What stays out unless it is named: files that commonly hold secrets or what
/// is one person's alone, and what is installed or built from other files.
const USUALLY_NOT: &[&str] = &[
    "*.env",
    ".env.*",
    "*.env.local",
    "!example.env",
    "!sample.env",
    "!template.env",
    "!.env.example",
    "!.env.sample",
    "!.env.template",
    ".envrc",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".pgpass",
    ".my.cnf",
    ".s3cfg",
    ".boto",
    ".dockercfg",
    ".ssh/",
    ".gnupg/",
    ".aws/",
    ".azure/",
    ".gcloud/",
    ".kube/",
    ".docker/",
    ".kube_config",
    "kubeconfig",
    "!kubeconfig/",
    "*.kubeconfig",
    "gha-creds-*.json",
    "*firebase-adminsdk*.json",
    "*.tfvars",
    "*.tfvars.json",
    "!example.tfvars",
    ".terraformrc",
    "terraform.rc",
    "secrets.yaml",
    "secrets.yml",
    "secrets.json",
    "secrets.toml",
    "auth.json",
    ".claude.json",
    ".mcp.json",
    ".terraform/",
    "*.tfstate",
    "*.tfstate.*",
    ".vault-token",
    "settings.local.json",
    "CLAUDE.local.md",
    "credentials.json",
    "service-account*.json",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_ecdsa_sk",
    "id_ed25519_sk",
    "*.pem",
    "*.key",
    "*.ppk",
    "*.agekey",
    "secring.*",
    "private*.asc",
    "secret*.asc",
    "*.sec.asc",
    "wallet.dat",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    ".htpasswd",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".node_repl_history",
    ".psql_history",
    "node_modules/",
    "__pycache__/",
    "*.pyc",
    ".venv/",
    ".tox/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".idea/",
    "*.swp",
    "*~",
];

/// The rule of a package that keeps a path out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It never goes in.
    Never,
    /// `.aamignore` says so.
    Aamignore,
    /// A `.gitignore` says so.
    Gitignore,
    /// It commonly holds a secret or something private.
    Usual,
    /// It is a link that leads to itself, or to a folder that it lies in.
    Circle,
}

impl Reason {
    /// Why, for a person.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never packed",
            Self::Aamignore => ".aamignore",
            Self::Gitignore => ".gitignore",
            Self::Usual => "commonly private or generated; to pack it, name it in .aamignore as `!path`",
            Self::Circle => "a link that leads in a circle",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The rules of a package, the first that decides wins: what never goes in,
/// `.aamignore` at its root, what its manifest names, what usually stays out,
/// and the `.gitignore` files of the git repository that it lies in.
#[derive(Debug)]
pub(super) struct Ignore {
    root: PathBuf,
    never: Gitignore,
    usual: Gitignore,
    aamignore: Gitignore,
    /// `.aamignore` without the patterns that match everything.
    narrow: Gitignore,
    /// The paths of the artifacts in the manifest.
    named: Vec<PathBuf>,
    /// The rules of each folder from the repository's root to the package and below, by folder.
    gitignores: BTreeMap<PathBuf, Gitignore>,
    /// The folder up to which `.gitignore` files are read, the repository's root.
    top: PathBuf,
}

impl Ignore {
    /// Reads the rules of the package at `root`, an absolute path; `named` are
    /// the paths of its artifacts, and `aamignore` what its `.aamignore` is to
    /// say where that is not written yet.
    pub(super) fn read(root: &Path, named: Vec<PathBuf>, aamignore: Option<&str>) -> Result<Self> {
        let file = root.join(".aamignore");
        let top = root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(root).to_owned();
        let mut gitignores = BTreeMap::new();
        // As git does: a rule of its own that it cannot read decides nothing.
        let lenient = true;
        let exclude = top.join(".git/info/exclude");
        for folder in root.ancestors().take_while(|folder| folder.starts_with(&top)) {
            let also = (folder == top).then_some(&*exclude);
            gitignores.insert(folder.to_owned(), rules_of(folder, &[Some(&folder.join(".gitignore")), also], lenient)?);
        }
        let aamignore = match aamignore {
            Some(text) => vec![(&*file, text.to_owned())],
            None => texts_of(&[Some(&file)])?,
        };
        let without_everything = |text: &str| {
            let lines = text.trim_start_matches('\u{feff}').lines();
            // An empty line in place of a pattern: numbers of lines stay.
            lines.map(|line| if is_everything(line.trim_end()) { "" } else { line }).collect::<Vec<_>>().join("\n")
        };
        let narrow: Vec<_> = aamignore.iter().map(|(file, text)| (*file, without_everything(text))).collect();
        Ok(Self {
            never: listed(root, NEVER),
            usual: listed(root, USUALLY_NOT),
            narrow: rules(root, &narrow, false)?,
            aamignore: rules(root, &aamignore, false)?,
            named,
            gitignores,
            top,
            root: root.to_owned(),
        })
    }

    /// Reads the rules that a folder below the root has of its own.
    pub(super) fn enter(&mut self, folder: &Path) -> Result<()> {
        if !self.gitignores.contains_key(folder) {
            let rules = rules_of(folder, &[Some(&folder.join(".gitignore"))], true)?;
            self.gitignores.insert(folder.to_owned(), rules);
        }
        Ok(())
    }

    /// Why `path`, relative to the root, stays out; `None` where it goes in.
    /// The folders on the way to it are known to go in.
    pub(super) fn leaves_out(&self, path: &Path, is_folder: bool) -> Option<Reason> {
        self.judge(path, is_folder, self.belongs(path))
    }

    /// What of the way to `target`, relative to the root, stays out, and why;
    /// `None` where a link to it may go in. A pattern that fits everything does
    /// not count: the link itself is taken, and so what it stands for.
    pub(super) fn leaves_out_target(&mut self, target: &Path) -> Result<Option<(PathBuf, Reason)>> {
        let mut folders: Vec<_> = target.ancestors().skip(1).filter(|path| !path.as_os_str().is_empty()).collect();
        folders.reverse();
        for folder in folders {
            if let Some(reason) = self.judge(folder, true, true) {
                return Ok(Some((folder.to_owned(), reason)));
            }
            self.enter(&self.root.join(folder))?;
        }
        Ok(self.judge(target, false, true).map(|reason| (target.to_owned(), reason)))
    }

    fn judge(&self, path: &Path, is_folder: bool, belongs: bool) -> Option<Reason> {
        let full = self.root.join(path);
        if self.never.matched(&full, is_folder).is_ignore() {
            return Some(Reason::Never);
        }
        let mut named = self.named.iter().any(|artifact| artifact.starts_with(path));
        let matched = match self.aamignore.matched(&full, is_folder) {
            // `*` leaves out everything but what the manifest names, and takes nothing of it in.
            Match::Ignore(glob) if is_everything(glob.original()) && belongs => self.narrow.matched(&full, is_folder),
            matched => matched,
        };
        match matched {
            Match::Ignore(_) => return Some(Reason::Aamignore),
            // A pattern such as `!docs/**` takes in what `.gitignore` left out, but names no secret.
            Match::Whitelist(glob) if is_plain(glob.original()) => named = true,
            Match::Whitelist(_) if self.usual.matched(&full, is_folder).is_ignore() => return Some(Reason::Usual),
            Match::Whitelist(_) => named = true,
            Match::None => {}
        }
        if named {
            return None;
        }
        if self.usual.matched(&full, is_folder).is_ignore() {
            return Some(Reason::Usual);
        }
        let above = full.ancestors().skip(1).take_while(|folder| folder.starts_with(&self.top));
        for rules in above.filter_map(|folder| self.gitignores.get(folder)) {
            match rules.matched(&full, is_folder) {
                Match::Ignore(_) => return Some(Reason::Gitignore),
                Match::Whitelist(_) => return None,
                Match::None => {}
            }
        }
        None
    }

    /// Whether `path` is the manifest, or of an artifact, or on the way to one.
    fn belongs(&self, path: &Path) -> bool {
        path == Path::new("aam.yaml")
            || self.named.iter().any(|artifact| artifact.starts_with(path) || path.starts_with(artifact))
    }
}

/// Whether a pattern matches everything.
fn is_everything(pattern: &str) -> bool {
    pattern.contains('*') && pattern.trim_matches(['*', '/']).is_empty()
}

/// Whether a pattern names a file or folder in full, without wildcards.
fn is_plain(pattern: &str) -> bool {
    let last = pattern.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    !last.contains(['*', '?', '['])
}

fn listed(root: &Path, patterns: &[&str]) -> Gitignore {
    let mut builder = GitignoreBuilder::new(root);
    // In any case: `.ENV` holds secrets as `.env` does.
    builder.case_insensitive(true).expect("can be set");
    for pattern in patterns {
        builder.add_line(None, pattern).expect("a valid pattern");
    }
    builder.build().expect("valid patterns")
}

/// The rules of the given files, those that exist, for paths below `folder`.
fn rules_of(folder: &Path, files: &[Option<&Path>], lenient: bool) -> Result<Gitignore> {
    rules(folder, &texts_of(files)?, lenient)
}

/// The texts of the given files, those that exist.
fn texts_of<'a>(files: &[Option<&'a Path>]) -> Result<Vec<(&'a Path, String)>> {
    let mut texts = Vec::new();
    for file in files.iter().flatten() {
        // Whoever reads a pipe waits for its writer.
        if fs::metadata(file).is_ok_and(|data| !data.is_file()) {
            return Err(Failure::usage(format!("{} is no regular file: remove it", file.display())));
        }
        match fs::read(file) {
            Ok(bytes) => texts.push((*file, decoded(file, &bytes)?)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
            Err(error) => return Err(Failure::io("read", file, &error)),
        }
    }
    Ok(texts)
}

/// The text of a file of rules. PowerShell writes UTF-16; read as anything else it would match nothing.
fn decoded(file: &Path, bytes: &[u8]) -> Result<String> {
    let unit = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        // Names of files may be of any bytes, but a rule holds no zero.
        _ if !bytes.contains(&0) => return Ok(String::from_utf8_lossy(bytes).into_owned()),
        _ => return Err(unreadable(file)),
    };
    let (pairs, rest) = bytes[2..].as_chunks();
    let text = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<std::result::Result<String, _>>();
    text.ok().filter(|_| rest.is_empty()).ok_or_else(|| unreadable(file))
}

fn unreadable(file: &Path) -> Failure {
    Failure::usage(format!("{} is no text, so its rules cannot be read", file.display())).hint("save it as UTF-8")
}

/// The rules of the texts of some files, for paths below `folder`.
fn rules(folder: &Path, texts: &[(&Path, String)], lenient: bool) -> Result<Gitignore> {
    let mut builder = GitignoreBuilder::new(folder);
    for (file, text) in texts {
        // Editors on Windows put a BOM there, which would become part of the first rule.
        for (number, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
            match builder.add_line(None, line) {
                Err(error) if !lenient => {
                    return Err(Failure::usage(format!("{}, line {}: {error}", file.display(), number + 1)));
                }
                _ => {}
            }
        }
    }
    builder.build().map_err(|error| Failure::usage(format!("{}: {error}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Package(tempfile::TempDir);

    impl Package {
        fn with(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().expect("folder");
            for (path, text) in files {
                let path = folder.path().join(path);
                fs::create_dir_all(path.parent().expect("below")).expect("folder");
                fs::write(path, text).expect("file");
            }
            Self(folder)
        }

        fn why(&self, path: &str) -> Option<Reason> {
            self.why_of(path, &[])
        }

        fn why_of(&self, path: &str, named: &[&str]) -> Option<Reason> {
            let root = self.0.path();
            let mut ignore = Ignore::read(root, named.iter().map(PathBuf::from).collect(), None).expect("rules");
            let whole = Path::new(path.trim_end_matches('/'));
            let above: Vec<_> = whole.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()).collect();
            for folder in above.into_iter().rev() {
                if let Some(reason) = ignore.leaves_out(folder, true) {
                    return Some(reason);
                }
                ignore.enter(&root.join(folder)).expect("rules");
            }
            ignore.leaves_out(whole, path.ends_with('/'))
        }
    }

    #[test]
    fn a_bom_does_not_switch_off_the_first_rule() {
        for file in [".aamignore", ".gitignore"] {
            let package = Package::with(&[(file, "\u{feff}private.md\r\ndrafts/\r\n")]);
            assert!(package.why("private.md").is_some(), "{file}");
            assert!(package.why("drafts/a.md").is_some(), "{file}");
            assert_eq!(package.why("public.md"), None, "{file}");
        }
    }

    #[test]
    fn rules_in_utf_16_count_and_what_is_no_text_is_refused() {
        let text = "\u{feff}private.md\r\ndrafts/\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for file in [".aamignore", ".gitignore"] {
            for bytes in [&little, &big] {
                let package = Package::with(&[]);
                fs::write(package.0.path().join(file), bytes).expect("written");
                assert!(package.why("private.md").is_some() && package.why("drafts/").is_some(), "{file}");
                assert_eq!(package.why("public.md"), None, "{file}");
            }
            let package = Package::with(&[]);
            fs::write(package.0.path().join(file), &little[2..]).expect("written");
            let failure = Ignore::read(package.0.path(), Vec::new(), None).expect_err("no text");
            assert!(failure.message.contains(file), "{failure:?}");
        }
    }

    #[test]
    fn some_things_never_go_in_and_others_only_by_name() {
        let package = Package::with(&[(".aamignore", "!.env.local\n!.git\n!*.pem\n!keys/**\n")]);
        for never in [".git/", "a/.GIT/x", ".aam/x", "x-1.0.0.aam", "a/.DS_Store", "._a", ".aamignore"] {
            assert_eq!(package.why(never), Some(Reason::Never), "{never}");
        }
        for usual in [
            ".env",
            "a/.ENV",
            ".env.production",
            "prod.env",
            "deploy/Staging.ENV",
            "prod.env.local",
            ".npmrc",
            ".ssh/id",
            "skills/x/id_rsa",
            "a.PEM",
            "keys/a.pem",
            ".claude/settings.local.json",
            "node_modules/x/y.js",
            "keys/.env",
            "gha-creds-0a1b.json",
            "kubeconfig",
            "infra/prod.tfvars",
            "secrets.yaml",
            "auth.json",
            ".mcp.json",
            "secring.gpg",
            "private-key.asc",
            "app-firebase-adminsdk-1.json",
            "settings.local.json",
            "wallet.dat",
        ] {
            assert_eq!(package.why(usual), Some(Reason::Usual), "{usual}");
        }
        for taken in [
            ".env.local",
            ".env.example",
            "example.env",
            "env",
            "environment.md",
            "aam.yaml",
            ".github/x",
            ".claude/settings.json",
            "keys/a.txt",
        ] {
            assert_eq!(package.why(taken), None, "{taken}");
        }
    }

    #[test]
    fn gitignore_files_count_from_the_root_of_the_repository() {
        let repository = Package::with(&[
            (".git/info/exclude", "excluded.md\n"),
            (".gitignore", "dist/\n*.log\n"),
            ("pkg/.gitignore", "!keep.log\n"),
            ("pkg/skills/.gitignore", "secret.md\n"),
        ]);
        let root = repository.0.path().join("pkg");
        let why = |path: &str, is_folder| {
            let mut ignore = Ignore::read(&root, Vec::new(), None).expect("rules");
            ignore.enter(&root.join("skills")).expect("rules");
            ignore.leaves_out(Path::new(path), is_folder)
        };
        assert_eq!(why("dist", true), Some(Reason::Gitignore));
        assert_eq!(why("a.log", false), Some(Reason::Gitignore));
        assert_eq!(why("keep.log", false), None);
        assert_eq!(why("skills/secret.md", false), Some(Reason::Gitignore));
        assert_eq!(why("secret.md", false), None);
        assert_eq!(why("excluded.md", false), Some(Reason::Gitignore));
    }

    #[test]
    fn what_the_manifest_names_goes_in() {
        let package = Package::with(&[(".gitignore", "dist/\n")]);
        assert_eq!(package.why("dist/prompt.md"), Some(Reason::Gitignore));
        assert_eq!(package.why_of("dist/prompt.md", &["dist/prompt.md"]), None);
        let aamignore = Package::with(&[(".aamignore", "dist/\n")]);
        assert_eq!(aamignore.why_of("dist/prompt.md", &["dist/prompt.md"]), Some(Reason::Aamignore));
    }

    #[test]
    fn a_star_leaves_out_everything_but_what_the_manifest_names() {
        let package = Package::with(&[(".aamignore", "*\n!/README.md\n")]);
        let why = |path: &str| package.why_of(path, &["plugins/a/skills/b", "agents/c.md"]);
        for taken in ["aam.yaml", "README.md", "plugins/a/skills/b/scripts/x.sh", "agents/c.md"] {
            assert_eq!(why(taken), None, "{taken}");
        }
        for left in ["src/", "plugins/a/README.md", "agents/d.md", "plugins/a/skills/aam.yaml"] {
            assert_eq!(why(left), Some(Reason::Aamignore), "{left}");
        }
        assert_eq!(why("plugins/a/skills/b/.env"), Some(Reason::Usual));
        assert_eq!(package.why_of("notes/x.md", &[""]), None, "the whole folder is a skill");
    }

    #[test]
    fn a_star_cancels_no_narrower_rule() {
        for rules in ["private.md\ndrafts/\n*\n!/README.md\n", "*\n!/README.md\nprivate.md\ndrafts/\n"] {
            let package = Package::with(&[(".aamignore", rules)]);
            let why = |path: &str| package.why_of(path, &["skills/a"]);
            for left in ["skills/a/private.md", "skills/a/drafts/", "src/"] {
                assert_eq!(why(left), Some(Reason::Aamignore), "{left}");
            }
            assert_eq!(why("skills/a/SKILL.md"), None);
            assert_eq!(why("README.md"), None);
        }
    }

    #[test]
    fn a_link_leads_to_nothing_that_stays_out() {
        let package = Package::with(&[
            (".aamignore", "*\nprivate/\n"),
            (".gitignore", "/build/\n"),
            ("shared/.gitignore", "secret.md\n"),
        ]);
        let mut ignore = Ignore::read(package.0.path(), vec!["skills/a".into()], None).expect("rules");
        let mut target = |path: &str| ignore.leaves_out_target(Path::new(path)).expect("rules").map(|(path, _)| path);
        for (path, because) in [
            (".git/config", ".git"),
            (".env", ".env"),
            ("private/deep/a.md", "private"),
            ("build/a.md", "build"),
            ("shared/secret.md", "shared/secret.md"),
        ] {
            assert_eq!(target(path).as_deref(), Some(Path::new(because)), "{path}");
        }
        assert_eq!(target("shared/notes.md"), None);
    }

    #[test]
    fn a_broken_rule_is_named_by_its_line() {
        let package = Package::with(&[(".aamignore", "a\n[z-a]\n")]);
        let failure = Ignore::read(package.0.path(), Vec::new(), None).expect_err("a broken range");
        assert!(failure.message.contains("line 2"), "{failure:?}");
    }
}
