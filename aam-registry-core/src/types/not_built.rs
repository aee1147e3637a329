//! Names that ask for features that are not built yet.
//!
//! Unknown fields are ignored and unknown keys of a manifest are kept, except names of features of
//! later releases: a user who writes `visibility: private` would believe that the package is protected.
//! Such a name is refused wherever it would be read, unless its value asks for nothing. When a feature
//! is built, its names are removed from this list.

use serde_json::Value;

/// Where a name occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AskedIn {
    /// A key at the top of `aam.yaml`.
    Manifest,
    /// A part of the form that publishes.
    Publish,
    /// A field of a registration, or of a change of the caller's account.
    Account,
    /// A field of a new API token.
    Token,
    /// A field of a new scope.
    Scope,
}

use AskedIn::{Account, Manifest, Publish, Scope, Token};

/// Which values of a name ask for the feature.
#[derive(Clone, Copy, Debug)]
enum Asking {
    /// All except these, and those that [ask for nothing](asks_for_nothing) anywhere.
    AllBut(&'static [&'static str]),
    /// Only these: the name has other uses.
    Only(&'static [&'static str]),
}

/// A feature that is not built yet, and the names that ask for it.
struct Feature {
    /// In lower case, without `_` and `-`, which make no difference here.
    names: &'static [&'static str],
    asking: Asking,
    asked_in: &'static [AskedIn],
    /// The feature that is not available, as a plural.
    what: &'static str,
    /// What to do.
    instead: &'static str,
}

const FEATURES: &[Feature] = &[
    Feature {
        // A manifest asks by `private` itself, which is judged by its own rules.
        names: &["private", "isprivate", "privatepackage"],
        asking: Asking::AllBut(&["public"]),
        asked_in: &[Manifest, Publish, Scope],
        what: "other ways to ask for a private package",
        instead: "leave it out, and write `private: true` into the aam.yaml of a package's first version",
    },
    Feature {
        names: &["visibility"],
        asking: Asking::AllBut(&["public", "everyone"]),
        asked_in: &[Manifest, Publish, Scope],
        what: "other ways to ask for a private package",
        instead: "leave it out, and write `private: true` into the aam.yaml of a package's first version",
    },
    Feature {
        names: &["access"],
        asking: Asking::Only(&["private", "restricted", "internal", "members"]),
        asked_in: &[Manifest, Publish, Scope],
        what: "other ways to ask for a private package",
        instead: "leave it out, and write `private: true` into the aam.yaml of a package's first version",
    },
    Feature {
        names: &[
            "approval",
            "approvals",
            "approvalrequired",
            "approvalstatus",
            "requireapproval",
            "requiresapproval",
            "requireapprovalfortags",
        ],
        asking: Asking::AllBut(&["approved"]),
        asked_in: &[Manifest, Publish, Scope],
        what: "other ways to ask for an approval",
        instead: "leave it out; the operator says by REQUIRE_APPROVAL which versions wait for one",
    },
    Feature {
        names: &["signature", "signatures", "signaturetype", "signed", "requiresignature", "requiresignatures"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Manifest, Publish, Scope],
        what: "signatures",
        instead: "leave it out; nothing would verify it",
    },
    Feature {
        names: &["attestation", "attestations"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Manifest, Publish],
        what: "attestations",
        instead: "leave it out; nothing would verify it",
    },
    Feature {
        names: &["gate", "gates", "qualitygate", "qualitygates", "evalgate", "evalgates", "requireevals"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Manifest, Publish, Scope],
        what: "gates that are part of something else",
        instead: "leave it out and set them with `aam gate set`, or by the API operation `setGates`",
    },
    Feature {
        names: &["evaluation", "evaluations", "evalresults", "evaluationresults"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Manifest, Publish],
        what: "results of evals that are part of a package",
        instead: "leave it out and record them with `aam eval publish`, or by the API operation `recordEval`",
    },
    Feature {
        names: &["webhook", "webhooks"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Manifest, Publish, Account, Scope],
        what: "webhooks that are part of something else",
        instead: "leave it out and make one with `aam webhook add`, or by the API operation `createWebhook`",
    },
    Feature {
        names: &["trustedpublisher", "trustedpublishers", "trustedpublishing"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Manifest, Publish, Scope],
        what: "trusted publishers that are part of something else",
        instead: "leave it out and add one with `aam trusted-publisher add`",
    },
    Feature {
        names: &[
            "otp",
            "totp",
            "otpenabled",
            "twofactor",
            "twofactorrequired",
            "require2fa",
            "requiretwofactor",
            "2fa",
            "passkey",
        ],
        asking: Asking::AllBut(&[]),
        asked_in: &[Manifest, Publish, Account, Token, Scope],
        what: "other ways to ask for a second factor",
        instead: "leave it out, and enrol one with `aam otp enrol`, or demand it in a scope with `aam scope require-2fa`",
    },
    Feature {
        names: &["role", "roles", "isadmin", "admin"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Account],
        what: "roles that an account gives itself",
        instead: "leave it out and ask the operator, who has `aam-registry user grant-role`",
    },
    Feature {
        names: &["invitationtoken", "invite"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Account],
        what: "other ways to give an invitation",
        instead: "give it as `invitation`",
    },
    Feature {
        names: &["disabled", "emailverified"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Account],
        what: "such changes by an account of itself",
        instead: "leave it out and ask the operator",
    },
    Feature {
        names: &["mailnotifications", "emailnotifications", "notifications", "notify"],
        asking: Asking::AllBut(&[]),
        asked_in: &[Account],
        what: "notifications by mail",
        instead: "leave it out; nothing would be sent",
    },
    Feature {
        names: &[
            "readonly",
            "cidr",
            "cidrs",
            "cidrwhitelist",
            "allowedips",
            "allowednetworks",
            "networks",
            "ipallowlist",
        ],
        asking: Asking::AllBut(&[]),
        asked_in: &[Token],
        what: "tokens restricted so",
        instead: "leave it out; `scopes`, `packages` and `expires_in_days` restrict a token",
    },
];

