//! Where values come from: flags, the environment, `.env` and a YAML file.

use std::{
    collections::BTreeMap,
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use super::{
    dot_env::{self, Assignment, BadLine},
    fault::Fault,
    setting::{Spec, flag_of},
    table::TABLE,
    yaml,
};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A flag, with its dashes.
    Flag(String),
    /// An environment variable.
    Environment(String),
    /// A variable of a `.env` file, and its line.
    DotEnv(PathBuf, String, usize),
    /// A key of the configuration file.
    File(PathBuf, String),
    /// It is not set.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "flag {flag}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::DotEnv(path, name, line) => write!(f, "{name} in {}, line {line}", path.display()),
            Self::File(path, key) => write!(f, "{key} in {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The sources of configuration around the process.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// The values of flags, by the variable with the same name.
    pub(crate) flags: BTreeMap<String, String>,
    /// The file that `--config` names.
    pub(crate) config: Option<PathBuf>,
    /// The environment; variables that are not UTF-8 are ignored.
    pub(crate) environment: BTreeMap<String, String>,
    /// The folder in which `.env` and `config.yaml` are looked for.
    pub(crate) folder: PathBuf,
}

impl Surroundings {
    /// The sources of this process.
    pub(crate) fn of_process(flags: BTreeMap<String, String>, config: Option<PathBuf>) -> Self {
        let text = |text: std::ffi::OsString| text.into_string().ok();
        let environment = env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
        Self { flags, config, environment, folder: PathBuf::new() }
    }
}

/// The values of one source, by the names of the table, also with `_FILE` appended.
#[derive(Debug)]
pub(super) struct Layer {
    values: BTreeMap<String, (String, Source)>,
}

impl Layer {
    /// The value of `name`, if it is not empty.
    pub(super) fn get(&self, name: &str) -> Option<&(String, Source)> {
        self.values.get(name).filter(|(text, _)| !text.trim().is_empty())
    }
}

/// All sources, the one with the highest precedence first, and all names seen in environments.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) by_rank: Vec<Layer>,
    pub(super) seen: Vec<(String, Source)>,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<String>,
}

impl Layers {
    /// Reads all sources.
    pub(super) fn read(surroundings: Surroundings) -> Self {
        let Surroundings { flags, config, environment, folder } = surroundings;
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        let dot_env = read_dot_env(&folder.join(".env"), &mut faults, &mut warnings);

        let flags = layer(flags, |name| Source::Flag(format!("--{}", flag_of(name))));
        let environment = layer(environment, |name| Source::Environment(name.to_owned()));
        let seen = [&environment, &dot_env]
            .into_iter()
            .flat_map(|layer| layer.values.iter().map(|(name, (_, source))| (name.clone(), source.clone())))
            .collect();

        let named = config.or_else(|| {
            [&environment, &dot_env].into_iter().find_map(|layer| layer.get("AAM_CONFIG")).map(|(path, _)| path.into())
        });
        let file = read_file(named.as_deref(), &folder, &mut faults);
        Self { by_rank: vec![flags, environment, dot_env, file], seen, faults, warnings }
    }
}

fn layer(values: BTreeMap<String, String>, source: impl Fn(&str) -> Source) -> Layer {
    let values = values.into_iter().map(|(name, text)| {
        let source = source(&name);
        (name, (text, source))
    });
    Layer { values: values.collect() }
}

fn read_dot_env(path: &Path, faults: &mut Vec<Fault>, warnings: &mut Vec<String>) -> Layer {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                faults.push(Fault::between(path.display().to_string(), format!("cannot be read: {error}")));
            }
            return Layer { values: BTreeMap::new() };
        }
    };
    let mut values = BTreeMap::new();
    for line in dot_env::read(&text) {
        match line {
            Ok(Assignment { name, value, line, has_reference }) => {
                let source = Source::DotEnv(path.to_owned(), name.clone(), line);
                if OF_THE_PROCESS.contains(&name.as_str()) {
                    warnings
                        .push(format!("{source} is not read: it holds where the environment of the process has it"));
                }
                if has_reference && is_ours(&name) {
                    warnings
                        .push(format!("{source} holds `${{`, which stays as it is: nothing is replaced in this file"));
                }
                values.insert(name, (value, source));
            }
            Err(BadLine { line, problem }) => {
                faults.push(Fault::new(path.display().to_string(), format!("line {line}"), problem));
            }
        }
    }
    Layer { values }
}

/// Variables of the library that verifies certificates, which does not read `.env`.
const OF_THE_PROCESS: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Whether the server uses a variable of that name.
fn is_ours(name: &str) -> bool {
    TABLE.iter().flat_map(Spec::variables).any(|variable| variable == name.strip_suffix("_FILE").unwrap_or(name))
}

/// Reads the file that was named, or else the first that exists.
fn read_file(named: Option<&Path>, folder: &Path, faults: &mut Vec<Fault>) -> Layer {
    let candidates = match named {
        Some(path) => vec![path.to_owned()],
        None => vec![folder.join("config.yaml"), PathBuf::from("/etc/aam-registry/config.yaml")],
    };
    let mut values = BTreeMap::new();
    for path in candidates {
        match fs::read_to_string(&path) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                values = yaml::read(&path, text, faults);
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {}
            Err(error) => {
                faults.push(Fault::between(path.display().to_string(), format!("cannot be read: {error}")));
                break;
            }
        }
    }
    Layer { values }
}

/// The setting of a key of the configuration file, and the name under which its value is stored.
pub(super) fn by_key(key: &str) -> Option<(&'static Spec, String)> {
    TABLE.iter().find_map(|spec| {
        if spec.names.contains(&key) {
            return Some((spec, key.to_owned()));
        }
        spec.variables().find_map(|variable| {
            let lower = variable.to_ascii_lowercase();
            let is_file = spec.is_secret() && key.strip_suffix("_file") == Some(lower.as_str());
            (key == lower)
                .then(|| variable.to_owned())
                .or_else(|| is_file.then(|| format!("{variable}_FILE")))
                .map(|name| (spec, name))
        })
    })
}
