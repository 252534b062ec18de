use super::*;
use crate::baseline::tests::baseline;
use crate::event::tests::{event, now};
use crate::picture::{Looks, Picture, Unmeasured};

/// The report of `records` records whose pictures are a third as bright as the baseline's.
pub fn report(records: u32, source: Source, coverage: Coverage) -> Report {
    let baseline = baseline(source);
    let mut tally = baseline.tally();
    for at in 0..records {
        let share = f64::from(at) / f64::from(records);
        let looks = Looks { brightness: share / 3.0, sharpness: Some(share * 2000.0) };
        let picture = Picture { bytes: 1000 + (share * 2000.0) as u64, looks: Ok(looks) };
        tally.add(Some(&[1.0 - share, share]), Some(&picture), 0.8);
    }
    let comparison = Comparison::new(&baseline, &tally, 20);
    Report::new(&Event::read(event(), now()).unwrap(), &baseline, &tally, coverage, comparison, now())
}

#[test]
fn a_shift_is_told_with_its_numbers() {
    let report = report(200, Source::Evaluation, Coverage::default());
    assert_eq!(report.verdict, Verdict::Shifted);
    assert!(
        report.summary.starts_with("Above 0.25: BrightnessPSI ") && !report.summary.contains("BytesPSI"),
        "{}",
        report.summary
    );
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    assert_eq!(json["verdict"], "shifted");
    assert_eq!(json["window_end"], "2026-11-22T10:00:00Z");
    assert_eq!(json["measures"][2]["measure"], "brightness");
    assert_eq!(json["measures"][2]["window"].as_array().unwrap().len(), 10);
    assert_eq!(json["classes"][1]["metric"], "MotorcycleShare");
}

#[test]
fn no_records_are_told_and_no_index_is_shown() {
    for (records, says) in [(0, "No records in the window"), (5, "Too few records in the window to compare: 5, at least 20")] {
        let report = report(records, Source::Evaluation, Coverage::default());
        let html = report.html();
        assert!(report.summary.contains(says) && html.contains(says), "{}", report.summary);
        assert!(!html.contains("PSI 0.000") && !html.contains("<td>0.000</td>"));
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert!(json["measures"].as_array().unwrap().iter().all(|one| one["psi"].is_null()));
    }
}

#[test]
fn a_page_shows_every_measure_and_runs_nothing() {
    let html = report(200, Source::Evaluation, Coverage::default()).html();
    assert_eq!(html.matches("<svg ").count(), 5);
    for text in ["Predictions", "Classes", "Brightness", "Sharpness", "Size", "Probability of motorcycle", "1 KiB", "shifted"] {
        assert!(html.contains(text), "{text}");
    }
    for text in ["<script", "http://", "https://", " src=", "<link", "@import", "url("] {
        assert!(!html.contains(text), "{text}");
    }
}

#[test]
fn everything_from_outside_is_escaped() {
    let hostile = "</title><img src=x onerror=alert(1)>\"'&\u{202e}\u{7}";
    let mut report = report(50, Source::Evaluation, Coverage::default());
    for text in
        [&mut report.monitor, &mut report.endpoint, &mut report.variant, &mut report.summary, &mut report.baseline.address]
    {
        *text = hostile.into();
    }
    report.classes.iter_mut().for_each(|class| class.class = hostile.into());
    report.notes = vec![hostile.into()];
    report.measures[0].absent = Some(hostile.into());
    report.measures[0].verdict = None;
    let html = report.html();
    assert!(!html.contains("<img") && !html.contains('\u{202e}') && !html.contains('\u{7}') && !html.contains("\"'&"));
    assert!(html.matches("&lt;img").count() >= 9, "{}", html.matches("&lt;img").count());
}

#[test]
fn what_weakens_the_numbers_is_noted() {
    let coverage = Coverage { files: 90, files_read: 30, files_partly: 4, files_gone: 2, unreadable: 7, cut: Some(Cut::Records) };
    let notes = report(25, Source::Evaluation, coverage).notes.join("\n");
    for text in ["30 of 90 files", "because a limit was reached: 4.", "could be read: 2.", "count nowhere else: 7."] {
        assert!(notes.contains(text), "{text}: {notes}");
    }
    let baseline = baseline(Source::Evaluation);
    let mut tally = baseline.tally();
    let jpeg = Picture { bytes: 1500, looks: Err(Unmeasured::Jpeg) };
    (0..30).for_each(|at| tally.add(Some(&[f64::from(at % 4) / 4.0, 1.0 - f64::from(at % 4) / 4.0]), Some(&jpeg), 0.8));
    let comparison = Comparison::new(&baseline, &tally, 20);
    let report = Report::new(&Event::read(event(), now()).unwrap(), &baseline, &tally, Coverage::default(), comparison, now());
    assert!(report.notes.iter().any(|note| note.contains("of 30 pictures: 30 JPEGs")), "{:?}", report.notes);
}

#[test]
fn an_index_that_may_be_chance_is_called_so() {
    let mut report = report(200, Source::Evaluation, Coverage::default());
    assert!(!report.remarks().iter().any(|note| note.contains("chance")));
    report.measures[2].by_chance = report.measures[2].psi;
    assert!(report.remarks().iter().any(|note| note.starts_with("BrightnessPSI may be chance")));
}

#[test]
fn a_baseline_of_staging_leaves_the_predictions_out() {
    let html = report(200, Source::Staging, Coverage::default()).html();
    assert!(html.contains("made by staging") && html.contains("training pictures"));
}
