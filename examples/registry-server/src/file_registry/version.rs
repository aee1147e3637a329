use aam_registry_core::types::Version;

/// How a file registry spells a version. Its clients read versions by Python's rules (PEP 440) and name files by what
/// they read: they find `1.0.0-rc.1` as `1.0.0rc1`. A pre-release that these rules do not know, such as
/// `1.0.0-canary.3`, keeps its spelling; these clients skip it.
pub(crate) fn in_file_names(version: &Version) -> String {
    let semver = version.as_semver();
    let release = format!("{}.{}.{}", semver.major, semver.minor, semver.patch);
    if semver.pre.is_empty() {
        return release;
    }
    match pre_release(&semver.pre) {
        Some(suffix) => format!("{release}{suffix}"),
        None => version.key(),
    }
}

/// `rc1` of `rc.1`, `rc1` or `rc-1`.
fn pre_release(text: &str) -> Option<String> {
    let word_end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (word, number) = text.split_at(word_end);
    let number = number.strip_prefix(['.', '-']).unwrap_or(number);
    let number: u64 = if number.is_empty() { 0 } else { number.parse().ok()? };
    let word = match word.to_ascii_lowercase().as_str() {
        "a" | "alpha" => "a",
        "b" | "beta" => "b",
        "rc" | "c" | "pre" | "preview" => "rc",
        "dev" => ".dev",
        _ => return None,
    };
    Some(format!("{word}{number}"))
}

#[cfg(test)]
mod tests {
    use super::in_file_names;

    #[test]
    fn versions_are_spelled_as_python_reads_them() {
        let spelled = |text: &str| in_file_names(&text.parse().expect("a version"));
        for (version, file) in [
            ("1.10.0", "1.10.0"),
            ("1.0.0+build.5", "1.0.0"),
            ("1.0.0-rc.1", "1.0.0rc1"),
            ("1.0.0-rc1", "1.0.0rc1"),
            ("1.0.0-Alpha-2+b", "1.0.0a2"),
            ("1.0.0-beta", "1.0.0b0"),
            ("1.0.0-dev.4", "1.0.0.dev4"),
            ("1.0.0-canary.3", "1.0.0-canary.3"),
            ("1.0.0-rc.1.2", "1.0.0-rc.1.2"),
            ("1.0.0-1", "1.0.0-1"),
        ] {
            assert_eq!(spelled(version), file, "{version}");
        }
    }
}
