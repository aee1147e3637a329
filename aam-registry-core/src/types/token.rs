//! API tokens.

use std::{fmt, net::IpAddr, sync::OnceLock};

use data_encoding::BASE32_NOPAD;
use globset::{Glob, GlobBuilder, GlobMatcher};
use jiff::{SignedDuration, Timestamp};

use crate::{
    error::InvalidName,
    types::{PackageName, Sha256Digest, UserId, id::id},
};

id! {
    /// Identifies an API token; not a secret.
    TokenId
}

/// What a token may be used for. Reading is implied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TokenScope {
    /// Read.
    Read,
    /// Publish versions; also sets tags.
    Publish,
    /// Yank, unyank, deprecate.
    Yank,
    /// Set and remove dist-tags.
    Tag,
    /// Approve and reject versions, for an approver.
    Approve,
    /// Moderate, for a moderator.
    Moderate,
    /// Manage packages, scopes and, for an administrator, the registry.
    Admin,
}

impl TokenScope {
    /// All scopes.
    pub const ALL: [Self; 7] =
        [Self::Read, Self::Publish, Self::Yank, Self::Tag, Self::Approve, Self::Moderate, Self::Admin];

    /// The scope as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Publish => "publish",
            Self::Yank => "yank",
            Self::Tag => "tag",
            Self::Approve => "approve",
            Self::Moderate => "moderate",
            Self::Admin => "admin",
        }
    }

    /// Reads the scope's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A set of token scopes; always holds [`TokenScope::Read`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenScopes(u8);

impl TokenScopes {
    /// Every scope: what a login session has.
    pub fn all() -> Self {
        TokenScope::ALL.into_iter().collect()
    }

    /// Whether `scope` is in the set.
    pub fn contains(self, scope: TokenScope) -> bool {
        self.0 & (1 << scope as u8) != 0
    }

    /// The scopes, in the order of [`TokenScope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = TokenScope> {
        TokenScope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<TokenScope> for TokenScopes {
    fn from_iter<I: IntoIterator<Item = TokenScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(1 << TokenScope::Read as u8, |set, scope| set | 1 << scope as u8))
    }
}

impl fmt::Debug for TokenScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A name or glob such as `@team/*` that restricts a token to packages; `*` does not cross a slash.
#[derive(Clone)]
pub struct TokenPattern {
    text: Box<str>,
    glob: Glob,
    /// Compiled when first needed: most requests with a token are not about a package.
    matcher: OnceLock<GlobMatcher>,
}

