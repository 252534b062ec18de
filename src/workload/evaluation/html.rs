//! An evaluation as a page of its own: no scripts, nothing loaded, light and dark, made to be printed as well.

mod plots;
mod tables;

use std::fmt::Write as _;

use super::text::{failed, milliseconds, percent};
use super::{Evaluation, Latency};
use crate::report::plain::is_unsafe;

/// Renders an evaluation as a page. All that comes from elsewhere is escaped; the page's own policy forbids scripts.
pub fn html(evaluation: &Evaluation) -> String {
    let title = format!("{}: accuracy {}", escape(&evaluation.context.endpoint), percent(evaluation.accuracy.value));
    let mut body = String::new();
    header(&mut body, evaluation);
    section(&mut body, "", "Classes", &tables::classes(evaluation));
    section(&mut body, "", "Confusion", &tables::confusion(evaluation));
    if let Some(latency) = &evaluation.latency {
        section(&mut body, "", "Latency", &(plots::latency(latency) + &tables::latency(latency)));
    }
    if let Some(confidence) = &evaluation.confidence {
        section(&mut body, "", "Calibration", &(plots::calibration(confidence) + &tables::calibration(confidence)));
    }
    if !evaluation.mistakes.is_empty() {
        section(&mut body, "wide", "Most confident mistakes", &tables::mistakes(evaluation));
    }
    if evaluation.failures.count > 0 {
        section(&mut body, "wide", "Failures", &tables::failures(evaluation));
    }
    let style = include_str!("html/page.css");
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}</body>
</html>
"#
    )
}

fn header(out: &mut String, evaluation: &Evaluation) {
    let Evaluation { context, accuracy, correct, pictures, .. } = evaluation;
    let _ = write!(
        out,
        "<header>\n<p class=\"of\">{} / {}</p>\n<h1><span>{}</span> accuracy</h1>\n<p>{correct} of {pictures} pictures right; \
         between {} and {} with 95&nbsp;% confidence.</p>\n",
        escape(&context.app),
        escape(&context.environment),
        unbroken(accuracy.value),
        unbroken(accuracy.low),
        unbroken(accuracy.high)
    );
    if evaluation.failures.count > 0 {
        let _ = writeln!(out, "<p class=\"bad\">{}.</p>", failed(evaluation.failures.count));
    }
    out.push_str("<dl class=\"numbers\">\n");
    for (name, value) in numbers(evaluation) {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    out.push_str("</dl>\n<dl class=\"facts\">\n");
    for (name, value) in facts(evaluation) {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(&value));
    }
    out.push_str("</dl>\n</header>\n");
}

/// A share as a percentage that stays on one line.
fn unbroken(share: f64) -> String {
    percent(share).replace(' ', "&nbsp;")
}

fn numbers(evaluation: &Evaluation) -> Vec<(String, String)> {
    let mut found = vec![];
    if let Some(Latency { p50_ms, p95_ms, p99_ms, .. }) = &evaluation.latency {
        let rows = [("latency, p50", p50_ms), ("latency, p95", p95_ms), ("latency, p99", p99_ms)];
        found.extend(rows.map(|(name, ms)| (name.into(), milliseconds(*ms))));
    }
    found.push(("pictures per second".into(), format!("{:.1}", evaluation.throughput)));
    if let Some(confidence) = &evaluation.confidence {
        found.push(("mean confidence".into(), format!("{:.3}", confidence.mean)));
        found.push(("log loss".into(), format!("{:.3}", confidence.log_loss)));
        found.push(("calibration error".into(), format!("{:.3}", confidence.calibration_error)));
        found.push((format!("confidence below {}", evaluation.threshold), percent(confidence.below_threshold)));
    }
    found
}

fn facts(evaluation: &Evaluation) -> Vec<(&'static str, String)> {
    let context = &evaluation.context;
    vec![
        ("endpoint", context.endpoint.clone()),
        ("endpoint configuration", context.endpoint_config.clone()),
        ("model", context.models.join(", ")),
        ("model digest", context.model_digest.clone()),
        ("test set", context.test_set.address.clone()),
        ("test set digest", context.test_set.digest.clone()),
        ("started", context.started_at.clone()),
        ("took", format!("{:.1} s, {} at once", evaluation.wall_ms / 1000.0, context.concurrency)),
    ]
}

fn section(out: &mut String, class: &str, title: &str, content: &str) {
    let _ = writeln!(out, "<section class=\"{class}\">\n<h2>{title}</h2>\n{content}</section>");
}

/// A key as HTML, with places to break the line.
fn escape_key(key: &str) -> String {
    escape(key).replace('/', "/<wbr>").replace('_', "_<wbr>")
}

/// Text as HTML, in an element or in a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // HTML knows no such characters; marks that reorder text would make a key look like another one.
            c if is_unsafe(c) => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}
