//! Writes log lines to the output, on a thread of its own.

use std::{
    io::{self, BufWriter, Write},
    sync::{OnceLock, mpsc},
    thread,
    time::Duration,
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

/// How long the end of the process waits for the output.
const LONGEST_END: Duration = Duration::from_secs(2);
/// The most bytes that are written at once.
const WRITTEN_AT_ONCE: usize = 64 * 1024;
/// The most lines that wait to be written; further ones are dropped and counted, so that an output that
/// takes nothing does not stop requests.
const MOST_WAITING: usize = 16 * 1024;

static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// How many lines were dropped, because the output did not take those before them in time.
pub(crate) fn dropped_lines() -> u64 {
    DROPPED.get().map_or(0, |counter| counter.dropped_lines() as u64)
}

/// Writes the lines that still wait when it is dropped, unless the output takes none of them for 2 s.
#[must_use = "lines that wait are lost without it"]
#[derive(Debug)]
pub(crate) struct LogGuard(Option<WorkerGuard>);

impl Drop for LogGuard {
    fn drop(&mut self) {
        let (guard, (done, is_done)) = (self.0.take(), mpsc::channel());
        // On a thread that may be left behind: to drop the appender's guard writes to the standard output if
        // the lines do not get through, and so would never end.
        thread::spawn(move || {
            drop(guard);
            let _ = done.send(());
        });
        let _ = is_done.recv_timeout(LONGEST_END);
    }
}

/// Starts writing to `output`, where a line waits for `wait` to be written together with others.
/// Dropping the guard writes the lines that still wait.
pub(super) fn start(output: impl Write + Send + 'static, wait: Duration) -> (NonBlocking, LogGuard) {
    let output = Gathering { output: BufWriter::with_capacity(WRITTEN_AT_ONCE, output), wait, has_waited: false };
    let builder = NonBlockingBuilder::default().thread_name("log").buffered_lines_limit(MOST_WAITING).lossy(true);
    let (lines, guard) = builder.finish(output);
    let _ = DROPPED.set(lines.error_counter());
    (lines, LogGuard(Some(guard)))
}

/// Waits before the first line, so that others join it: a system call for each line costs more than the
/// request that it describes.
struct Gathering<W: Write> {
    output: BufWriter<W>,
    wait: Duration,
    has_waited: bool,
}

impl<W: Write> Write for Gathering<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !self.has_waited {
            thread::sleep(self.wait);
            self.has_waited = true;
        }
        self.output.write(line)
    }

    /// Called when no further line waits.
    fn flush(&mut self) -> io::Result<()> {
        self.has_waited = false;
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const WAIT: Duration = Duration::from_millis(50);

    /// Sends what is written to the test.
    struct Told(mpsc::Sender<Vec<u8>>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_written_by_itself() {
        let (sender, written) = mpsc::channel();
        let (mut lines, _guard) = start(Told(sender), WAIT);
        for round in 0..3 {
            let line = format!("line {round}\n");
            lines.write_all(line.as_bytes()).expect("taken");
            let told = written.recv_timeout(Duration::from_secs(20)).expect("written");
            assert_eq!(told, line.as_bytes());
        }
    }

    #[test]
    fn lines_are_written_together_and_in_order() {
        let (sender, written) = mpsc::channel();
        let (lines, guard) = start(Told(sender), WAIT);
        thread::scope(|scope| {
            for name in 0..8 {
                let mut lines = lines.clone();
                scope.spawn(move || {
                    (0..1_000).for_each(|n| {
                        lines.write_all(format!("{name} {n} {:0>60}\n", 0).as_bytes()).expect("taken");
                    });
                });
            }
        });
        drop(guard);
        let writes: Vec<_> = written.try_iter().collect();
        assert!(writes.len() < 2_000, "{} writes for 8,000 lines", writes.len());
        let text = String::from_utf8(writes.concat()).expect("text");
        assert_eq!(text.lines().count(), 8_000);
        for name in 0..8 {
            let of_thread = text.lines().filter_map(|line| line.strip_prefix(&format!("{name} ")));
            let numbers: Vec<u32> =
                of_thread.map(|rest| rest.split(' ').next().and_then(|n| n.parse().ok()).expect("a number")).collect();
            assert_eq!(numbers, (0..1_000).collect::<Vec<_>>(), "the lines of a thread are in order");
        }
    }

    #[test]
    fn an_output_that_takes_nothing_stops_nobody() {
        /// Takes nothing until the test lets go of the lock.
        struct Stuck(Arc<Mutex<()>>);

        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _held = self.0.lock();
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let stuck = Arc::new(Mutex::new(()));
        let held = stuck.lock().expect("free");
        let (mut lines, guard) = start(Stuck(Arc::clone(&stuck)), WAIT);
        let line = [b'x'; 100];
        // More than wait, are gathered, and are being written.
        let sent = MOST_WAITING + 2 * WRITTEN_AT_ONCE / line.len() + 1000;
        (0..sent).for_each(|_| lines.write_all(&line).expect("taken"));
        assert!(lines.error_counter().dropped_lines() > 0);
        drop(guard);
        drop(held);
    }
}
