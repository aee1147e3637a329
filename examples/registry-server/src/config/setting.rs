//! What a setting is, apart from which ones there are.

use super::{fault::Fault, resolve::Resolver};

/// What is known of one setting without its value.
#[derive(Debug)]
pub(crate) struct Spec {
    /// Its name, then its other names. Upper-case names are environment
    /// variables and, in lower case, keys of the configuration file and flags;
    /// lower-case ones are keys of the configuration file alone.
    pub(crate) names: &'static [&'static str],
    /// What it decides.
    pub(crate) help: &'static [&'static str],
    /// How much of its value may be shown.
    pub(crate) secrecy: Secrecy,
    /// What this release does with it.
    pub(crate) kind: Kind,
}

/// What this release does with a setting.
#[derive(Debug)]
pub(crate) enum Kind {
    /// What it says.
    Built {
        /// Under which heading it stands in `--help`.
        heading: &'static str,
        /// What holds where nobody sets it.
        default: Fallback,
        /// What its value may be, to complete "allowed: …".
        allowed: fn() -> String,
        /// What stands for the value in `--help`.
        placeholder: &'static str,
    },
    /// Nothing yet: it is refused, unless it is one of these texts, which ask for nothing.
    Later(&'static [&'static str]),
}

/// How much of a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// All of it.
    Open,
    /// Nothing; it may be read from the file that `NAME_FILE` names.
    Secret,
}

/// What holds where nobody sets a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fallback {
    /// Nothing.
    Unset,
    /// This text.
    Text(&'static str),
    /// What other settings make it; the first part says so in `--help`.
    Computed(&'static str, fn(&Resolver<'_>) -> Option<String>),
}

impl Spec {
    /// The name it is known by.
    pub(crate) fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Those of its names that are environment variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied().filter(|name| !name.contains(|c: char| c.is_ascii_lowercase()))
    }

    /// Whether its value may also be read from a file named by `NAME_FILE`.
    pub(crate) fn is_secret(&self) -> bool {
        self.secrecy == Secrecy::Secret
    }
}

/// The flag that mirrors a variable, without `--`.
pub(crate) fn flag_of(variable: &str) -> String {
    variable.to_ascii_lowercase().replace('_', "-")
}

/// What a setting's text is read into.
pub(crate) trait Value: Sized {
    /// What stands for the value in `--help`.
    const PLACEHOLDER: &'static str;

    /// What the text may be, to complete "allowed: …".
    fn allowed() -> String;

    /// Reads the text, which is never empty.
    fn parse(text: &str) -> Result<Self, Refusal>;

    /// What stands for a setting that nobody set and that has no default.
    fn unset() -> Option<Self> {
        None
    }
}

/// Why a text is no value of a setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is none of what is allowed.
    NotAllowed,
    /// It asks for something that this release cannot do.
    NotBuilt(&'static str),
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

/// Reads one setting, or says what is wrong with it.
pub(super) fn read<T: Value>(spec: &'static Spec, resolver: &Resolver<'_>) -> Result<T, Fault> {
    let Some(found) = resolver.find(spec) else {
        return T::unset().ok_or_else(|| Fault::missing(spec));
    };
    T::parse(&found.text).map_err(|refusal| Fault::refused(spec, &found, refusal))
}

/// Declares the table of settings: what describes them, and the struct that
/// holds their values.
macro_rules! settings {
    (
        $($heading:literal {
            $(
                $(#[doc = $help:literal])+
                $field:ident: $type:ty = $name:literal $(| $alias:literal)* $([$secrecy:ident])? $(, $default:expr)?;
            )+
        })+
        later {
            $(
                $(#[doc = $reason:literal])+
                $($later:literal)|+ $([$later_secrecy:ident])? $(, $accepts:expr)?;
            )+
        }
    ) => {
        /// Every setting, in the order of `--help` and `config show`; last
        /// those that a later release will know.
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
            $(
                Spec {
                    names: &[$($later),+],
                    help: &[$($reason),+],
                    secrecy: settings!(@secrecy $($later_secrecy)?),
                    kind: Kind::Later(settings!(@accepts $($accepts)?)),
                },
            )+
        ];

        /// The value of every setting.
        #[derive(Debug)]
        #[expect(clippy::doc_markdown, reason = "the documentation is also `--help`, which is no Markdown")]
        pub(crate) struct Settings {
            $($( $(#[doc = $help])+ pub(crate) $field: $type, )+)+
        }

        impl Settings {
            /// Reads every setting, or says everything that is wrong.
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
