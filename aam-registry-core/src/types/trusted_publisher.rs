//! Who may publish a package without a stored secret.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::types::{IdToken, Issuer, PackageName, UserId, id::id};

id! {
    /// Identifies a trusted publisher; not a secret.
    PublisherId
}

id! {
    /// Identifies a token of a trusted publisher; not a secret.
    PublisherTokenId
}

/// Which rules the claims of a trusted publisher follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublisherPreset {
    /// GitHub Actions: names a repository and a workflow.
    GitHub,
    /// GitLab CI/CD: names a project.
    GitLab,
    /// Any other issuer: whatever claims were named.
    Claims,
}

impl PublisherPreset {
    /// Every preset.
    pub const ALL: [Self; 3] = [Self::GitHub, Self::GitLab, Self::Claims];

    /// The preset as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Claims => "claims",
        }
    }

    /// Reads the preset's text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == text)
    }

    /// The preset of an issuer that is known by its address.
    pub fn of(issuer: &Issuer) -> Self {
        match issuer.as_str() {
            Issuer::GITLAB => Self::GitLab,
            _ if issuer.is_github() => Self::GitHub,
            _ => Self::Claims,
        }
    }

    /// The claims that a publisher has to name.
    pub fn required(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository", "job_workflow_ref"],
            Self::GitLab => &["project_path"],
            Self::Claims => &[],
        }
    }

    /// The ids that every ID token has to hold, because names can be given to others.
    pub fn immutable_ids(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["repository_id", "repository_owner_id"],
            Self::GitLab => &["project_id", "namespace_id"],
            Self::Claims => &[],
        }
    }

    /// Whether upper and lower case of a claim's value are the same to the provider.
    fn ignores_case(self, claim: &str) -> bool {
        matches!((self, claim), (Self::GitHub, "repository" | "repository_owner") | (Self::GitLab, "project_path"))
    }

    /// Whether a value of the claim that names no ref stands for every ref.
    fn may_leave_ref_out(self, claim: &str) -> bool {
        matches!(
            (self, claim),
            (Self::GitHub, "job_workflow_ref" | "workflow_ref") | (Self::GitLab, "ci_config_ref_uri")
        )
    }
}

/// Ids that never pass on to another repository or project. Those of the first ID token are the only
/// ones that are taken later.
const PINNED: [&str; 4] = ["repository_id", "repository_owner_id", "project_id", "namespace_id"];

/// Who may publish a package without a stored secret: whoever shows an ID token of the issuer with
/// these claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedPublisher {
    /// Its id.
    pub id: PublisherId,
    /// The package, which need not exist yet.
    pub package: PackageName,
    /// Who issues the ID tokens.
    pub issuer: Issuer,
    /// Which rules the claims follow.
    pub preset: PublisherPreset,
    /// What an ID token has to say; at least one claim.
    pub claims: BTreeMap<String, String>,
    /// The immutable ids of the first ID token; empty before it.
    pub pinned: BTreeMap<String, String>,
    /// Whether it waits for the package to be made. It publishes the first version only while there is
    /// no package of the name.
    pub pending: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// The user who added it.
    pub created_by: UserId,
}

/// The publishers of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackagePublishers {
    /// Whether nobody but trusted publishers may publish.
    pub only: bool,
    /// The publishers, oldest first.
    pub publishers: Vec<TrustedPublisher>,
}

impl TrustedPublisher {
    /// The most publishers of a package.
    pub const MAX_PER_PACKAGE: u64 = 20;
    /// The most publishers that one user may have for packages that do not exist.
    pub const MAX_PENDING_PER_USER: u64 = 20;
    /// The most claims of a publisher.
    pub const MAX_CLAIMS: usize = 16;
    /// The most characters of a claim's name.
    pub const MAX_CLAIM_NAME: usize = 64;
    /// The most characters of a claim's value.
    pub const MAX_CLAIM_VALUE: usize = 512;

    /// The claim by which it is found, in the form of [`anchors`](Self::anchors).
    pub fn anchor(&self) -> String {
        let by_preset = match self.preset {
            PublisherPreset::GitHub => "repository",
            PublisherPreset::GitLab => "project_path",
            PublisherPreset::Claims => "sub",
        };
        let found = self.claims.get_key_value(by_preset).or_else(|| self.claims.first_key_value());
        found.map_or_else(String::new, |(name, value)| anchor(name, value))
    }

    /// Every anchor that a publisher which matches this token can have.
    pub fn anchors(token: &IdToken) -> Vec<String> {
        token.claims.iter().map(|(name, value)| anchor(name, value)).collect()
    }

    /// Whether the ID token is of its issuer and has all its claims.
    pub fn matches(&self, token: &IdToken) -> bool {
        let fits = |(claim, wanted): (&String, &String)| {
            token.claims.get(claim).is_some_and(|value| self.accepts(claim, wanted, value))
        };
        !self.claims.is_empty() && self.issuer == token.issuer && self.claims.iter().all(fits)
    }

    fn accepts(&self, claim: &str, wanted: &str, value: &str) -> bool {
        if wanted == value || (self.preset.ignores_case(claim) && wanted.eq_ignore_ascii_case(value)) {
            return true;
        }
        let reference = value.strip_prefix(wanted).filter(|_| self.preset.may_leave_ref_out(claim));
        reference.is_some_and(|reference| reference.starts_with("@refs/"))
    }

