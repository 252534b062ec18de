//! From an event to metrics, reports and an answer.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::baseline::{Baseline, MAX_BYTES};
use crate::comparison::{Comparison, Verdict};
use crate::event::Event;
use crate::failure::Failure;
use crate::metrics::{self, Metric};
use crate::reading::{self, Limits};
use crate::report::Report;
use crate::s3uri::S3Uri;

/// A file in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub address: S3Uri,
    /// When it was last written, if S3 tells.
    pub written: Option<Timestamp>,
}

/// What the function needs of AWS.
#[allow(async_fn_in_trait, reason = "the function runs on one thread: no future of it has to be sent to another")]
pub trait Cloud {
    /// The files whose keys begin with the prefix, at most `most`.
    async fn list(&self, prefix: &S3Uri, most: usize) -> Result<Vec<File>, Failure>;

    /// Reads a file chunk by chunk until `take` breaks; says whether there is such a file.
    async fn read(&self, file: &S3Uri, take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<bool, Failure>;

    /// Writes a file.
    async fn write(&self, file: &S3Uri, content_type: &str, text: String) -> Result<(), Failure>;

    /// Publishes the metrics of an event's window.
    async fn publish(&self, event: &Event, metrics: &[Metric]) -> Result<(), Failure>;
}

/// What the function answers.
#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Always 200: a failure is an error that the caller can catch, never a status inside a success.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// The summary.
    pub body: Body,
}

/// The summary of a window.
#[derive(Debug, PartialEq, Serialize)]
pub struct Body {
    /// As given.
    pub monitor: String,
    /// As given.
    pub endpoint: String,
    /// The first instant of the window.
    pub window_start: Timestamp,
    /// The first instant after the window.
    pub window_end: Timestamp,
    /// The worst of all measures, or that there was nothing to compare.
    pub verdict: Verdict,
    /// The verdict in a sentence.
    pub summary: String,
    /// How many records were counted.
    pub records: u64,
    /// How many lines could not be read.
    pub unreadable_records: u64,
    /// Each index by the name of its metric; null if there is none.
    pub psi: BTreeMap<&'static str, Option<f64>>,
    /// The share of each class among the predictions; null if there are too few.
    pub class_shares: BTreeMap<String, Option<f64>>,
    /// The share of unsure predictions; null if there are too few.
    pub low_confidence_rate: Option<f64>,
    /// Where the page of the report is; beside it is `report.json`.
    pub report: String,
    /// What to know about the numbers.
    pub notes: Vec<String>,
}

/// Handles one event.
pub async fn handle(cloud: &impl Cloud, event: Value, now: Timestamp, limits: Limits) -> Result<Answer, Failure> {
    let event = Event::read(event, now)?;
    let baseline = baseline(cloud, &event).await?;
    let (tally, coverage) = reading::read(cloud, &event, &baseline, limits).await?;
    let unreadable = coverage.unreadable;
    let comparison = Comparison::new(&baseline, &tally, event.minimum_records);
    let metrics = metrics::of(&comparison, tally.records, unreadable, &event.classes);
    let report = Report::new(&event, &baseline, &tally, coverage, comparison, now);
    let page = write(cloud, &event, &report).await?;
    // The last step, so that a repetition after a failure publishes nothing twice.
    cloud.publish(&event, &metrics).await?;
    Ok(answer(report, page))
}

async fn baseline(cloud: &impl Cloud, event: &Event) -> Result<Baseline, Failure> {
    let address = &event.baseline;
    let mut bytes = vec![];
    let take = |chunk: &[u8]| {
        bytes.extend_from_slice(chunk);
        if bytes.len() as u64 > MAX_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    if !cloud.read(address, take).await? {
        return Err(Failure::BaselineNotFound(format!(
            "there is no {address}: make a baseline with `scones stage` or `scones evaluate`, or correct `baseline`"
        )));
    }
    let invalid = |why: String| Failure::BaselineInvalid(format!("{address}: {why}; make it again with `scones evaluate`"));
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid(format!("it is larger than {MAX_BYTES} bytes")));
    }
    let baseline = Baseline::read(&bytes).map_err(|error| invalid(error.to_string()))?;
    if baseline.classes != event.classes {
        // The names are those of whoever wrote the file: cut short, they fit in any log.
        let theirs: String = baseline.classes.join(", ").chars().take(200).collect();
        return Err(invalid(format!("its classes are {theirs:?}, and not {:?} in this order", event.classes.join(", "))));
    }
    Ok(baseline)
}

/// Writes the report, then what is found as the latest; gives the address of the page.
async fn write(cloud: &impl Cloud, event: &Event, report: &Report) -> Result<S3Uri, Failure> {
    let json = report.json().map_err(|error| Failure::ConfigurationError(format!("the report cannot be written: {error}")))?;
    let html = report.html();
    let folder = event.reports.join(&event.window.report_path());
    let page = folder.join("report.html");
    for (file, content_type, text) in [
        (folder.join("report.json"), "application/json", &json),
        (page.clone(), "text/html; charset=utf-8", &html),
        (event.reports.join("latest.json"), "application/json", &json),
        (event.reports.join("latest.html"), "text/html; charset=utf-8", &html),
    ] {
        cloud.write(&file, content_type, text.clone()).await?;
    }
    Ok(page)
}

fn answer(report: Report, page: S3Uri) -> Answer {
    let body = Body {
        monitor: report.monitor,
        endpoint: report.endpoint,
        window_start: report.window_start,
        window_end: report.window_end,
        verdict: report.verdict,
        summary: report.summary,
        records: report.records,
        unreadable_records: report.coverage.unreadable,
        psi: report.measures.iter().map(|one| (one.metric, one.psi)).collect(),
        class_shares: report.classes.into_iter().map(|class| (class.class, class.window)).collect(),
        low_confidence_rate: report.low_confidence_rate,
        report: page.to_string(),
        notes: report.notes,
    };
    Answer { status_code: 200, body }
}

#[cfg(test)]
mod tests;
