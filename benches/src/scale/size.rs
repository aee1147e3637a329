use std::fmt;

/// The size of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) packages: u64,
    pub(crate) versions: u64,
}

impl Size {
    /// Every package has a version, and versions need a package.
    pub(crate) fn new(packages: u64, versions: u64) -> Self {
        let versions = versions.max(1);
        Self { packages: packages.clamp(1, versions), versions }
    }

    /// Ten versions per package, as in the largest registry.
    pub(crate) fn of_versions(versions: u64) -> Self {
        Self::new(versions / 10, versions)
    }
}

/// Such as `1,000,000 versions`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} versions", grouped(self.versions))
    }
}

/// A number with thousands separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_has_a_version() {
        assert_eq!(Size::new(100, 10), Size { packages: 10, versions: 10 });
        assert_eq!(Size::of_versions(5), Size { packages: 1, versions: 5 });
        assert_eq!(Size::of_versions(1_000_000).to_string(), "1,000,000 versions");
        assert_eq!(Size::of_versions(10).to_string(), "10 versions");
    }
}
