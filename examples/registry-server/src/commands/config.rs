//! `config check`, `config show` and `config reference`.

use serde_json::json;

use super::{Answer, Failed, answer};
use crate::config::{self, Listing, Surroundings, load};

/// Reports everything that is wrong with the configuration.
pub(super) fn check(as_json: bool, surroundings: Surroundings) -> Result<Answer, Failed> {
    match load(surroundings) {
        Ok(loaded) => {
            if !as_json {
                loaded.warnings.iter().for_each(|warning| answer::warn(warning));
            }
            let json = json!({ "valid": true, "faults": [], "warnings": loaded.warnings });
            Ok(Answer::new(as_json, "the configuration is valid", &json))
        }
        Err(faults) if as_json => {
            let json = json!({ "valid": false, "faults": faults, "warnings": [] });
            Ok(Answer::new(true, "", &json).bad_unless(false))
        }
        Err(faults) => Err(faults.into()),
    }
}

/// Prints the settings in force.
pub(super) fn show(as_json: bool, surroundings: Surroundings) -> Result<Answer, Failed> {
    let listing = Listing::of(&load(surroundings)?);
    Ok(Answer::new(as_json, &listing, &listing))
}

/// Prints the page of all settings.
pub(super) fn reference() -> Answer {
    Answer::new(false, config::reference(), &())
}
