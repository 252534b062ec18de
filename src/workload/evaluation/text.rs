//! An evaluation for a terminal: the headline, the classes, the matrix, the times, the worst mistakes.

use std::fmt::Write as _;

use super::{ClassScore, Evaluation, Latency, Mistake};
use crate::report::plain::{one_line, shortened, tail};
use crate::report::style::{ADDED, CHANGED, FAINT, REMOVED, STRONG, paint};

/// Lines are not made narrower than this many characters.
const NARROWEST: usize = 72;
/// The longest name of a class that is shown whole.
const LONGEST_CLASS: usize = 24;
/// The confusions that stand in for a matrix that is too wide.
const MOST_CONFUSIONS: usize = 10;
/// The width of the words before a fact: a digest fits beside them into 80 characters.
const FACT: usize = 8;
/// The width of the words before a line's numbers.
const LABEL: usize = 12;

/// Renders an evaluation in lines of at most `width` characters, if that is 72 or more.
pub fn text(evaluation: &Evaluation, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = String::new();
    headline(&mut out, evaluation, width);
    out.push('\n');
    classes(&mut out, evaluation);
    out.push('\n');
    confusion(&mut out, evaluation, width);
    out.push('\n');
    numbers(&mut out, evaluation, width);
    failures(&mut out, evaluation, width);
    mistakes(&mut out, evaluation, width);
    out
}

fn headline(out: &mut String, evaluation: &Evaluation, width: usize) {
    let Evaluation { context, accuracy, correct, pictures, .. } = evaluation;
    let _ = writeln!(out, "{}", paint(STRONG, format!("Accuracy {}: {correct} of {pictures} pictures", percent(accuracy.value))));
    let interval = format!("between {} and {} with 95 % confidence", percent(accuracy.low), percent(accuracy.high));
    let _ = writeln!(out, "{}", paint(FAINT, interval));
    let place = format!("{} / {}, {}", context.app, context.environment, context.started_at);
    let _ = writeln!(out, "{}\n", paint(FAINT, shortened(&place, width)));
    let facts = [
        ("endpoint", &context.endpoint),
        ("config", &context.endpoint_config),
        ("model", &context.models.join(", ")),
        ("digest", &context.model_digest),
        ("test set", &context.test_set.address),
    ];
    for (label, fact) in facts {
        let _ = writeln!(out, "{} {}", paint(FAINT, pad(label, FACT)), shortened(fact, width - FACT - 1));
    }
}

fn classes(out: &mut String, evaluation: &Evaluation) {
    let names: Vec<String> = evaluation.classes.iter().map(|name| shortened(name, LONGEST_CLASS)).collect();
    let first = longest(&names).max("class".len());
    let heads = format!("{}  pictures  precision  recall     F1", pad("class", first));
    let with_failures = evaluation.failures.count > 0;
    let _ = writeln!(out, "{}", paint(FAINT, if with_failures { heads + "  failed" } else { heads }));
    for (name, score) in names.iter().zip(&evaluation.per_class) {
        let ClassScore { precision, recall, f1, support, failed, .. } = score;
        let numbers = format!("{support:>8}  {:>9}  {:>6}  {:>5}", share(*precision), share(*recall), share(*f1));
        let _ = write!(out, "{}  {numbers}", pad(name, first));
        let _ = match (with_failures, failed) {
            (false, _) => writeln!(out),
            (true, 0) => writeln!(out, "  {:>6}", 0),
            (true, _) => writeln!(out, "  {}", paint(REMOVED, format!("{failed:>6}"))),
        };
    }
}

fn confusion(out: &mut String, evaluation: &Evaluation, width: usize) {
    let names: Vec<String> = evaluation.classes.iter().map(|name| shortened(name, LONGEST_CLASS)).collect();
    let first = longest(&names).max("is \\ called".len());
    let count = |cell: &u64| cell.to_string().len();
    let column = |index: usize| {
        let widest = evaluation.confusion.iter().map(|row| count(&row[index])).max().unwrap_or(0);
        widest.max(names[index].chars().count())
    };
    let columns: Vec<usize> = (0..names.len()).map(column).collect();
    if first + columns.iter().map(|column| column + 2).sum::<usize>() > width {
        return confusions(out, evaluation, width);
    }
    let _ = write!(out, "{}", paint(FAINT, pad("is \\ called", first)));
    for (name, column) in names.iter().zip(&columns) {
        let _ = write!(out, "  {}", paint(FAINT, pad_left(name, *column)));
    }
    out.push('\n');
    for (index, (name, row)) in names.iter().zip(&evaluation.confusion).enumerate() {
        let _ = write!(out, "{}", pad(name, first));
        for (other, (cell, column)) in row.iter().zip(&columns).enumerate() {
            let style = match (index == other, cell) {
                (true, _) => ADDED,
                (false, 0) => FAINT,
                (false, _) => REMOVED,
            };
            let _ = write!(out, "  {}", paint(style, pad_left(&cell.to_string(), *column)));
        }
        out.push('\n');
    }
}

/// For many classes: which of them are taken for which, the most frequent first.
fn confusions(out: &mut String, evaluation: &Evaluation, width: usize) {
    let found = evaluation.confusions();
    let _ = writeln!(out, "{}", paint(FAINT, format!("most frequent of {} confusions", found.len())));
    for (count, truth, predicted) in found.into_iter().take(MOST_CONFUSIONS) {
        let _ = writeln!(out, "{count:>6} × {}", shortened(&format!("{truth} called {predicted}"), width - 9));
    }
}

