//! Sections of ours, between markers, in a file that a person writes too.
//!
//! Everything is bytes: what stands outside the markers is never read as text,
//! so it cannot be changed by accident.

/// The marker lines of one section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Markers {
    begin: String,
    end: String,
}

/// Where a section stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    /// Where the begin marker starts.
    start: usize,
    /// What is between the marker lines.
    body: (usize, usize),
    /// Behind the end marker and its line end.
    end: usize,
}

/// Why nobody knows what of a file is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The begin marker has no end marker.
    Unclosed,
    /// The end marker has no begin marker.
    Unopened,
    /// The section is there twice.
    Twice,
}

impl Broken {
    /// What is wrong, to stand after the section's name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Unclosed => "has its BEGIN line but no END line",
            Self::Unopened => "has its END line but no BEGIN line",
            Self::Twice => "stands there twice",
        }
    }
}

/// What some editors put at the head of a file.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Whether a file can hold sections: one in UTF-16, as PowerShell writes it, would be broken by UTF-8 after it.
pub(super) fn takes_sections(text: &[u8]) -> bool {
    !text.starts_with(&[0xff, 0xfe]) && !text.starts_with(&[0xfe, 0xff]) && !text.contains(&0)
}

impl Markers {
    /// The markers of the section called `id`, such as `python-style instruction`.
    pub(super) fn new(id: &str) -> Self {
        Self { begin: format!("<!-- BEGIN AAM: {id} -->"), end: format!("<!-- END AAM: {id} -->") }
    }

    fn find(&self, text: &[u8]) -> Result<Option<Found>, Broken> {
        let mut begin: Option<(usize, usize)> = None;
        let mut found = None;
        let mut at = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let next = at + line.len();
            let marked = if at == 0 && line.starts_with(BOM) { BOM.len() } else { 0 };
            let bare = line[marked..].trim_ascii();
            if bare == self.begin.as_bytes() {
                match begin {
                    Some(_) => return Err(Broken::Unclosed),
                    None if found.is_some() => return Err(Broken::Twice),
                    None => begin = Some((at + marked, next)),
                }
            } else if bare == self.end.as_bytes() {
                let (start, body) =
                    begin.take().ok_or(if found.is_some() { Broken::Twice } else { Broken::Unopened })?;
                found = Some(Found { start, body: (body, at), end: next });
            }
            at = next;
        }
        if begin.is_some() { Err(Broken::Unclosed) } else { Ok(found) }
    }

    /// What the section holds; line ends as `\n`, whatever an editor made of them.
    pub(super) fn body(&self, text: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
        let found = self.find(text)?;
        Ok(found.map(|found| unix_lines(&text[found.body.0..found.body.1])))
    }

    /// Puts the section into `text`, in place of the one that is there or at
    /// the end. Returns what was put before it to set it off; `None` where it
    /// was there already.
    pub(super) fn put(&self, text: &mut Vec<u8>, body: &[u8]) -> Result<Option<&'static str>, Broken> {
        let found = self.find(text)?;
        let mut section = format!("{}\n", self.begin).into_bytes();
        section.extend_from_slice(&closed(body));
        section.extend_from_slice(self.end.as_bytes());
        section.push(b'\n');
        if let Some(found) = found {
            text.splice(found.start..found.end, section);
            return Ok(None);
        }
        let before = if text.is_empty() || text.ends_with(b"\n\n") {
            ""
        } else if text.ends_with(b"\n") {
            "\n"
        } else {
            "\n\n"
        };
        text.extend_from_slice(before.as_bytes());
        text.extend_from_slice(&section);
        Ok(Some(before))
    }

    /// Takes the section out of `text`, with the `before` that was put in with it.
    pub(super) fn remove(&self, text: &mut Vec<u8>, before: &str) -> Result<(), Broken> {
        if let Some(found) = self.find(text)? {
            let start =
                if text[..found.start].ends_with(before.as_bytes()) { found.start - before.len() } else { found.start };
            text.drain(start..found.end);
        }
        Ok(())
    }

    /// What probably set a section off whose record is lost.
    pub(super) fn guess_before(&self, text: &[u8]) -> &'static str {
        match self.find(text) {
            Ok(Some(found)) if text[..found.start].ends_with(b"\n\n") => "\n",
            _ => "",
        }
    }
}

/// A body as it stands between the markers: it ends its last line, and lines
/// end with `\n`, so that what [`Markers::body`] reads is what was put.
pub(super) fn closed(body: &[u8]) -> Vec<u8> {
    let mut closed = unix_lines(body.trim_ascii_end());
    closed.push(b'\n');
    closed
}

/// `text` without the carriage returns before its line ends.
fn unix_lines(text: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(text.len());
    for byte in text {
        if *byte == b'\n' {
            while lines.ends_with(b"\r") {
                lines.pop();
            }
        }
        lines.push(*byte);
    }
    lines
}

/// The line by which a body is found again where its markers are gone.
pub(super) fn first_line(body: &[u8]) -> String {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.into_iter().find(|line| !line.is_empty()).unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

/// Whether `text` holds `body` without its markers.
pub(super) fn holds_body(text: &[u8], body: &[u8]) -> bool {
    let (text, body) = (unix_lines(&unmarked(text)), body.trim_ascii());
    !body.is_empty() && text.windows(body.len()).any(|part| part == body)
}

/// What of `text` stands in no section of ours: two of them may begin alike.
fn unmarked(text: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut left = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let end = line.trim_ascii().strip_prefix(b"<!-- BEGIN AAM:").map(|id| [b"<!-- END AAM:", id].concat());
        let close = end.and_then(|end| lines[at..].iter().position(|line| line.trim_ascii() == end));
        if let Some(below) = close {
            at += below;
        } else {
            left.extend_from_slice(line);
        }
        at += 1;
    }
    left
}

