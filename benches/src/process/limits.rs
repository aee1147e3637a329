use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process and those it starts open as many files as the system allows them.
pub(crate) fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused, rows that need more say so.
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).ok();
}

/// How many files a process may open.
pub(crate) fn open_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
