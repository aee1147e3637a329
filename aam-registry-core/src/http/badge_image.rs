//! A badge as an SVG image.

use std::fmt::Write as _;

use crate::registry::{Badge, BadgeColor};

/// The height of a badge in pixels.
const HEIGHT: u32 = 20;
/// The space left and right of a text.
const PADDING: u32 = 6;

/// The image: a label on grey, and the message on its colour. It holds no script and refers to nothing outside.
pub(crate) fn image(badge: &Badge) -> String {
    let (label, message) = (escaped(&badge.label), escaped(&badge.message));
    let (left, right) = (width(&badge.label), width(&badge.message));
    let (left_box, right_box) = (left + 2 * PADDING, right + 2 * PADDING);
    let (whole, color) = (left_box + right_box, rgb(badge.color));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"{HEIGHT}\" role=\"img\" \
         aria-label=\"{label}: {message}\"><title>{label}: {message}</title>\
         <clipPath id=\"r\"><rect width=\"{whole}\" height=\"{HEIGHT}\" rx=\"3\"/></clipPath>\
         <g clip-path=\"url(#r)\"><rect width=\"{left_box}\" height=\"{HEIGHT}\" fill=\"#555\"/>\
         <rect x=\"{left_box}\" width=\"{right_box}\" height=\"{HEIGHT}\" fill=\"{color}\"/></g>\
         <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">"
    );
    for (x, length, text) in [(PADDING, left, &label), (left_box + PADDING, right, &message)] {
        // The length keeps the text inside its box whichever font there is.
        write!(svg, "<text x=\"{x}\" y=\"14\" textLength=\"{length}\">{text}</text>").expect("a String takes any text");
    }
    svg.push_str("</g></svg>");
    svg
}

/// The colour as shields.io writes it.
pub(crate) fn name(color: BadgeColor) -> &'static str {
    match color {
        BadgeColor::Blue => "blue",
        BadgeColor::Green => "brightgreen",
        BadgeColor::Yellow => "yellow",
        BadgeColor::Red => "red",
        BadgeColor::Grey => "lightgrey",
    }
}

/// Colours on which white text is readable: a contrast of at least 4.5.
fn rgb(color: BadgeColor) -> &'static str {
    match color {
        BadgeColor::Blue => "#0969a8",
        BadgeColor::Green => "#2b7a2b",
        BadgeColor::Yellow => "#8a6500",
        BadgeColor::Red => "#b8321f",
        BadgeColor::Grey => "#6b6b6b",
    }
}

/// About how many pixels a text takes in Verdana at 11 pixels.
fn width(text: &str) -> u32 {
    let tenths: u32 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '\'' | '|' => 31,
            '.' | ',' | ':' | ';' | '!' | ' ' | 'f' | 't' | '(' | ')' | '[' | ']' | '/' | '-' => 42,
            'r' | 'I' | 's' | 'c' | 'z' => 54,
            'm' | 'M' | 'W' | 'w' | '@' | '%' => 102,
            'A'..='Z' => 76,
            c if c.is_ascii() => 68,
            _ => 110,
        })
        .sum();
    tenths.div_ceil(10).max(1)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Not allowed in XML at all.
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_package_says_is_text_in_the_image() {
        let badge = Badge {
            label: "\"><script>alert(1)</script>".to_owned(),
            message: "a & 'b' \u{ffff}<svg onload=x>".to_owned(),
            color: BadgeColor::Blue,
        };
        let svg = image(&badge);
        assert!(!svg.contains("<script") && !svg.contains("<svg onload"), "{svg}");
        assert!(svg.contains("a &amp; &#39;b&#39; &lt;svg onload=x&gt;"), "{svg}");
        assert_eq!(svg.matches("<svg").count(), 1);
    }

    #[test]
    fn an_image_is_small() {
        let badge = Badge { label: "x".repeat(64), message: "<".repeat(64), color: BadgeColor::Grey };
        assert!(image(&badge).len() < 2_048, "{}", image(&badge).len());
    }
}
