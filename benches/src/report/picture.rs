use std::fmt::Write;

use super::Report;
use crate::measure::{Judged, Verdict};

const WIDTH: f64 = 960.0;
const MARGIN: f64 = 16.0;
/// The left and right ends of the bars; labels are to the left, figures to the right.
const BARS: (f64, f64) = (430.0, 800.0);
const TOP: f64 = 74.0;
const LINE: f64 = 22.0;
const BAR: f64 = 12.0;
/// The width of a bar whose value is below the scale.
const SHORTEST_BAR: f64 = 3.0;
/// The scores at the ends of the logarithmic scale.
const SCALE: (f64, f64) = (0.25, 4.0);

/// Colours that can be distinguished in light and dark mode; the text beside the bars says the same
/// without colours.
const STYLE: &str = "
text { font: 12px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.row { font-weight: 600; }
.faint { fill: #59636e; }
.met { fill: #1a7f37; }
.missed { fill: #bc4c00; }
.background { fill: #ffffff; }
.grid { stroke: #d1d9e0; stroke-width: 1; }
.goal { stroke: #1f2328; stroke-width: 2; }
.spread { stroke: #1f2328; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .faint { fill: #9198a1; }
  .met { fill: #3fb950; }
  .missed { fill: #f0883e; }
  .background { fill: #0d1117; }
  .grid { stroke: #3d444d; }
  .goal, .spread { stroke: #f0f6fc; }
}
";

/// Draws the goals of a report as bars on one scale: how far each is met.
pub(super) fn draw(report: &Report) -> String {
    let rows: Vec<_> = report.rows.iter().filter(|row| !row.goals.is_empty()).collect();
    let lines: usize = rows.iter().map(|row| row.goals.len() + 1).sum();
    #[expect(clippy::cast_precision_loss, reason = "a few dozen lines")]
    let bottom = TOP + lines as f64 * LINE;
    let height = bottom + 34.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"How far the goals are met\">\n<style>{STYLE}</style>\n\
         <rect class=\"background\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n"
    );
    let mut draw = |line: String| {
        svg.push_str(&line);
        svg.push('\n');
    };
    draw(text(MARGIN, 26.0, "title", "How far the goals are met (right of the line: met)"));
    draw(text(MARGIN, 46.0, "faint", &report.machine.to_string()));
    for (score, label) in [(0.25, "¼"), (0.5, "½"), (1.0, "goal"), (2.0, "2 ×"), (4.0, "4 ×")] {
        let x = at(score);
        let class = if label == "goal" { "goal" } else { "grid" };
        draw(format!("<line class=\"{class}\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>"));
        draw(format!(
            "<text class=\"faint\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            TOP - 8.0
        ));
    }
    let mut y = TOP;
    for row in rows {
        draw(text(MARGIN, y + 16.0, "row", &row.title));
        y += LINE;
        for goal in &row.goals {
            draw(bar(goal, y));
            y += LINE;
        }
    }
    let rounds = format!(
        "medians of up to {} interleaved rounds of {} s, thin lines from the worst round to the best; {}",
        report.rounds,
        report.seconds_a_round,
        report.measured_at.split('T').next().unwrap_or_default()
    );
    draw(text(MARGIN, bottom + 22.0, "faint", &rounds));
    svg.push_str("</svg>\n");
    svg
}

/// One goal: its text, how far it is met, and the measured value.
fn bar(goal: &Judged, y: f64) -> String {
    let mut svg = text(MARGIN + 12.0, y + 15.0, "faint", &goal.goal);
    if let Some(score) = goal.score {
        let (class, end) = (if goal.verdict == Verdict::Met { "met" } else { "missed" }, at(score.median));
        let (top, middle) = (y + (LINE - BAR) / 2.0, y + LINE / 2.0);
        let width = (end - BARS.0).max(SHORTEST_BAR);
        write!(
            svg,
            "<rect class=\"{class}\" x=\"{}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>\
             <line class=\"spread\" x1=\"{:.1}\" y1=\"{middle:.1}\" x2=\"{:.1}\" y2=\"{middle:.1}\"/>",
            BARS.0,
            at(score.min),
            at(score.max)
        )
        .expect("a string takes all");
    }
    let verdict = match goal.verdict {
        Verdict::Met => "met",
        Verdict::Missed => "missed",
        Verdict::Unknown => "",
    };
    svg.push_str(&text(BARS.1 + 12.0, y + 15.0, "", format!("{} {verdict}", goal.shown).trim()));
    svg
}

/// The position of a score; a score outside the scale is drawn at its end.
fn at(score: f64) -> f64 {
    let (low, high) = (SCALE.0.ln(), SCALE.1.ln());
    let share = (score.clamp(SCALE.0, SCALE.1).ln() - low) / (high - low);
    BARS.0 + share * (BARS.1 - BARS.0)
}

fn text(x: f64, y: f64, class: &str, text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<text{class} x=\"{x}\" y=\"{y}\">{escaped}</text>")
}