/// Whether a line of `text` outside of our sections is `line`.
pub(super) fn holds_line(text: &[u8], line: &str) -> bool {
    let text = unmarked(text);
    !line.is_empty() && text.split(|byte| *byte == b'\n').any(|other| other.trim_ascii() == line.as_bytes())
}

/// Whether nothing stands in `text` but sections of ours.
pub(super) fn only_sections(text: &[u8]) -> bool {
    let mut ours = false;
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.starts_with(b"<!-- BEGIN AAM:") {
            ours = true;
        } else if line.starts_with(b"<!-- END AAM:") {
            ours = false;
        } else if !ours && !line.is_empty() && line != BOM {
            return false;
        }
    }
    true
}

/// The line of `text`, from 1, that could be taken for a marker of ours.
pub(crate) fn marker_line(text: &[u8]) -> Option<usize> {
    let marks = [&b"<!-- BEGIN AAM:"[..], b"<!-- END AAM:"];
    let holds = |line: &[u8]| marks.iter().any(|mark| line.windows(mark.len()).any(|part| part == *mark));
    text.split(|byte| *byte == b'\n').position(holds).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        text.as_bytes().to_vec()
    }

    #[test]
    fn a_section_is_set_off_and_replaced_in_place() {
        let markers = Markers::new("a instruction");
        let mut text = bytes("# Mine\n");
        assert_eq!(markers.put(&mut text, b"one"), Ok(Some("\n")));
        text.extend_from_slice(b"after\n");
        assert_eq!(markers.put(&mut text, b"two\n\n"), Ok(None));
        let expected = "# Mine\n\n<!-- BEGIN AAM: a instruction -->\ntwo\n<!-- END AAM: a instruction -->\nafter\n";
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }

    #[test]
    fn an_unclosed_section_is_left_alone() {
        let markers = Markers::new("a instruction");
        let mut text = bytes("<!-- BEGIN AAM: a instruction -->\nmine?\n");
        assert_eq!(markers.put(&mut text, b"x"), Err(Broken::Unclosed));
        assert_eq!(markers.remove(&mut text, ""), Err(Broken::Unclosed));
    }

    #[test]
    fn broken_markers_are_told_apart() {
        let markers = Markers::new("a instruction");
        let (begin, end) = ("<!-- BEGIN AAM: a instruction -->\n", "<!-- END AAM: a instruction -->\n");
        for (text, broken) in [
            (format!("{begin}x\n"), Broken::Unclosed),
            (format!("x\n{end}"), Broken::Unopened),
            (format!("{begin}x\n{end}{begin}y\n{end}"), Broken::Twice),
            (format!("{begin}{begin}x\n{end}"), Broken::Unclosed),
        ] {
            assert_eq!(markers.body(text.as_bytes()), Err(broken), "{text}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_indentation_hide_no_marker() {
        let markers = Markers::new("a instruction");
        let mut text =
            bytes("\u{feff}  <!-- BEGIN AAM: a instruction -->\none\n<!-- END AAM: a instruction -->  \nrest\n");
        assert_eq!(markers.body(&text), Ok(Some(bytes("one\n"))));
        assert_eq!(markers.put(&mut text, b"two"), Ok(None));
        markers.remove(&mut text, "").expect("whole");
        assert_eq!(text, bytes("\u{feff}rest\n"));
    }

    #[test]
    fn an_editors_line_ends_are_no_change() {
        let markers = Markers::new("a instruction");
        let mut text = Vec::new();
        markers.put(&mut text, b"one\ntwo").expect("closed");
        let text = String::from_utf8(text).expect("text").replace('\n', "\r\n");
        assert_eq!(markers.body(text.as_bytes()), Ok(Some(bytes("one\ntwo\n"))));
    }

    proptest! {
        #[test]
        fn foreign_text_is_kept_byte_for_byte(
            head in proptest::collection::vec(any::<u8>(), 0..60),
            tail in proptest::collection::vec(any::<u8>(), 0..60),
            bodies in proptest::collection::vec("[a-z#\r\n ]{0,20}", 1..4),
            order in any::<proptest::sample::Index>(),
        ) {
            let markers: Vec<_> = (0..bodies.len()).map(|n| Markers::new(&format!("n{n} instruction"))).collect();
            let mut text = head.clone();
            let mut before = Vec::new();
            for (markers, body) in markers.iter().zip(&bodies) {
                before.push(markers.put(&mut text, body.as_bytes()).expect("closed").expect("new"));
            }
            text.extend_from_slice(&tail);
            for (markers, body) in markers.iter().zip(&bodies) {
                prop_assert_eq!(markers.put(&mut text, body.as_bytes()), Ok(None), "put again");
                prop_assert_eq!(markers.body(&text), Ok(Some(closed(body.as_bytes()))), "read back");
            }
            let first = order.index(markers.len());
            for n in (0..markers.len()).map(|n| (n + first) % markers.len()) {
                markers[n].remove(&mut text, before[n]).expect("closed");
            }
            prop_assert_eq!(text, [head, tail].concat());
        }
    }
}
