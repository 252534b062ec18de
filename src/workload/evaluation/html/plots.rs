//! The page's plots, as inline SVG whose colours come from the page's style.

use std::fmt::Write as _;

use super::super::text::milliseconds;
use super::super::{Confidence, Latency};

/// The plots are drawn in these units; a narrow screen shows them one to one.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 36.0;

/// A place in the plot's area; both from 0 to 1, from the lower left.
fn place(x: f64, y: f64) -> (f64, f64) {
    (LEFT + x * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y * (HEIGHT - TOP - BOTTOM))
}

fn open(id: &str, title: &str, description: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\">\n\
         <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-text\">{description}</desc>\n"
    )
}

fn line(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(out, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
}

fn words(out: &mut String, anchor: &str, (x, y): (f64, f64), text: &str) {
    let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

fn bar(out: &mut String, class: &str, (left, right): (f64, f64), height: f64, tip: &str) {
    let ((x, top), (end, base)) = (place(left, height), place(right, 0.0));
    // One picture among thousands is still to be seen.
    let (width, y) = ((end - x - 1.0).max(0.5), if height > 0.0 { top.min(base - 1.5) } else { base });
    let _ = writeln!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\"><title>{tip}</title></rect>",
        base - y
    );
}

/// Lines across the plot at these heights, with their labels, and what the heights count.
fn grid(out: &mut String, name: &str, ticks: &[(f64, String)]) {
    words(out, "start", (0.0, place(0.0, 1.0).1 - 12.0), name);
    for (height, label) in ticks {
        line(out, "grid", place(0.0, *height), place(1.0, *height));
        let (x, y) = place(0.0, *height);
        words(out, "end", (x - 6.0, y + 4.0), label);
    }
}

/// The latency's histogram; times double at even distances.
pub fn latency(latency: &Latency) -> String {
    let edges = &latency.histogram.edges_ms;
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else { return String::new() };
    let along = |ms: f64| ((ms / first).log2() / (last / first).log2()).clamp(0.0, 1.0);
    let most = latency.histogram.counts.iter().copied().max().unwrap_or(0);
    let highest = nice(most);
    let (p50, p95, p99) = (milliseconds(latency.p50_ms), milliseconds(latency.p95_ms), milliseconds(latency.p99_ms));
    let description = format!("Half of the pictures took up to {p50}, 95 % up to {p95}, 99 % up to {p99}.");
    let mut out = open("latency", "Pictures per time to answer", &description);
    grid(&mut out, "pictures", &[0, 1, 2].map(|half| (f64::from(half) / 2.0, (highest * half as u64 / 2).to_string())));
    for (edge, count) in edges.windows(2).zip(&latency.histogram.counts) {
        let tip = format!("{} to {}: {count}", milliseconds(edge[0]), milliseconds(edge[1]));
        bar(&mut out, "bar", (along(edge[0]), along(edge[1])), *count as f64 / highest as f64, &tip);
    }
    for ms in time_ticks(*first, *last) {
        let (x, y) = place(along(ms), 0.0);
        words(&mut out, "middle", (x, y + 16.0), &tick(ms));
    }
    markers(&mut out, &[("p50", along(latency.p50_ms)), ("p95", along(latency.p95_ms)), ("p99", along(latency.p99_ms))]);
    axis(&mut out, "time to answer");
    out + "</svg>\n"
}

/// Marked places on the horizontal axis, from left to right; those too close for two labels share one.
fn markers(out: &mut String, of: &[(&str, f64)]) {
    let mut labels: Vec<(String, f64)> = vec![];
    for (name, along) in of {
        let (x, y) = place(*along, 1.0);
        line(out, "mark", (x, y - 4.0), place(*along, 0.0));
        match labels.last_mut() {
            Some((label, start)) if x - *start < 24.0 + 20.0 * label.matches(' ').count() as f64 => {
                *label = format!("{label} {name}");
            }
            _ => labels.push(((*name).into(), x)),
        }
    }
    for (label, x) in labels {
        // Wide labels must not leave the plot.
        let half = 11.0 + 12.0 * label.matches(' ').count() as f64;
        words(out, "middle", (x.clamp(LEFT + 12.0 + half, WIDTH - half), place(0.0, 1.0).1 - 9.0), &label);
    }
}

fn axis(out: &mut String, name: &str) {
    line(out, "axis", place(0.0, 0.0), place(1.0, 0.0));
    words(out, "middle", (place(0.5, 0.0).0, HEIGHT - 4.0), name);
}

/// The next of 2, 4, 6, 10, 20, 40, 60, 100…, so that its half is whole too.
fn nice(most: u64) -> u64 {
    let mut step: u64 = 1;
    loop {
        for factor in [2, 4, 6, 10] {
            if step.saturating_mul(factor) >= most {
                return step.saturating_mul(factor);
            }
        }
        step = step.saturating_mul(10);
    }
}

/// Round times between two, seven at most.
fn time_ticks(first: f64, last: f64) -> Vec<f64> {
    let decades = -3..8;
    let of = |factors: &[f64]| -> Vec<f64> {
        let all = decades.clone().flat_map(|decade| factors.iter().map(move |factor| factor * 10_f64.powi(decade)));
        all.filter(|ms| (first..=last).contains(ms)).collect()
    };
    [of(&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0]), of(&[1.0, 2.0, 5.0]), of(&[1.0])]
        .into_iter()
        .find(|ticks| ticks.len() <= 7)
        .unwrap_or_default()
}

fn tick(ms: f64) -> String {
    if ms < 1000.0 { format!("{ms} ms") } else { format!("{} s", ms / 1000.0) }
}

/// Accuracy against confidence: bars on the diagonal say what they promise. Paler bars hold fewer pictures.
pub fn calibration(confidence: &Confidence) -> String {
    let total: u64 = confidence.calibration.iter().map(|bin| bin.count).sum();
    let description = format!(
        "A bar's height is the accuracy of the answers with that confidence; on the diagonal both are equal. Their mean \
         distance is {:.3}.",
        confidence.calibration_error
    );
    let mut out = open("calibration", "Accuracy per confidence", &description);
    grid(&mut out, "right", &[0, 50, 100].map(|percent| (f64::from(percent) / 100.0, format!("{percent} %"))));
    for bin in &confidence.calibration {
        let Some(accuracy) = bin.accuracy else { continue };
        let class = if bin.count * 50 < total { "bar few" } else { "bar" };
        let tip = format!("{:.1} to {:.1}: {:.1} % of {} right", bin.from, bin.to, accuracy * 100.0, bin.count);
        bar(&mut out, class, (bin.from, bin.to), accuracy, &tip);
    }
    line(&mut out, "mark", place(0.0, 0.0), place(1.0, 1.0));
    for percent in [0, 20, 40, 60, 80, 100] {
        let (x, y) = place(f64::from(percent) / 100.0, 0.0);
        let anchor = if percent == 100 { "end" } else { "middle" };
        words(&mut out, anchor, (x, y + 16.0), &format!("{percent} %"));
    }
    axis(&mut out, "confidence");
    out + "</svg>\n<p class=\"note\">At the dashed line answers are right as often as they are sure. Pale bars hold less than 2 % of \
           the pictures.</p>\n"
}
