//! The flags with the same names as the environment variables.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::{
    setting::{Fallback, Kind, Spec, flag_of},
    table::TABLE,
};

/// The settings that name the registry a command works on; listed in `--help` of every command.
const WHICH: [&str; 2] = ["DATA_DIR", "DATABASE_URL"];

/// The values of the flags; listed in `--help` if `SHOWN`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags<const SHOWN: bool> {
    /// The values, by the variable with the same name.
    pub(crate) values: BTreeMap<String, String>,
    /// The configuration file.
    pub(crate) config: Option<PathBuf>,
}

impl<const SHOWN: bool> Flags<SHOWN> {
    /// These flags, overridden by `later` ones that follow a command.
    pub(crate) fn then<const ALSO: bool>(mut self, later: Flags<ALSO>) -> Self {
        self.values.extend(later.values);
        self.config = later.config.or(self.config);
        self
    }
}

impl<const SHOWN: bool> Args for Flags<SHOWN> {
    fn augment_args(command: Command) -> Command {
        let config =
            Arg::new("config").long("config").value_name("FILE").value_parser(value_parser!(PathBuf)).help(
                "Configuration file [env: AAM_CONFIG] [default: ./config.yaml, then /etc/aam-registry/config.yaml]",
            );
        TABLE.iter().flat_map(args::<SHOWN>).fold(command.arg(config), Command::arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn args<const SHOWN: bool>(spec: &'static Spec) -> impl Iterator<Item = Arg> {
    spec.variables().enumerate().flat_map(move |(nth, variable)| {
        let mut arg = Arg::new(variable).long(flag_of(variable));
        let mut hidden = true;
        if let Kind::Built { heading, default, placeholder, allowed } = &spec.kind {
            hidden = !(SHOWN || WHICH.contains(&variable)) || nth > 0;
            arg = arg.value_name(*placeholder).help(help(spec, default, *allowed)).help_heading(*heading);
        }
        let file = spec.is_secret().then(|| {
            let name = format!("{variable}_FILE");
            Arg::new(name.clone()).long(flag_of(&name)).hide(true)
        });
        [arg.hide(hidden)].into_iter().chain(file)
    })
}

fn help(spec: &Spec, default: &Fallback, allowed: fn() -> String) -> String {
    let help = format!("{} [allowed: {}]", spec.help.concat().trim(), allowed());
    match default {
        Fallback::Unset => help,
        Fallback::Text(text) | Fallback::Computed(text, _) => format!("{help} [default: {text}]"),
    }
}

/// What `--help` says about keys that exist only in the configuration file.
pub(crate) fn keys_of_the_file_alone() -> String {
    let mut text = "Keys of config.yaml that are neither flags nor variables:".to_owned();
    for spec in TABLE.iter().filter(|spec| spec.variables().next().is_none()) {
        let help = match &spec.kind {
            Kind::Built { default, allowed, .. } => help(spec, default, *allowed),
            Kind::Later([]) => spec.help.concat().trim().to_owned(),
            Kind::Later(accepted) => format!("{} [allowed: `{}`]", spec.help.concat().trim(), accepted[0]),
        };
        text.extend(["\n  ", spec.name(), "\n          ", &help]);
    }
    text
}

impl<const SHOWN: bool> FromArgMatches for Flags<SHOWN> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for variable in TABLE.iter().flat_map(Spec::variables) {
            for name in [variable.to_owned(), format!("{variable}_FILE")] {
                if let Ok(Some(text)) = matches.try_get_one::<String>(&name) {
                    self.values.insert(name, text.clone());
                }
            }
        }
        if let Some(path) = matches.get_one::<PathBuf>("config") {
            self.config = Some(path.clone());
        }
        Ok(())
    }
}