impl TokenPattern {
    /// Parses a full name or a glob of at most 140 characters, made of `*`, `?` and the characters of
    /// names.
    ///
    /// # Errors
    /// [`InvalidName`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName::Pattern(text.chars().take(140).collect());
        let of_names = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_@/*?".contains(&b);
        if text.is_empty() || text.len() > 140 || !text.bytes().all(of_names) {
            return Err(invalid());
        }
        let glob = GlobBuilder::new(text).literal_separator(true).build().map_err(|_| invalid())?;
        Ok(Self { text: text.into(), glob, matcher: OnceLock::new() })
    }

    /// Whether the pattern covers `name`.
    pub fn matches(&self, name: &PackageName) -> bool {
        self.matcher.get_or_init(|| self.glob.compile_matcher()).is_match(name.as_str())
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for TokenPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for TokenPattern {}

impl fmt::Debug for TokenPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// An API token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The user whose rights it has.
    pub user: UserId,
    /// The name that its user gave it; 1 to 64 characters.
    pub name: String,
    /// What it may be used for.
    pub scopes: TokenScopes,
    /// The packages it is restricted to; empty for all.
    pub packages: Vec<TokenPattern>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When it was last used; may lag by a minute.
    pub last_used_at: Option<Timestamp>,
    /// The address from which it was used then, where that is known.
    pub last_used_from: Option<IpAddr>,
}

/// A use of an API token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// The token.
    pub token: TokenId,
    /// When.
    pub at: Timestamp,
    /// The address of the client, where that is known.
    pub from: Option<IpAddr>,
}

/// Whether a credential that ends at `expires_at`, or never, has ended at `now`.
pub fn is_expired(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_some_and(|end| end <= now)
}

impl Token {
    /// After how long without use a token is stale: probably nobody needs it any more.
    pub const STALE_AFTER: SignedDuration = SignedDuration::from_hours(90 * 24);

    /// Whether the token has ended by itself at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        is_expired(self.expires_at, now)
    }

    /// Whether the token was not used for [`STALE_AFTER`](Self::STALE_AFTER) at `now`.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let last = self.last_used_at.map_or(self.created_at, |used| used.max(self.created_at));
        now.duration_since(last) >= Self::STALE_AFTER
    }
}

/// Something that the user of a token is told by mail, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenNotice {
    /// It ends within a week.
    Ending,
    /// It is [stale](Token::is_stale).
    Stale,
}

impl TokenNotice {
    /// How long before its end the user of a token is told.
    pub const AHEAD: SignedDuration = SignedDuration::from_hours(7 * 24);
}

macro_rules! secret {
    ($(#[$doc:meta])* $type:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $type(String);

        impl $type {
            /// The prefix of every secret.
            pub const PREFIX: &str = $prefix;
            const LEN: usize = Self::PREFIX.len() + 52 + 7;

            /// A new random secret.
            pub fn generate() -> Self {
                let random: [u8; 32] = rand::random();
                let mut text = format!("{}{}", Self::PREFIX, BASE32_NOPAD.encode(&random).to_ascii_lowercase());
                text.push_str(&checksum(&text));
                Self(text)
            }

            /// Reads a secret; `None` if its form or checksum is wrong.
            pub fn parse(text: &str) -> Option<Self> {
                let right = text.len() == Self::LEN
                    && text.is_ascii()
                    && text.starts_with(Self::PREFIX)
                    && text[Self::LEN - 7..] == checksum(&text[..Self::LEN - 7]);
                right.then(|| Self(text.to_owned()))
            }

            /// The secret itself. Show it once, and never store it.
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// The digest that is stored instead of the secret.
            pub fn digest(&self) -> Sha256Digest {
                Sha256Digest::of(self.0.as_bytes())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($type), "(..)"))
            }
        }
    };
}

secret! {
    /// The secret of an API token: `aam_`, 52 base-32 digits of 256 random bits, and 7 digits of a CRC-32
    /// over the characters before, with which secret scanners recognize real tokens. Debug output hides it.
    TokenSecret, "aam_"
}

secret! {
    /// The secret of a token of a trusted publisher, in the form of a [`TokenSecret`] with the prefix
    /// `aamp_`. Debug output hides it.
    PublisherSecret, "aamp_"
}

fn checksum(text: &str) -> String {
    BASE32_NOPAD.encode(&crc32fast::hash(text.as_bytes()).to_be_bytes()).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_its_text_and_nothing_else_does() {
        let secret = TokenSecret::generate();
        assert_eq!(TokenSecret::parse(secret.expose()), Some(secret.clone()));
        let mut forged = secret.expose().to_owned();
        forged.replace_range(10..11, if &forged[10..11] == "a" { "b" } else { "a" });
        assert_eq!(TokenSecret::parse(&forged), None);
        assert_eq!(TokenSecret::parse("aam_short"), None);
        assert_eq!(format!("{secret:?}"), "TokenSecret(..)");
        let of_publisher = PublisherSecret::generate();
        assert_eq!(PublisherSecret::parse(of_publisher.expose()), Some(of_publisher.clone()));
        assert!(
            TokenSecret::parse(of_publisher.expose()).is_none() && PublisherSecret::parse(secret.expose()).is_none()
        );
    }

    #[test]
    fn a_token_that_was_not_used_for_90_days_is_stale() {
        let start = Timestamp::UNIX_EPOCH;
        let day = |days: i64| start + SignedDuration::from_hours(days * 24);
        let token = |used: Option<i64>| Token {
            id: TokenId::generate(),
            user: UserId::generate(),
            name: "ci".into(),
            scopes: TokenScopes::all(),
            packages: Vec::new(),
            created_at: start,
            expires_at: None,
            last_used_at: used.map(day),
            last_used_from: None,
        };
        assert!(!token(None).is_stale(day(89)) && token(None).is_stale(day(90)));
        assert!(!token(Some(10)).is_stale(day(99)) && token(Some(10)).is_stale(day(100)));
    }

    #[test]
    fn patterns_keep_to_their_scope() {
        let pattern = TokenPattern::parse("@team/*").expect("pattern");
        assert!(pattern.matches(&"@team/a".parse().expect("name")));
        assert!(!pattern.matches(&"@teams/a".parse().expect("name")));
        assert!(!TokenPattern::parse("*").expect("pattern").matches(&"@team/a".parse().expect("name")));
        assert!(TokenPattern::parse("@team/[a").is_err());
    }

    #[test]
    fn reading_is_implied() {
        let scopes: TokenScopes = [TokenScope::Publish].into_iter().collect();
        assert!(scopes.contains(TokenScope::Read) && scopes.contains(TokenScope::Publish));
        assert!(!scopes.contains(TokenScope::Admin));
    }
}
