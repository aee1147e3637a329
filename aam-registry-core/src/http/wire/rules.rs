//! The patterns of names and other texts, for the OpenAPI document.

/// A package's full name.
pub(crate) const PACKAGE: &str = r"^(@[a-z0-9][a-z0-9_-]{0,63}/)?[a-z0-9][a-z0-9-]{0,63}$";
/// A scope, without `@`.
pub(crate) const SCOPE: &str = r"^[a-z0-9][a-z0-9_-]{0,63}$";
/// A scope, without `@`, or nothing.
pub(crate) const SCOPE_OR_NONE: &str = r"^([a-z0-9][a-z0-9_-]{0,63})?$";
/// A username.
pub(crate) const USERNAME: &str = r"^[a-z0-9][a-z0-9_-]{2,63}$";
/// A dist-tag.
pub(crate) const TAG: &str = r"^(?!(all|true|false)$)[a-z0-9][a-z0-9-]{0,31}$";
/// A SemVer 2.0 version, with the pattern of semver.org; its length is limited separately. Numbers have
/// at most 18 digits, so that they fit 64 bits.
pub(crate) const VERSION: &str = r"^(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})(-(0|[1-9][0-9]{0,17}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]{0,17}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$";
/// The longest version, in characters.
pub(crate) const VERSION_LENGTH: usize = 64;
/// A version constraint without spaces, a dist-tag, or nothing; its length is limited separately.
pub(crate) const SELECTOR: &str = r"^(\*|(=|>=|>|<=|<|\^|~)?(0|[1-9][0-9]{0,17})(\.(0|[1-9][0-9]{0,17})(\.(0|[1-9][0-9]{0,17})(-(0|[1-9][0-9]{0,17}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]{0,17}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?)?)?(,(=|>=|>|<=|<|\^|~)?(0|[1-9][0-9]{0,17})(\.(0|[1-9][0-9]{0,17})(\.(0|[1-9][0-9]{0,17})(-(0|[1-9][0-9]{0,17}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]{0,17}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?)?)?){0,8}|[a-z0-9][a-z0-9-]{0,31})?$";
/// The longest version constraint, in characters.
pub(crate) const SELECTOR_LENGTH: usize = 256;
/// A SHA-256 in hex.
pub(crate) const SHA256: &str = r"^[0-9a-fA-F]{64}$";