/// Why `name` with that value is refused there, if it asks for a feature that is not built.
pub(crate) fn not_built(asked_in: AskedIn, name: &str, value: &Value) -> Option<String> {
    // A longer name cannot be one of these.
    if name.len() > 64 {
        return None;
    }
    let plain: String =
        name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase()).collect();
    let feature = FEATURES
        .iter()
        .find(|feature| feature.asked_in.contains(&asked_in) && feature.names.contains(&plain.as_str()))?;
    feature
        .asking
        .includes(value)
        .then(|| format!("{} are not available on this registry yet; {}", feature.what, feature.instead))
}

impl Asking {
    fn includes(self, value: &Value) -> bool {
        let is_one_of = |texts: &[&str]| match value {
            Value::String(text) => texts.iter().any(|known| text.trim().eq_ignore_ascii_case(known)),
            _ => false,
        };
        match self {
            Self::AllBut(texts) => !asks_for_nothing(value) && !is_one_of(texts),
            Self::Only(texts) => is_one_of(texts),
        }
    }
}

fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(asked) => !asked,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => {
            matches!(text.trim().to_ascii_lowercase().as_str(), "" | "false" | "no" | "off" | "none" | "0" | "null")
        }
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EVERYWHERE: [AskedIn; 5] = [Manifest, Publish, Account, Token, Scope];

    /// A value that asks for the feature.
    fn asking(feature: &Feature) -> Value {
        match feature.asking {
            Asking::AllBut(_) => json!(true),
            Asking::Only(texts) => json!(texts[0]),
        }
    }

    #[test]
    fn every_name_is_refused_in_every_spelling_where_it_is_read_and_nowhere_else() {
        for feature in FEATURES {
            for name in feature.names {
                for place in EVERYWHERE {
                    let is_read = feature.asked_in.contains(&place);
                    let halves = name.split_at(name.len() / 2);
                    for spelling in [
                        (*name).to_owned(),
                        name.to_uppercase(),
                        format!("{}_{}", halves.0, halves.1),
                        format!("{}-{}", halves.0, halves.1),
                    ] {
                        let refusal = not_built(place, &spelling, &asking(feature));
                        assert_eq!(refusal.is_some(), is_read, "{spelling} in {place:?}");
                        assert!(refusal.is_none_or(|text| text.contains("not available on this registry yet; ")));
                    }
                }
            }
        }
    }

    #[test]
    fn what_asks_for_nothing_passes() {
        for feature in FEATURES {
            let harmless = match feature.asking {
                Asking::AllBut(texts) => texts.iter().map(|text| json!(text)).collect(),
                Asking::Only(_) => vec![json!("everybody"), json!(true), json!({"a": 1})],
            };
            let nothing = [json!(null), json!(false), json!(""), json!(" No "), json!(0), json!([]), json!({})];
            for value in harmless.iter().chain(&nothing) {
                for name in feature.names {
                    for place in EVERYWHERE {
                        assert_eq!(not_built(place, name, value), None, "{name}: {value}");
                    }
                }
            }
        }
    }

    #[test]
    fn no_name_is_listed_twice_for_a_place() {
        for place in EVERYWHERE {
            let features = FEATURES.iter().filter(|feature| feature.asked_in.contains(&place));
            let mut names: Vec<_> = features.flat_map(|feature| feature.names).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{place:?}");
        }
    }

    #[test]
    fn what_describes_a_package_is_kept() {
        for name in ["quality", "evals", "tests", "provenance", "platforms", "owners", "maintainers", "mine", "tags"] {
            assert_eq!(not_built(Manifest, name, &json!({"evals": [{"name": "accuracy"}]})), None, "{name}");
        }
        assert_eq!(not_built(Manifest, "access", &json!("read and write")), None);
    }
}
