//! The description of a setting; the table of settings is elsewhere.

use super::{fault::Fault, resolve::Resolver};

/// The description of one setting, without its value.
#[derive(Debug)]
pub(crate) struct Spec {
    /// Its name, followed by alternative names. An upper-case name is an environment variable and, in
    /// lower case, a key of the configuration file and a flag. A lower-case name is only a key of the
    /// configuration file.
    pub(crate) names: &'static [&'static str],
    /// What the setting does.
    pub(crate) help: &'static [&'static str],
    /// How much of its value may be printed.
    pub(crate) secrecy: Secrecy,
    /// Whether this release supports it.
    pub(crate) kind: Kind,
}

/// Whether this release supports a setting.
#[derive(Debug)]
pub(crate) enum Kind {
    /// It is supported.
    Built {
        /// The heading under which `--help` lists it.
        heading: &'static str,
        /// The value if it is not set.
        default: Fallback,
        /// The allowed values, to complete "allowed: …".
        allowed: fn() -> String,
        /// The placeholder for the value in `--help`.
        placeholder: &'static str,
    },
    /// It is not supported yet: every value is refused except these, which turn the feature off.
    Later(&'static [&'static str]),
}

/// How much of a value may be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// All of it.
    Open,
    /// Nothing; it may be read from the file that `NAME_FILE` names.
    Secret,
}

/// The value of a setting that is not set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fallback {
    /// No value.
    Unset,
    /// This text.
    Text(&'static str),
    /// Computed from other settings; the text describes it in `--help`.
    Computed(&'static str, fn(&Resolver<'_>) -> Option<String>),
}

impl Spec {
    /// Its main name.
    pub(crate) fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Its names that are environment variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied().filter(|name| !name.contains(|c: char| c.is_ascii_lowercase()))
    }

    /// Whether its value may also be read from a file named by `NAME_FILE`.
    pub(crate) fn is_secret(&self) -> bool {
        self.secrecy == Secrecy::Secret
    }
}

/// The flag for a variable, without `--`.
pub(crate) fn flag_of(variable: &str) -> String {
    variable.to_ascii_lowercase().replace('_', "-")
}

/// The type that a setting's text is parsed into.
pub(crate) trait Value: Sized {
    /// The placeholder for the value in `--help`.
    const PLACEHOLDER: &'static str;

    /// The allowed texts, to complete "allowed: …".
    fn allowed() -> String;

    /// Parses the text, which is never empty.
    fn parse(text: &str) -> Result<Self, Refusal>;

    /// The value of a setting that is not set and has no default.
    fn unset() -> Option<Self> {
        None
    }
}

/// Why a text is not a value of the setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not one of the allowed values.
    NotAllowed,
    /// For this reason, which does not quote the text.
    Because(String),
}

impl<T: Value> Value for Option<T> {
    const PLACEHOLDER: &'static str = T::PLACEHOLDER;

    fn allowed() -> String {
        T::allowed()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        T::parse(text).map(Some)
    }

    fn unset() -> Option<Self> {
        Some(None)
    }
}

/// Reads one setting, or returns its fault.
pub(super) fn read<T: Value>(spec: &'static Spec, resolver: &Resolver<'_>) -> Result<T, Fault> {
    let Some(found) = resolver.find(spec) else {
        return T::unset().ok_or_else(|| Fault::missing(spec));
    };
    T::parse(&found.text).map_err(|refusal| Fault::refused(spec, &found, refusal))
}

/// Declares the table of settings: their descriptions, and the struct that holds their values.
macro_rules! settings {
    (
        $($heading:literal {
            $(
                $(#[doc = $help:literal])+
                $field:ident: $type:ty = $name:literal $(| $alias:literal)* $([$secrecy:ident])? $(, $default:expr)?;
            )+
        })+
        later {
            $($reason:literal { $($later:literal $([$later_secrecy:ident])? $(, $accepts:expr)?;)+ })+
        }
    ) => {
        /// Every setting, in the order of `--help` and `config show`; settings that are not supported
        /// yet come last.
        pub(crate) static TABLE: &[Spec] = &[
            $($(
                Spec {
                    names: &[$name $(, $alias)*],
                    help: &[$($help),+],
                    secrecy: settings!(@secrecy $($secrecy)?),
                    kind: Kind::Built {
                        heading: $heading,
                        default: settings!(@default $($default)?),
                        allowed: <$type as Value>::allowed,
                        placeholder: <$type as Value>::PLACEHOLDER,
                    },
                },
            )+)+
            $($(
                Spec {
                    names: &[$later],
                    help: &[$reason],
                    secrecy: settings!(@secrecy $($later_secrecy)?),
                    kind: Kind::Later(settings!(@accepts $($accepts)?)),
                },
            )+)+
        ];

        /// The value of every setting.
        #[derive(Debug)]
        #[expect(clippy::doc_markdown, reason = "the documentation is also `--help`, which is not Markdown")]
        pub(crate) struct Settings {
            $($( $(#[doc = $help])+ pub(crate) $field: $type, )+)+
        }

        impl Settings {
            /// Reads every setting, or returns all faults.
            pub(super) fn read(resolver: &Resolver<'_>) -> Result<Self, Vec<Fault>> {
                let mut faults = Vec::new();
                let mut specs = TABLE.iter();
                $($(
                    let $field = specs.next().and_then(|spec| {
                        read::<$type>(spec, resolver).map_err(|fault| faults.push(fault)).ok()
                    });
                )+)+
                faults.extend(specs.filter_map(|spec| resolver.refuse_later(spec)));
                match ($($($field,)+)+) {
                    ($($(Some($field),)+)+) if faults.is_empty() => Ok(Self { $($($field,)+)+ }),
                    _ => Err(faults),
                }
            }
        }
    };
    (@secrecy) => { Secrecy::Open };
    (@secrecy secret) => { Secrecy::Secret };
    (@default) => { Fallback::Unset };
    (@default $default:expr) => { $default };
    (@accepts) => { &[] };
    (@accepts $accepts:expr) => { $accepts };
}
pub(super) use settings;
