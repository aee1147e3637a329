//! Types of settings about secret scanners.

use crate::config::setting::{Refusal, Value};

/// Where the keys of secret scanners are: an address or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeysPlace(pub(crate) String);

impl Value for KeysPlace {
    const PLACEHOLDER: &'static str = "URL|PATH";

    fn allowed() -> String {
        "an https:// address, such as `https://api.github.com/meta/public_keys/secret_scanning`, or the path of a file"
            .to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        match text.split_once("://") {
            Some(("https" | "http", rest)) if !rest.is_empty() => Ok(Self(text.to_owned())),
            Some(_) => Err(Refusal::NotAllowed),
            None => match std::fs::metadata(text) {
                Ok(found) if found.is_file() => Ok(Self(text.to_owned())),
                Ok(_) => Err(Refusal::Because(format!("{text} is no file"))),
                Err(error) => Err(Refusal::Because(format!("the file {text} cannot be read: {error}"))),
            },
        }
    }
}
