use std::{fs, process::Command};

use tempfile::TempDir;

use crate::settings::Settings;

/// Shifts the calendar clock of the program that loads it.
const SOURCE: &str = r"
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int) syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += SHIFT;
    return result;
}
";

/// Servers whose calendar clock is wrong.
#[derive(Debug)]
pub struct ShiftedClock {
    folder: TempDir,
}

impl ShiftedClock {
    /// A clock that is ahead by that many days, or behind if they are negative. Needs a C compiler, as building the
    /// server does.
    pub fn by_days(days: i64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = folder.path().join("clock.c");
        fs::write(&source, SOURCE).expect("our own folder");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", &format!("-DSHIFT=({days}L * 86400L)"), "-o"])
            .args([folder.path().join("clock.so"), source])
            .output()
            .expect("cc runs");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        Self { folder }
    }

    /// The settings for a server with this clock.
    pub fn settings(&self, settings: Settings) -> Settings {
        settings.with("LD_PRELOAD", self.folder.path().join("clock.so").display().to_string())
    }
}
