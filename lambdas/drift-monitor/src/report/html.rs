//! The page of a report. It holds its style and its charts, runs no scripts and loads nothing.

use std::fmt::Write;

use super::Report;
use super::chart::{Axis, Bin, svg};
use crate::baseline::Source;
use crate::comparison::{Compared, Measure, Verdict};
use crate::window::utc;

const STYLE: &str = include_str!("style.css");

/// Nothing but the page's own style may be used, should anything slip through.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">";

const LEGEND: &str = "<p class=\"legend\"><span><i class=\"baseline\"></i>baseline</span> \
<span><i class=\"window\"></i>window</span> <span>heights are shares of the records</span></p>";

const ABOUT: &str = "The population stability index (PSI) says how far the window's shares are from the baseline's, over the \
bins of a histogram. By convention, below 0.1 is stable, up to 0.25 moderate, above it shifted. “By chance” is what an index \
stays below in 19 of 20 windows of this size without any shift; with few records it is large.";

/// The whole page.
pub fn page(report: &Report) -> String {
    let mut out = format!("{HEAD}<title>{} – drift report</title><style>\n{STYLE}</style></head><body>", escape(&report.monitor));
    header(&mut out, report);
    indices(&mut out, report);
    let _ = write!(out, "<section><h2>Baseline and window</h2>{LEGEND}<div class=\"charts\">");
    report.measures.iter().for_each(|one| figure(&mut out, report, one));
    out.push_str("</div></section>");
    if !report.notes.is_empty() {
        out.push_str("<section><h2>Notes</h2><ul>");
        report.notes.iter().for_each(|note| {
            let _ = write!(out, "<li>{}</li>", escape(note));
        });
        out.push_str("</ul></section>");
    }
    let made = utc(report.made, "%Y-%m-%d %H:%M");
    let _ = writeln!(out, "<footer><p>{ABOUT}</p><p>Made on {made} UTC.</p></footer></body></html>");
    out
}

