//! Ctrl-C while a project is changed: what was begun is taken back before the process ends.

use std::{
    process,
    sync::{
        Once,
        atomic::{AtomicU8, Ordering},
    },
};

use crate::failure::{Failure, Kind, Result};

/// The code of the failure of a command that its user stopped.
pub(crate) const INTERRUPTED: &str = "interrupted";

const ELSEWHERE: u8 = 0;
const WRITING: u8 = 1;
/// Its user wants it to stop.
const STOPPING: u8 = 2;

static NOW: AtomicU8 = AtomicU8::new(ELSEWHERE);

/// While this lives Ctrl-C does not end the process, but makes [`check`] fail.
#[derive(Debug)]
pub(crate) struct Writing(());

impl Writing {
    pub(crate) fn begin() -> Self {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(listen);
        NOW.store(WRITING, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        NOW.store(ELSEWHERE, Ordering::SeqCst);
    }
}

/// Fails where Ctrl-C was pressed since the writing began.
pub(crate) fn check() -> Result<()> {
    if NOW.load(Ordering::SeqCst) == STOPPING {
        return Err(Failure::new(Kind::Interrupted, INTERRUPTED, "Stopped; nothing was changed"));
    }
    Ok(())
}

/// Hears Ctrl-C from now on. The second one ends the process wherever it is.
fn listen() {
    #[cfg(unix)]
    let signals = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
    #[cfg(windows)]
    let signals = tokio::signal::windows::ctrl_c();
    // Where it cannot be heard it ends the process, as it does by itself.
    let Ok(mut signals) = signals else { return };
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            if NOW.compare_exchange(WRITING, STOPPING, Ordering::SeqCst, Ordering::SeqCst).is_err() {
                process::exit(i32::from(Kind::Interrupted.exit_code()));
            }
        }
    });
}
