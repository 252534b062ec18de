//! The page's tables; those under a plot hold its numbers for whom the plot does not show them.

use std::fmt::Write as _;

use super::super::text::{milliseconds, percent, share};
use super::super::{ClassScore, Confidence, Evaluation, Latency};
use super::{escape, escape_key};

/// With more classes than this a matrix is no help to the eye.
const MOST_COLUMNS: usize = 30;
/// The confusions that stand in for it.
const MOST_CONFUSIONS: usize = 20;

/// Opens a table that scrolls sideways where it is too wide, by keyboard too.
fn open(caption: &str, heads: &[&str]) -> String {
    let mut out = format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n<table>\n<caption>{caption}</caption>\n<thead><tr>"
    );
    for head in heads {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(head));
    }
    out + "</tr></thead>\n<tbody>\n"
}

const CLOSE: &str = "</tbody>\n</table>\n</div>\n";

fn details(table: String) -> String {
    format!("<details>\n<summary>The numbers</summary>\n{table}</details>\n")
}

pub fn classes(evaluation: &Evaluation) -> String {
    let mut out =
        open("Scores of the pictures answered, per class", &["class", "pictures", "precision", "recall", "F1", "failed"]);
    for score in &evaluation.per_class {
        let ClassScore { name, precision, recall, f1, support, failed } = score;
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{support}</td><td>{}</td><td>{}</td><td>{}</td><td{}>{failed}</td></tr>",
            escape(name),
            share(*precision),
            share(*recall),
            share(*f1),
            if *failed > 0 { " class=\"bad\"" } else { "" }
        );
    }
    out + CLOSE
}

pub fn confusion(evaluation: &Evaluation) -> String {
    if evaluation.classes.len() > MOST_COLUMNS {
        return confusions(evaluation);
    }
    let heads: Vec<&str> = std::iter::once("is").chain(evaluation.classes.iter().map(String::as_str)).collect();
    let mut out = open("What is in a row was called what is in a column", &heads).replace("<table>", "<table class=\"heat\">");
    for (index, (name, row)) in evaluation.classes.iter().zip(&evaluation.confusion).enumerate() {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(name));
        let support: u64 = row.iter().sum();
        for (other, cell) in row.iter().enumerate() {
            let part = if support > 0 { *cell as f64 / support as f64 } else { 0.0 };
            let class = if index == other { "right" } else { "wrong" };
            // A few mistakes among many pictures should still be seen, hence the root.
            let heat = if index == other { part } else { part.sqrt() };
            let _ = write!(out, "<td class=\"{class}\" style=\"--heat:{heat:.3}\">{cell}<small>{}</small></td>", percent(part));
        }
        out.push_str("</tr>\n");
    }
    out + CLOSE
}

fn confusions(evaluation: &Evaluation) -> String {
    let mut out =
        open("The most frequent confusions", &["is", "called", "pictures"]).replace("<table>", "<table class=\"listed\">");
    for (count, truth, predicted) in evaluation.confusions().into_iter().take(MOST_CONFUSIONS) {
        let (truth, predicted) = (escape(truth), escape(predicted));
        let _ = writeln!(out, "<tr><th scope=\"row\">{truth}</th><td class=\"words\">{predicted}</td><td>{count}</td></tr>");
    }
    out + CLOSE
}

pub fn latency(latency: &Latency) -> String {
    let mut out = open("Pictures per time", &["from", "to", "pictures"]);
    let edges = latency.histogram.edges_ms.windows(2);
    for (edge, count) in edges.zip(&latency.histogram.counts) {
        let (from, to) = (milliseconds(edge[0]), milliseconds(edge[1]));
        let _ = writeln!(out, "<tr><th scope=\"row\">{from}</th><td>{to}</td><td>{count}</td></tr>");
    }
    details(out + CLOSE)
}

pub fn calibration(confidence: &Confidence) -> String {
    let mut out = open("Accuracy per confidence", &["confidence", "pictures", "mean confidence", "accuracy"]);
    for bin in confidence.calibration.iter().filter(|bin| bin.count > 0) {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{:.1} to {:.1}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            bin.from,
            bin.to,
            bin.count,
            share(bin.confidence),
            share(bin.accuracy)
        );
    }
    details(out + CLOSE)
}

pub fn mistakes(evaluation: &Evaluation) -> String {
    let mut out = open("The wrong answers given with most confidence", &["picture", "class and answer", "confidence"])
        .replace("<table>", "<table class=\"listed\">");
    for mistake in &evaluation.mistakes {
        let (key, truth, predicted) = (escape_key(&mistake.key), escape(&mistake.truth), escape(&mistake.predicted));
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\" class=\"key\">{key}</th><td class=\"words\"><span>{truth}</span> \
             <span>called {predicted}</span></td><td>{:.3}</td></tr>",
            mistake.confidence
        );
    }
    out + CLOSE
}

pub fn failures(evaluation: &Evaluation) -> String {
    let failures = &evaluation.failures;
    let mut out = open("Why pictures were not answered", &["reason", "pictures"]);
    for reason in &failures.reasons {
        let _ = writeln!(out, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(&reason.reason), reason.count);
    }
    out.push_str(CLOSE);
    let shown = if failures.count as usize > failures.keys.len() { "The first of them:" } else { "All of them:" };
    let _ = writeln!(out, "<p>{shown}</p>\n<ul>");
    for key in &failures.keys {
        let _ = writeln!(out, "<li class=\"key\">{}</li>", escape_key(key));
    }
    out + "</ul>\n"
}
