//! The log as one flat JSON object per line.

use std::{cell::RefCell, error::Error, fmt, io::Write, ops::Range};

use jiff::Timestamp;
use serde::Serialize;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

/// Writes events with the fields of their enclosing spans, all on one level: `timestamp, level, event`,
/// the other fields of the event, and those of the spans that the event does not have itself.
///
/// The formatter of `tracing-subscriber` nests the fields of spans in a list, and those that write them
/// on one level write a name twice if an event and a span both have it.
#[derive(Debug)]
pub(super) struct JsonLines {
    output: NonBlocking,
}

impl JsonLines {
    pub(super) fn new(output: NonBlocking) -> Self {
        Self { output }
    }
}

/// The field that names an event.
const EVENT: &str = "event";

/// The buffers of a thread, kept so that fields are written without allocations.
#[derive(Default)]
struct LineBuffers {
    line: Vec<u8>,
    fields: Fields,
}

thread_local! {
    static BUFFERS: RefCell<LineBuffers> = RefCell::default();
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        BUFFERS.with_borrow_mut(|LineBuffers { line, fields }| {
            fields.clear();
            event.record(fields);
            // Events of libraries have no event name.
            if !fields.has(EVENT) {
                fields.put(EVENT, "log");
                fields.put("target", event.metadata().target());
            }
            line.clear();
            let level = match *event.metadata().level() {
                Level::ERROR => "error",
                Level::WARN => "warn",
                Level::INFO => "info",
                Level::DEBUG => "debug",
                Level::TRACE => "trace",
            };
            // Three decimals, so that the lines of a log sort as text.
            let _ = write!(line, r#"{{"timestamp":"{:.3}","level":"{level}""#, Timestamp::now());
            let (of_event, of_spans) = (fields.places.len(), context.event_scope(event).into_iter().flatten());
            fields.write(line, |name| name == EVENT);
            for span in of_spans {
                if let Some(further) = span.extensions().get::<Fields>() {
                    further.write_missing(line, &mut fields.places);
                }
            }
            fields.places.truncate(of_event);
            fields.write(line, |name| name != EVENT);
            line.extend_from_slice(b"}\n");
            // It takes every line, and counts those for which it has no room.
            let _ = self.output.clone().write_all(line);
        });
    }
}

/// Fields as JSON, each with a comma before it.
#[derive(Default)]
struct Fields {
    json: Vec<u8>,
    /// The fields in their order, with their places in `json`.
    places: Vec<(&'static str, Range<usize>)>,
    /// A buffer for values that are only known through `Debug`.
    text: String,
}

impl Fields {
    fn clear(&mut self) {
        self.json.clear();
        self.places.clear();
    }

    fn has(&self, name: &str) -> bool {
        self.places.iter().any(|(known, _)| *known == name)
    }

    /// Writes the fields that are `wanted`.
    fn write(&self, line: &mut Vec<u8>, wanted: impl Fn(&str) -> bool) {
        let wanted = self.places.iter().filter(|(name, _)| wanted(name));
        wanted.for_each(|(_, place)| line.extend_from_slice(&self.json[place.clone()]));
    }

    /// Writes the fields whose names are not among `known`, and adds these; of two with the same name,
    /// the later one.
    fn write_missing(&self, line: &mut Vec<u8>, known: &mut Vec<(&'static str, Range<usize>)>) {
        for (name, place) in self.places.iter().rev() {
            if known.iter().all(|(known, _)| known != name) {
                known.push((name, 0..0));
                line.extend_from_slice(&self.json[place.clone()]);
            }
        }
    }

    fn add(&mut self, name: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.json.len();
        put_name(&mut self.json, name);
        write(&mut self.json);
        self.places.push((name, start..self.json.len()));
    }

    /// Adds a number or a text, which can always be written as JSON.
    fn put(&mut self, name: &'static str, value: impl Serialize) {
        self.add(name, |json| {
            let _ = serde_json::to_writer(json, &value);
        });
    }
}

fn put_name(json: &mut Vec<u8>, name: &str) {
    json.extend_from_slice(b",\"");
    json.extend_from_slice(name.as_bytes());
    json.extend_from_slice(b"\":");
}

/// Writes a text in quotes.
fn put_text(json: &mut Vec<u8>, text: &str) {
    // Checks the whole text first, which is much faster than checking byte by byte.
    let is_special = |b: u8| u8::from(b < 0x20) | u8::from(b == b'"') | u8::from(b == b'\\');
    if text.bytes().fold(0, |found, b| found | is_special(b)) != 0 {
        let _ = serde_json::to_writer(json, text);
        return;
    }
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let _ = fmt::Write::write_fmt(&mut text, format_args!("{value:?}"));
        self.record_str(field, &text);
        self.text = text;
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), |json| put_text(json, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), (value * 1000.0).round() / 1000.0);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field.name(), crate::assemble::reason(value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt;

    use super::{super::sink, *};

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
        let (output, guard) = sink::start(kept.clone(), std::time::Duration::ZERO);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(JsonLines::new(output)), of);
        drop(guard);
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
        let order = ["\"level\"", "\"event\"", "\"request_id\"", "\"message\""].map(|name| text.find(name));
        assert!(order.is_sorted() && order[0].is_some(), "{text}");
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
            inner.record("late", "first");
            let _inner = inner.enter();
            inner.record("late", "\"quoted\"");
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
