//! The log as one flat JSON object per line.

use std::{
    cell::RefCell,
    error::Error,
    fmt::{self, Write as _},
    io::Write,
};

use serde::Serialize;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, Scope},
};

use super::{second::Second, sink::Lines};

/// Writes events with the fields of their enclosing spans, all on one level: `timestamp, level, event`,
/// then the other fields of the event.
#[derive(Debug)]
pub(super) struct JsonLines<W> {
    lines: Lines<W>,
}

impl<W> JsonLines<W> {
    pub(super) fn new(lines: Lines<W>) -> Self {
        Self { lines }
    }
}

/// The field that names an event.
const EVENT: &str = "event";

/// The buffers of a thread, kept so that a line costs no allocation.
#[derive(Default)]
struct LineBuffers {
    line: Vec<u8>,
    /// For values that are only known through `Display`.
    text: String,
    second: Second,
}

thread_local! {
    static BUFFERS: RefCell<LineBuffers> = RefCell::default();
}

/// The fields of a span as JSON, in order; if two have the same name, the later one wins.
#[derive(Default)]
struct SpanFields(Vec<(&'static str, Vec<u8>)>);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + Send + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = SpanFields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<SpanFields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        BUFFERS.with_borrow_mut(|buffers| {
            let LineBuffers { line, text, second } = buffers;
            line.clear();
            line.extend_from_slice(b"{\"timestamp\":\"");
            second.write_now(line);
            line.extend_from_slice(b"\",\"level\":\"");
            line.extend_from_slice(level(*event.metadata().level()).as_bytes());
            line.push(b'"');
            let is_first = event.metadata().fields().iter().next().is_some_and(|field| field.name() == EVENT);
            if is_first && context.event_scope(event).is_none() {
                // Most events have no span fields to add, and their fields are in the right order
                // already.
                event.record(&mut OwnFields { line, text, skipped: "" });
            } else {
                write_with_spans(line, text, event, &context);
            }
            line.extend_from_slice(b"}\n");
            self.lines.put(line, *event.metadata().level() <= Level::WARN);
        });
    }
}

/// Writes the name of an event, the fields of its enclosing spans, and its own fields.
fn write_with_spans<S>(line: &mut Vec<u8>, text: &mut String, event: &Event<'_>, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut names = Names { line, recorded: 0, has_name: false };
    event.record(&mut names);
    let Names { recorded, has_name, .. } = names;
    if !has_name {
        put(line, EVENT, "log");
    }
    write_spans(line, event, recorded, context);
    event.record(&mut OwnFields { line, text, skipped: EVENT });
    // Events of libraries have no event name.
    if !has_name {
        put(line, "target", event.metadata().target());
    }
}

/// Writes the fields of the enclosing spans that the event itself does not have, from the outermost
/// span inwards.
fn write_spans<S>(line: &mut Vec<u8>, event: &Event<'_>, recorded: u64, context: &Context<'_, S>)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let fields = event.metadata().fields();
    let has_event = |name: &str| fields.field(name).is_some_and(|field| recorded & bit(&field) != 0);
    for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
        let is_last = |name: &str| {
            let further_in =
                context.event_scope(event).into_iter().flatten().take_while(|inner| inner.id() != span.id());
            further_in.into_iter().all(|inner| inner.extensions().get::<SpanFields>().is_none_or(|of| !of.has(name)))
        };
        let extensions = span.extensions();
        for (name, value) in extensions.get::<SpanFields>().into_iter().flat_map(|fields| &fields.0) {
            if !has_event(name) && is_last(name) {
                put_name(line, name);
                line.extend_from_slice(value);
            }
        }
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// A bit for the position of a field in its event; an event has at most 32 fields.
fn bit(field: &Field) -> u64 {
    1 << (field.index() % 64)
}

fn put_name(line: &mut Vec<u8>, name: &str) {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":");
}

fn put(line: &mut Vec<u8>, name: &str, value: impl Serialize) {
    put_name(line, name);
    put_value(line, value);
}

/// Writes numbers and texts, which can always be serialized.
fn put_value(line: &mut Vec<u8>, value: impl Serialize) {
    let _ = serde_json::to_writer(line, &value);
}

/// Writes a text in quotes.
fn put_text(line: &mut Vec<u8>, text: &str) {
    // Checks the whole text first, which is much faster than checking byte by byte.
    let is_special = |b: u8| u8::from(b < 0x20) | u8::from(b == b'"') | u8::from(b == b'\\');
    if text.bytes().fold(0, |found, b| found | is_special(b)) != 0 {
        return put_value(line, text);
    }
    line.push(b'"');
    line.extend_from_slice(text.as_bytes());
    line.push(b'"');
}

/// Writes fields while they are visited.
trait Put {
    fn put(&mut self, field: &Field, value: impl Serialize);
    fn put_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
    fn put_debug(&mut self, field: &Field, value: &dyn fmt::Debug);
}

/// Collects which fields an event has, and writes its name.
struct Names<'a> {
    line: &'a mut Vec<u8>,
    recorded: u64,
    has_name: bool,
}