impl Evaluation {
    /// (count, truth, predicted) of all wrong cells that are not empty, the most frequent first.
    pub(super) fn confusions(&self) -> Vec<(u64, &str, &str)> {
        let wrong = |row: usize, column: usize, count: u64| {
            (row != column && count > 0).then(|| (count, self.classes[row].as_str(), self.classes[column].as_str()))
        };
        let cells = self
            .confusion
            .iter()
            .enumerate()
            .flat_map(|(row, cells)| cells.iter().enumerate().filter_map(move |(column, count)| wrong(row, column, *count)));
        let mut found: Vec<(u64, &str, &str)> = cells.collect();
        found.sort_by_key(|(count, _, _)| std::cmp::Reverse(*count));
        found
    }
}

fn numbers(out: &mut String, evaluation: &Evaluation, width: usize) {
    if let Some(confidence) = &evaluation.confidence {
        let first = format!("mean {:.3}, log loss {:.3}", confidence.mean, confidence.log_loss);
        let error = format!("calibration error {:.3}", confidence.calibration_error);
        let below = format!("{} below the threshold of {}", percent(confidence.below_threshold), evaluation.threshold);
        entry(out, "confidence", &[first, error, below], width);
    }
    if let Some(latency) = &evaluation.latency {
        let Latency { p50_ms, p95_ms, p99_ms, min_ms, max_ms, mean_ms, .. } = latency;
        let percentiles = [("p50", p50_ms), ("p95", p95_ms), ("p99", p99_ms)];
        let rest = [("min", min_ms), ("mean", mean_ms), ("max", max_ms)];
        let line = |of: [(&str, &f64); 3]| of.map(|(name, ms)| format!("{name} {}", milliseconds(*ms))).join(", ");
        entry(out, "latency", &[line(percentiles), line(rest)], width);
    }
    let speed = format!("{:.1} pictures per second", evaluation.throughput);
    let took = format!("{} at once, {:.1} s", evaluation.context.concurrency, evaluation.wall_ms / 1000.0);
    entry(out, "throughput", &[speed, took], width);
}

/// How many pictures failed, and what that means.
pub fn failed(count: u64) -> String {
    let pictures = if count == 1 { "picture" } else { "pictures" };
    format!("{count} {pictures} failed, which counts as wrong")
}

fn failures(out: &mut String, evaluation: &Evaluation, width: usize) {
    let failures = &evaluation.failures;
    if failures.count == 0 {
        return;
    }
    let _ = writeln!(out, "\n{}", paint(REMOVED, failed(failures.count)));
    for reason in &failures.reasons {
        let _ = writeln!(out, "{:>6} × {}", reason.count, shortened(&reason.reason, width - 9));
    }
    for key in &failures.keys {
        let _ = writeln!(out, "         {}", paint(FAINT, tail(key, width - 9)));
    }
}

fn mistakes(out: &mut String, evaluation: &Evaluation, width: usize) {
    if evaluation.mistakes.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nmost confident mistakes");
    let called = |mistake: &Mistake| {
        let (truth, predicted) = (shortened(&mistake.truth, LONGEST_CLASS), shortened(&mistake.predicted, LONGEST_CLASS));
        format!("{:.3}  {truth} called {predicted}", mistake.confidence)
    };
    let called: Vec<String> = evaluation.mistakes.iter().map(called).collect();
    let first = longest(&called);
    let room = width.saturating_sub(first + 4);
    let longest_key = evaluation.mistakes.iter().map(|mistake| one_line(&mistake.key).chars().count()).max();
    // Keys of which little would be left get lines of their own.
    let beside = longest_key.is_some_and(|key| room >= key.min(20));
    for (mistake, called) in evaluation.mistakes.iter().zip(called) {
        let called = paint(CHANGED, pad(&called, first));
        let _ = match beside {
            true => writeln!(out, "  {called}  {}", paint(FAINT, tail(&mistake.key, room))),
            false => writeln!(out, "  {called}\n         {}", paint(FAINT, tail(&mistake.key, width - 9))),
        };
    }
}

/// A label and its parts, broken between parts where the line would get too long.
fn entry(out: &mut String, label: &str, parts: &[String], width: usize) {
    let _ = write!(out, "{}", paint(FAINT, pad(label, LABEL)));
    let mut used = LABEL;
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        let part = if last { part.clone() } else { format!("{part},") };
        if index > 0 && used + 1 + part.chars().count() > width {
            let _ = write!(out, "\n{}", pad("", LABEL));
            used = LABEL;
        }
        let _ = write!(out, " {part}");
        used += 1 + part.chars().count();
    }
    out.push('\n');
}

/// A share in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A share with three digits; a dash for none.
pub(super) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.3}"))
}

/// Milliseconds with three digits that count.
pub(super) fn milliseconds(ms: f64) -> String {
    match ms {
        ..9.995 => format!("{ms:.2} ms"),
        ..99.95 => format!("{ms:.1} ms"),
        ..9999.5 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1000.0),
    }
}

fn longest(names: &[String]) -> usize {
    names.iter().map(|name| name.chars().count()).max().unwrap_or(0)
}

fn pad(text: &str, to: usize) -> String {
    format!("{text:<to$}")
}

fn pad_left(text: &str, to: usize) -> String {
    format!("{text:>to$}")
}
