use aam_registry_core::ports::RateClass;

/// How many requests of each class a client may make in the [period](RateClass::period) of the class; 0
/// for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    search: u32,
    download: u32,
    contents: u32,
    publish: u32,
    auth: u32,
    forgiven_login: u32,
    other: u32,
}

impl Default for RateLimits {
    /// Per minute 100 searches, 1000 downloads, 60 reads inside archives, 10 publishes, 20
    /// registrations and failed logins, and 300 other requests; per day 3 forgiven logins.
    fn default() -> Self {
        Self { search: 100, download: 1000, contents: 60, publish: 10, auth: 20, forgiven_login: 3, other: 300 }
    }
}

impl RateLimits {
    /// No limits.
    pub const OFF: Self =
        Self { search: 0, download: 0, contents: 0, publish: 0, auth: 0, forgiven_login: 0, other: 0 };

    /// The limit of a class.
    pub fn of(&self, class: RateClass) -> u32 {
        match class {
            RateClass::Search => self.search,
            RateClass::Download => self.download,
            RateClass::Contents => self.contents,
            RateClass::Publish => self.publish,
            RateClass::Auth => self.auth,
            RateClass::ForgivenLogin => self.forgiven_login,
            RateClass::Other => self.other,
        }
    }

    /// Limits a class to `limit` requests per client and period; 0 for no limit.
    #[must_use]
    pub fn with(mut self, class: RateClass, limit: u32) -> Self {
        *match class {
            RateClass::Search => &mut self.search,
            RateClass::Download => &mut self.download,
            RateClass::Contents => &mut self.contents,
            RateClass::Publish => &mut self.publish,
            RateClass::Auth => &mut self.auth,
            RateClass::ForgivenLogin => &mut self.forgiven_login,
            RateClass::Other => &mut self.other,
        } = limit;
        self
    }
}