    /// The name of an immutable id in which the token differs from the first one.
    pub fn other_id(&self, token: &IdToken) -> Option<&str> {
        self.pinned.iter().find(|(name, id)| token.claims.get(*name) != Some(*id)).map(|(name, _)| name.as_str())
    }

    /// The immutable ids of a token.
    pub fn immutable_ids(token: &IdToken) -> BTreeMap<String, String> {
        let of_token = |name: &str| Some((name.to_owned(), token.claims.get(name)?.clone()));
        PINNED.into_iter().filter_map(of_token).collect()
    }

    /// Whether it means the same as another.
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.package, &self.issuer, self.preset, &self.claims)
            == (&other.package, &other.issuer, other.preset, &other.claims)
    }
}

/// Lower case, so that what is compared without regard to case is found, too.
fn anchor(name: &str, value: &str) -> String {
    format!("{name}={}", value.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Sha256Digest;

    fn claims(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn publisher(preset: PublisherPreset, pairs: &[(&str, &str)]) -> TrustedPublisher {
        TrustedPublisher {
            id: PublisherId::generate(),
            package: "kit".parse().expect("a name"),
            issuer: Issuer::parse(Issuer::GITHUB).expect("an issuer"),
            preset,
            claims: claims(pairs),
            pinned: BTreeMap::new(),
            pending: false,
            created_at: Timestamp::UNIX_EPOCH,
            created_by: UserId::generate(),
        }
    }

    fn token(pairs: &[(&str, &str)]) -> IdToken {
        IdToken {
            issuer: Issuer::parse(Issuer::GITHUB).expect("an issuer"),
            subject: "repo:acme/kit".into(),
            id: None,
            digest: Sha256Digest::of(b"token"),
            ends_at: Timestamp::UNIX_EPOCH,
            claims: claims(pairs),
        }
    }

    const WORKFLOW: &str = "acme/kit/.github/workflows/publish.yml";

    #[test]
    fn every_claim_has_to_match() {
        let of_github = |workflow| {
            publisher(PublisherPreset::GitHub, &[("repository", "Acme/Kit"), ("job_workflow_ref", workflow)])
        };
        let shown = |reference: &str| {
            let workflow = format!("{WORKFLOW}@{reference}");
            token(&[("repository", "acme/kit"), ("job_workflow_ref", &workflow), ("environment", "release")])
        };
        assert!(of_github(WORKFLOW).matches(&shown("refs/heads/main")), "any ref, any case of the repository");
        let on_main = format!("{WORKFLOW}@refs/heads/main");
        assert!(of_github(&on_main).matches(&shown("refs/heads/main")));
        assert!(!of_github(&on_main).matches(&shown("refs/heads/other")));
        assert!(!of_github("acme/kit/.github/workflows/other.yml").matches(&shown("refs/heads/main")));
        assert!(!of_github("acme/kit/.github/workflows/publish").matches(&shown("refs/heads/main")));
        let elsewhere =
            TrustedPublisher { issuer: Issuer::parse("https://a.example").expect("one"), ..of_github(WORKFLOW) };
        assert!(!elsewhere.matches(&shown("refs/heads/main")), "another issuer says the same");
        assert!(!publisher(PublisherPreset::Claims, &[]).matches(&shown("refs/heads/main")), "no claim says nothing");
        assert!(!publisher(PublisherPreset::Claims, &[("environment", "staging")]).matches(&shown("x")));
        assert!(!publisher(PublisherPreset::Claims, &[("ref", "x")]).matches(&shown("x")), "the token lacks it");
    }

    #[test]
    fn what_matches_is_found_by_its_anchor() {
        let shown = token(&[("repository", "acme/Kit"), ("sub", "repo:acme/Kit")]);
        for found in [
            publisher(PublisherPreset::GitHub, &[("repository", "Acme/kit"), ("job_workflow_ref", WORKFLOW)]),
            publisher(PublisherPreset::Claims, &[("sub", "repo:acme/Kit"), ("actor", "ada")]),
            publisher(PublisherPreset::Claims, &[("repository", "acme/Kit")]),
        ] {
            assert!(TrustedPublisher::anchors(&shown).contains(&found.anchor()), "{found:?}");
        }
    }

    #[test]
    fn ids_are_those_of_the_first_token() {
        let mut kit = publisher(PublisherPreset::GitHub, &[("repository", "acme/kit")]);
        let first = token(&[("repository", "acme/kit"), ("repository_id", "1"), ("repository_owner_id", "7")]);
        assert_eq!(kit.other_id(&first), None);
        kit.pinned = TrustedPublisher::immutable_ids(&first);
        assert_eq!(kit.other_id(&first), None);
        let second = token(&[("repository", "acme/kit"), ("repository_id", "2"), ("repository_owner_id", "7")]);
        assert_eq!(kit.other_id(&second), Some("repository_id"));
        assert_eq!(
            kit.other_id(&token(&[("repository_id", "1")])),
            Some("repository_owner_id"),
            "a missing id differs"
        );
    }
}