fn header(out: &mut String, report: &Report) {
    let class = class(report.verdict);
    let _ = write!(out, "<header><p class=\"kind\">Drift report</p><h1>{}</h1>", escape(&report.monitor));
    let verdict = match report.verdict {
        Verdict::NoRecords | Verdict::TooFewRecords => "not compared",
        compared => compared.words(),
    };
    let _ = write!(out, "<p class=\"verdict\"><b class=\"{class}\">{verdict}</b> {}</p><dl>", escape(&report.summary));
    let (from, to) = (utc(report.window_start, "%Y-%m-%d"), utc(report.window_end, "%Y-%m-%d"));
    let until = utc(report.window_end, if from == to { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" });
    let window = format!("{from} {} to {until} UTC", utc(report.window_start, "%H:%M:%S"));
    let source = match report.baseline.source {
        Source::Staging => "training pictures",
        Source::Evaluation => "evaluation",
    };
    let baseline = format!("{}, {} records ({})", source, report.baseline.records, report.baseline.address);
    let unsure = format!("of predictions below {}", report.low_confidence);
    let unsure = report.low_confidence_rate.map_or_else(|| "–".into(), |rate| format!("{} {unsure}", percent(rate, 1)));
    for (name, value) in [
        ("Endpoint", format!("{}, variant {}", report.endpoint, report.variant)),
        ("Window", window),
        ("Records", format!("{}, {} unreadable", report.records, report.coverage.unreadable)),
        ("Low confidence", unsure),
        ("Baseline", baseline),
    ] {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(&value));
    }
    out.push_str("</dl></header>");
}

fn indices(out: &mut String, report: &Report) {
    out.push_str(
        "<section><h2>Indices</h2><table><thead><tr><th>Measure</th><th>PSI</th><th>By chance</th><th>Verdict</th></tr></thead>",
    );
    for one in &report.measures {
        let number = |value: Option<f64>| value.map_or_else(|| "–".into(), |value| format!("{value:.3}"));
        let _ = write!(out, "<tr><th>{}</th>", name(one.measure));
        let _ = write!(out, "<td>{}</td><td>{}</td>", number(one.psi), number(one.by_chance));
        let verdict = one.verdict.map(|verdict| format!("<b class=\"{}\">{}</b>", class(verdict), verdict.words()));
        let _ = write!(out, "<td>{}</td></tr>", verdict.unwrap_or_else(|| escape(one.absent.as_deref().unwrap_or("–"))));
    }
    out.push_str("</table></section>");
}

fn figure(out: &mut String, report: &Report, one: &Compared) {
    let (bins, axis) = bins(report, one);
    let number = one.psi.map_or_else(String::new, |psi| format!(" <small>PSI {psi:.3}</small>"));
    let _ = write!(out, "<figure><figcaption><h3>{}</h3>{number}<p>{}</p></figcaption>", name(one.measure), about(report, one));
    if one.baseline.is_none() && one.window.is_none() {
        out.push_str("<p class=\"none\">Nothing to show.</p></figure>");
        return;
    }
    out.push_str(&svg(&format!("Histogram of {}: baseline and window", name(one.measure).to_lowercase()), &bins, &axis));
    out.push_str(
        "<details><summary>Numbers</summary><table><thead><tr><th>Bin</th><th>Baseline</th><th>Window</th></tr></thead>",
    );
    for bin in &bins {
        let share = |share: Option<f64>| share.map_or_else(|| "–".into(), |share| percent(share, 1));
        let (before, now) = (share(bin.baseline), share(bin.window));
        let _ = write!(out, "<tr><th>{}</th><td>{before}</td><td>{now}</td></tr>", escape(&bin.name));
    }
    out.push_str("</table></details></figure>");
}

/// The bins that hold something, with those between them.
fn bins(report: &Report, one: &Compared) -> (Vec<Bin>, Axis) {
    let share = |shares: &Option<Vec<f64>>, at: usize| shares.as_ref().and_then(|shares| shares.get(at).copied());
    let bin = |at: usize, name: String| Bin { name, baseline: share(&one.baseline, at), window: share(&one.window, at) };
    if one.measure == Measure::ClassShare {
        let names: Vec<String> = report.classes.iter().map(|class| class.class.clone()).collect();
        return (names.iter().cloned().enumerate().map(|(at, name)| bin(at, name)).collect(), Axis::Names(names));
    }
    let edges: Vec<String> = one.edges.iter().map(|edge| edge_name(one.measure, *edge)).collect();
    let all: Vec<Bin> = edges.windows(2).enumerate().map(|(at, pair)| bin(at, format!("{} – {}", pair[0], pair[1]))).collect();
    let is_used = |bin: &Bin| bin.baseline.is_some_and(|share| share > 0.0) || bin.window.is_some_and(|share| share > 0.0);
    // Bins that double are many, and most are empty; those from 0 to 1 are a scale that is known.
    if matches!(one.measure, Measure::Prediction | Measure::Brightness) {
        return (all, Axis::Edges(edges));
    }
    let first = all.iter().position(is_used).unwrap_or(0);
    let last = all.iter().rposition(is_used).unwrap_or(all.len().saturating_sub(1));
    let shown = all.get(first..=last).unwrap_or_default().to_vec();
    (shown, Axis::Edges(edges.get(first..=last + 1).unwrap_or_default().to_vec()))
}

fn edge_name(measure: Measure, edge: f64) -> String {
    match measure {
        Measure::Bytes if edge >= 1_048_576.0 => format!("{} MiB", edge / 1_048_576.0),
        Measure::Bytes if edge >= 1024.0 => format!("{} KiB", edge / 1024.0),
        Measure::Bytes => format!("{edge} B"),
        _ => edge.to_string(),
    }
}

fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::Prediction => "Predictions",
        Measure::ClassShare => "Classes",
        Measure::Brightness => "Brightness",
        Measure::Sharpness => "Sharpness",
        Measure::Bytes => "Size",
    }
}

fn about(report: &Report, one: &Compared) -> String {
    match (one.measure, report.classes.as_slice()) {
        (Measure::Prediction, [_, last]) => format!("Probability of {}", escape(&last.class)),
        (Measure::Prediction, _) => "Largest probability of all classes".into(),
        (Measure::ClassShare, _) => "Share of each predicted class".into(),
        (Measure::Brightness, _) => "Mean luma, from black (0) to white (1)".into(),
        (Measure::Sharpness, _) => "Variance of the Laplacian; blurred pictures are low".into(),
        (Measure::Bytes, _) => "Of the encoded picture".into(),
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Stable => "stable",
        Verdict::Moderate => "moderate",
        Verdict::Shifted => "shifted",
        Verdict::NoRecords | Verdict::TooFewRecords => "unknown",
    }
}

/// A share as a percentage.
pub fn percent(share: f64, digits: usize) -> String {
    format!("{:.digits$} %", share * 100.0)
}

/// Text that is safe in an element and in a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Control characters are no HTML, and those of text direction could show a name as another.
            c if c.is_control()
                || "\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}".contains(c) =>
            {
                safe.push('\u{fffd}')
            }
            c => safe.push(c),
        }
    }
    safe
}
