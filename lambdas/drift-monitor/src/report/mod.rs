//! The report of a window: what `report.json` holds and `report.html` shows.

mod chart;
mod html;
#[cfg(test)]
pub mod tests;

use jiff::Timestamp;
use serde::Serialize;

use crate::baseline::{Baseline, Source};
use crate::comparison::{Compared, Comparison, Verdict};
use crate::event::Event;
use crate::metrics;
use crate::statistics::MODERATE;
use crate::tally::{NotMeasured, Tally};

/// How much of a window was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// How many files may hold records of the window.
    pub files: u64,
    /// How many of them were read to their end.
    pub files_read: u64,
    /// How many were read in part, because of a limit.
    pub files_partly: u64,
    /// How many were deleted meanwhile.
    pub files_gone: u64,
    /// How many lines could not be read. Their time is unknown: they may belong to a window nearby.
    pub unreadable: u64,
    /// Why not all was read.
    pub cut: Option<Cut>,
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cut {
    /// More files than are listed.
    Files,
    /// More records than are counted.
    Records,
    /// More bytes than are downloaded.
    Bytes,
    /// The function's time was about to end.
    Time,
}

/// All that is said of a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The monitor's name.
    pub monitor: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The production variant.
    pub variant: String,
    /// The first instant of the window.
    pub window_start: Timestamp,
    /// The first instant after the window.
    pub window_end: Timestamp,
    /// When the report was made.
    pub made: Timestamp,
    /// What the window is held against.
    pub baseline: Origin,
    /// The worst of all measures.
    pub verdict: Verdict,
    /// The verdict in a sentence.
    pub summary: String,
    /// How many records of the window were counted.
    pub records: u64,
    /// How many are needed to compare.
    pub minimum_records: u64,
    /// How many records held a prediction.
    pub predictions: u64,
    /// The confidence below which a prediction counts as unsure.
    pub low_confidence: f64,
    /// The share of unsure predictions; nothing if there are too few.
    pub low_confidence_rate: Option<f64>,
    /// The share of each class.
    pub classes: Vec<Class>,
    /// Each measure with its histograms as shares.
    pub measures: Vec<Compared>,
    /// How many records held a picture.
    pub pictures: u64,
    /// Pictures of which only the size is known.
    pub not_measured: NotMeasured,
    /// How much was read.
    pub coverage: Coverage,
    /// What to know about the numbers.
    pub notes: Vec<String>,
}

/// Where the baseline is from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// Its address.
    pub address: String,
    /// Who made it.
    pub source: Source,
    /// Of how many records.
    pub records: u64,
}

/// One class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Class {
    /// Its name.
    pub class: String,
    /// The name of its metric.
    pub metric: Option<String>,
    /// Its share in the baseline.
    pub baseline: f64,
    /// Its share among the window's predictions; nothing if there are too few.
    pub window: Option<f64>,
}

impl Report {
    /// Puts together what is known.
    pub fn new(
        event: &Event,
        baseline: &Baseline,
        tally: &Tally,
        coverage: Coverage,
        comparison: Comparison,
        made: Timestamp,
    ) -> Self {
        let share = |at: usize| comparison.class_shares.as_ref().and_then(|shares| shares.get(at).copied());
        let classes = event.classes.iter().zip(&baseline.shares).enumerate();
        let mut report = Self {
            monitor: event.monitor.clone(),
            endpoint: event.endpoint.clone(),
            variant: event.variant.clone(),
            window_start: event.window.start,
            window_end: event.window.end,
            made,
            baseline: Origin { address: event.baseline.to_string(), source: baseline.source, records: baseline.records },
            verdict: comparison.verdict,
            summary: String::new(),
            records: tally.records,
            minimum_records: event.minimum_records,
            predictions: tally.predicted,
            low_confidence: event.low_confidence,
            low_confidence_rate: comparison.low_confidence_rate,
            classes: classes
                .map(|(at, (class, baseline))| Class {
                    class: class.clone(),
                    metric: metrics::share(class),
                    baseline: *baseline,
                    window: share(at),
                })
                .collect(),
            measures: comparison.compared,
            pictures: tally.pictures,
            not_measured: tally.not_measured.clone(),
            coverage,
            notes: vec![],
        };
        report.summary = report.sentence();
        report.notes = report.remarks();
        report
    }

    /// The text of `report.json`.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The text of `report.html`: a page without scripts that loads nothing.
    pub fn html(&self) -> String {
        html::page(self)
    }

    fn sentence(&self) -> String {
        let of = |verdict: Verdict| {
            let named = self.measures.iter().filter(|one| one.verdict == Some(verdict));
            named.filter_map(|one| Some(format!("{} {:.3}", one.metric, one.psi?))).collect::<Vec<_>>().join(", ")
        };
        match self.verdict {
            Verdict::NoRecords => "No records in the window: nothing was compared.".into(),
            Verdict::TooFewRecords => {
                format!(
                    "Too few records in the window to compare: {}, at least {} are needed.",
                    self.records, self.minimum_records
                )
            }
            Verdict::Stable => "Every index is below 0.1.".into(),
            Verdict::Moderate => format!("From 0.1 to 0.25: {}.", of(Verdict::Moderate)),
            Verdict::Shifted => format!("Above 0.25: {}.", of(Verdict::Shifted)),
        }
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = vec![];
        let Coverage { files, files_read, files_partly, files_gone, unreadable, cut } = &self.coverage;
        if let Some(cut) = cut {
            let limit = match cut {
                Cut::Files => "there are more files than are listed",
                Cut::Records => "there are more records than are counted",
                Cut::Bytes => "there are more bytes than are read",
                Cut::Time => "the function's timeout was near",
            };
            remarks
                .push(format!("This is a sample: {files_read} of {files} files were read, picked at random, because {limit}."));
        }
        if *files_partly > 0 {
            remarks.push(format!("Files read in part only, because a limit was reached: {files_partly}."));
        }
        if *files_gone > 0 {
            remarks.push(format!("Files deleted before they could be read: {files_gone}."));
        }
        if *unreadable > 0 {
            remarks.push(format!("Lines that could not be read as captured records, and count nowhere else: {unreadable}."));
        }
        let NotMeasured { jpeg, unknown, too_large, broken } = self.not_measured;
        for (count, what) in [
            (jpeg, "JPEGs, which are not decoded"),
            (unknown, "pictures that are neither PNG nor JPEG"),
            (too_large, "pictures with too many pixels to decode"),
            (broken, "pictures that do not decode"),
        ] {
            if count > 0 {
                remarks.push(format!("Counted by size alone, of {} pictures: {count} {what}.", self.pictures));
            }
        }
        for one in &self.measures {
            if let (Some(psi), Some(chance)) = (one.psi, one.by_chance)
                && psi >= MODERATE
                && psi <= chance
            {
                remarks.push(format!(
                    "{} may be chance: with {} records an index up to {chance:.2} is. Take a longer window to know.",
                    one.metric, one.records
                ));
            }
        }
        remarks
    }
}