impl Put for Names<'_> {
    fn put(&mut self, field: &Field, value: impl Serialize) {
        self.recorded |= bit(field);
        if field.name() == EVENT {
            self.has_name = true;
            put(self.line, EVENT, value);
        }
    }

    fn put_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.recorded |= bit(field);
        if field.name() == EVENT {
            self.put(field, format!("{value:?}"));
        }
    }
}

/// Writes all fields of an event except one.
struct OwnFields<'a> {
    line: &'a mut Vec<u8>,
    text: &'a mut String,
    skipped: &'static str,
}

impl Put for OwnFields<'_> {
    fn put(&mut self, field: &Field, value: impl Serialize) {
        if field.name() != self.skipped {
            put(self.line, field.name(), value);
        }
    }

    fn put_str(&mut self, field: &Field, value: &str) {
        if field.name() != self.skipped {
            put_name(self.line, field.name());
            put_text(self.line, value);
        }
    }

    fn put_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != self.skipped {
            self.text.clear();
            let _ = write!(self.text, "{value:?}");
            put_name(self.line, field.name());
            put_text(self.line, self.text);
        }
    }
}

impl SpanFields {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == name)
    }
}

impl Put for SpanFields {
    fn put(&mut self, field: &Field, value: impl Serialize) {
        let mut json = Vec::new();
        put_value(&mut json, value);
        match self.0.iter_mut().find(|(known, _)| *known == field.name()) {
            Some((_, known)) => *known = json,
            None => self.0.push((field.name(), json)),
        }
    }

    fn put_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

/// Implements the visitor trait for each type: a blanket implementation of a foreign trait is not
/// allowed.
macro_rules! visit {
    ($($visitor:ty),+) => {
        $(
            impl Visit for $visitor {
                fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                    self.put_debug(field, value);
                }

                fn record_str(&mut self, field: &Field, value: &str) {
                    self.put_str(field, value);
                }

                fn record_u64(&mut self, field: &Field, value: u64) {
                    self.put(field, value);
                }

                fn record_i64(&mut self, field: &Field, value: i64) {
                    self.put(field, value);
                }

                fn record_bool(&mut self, field: &Field, value: bool) {
                    self.put(field, value);
                }

                fn record_f64(&mut self, field: &Field, value: f64) {
                    self.put(field, (value * 1000.0).round() / 1000.0);
                }

                fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
                    self.put(field, crate::assemble::reason(value));
                }
            }
        )+
    };
}

visit!(Names<'_>, OwnFields<'_>, SpanFields);

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use jiff::Timestamp;
    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn text(of: impl FnOnce()) -> String {
        let kept = Kept::default();
        let lines = Lines::start(kept.clone()).expect("a thread");
        let remainder = lines.remainder();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(JsonLines::new(lines)), of);
        drop(remainder);
        let text = kept.0.lock().expect("not poisoned").clone();
        String::from_utf8(text).expect("UTF-8")
    }

    fn lines(of: impl FnOnce()) -> Vec<Value> {
        text(of).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn fields_of_spans_and_events_stand_on_one_level() {
        let text = text(|| {
            let span = tracing::info_span!("request", request_id = "abc", user = "span");
            let _entered = span.enter();
            tracing::info!(event = "login", user = "alice", duration_ms = 1.234_567, status = 200_u16, "logged in\n");
        });
        assert_eq!(text.matches("\"user\"").count(), 1, "no name stands twice: {text}");
        assert!(text.starts_with("{\"timestamp\":\""), "{text}");
        let line: Value = serde_json::from_str(text.trim_end()).expect("one line");
        assert_eq!(line["level"], "info");
        assert_eq!(line["event"], "login");
        assert_eq!(line["request_id"], "abc");
        assert_eq!(line["user"], "alice", "the event prevails");
        assert_eq!(line["duration_ms"], 1.235);
        assert_eq!(line["status"], 200);
        assert_eq!(line["message"], "logged in\n");
        assert!(line["timestamp"].as_str().expect("text").parse::<Timestamp>().is_ok());
    }

    #[test]
    fn what_is_further_in_prevails() {
        let lines = lines(|| {
            let outer = tracing::info_span!("outer", job = "outer", request_id = "abc");
            let _outer = outer.enter();
            let inner = tracing::info_span!("inner", job = "inner", late = tracing::field::Empty);
            inner.record("late", "\"quoted\"");
            let _inner = inner.enter();
            tracing::info!(event = "x", request_id = None::<&str>);
        });
        assert_eq!(lines[0]["job"], "inner");
        assert_eq!(lines[0]["late"], "\"quoted\"");
        assert_eq!(lines[0]["request_id"], "abc", "an event that leaves a field empty has none");
    }

    #[test]
    fn errors_come_with_their_causes() {
        let error = aam_registry_core::Error::storage("disk on fire", false);
        let lines = lines(|| tracing::error!(event = "x", error = &error as &dyn Error));
        let text = lines[0]["error"].as_str().expect("text");
        assert!(text.ends_with(": disk on fire"), "{text}");
    }

    #[test]
    fn what_has_no_event_says_who_wrote_it() {
        let lines = lines(|| tracing::warn!("hm"));
        assert_eq!(lines[0]["event"], "log");
        assert!(lines[0]["target"].as_str().expect("text").starts_with("aam_registry"));
    }
}
