//! Finds the setting that a misspelled name probably meant.

use super::{setting::Spec, table::TABLE};

/// Names that are close to one of ours and belong to others.
const OTHERS: [&str; 2] = ["AAM_CONFIG", "HTTP_PROXY"];

/// The setting that an unknown variable probably meant.
pub(super) fn of_variable(name: &str) -> Option<String> {
    let ours = || TABLE.iter().flat_map(variables);
    if ours().any(|known| known == name) || OTHERS.contains(&name) {
        return None;
    }
    if let Some(bare) = name.strip_prefix("AAM_")
        && ours().any(|known| known == bare)
    {
        return Some(bare.to_owned());
    }
    closest(name, ours().chain(["AAM_CONFIG".to_owned()]))
}

/// The setting that an unknown key probably meant.
pub(super) fn of_key(key: &str) -> Option<String> {
    let variables = TABLE.iter().flat_map(variables).map(|name| name.to_ascii_lowercase());
    let keys = TABLE.iter().flat_map(|spec| spec.names).map(|name| (*name).to_ascii_lowercase());
    let lower = key.to_ascii_lowercase();
    let ours: Vec<_> = variables.chain(keys).collect();
    if ours.contains(&lower) {
        return Some(lower);
    }
    closest(&lower, ours.into_iter())
}

fn variables(spec: &'static Spec) -> impl Iterator<Item = String> {
    spec.variables().flat_map(|name| {
        let file = spec.is_secret().then(|| format!("{name}_FILE"));
        [name.to_owned()].into_iter().chain(file)
    })
}

/// Short names are similar to many others: `PATH` is not a misspelled `PORT`.
fn closest(name: &str, ours: impl Iterator<Item = String>) -> Option<String> {
    ours.map(|known| (strsim::osa_distance(name, &known), known))
        .filter(|(distance, known)| *distance <= if known.len() < 8 { 1 } else { 2 })
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen() {
        for (slip, meant) in [
            ("DATABSE_URL", "DATABASE_URL"),
            ("JWT_SECRETS", "JWT_SECRET"),
            ("JWT_SECRET_FLIE", "JWT_SECRET_FILE"),
            ("PROT", "PORT"),
            ("AAM_PORT", "PORT"),
            ("RATE_LIMIT_SERCH", "RATE_LIMIT_SEARCH"),
        ] {
            assert_eq!(of_variable(slip).as_deref(), Some(meant), "{slip}");
        }
        assert_eq!(of_key("Port").as_deref(), Some("port"));
        assert_eq!(of_key("cache.redis_ulr").as_deref(), Some("cache.redis_url"));
    }

    #[test]
    fn what_is_ours_or_plainly_another_s_is_left_alone() {
        for name in [
            "PORT",
            "AAM_CONFIG",
            "AAM_TOKEN",
            "PATH",
            "HOME",
            "SHELL",
            "LANG",
            "HOSTNAME",
            "LOGNAME",
            "USER",
            "HTTP_PROXY",
        ] {
            assert_eq!(of_variable(name), None, "{name}");
        }
    }
}
