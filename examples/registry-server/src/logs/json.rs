//! One flat JSON object a line.

use std::{error::Error, fmt, io::Write};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    fmt::MakeWriter,
    layer::Context,
    registry::{LookupSpan, Scope},
};

/// Writes events with the fields of the spans around them, all on one level:
/// `timestamp, level, event`, then what the event has.
#[derive(Debug)]
pub(super) struct JsonLines<W> {
    writer: W,
}

impl<W> JsonLines<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer }
    }
}

/// Fields in the order they came; of two of one name the later prevails.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn put(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let position = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.remove(position).1)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
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
        let metadata = event.metadata();
        let mut own = Fields::default();
        event.record(&mut own);

        let mut line = Fields::default();
        line.put("timestamp", now());
        line.put("level", metadata.level().as_str().to_ascii_lowercase());
        // What a library beneath has to say has no name of ours.
        let name = own.take("event").unwrap_or_else(|| {
            own.put("target", metadata.target());
            "log".into()
        });
        line.put("event", name);
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(Fields(fields)) = span.extensions().get() {
                for (name, value) in fields {
                    line.put(name, value.clone());
                }
            }
        }
        for (name, value) in own.0 {
            line.put(name, value);
        }

        let Ok(mut text) = serde_json::to_vec(&line) else { return };
        text.push(b'\n');
        // Nobody is left to be told that the log cannot be written.
        let _ = self.writer.make_writer_for(metadata).write_all(&text);
    }
}

/// To the millisecond, with its zeros, so that lines of one log sort as text.
fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value);
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

    fn lines(of: impl FnOnce()) -> Vec<Value> {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::registry().with(JsonLines::new(move || writer.clone()));
        tracing::subscriber::with_default(subscriber, of);
        let text = String::from_utf8(kept.0.lock().expect("not poisoned").clone()).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    #[test]
    fn fields_of_spans_and_events_stand_on_one_level() {
        let lines = lines(|| {
            let span = tracing::info_span!("request", request_id = "abc", user = "span");
            let _entered = span.enter();
            tracing::info!(event = "login", user = "alice", duration_ms = 1.234_567, status = 200_u16, "logged in\n");
        });
        let [line] = lines.as_slice() else { panic!("one line") };
        assert_eq!(line["level"], "info");
        assert_eq!(line["event"], "login");
        assert_eq!(line["request_id"], "abc");
        assert_eq!(line["user"], "alice", "the event prevails");
        assert_eq!(line["duration_ms"], 1.235);
        assert_eq!(line["status"], 200);
        assert_eq!(line["message"], "logged in\n");
        assert!(line["timestamp"].as_str().expect("text").ends_with('Z'));
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
