//! Writes log lines to the output.

use std::{
    fmt,
    io::Write,
    mem, slice,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

/// How long a line may wait to be written together with others.
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// How many bytes are written at once; the thread that adds the last of them writes them.
const WRITTEN_AT_ONCE: usize = 64 * 1024;
const SHARDS: usize = 16;

/// Writes lines together instead of one by one, because a system call for each line costs more than the
/// request that it describes.
///
/// The lines of one thread stay in order. Lines of different threads are out of order by at most 50 ms.
/// If the process is killed, the last 50 ms of lines are lost.
pub(super) struct LineSink<W> {
    shards: [Mutex<Vec<u8>>; SHARDS],
    output: Mutex<Output<W>>,
    /// Whether the writing thread has been notified that there is something to write.
    is_told: AtomicBool,
}

struct Output<W> {
    writer: W,
    /// The lines being written. A shard that is emptied gets this buffer's memory in exchange.
    taken: Vec<u8>,
}

/// Writes the remaining lines when it is dropped.
#[must_use = "lines that wait are lost without it"]
pub(crate) struct Remainder(Arc<dyn Fn() + Send + Sync>);

impl Drop for Remainder {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A sink with the thread that writes its lines.
pub(super) struct Lines<W> {
    sink: Arc<LineSink<W>>,
    writer: Thread,
}

impl<W: Write + Send + 'static> Lines<W> {
    /// Starts writing to `output` until the process ends.
    pub(super) fn start(output: W) -> std::io::Result<Self> {
        let sink = Arc::new(LineSink {
            shards: Default::default(),
            output: Mutex::new(Output { writer: output, taken: Vec::new() }),
            is_told: AtomicBool::new(false),
        });
        let writing = Arc::clone(&sink);
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                while !writing.is_told.load(Ordering::Acquire) {
                    thread::park();
                }
                thread::sleep(LONGEST_WAIT);
                writing.is_told.store(false, Ordering::Release);
                writing.write_out(&writing.shards);
            }
        })?;
        Ok(Self { sink, writer: thread.thread().clone() })
    }

    /// Adds a complete line; an `urgent` one is written before this returns.
    pub(super) fn put(&self, line: &[u8], urgent: bool) {
        let shard = &self.sink.shards[own_shard()];
        let is_full = {
            let mut lines = lock(shard);
            lines.extend_from_slice(line);
            lines.len() >= WRITTEN_AT_ONCE
        };
        if urgent {
            self.sink.write_out(&self.sink.shards);
        } else if is_full {
            self.sink.write_out(slice::from_ref(shard));
        } else if !self.sink.is_told.load(Ordering::Relaxed) && !self.sink.is_told.swap(true, Ordering::AcqRel) {
            self.writer.unpark();
        }
    }

    pub(super) fn remainder(&self) -> Remainder {
        let sink = Arc::clone(&self.sink);
        Remainder(Arc::new(move || sink.write_out(&sink.shards)))
    }
}

impl<W: Write> LineSink<W> {
    fn write_out(&self, shards: &[Mutex<Vec<u8>>]) {
        // Held while lines are collected, so that a thread's later lines cannot overtake its earlier
        // ones.
        let mut output = lock(&self.output);
        let Output { writer, taken } = &mut *output;
        for shard in shards {
            mem::swap(taken, &mut *lock(shard));
            // If the log cannot be written, there is nowhere to report it.
            let _ = writer.write_all(taken);
            taken.clear();
        }
        let _ = writer.flush();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: usize = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    }
    SHARD.with(|shard| *shard)
}

impl<W> fmt::Debug for Lines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Sends what is written to the test.
    struct Told(mpsc::Sender<Vec<u8>>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn lines() -> (Lines<Told>, mpsc::Receiver<Vec<u8>>) {
        let (sender, receiver) = mpsc::channel();
        (Lines::start(Told(sender)).expect("a thread"), receiver)
    }

    #[test]
    fn a_line_is_written_by_itself() {
        let (lines, written) = lines();
        for round in 0..3 {
            let line = format!("line {round}\n");
            lines.put(line.as_bytes(), false);
            let told = written.recv_timeout(Duration::from_secs(20)).expect("written");
            assert_eq!(told, line.as_bytes());
        }
    }

    #[test]
    fn what_is_urgent_is_written_at_once_with_what_came_before() {
        let (lines, written) = lines();
        lines.put(b"one\n", false);
        lines.put(b"two\n", true);
        let told: Vec<u8> = written.try_iter().flatten().collect();
        assert_eq!(told, b"one\ntwo\n");
    }

    #[test]
    fn nothing_is_lost_of_many_lines_from_many_threads() {
        let (lines, written) = lines();
        thread::scope(|scope| {
            for name in 0..8 {
                let lines = &lines;
                scope.spawn(move || {
                    (0..2_000).for_each(|n| lines.put(format!("{name} {n} {:0>60}\n", 0).as_bytes(), false));
                });
            }
        });
        drop(lines.remainder());
        let text: Vec<u8> = written.try_iter().flatten().collect();
        let text = String::from_utf8(text).expect("text");
        assert_eq!(text.lines().count(), 16_000);
        for name in 0..8 {
            let of_thread = text.lines().filter_map(|line| line.strip_prefix(&format!("{name} ")));
            let numbers: Vec<u32> =
                of_thread.map(|rest| rest.split(' ').next().and_then(|n| n.parse().ok()).expect("a number")).collect();
            assert_eq!(numbers, (0..2_000).collect::<Vec<_>>(), "the lines of a thread are in order");
        }
    }
}
