//! The function with S3 and CloudWatch in memory.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::json;

use super::*;
use crate::baseline::Source;
use crate::baseline::tests::baseline as sample;
use crate::capture::tests::line;
use crate::event::tests::{event, now};
use crate::metrics::Unit;
use crate::picture::tests::grey;
use crate::report::Cut;

const FOLDER: &str = "capture/scones-unlimited-dev-classifier/AllTraffic/2026/11/22";

/// S3 and CloudWatch in memory. Files come in chunks of odd sizes.
struct Fake {
    files: RefCell<BTreeMap<String, Vec<u8>>>,
    metrics: RefCell<Vec<Metric>>,
    /// All that was done, in order.
    calls: RefCell<Vec<String>>,
    /// Listed, but gone when it is read.
    gone: Option<String>,
    /// Calls whose text begins with this are denied.
    denied: Option<&'static str>,
}

impl Fake {
    fn new(baseline: &Baseline) -> Self {
        let files = BTreeMap::from([("evidence/baseline.json".to_owned(), baseline.write().unwrap().into_bytes())]);
        Self { files: files.into(), metrics: vec![].into(), calls: vec![].into(), gone: None, denied: None }
    }

    fn call(&self, call: String) -> Result<(), Failure> {
        let denied = self.denied.is_some_and(|denied| call.starts_with(denied));
        self.calls.borrow_mut().push(call.clone());
        if denied { Err(Failure::AccessDenied(call)) } else { Ok(()) }
    }

    /// Puts a captured file at an hour of the day.
    fn capture(&self, name: &str, lines: &[String]) {
        self.files.borrow_mut().insert(format!("{FOLDER}/{name}"), lines.join("\n").into_bytes());
    }

    fn value(&self, name: &str) -> Option<f64> {
        self.metrics.borrow().iter().find(|metric| metric.name == name).map(|metric| metric.value)
    }

    fn names(&self) -> Vec<String> {
        self.metrics.borrow().iter().map(|metric| metric.name.clone()).collect()
    }

    fn read_files(&self) -> usize {
        self.calls.borrow().iter().filter(|call| call.starts_with("read capture/")).count()
    }
}

impl Cloud for Fake {
    async fn list(&self, prefix: &S3Uri, most: usize) -> Result<Vec<File>, Failure> {
        self.call(format!("list {}", prefix.key))?;
        let files = self.files.borrow();
        let keys = files.keys().chain(&self.gone).filter(|key| key.starts_with(&prefix.key));
        let written =
            |key: &str| (!key.contains("unknown")).then(|| if key.contains("early") { now() - 7200.s() } else { now() });
        let file = |key: &String| File { address: S3Uri { bucket: "bucket".into(), key: key.clone() }, written: written(key) };
        Ok(keys.map(file).take(most).collect())
    }

    async fn read(&self, file: &S3Uri, mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<bool, Failure> {
        self.call(format!("read {}", file.key))?;
        let Some(bytes) = self.files.borrow().get(&file.key).cloned() else {
            return Ok(false);
        };
        let _ = bytes.chunks(997).try_for_each(&mut take);
        Ok(true)
    }

    async fn write(&self, file: &S3Uri, content_type: &str, text: String) -> Result<(), Failure> {
        self.call(format!("write {} {content_type}", file.key))?;
        self.files.borrow_mut().insert(file.key.clone(), text.into_bytes());
        Ok(())
    }

    async fn publish(&self, event: &Event, metrics: &[Metric]) -> Result<(), Failure> {
        self.call(format!("publish {}", event.namespace))?;
        self.metrics.borrow_mut().extend_from_slice(metrics);
        Ok(())
    }
}

trait Seconds {
    fn s(self) -> jiff::SignedDuration;
}

impl Seconds for i64 {
    fn s(self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(self)
    }
}

/// Lines of the window's hour: evenly of both classes, as in the baseline, with pictures of one brightness.
fn lines(count: u32, brightness: u8) -> Vec<String> {
    let picture = grey(brightness);
    let each = |at: u32| {
        let second = f64::from(at % 60);
        let share = (f64::from(at) + 0.5) / f64::from(count);
        line(&format!("2026-11-22T09:30:{second:02}Z"), &picture, &format!("[{}, {share}]", 1.0 - share)).to_string()
    };
    (0..count).map(each).collect()
}

async fn run(cloud: &Fake) -> Result<Body, Failure> {
    handle(cloud, event(), now(), Limits::default()).await.map(|answer| answer.body)
}

#[tokio::test]
async fn a_window_is_compared_reported_and_published() {
    let cloud = Fake::new(&sample(Source::Evaluation));
    cloud.capture("09/30-00-000-a.jsonl", &lines(60, 10));
    cloud.capture("09/31-00-000-b.jsonl", &lines(60, 10));
    let body = run(&cloud).await.unwrap();
    assert_eq!((body.verdict, body.records, body.unreadable_records), (Verdict::Shifted, 120, 0));
    assert_eq!(cloud.value("Records"), Some(120.0));
    assert!(cloud.value("PredictionPSI").unwrap() < 0.01 && cloud.value("ClassSharePSI").unwrap() < 0.01);
    assert!(cloud.value("BrightnessPSI").unwrap() > 3.0);
    assert_eq!((cloud.value("BicycleShare"), cloud.value("MotorcycleShare")), (Some(0.5), Some(0.5)));
    assert_eq!(body.psi["BrightnessPSI"], cloud.value("BrightnessPSI"));
    assert_eq!(cloud.metrics.borrow().iter().filter(|metric| metric.unit == Unit::Count).count(), 2);
    let report = "monitoring/prediction-drift/2026/11/22/1000/report";
    assert_eq!(body.report, format!("s3://bucket/{report}.html"));
    let calls = cloud.calls.borrow();
    let last = &calls[calls.len() - 5..];
    assert_eq!(
        last,
        [
            format!("write {report}.json application/json"),
            format!("write {report}.html text/html; charset=utf-8"),
            "write monitoring/prediction-drift/latest.json application/json".into(),
            "write monitoring/prediction-drift/latest.html text/html; charset=utf-8".into(),
            "publish Scones/Model".into(),
        ]
    );
    let files = cloud.files.borrow();
    assert_eq!(files["monitoring/prediction-drift/latest.json"], files[&format!("{report}.json")]);
    let json: Value = serde_json::from_slice(&files[&format!("{report}.json")]).unwrap();
    assert_eq!(json["coverage"]["files_read"], 2);
}

#[tokio::test]
async fn no_records_are_no_drift() {
    let cloud = Fake::new(&sample(Source::Evaluation));
    let body = run(&cloud).await.unwrap();
    assert_eq!((body.verdict, body.records), (Verdict::NoRecords, 0));
    assert!(body.summary.contains("No records in the window") && body.psi.values().all(Option::is_none));
    assert_eq!(cloud.names(), ["Records", "UnreadableRecords"]);
    assert_eq!(cloud.value("Records"), Some(0.0));
}

#[tokio::test]
async fn too_few_records_are_no_drift() {
    let cloud = Fake::new(&sample(Source::Evaluation));
    cloud.capture("09/a.jsonl", &lines(19, 10));
    let body = run(&cloud).await.unwrap();
    assert_eq!((body.verdict, body.records), (Verdict::TooFewRecords, 19));
    assert_eq!(cloud.names(), ["Records", "UnreadableRecords"]);
    cloud.capture("09/b.jsonl", &lines(1, 10));
    assert_eq!(run(&cloud).await.unwrap().verdict, Verdict::Shifted);
}

#[tokio::test]
async fn only_records_of_the_window_count_wherever_they_are() {
    let cloud = Fake::new(&sample(Source::Evaluation));
    let at = |time: &str| line(time, &grey(10), "[0.9, 0.1]").to_string();
    let inside = [at("2026-11-22T09:00:00Z"), at("2026-11-22T09:59:59Z"), at("2026-11-22T09:59:59.999Z")];
    let outside = [at("2026-11-22T08:59:59Z"), at("2026-11-22T10:00:00Z"), at("2026-11-21T09:30:00Z")];
    cloud.capture("08/59-a.jsonl", &[inside.clone(), outside.clone()].concat());
    cloud.capture("09/00-b.jsonl", &inside);
    cloud.capture("10/00-c.jsonl", &[inside, outside].concat());
    assert_eq!(run(&cloud).await.unwrap().records, 9);
}

#[tokio::test]
async fn files_that_cannot_matter_are_not_read() {
    let cloud = Fake::new(&sample(Source::Evaluation));
    cloud.capture("08/59-early.jsonl", &lines(3, 10));
    cloud.capture("09/a.jsonl.tmp", &lines(3, 10));
    cloud.capture("07/a.jsonl", &lines(3, 10));
    cloud.capture("09/unknown.jsonl", &lines(5, 10));
    assert_eq!(run(&cloud).await.unwrap().records, 5);
    assert_eq!(cloud.read_files(), 1);
}

#[tokio::test]
async fn broken_lines_are_counted_and_the_rest_is_read() {
    let cloud = Fake::new(&sample(Source::Evaluation));
    let mut all = lines(30, 10);
    all.splice(5..5, ["{\"captureData\": ".into(), "x".repeat(crate::capture::MAX_LINE + 1), "null".into()]);
    all.push(line("2026-11-22T09:30:00Z", b"x", "{\"predictions\": []}").to_string());
    cloud.capture("09/a.jsonl", &all);
    let body = run(&cloud).await.unwrap();
    assert_eq!((body.records, body.unreadable_records), (30, 4));
    assert_eq!(cloud.value("UnreadableRecords"), Some(4.0));
    assert!(body.notes.iter().any(|note| note.ends_with("count nowhere else: 4.")));
}

#[tokio::test]
async fn a_file_that_is_deleted_meanwhile_is_no_failure() {
    let mut cloud = Fake::new(&sample(Source::Evaluation));
    cloud.capture("09/a.jsonl", &lines(30, 10));
    cloud.gone = Some(format!("{FOLDER}/09/b.jsonl"));
    let body = run(&cloud).await.unwrap();
    assert_eq!(body.records, 30);
    assert!(body.notes.iter().any(|note| note.ends_with("could be read: 1.")), "{:?}", body.notes);
}

#[tokio::test]
async fn a_limit_makes_a_sample_and_says_so() {
    let unlimited = Limits::default();
    for (limits, cut, least, most) in [
        (Limits { records: 100, ..unlimited }, Some(Cut::Records), 100, 100),
        (Limits { bytes: 20_000, ..unlimited }, Some(Cut::Bytes), 20, 110),
        (Limits { files: 7, ..unlimited }, Some(Cut::Files), 70, 70),
        (Limits { until: Some(Instant::now()), ..unlimited }, Some(Cut::Time), 0, 0),
        (Limits { file_bytes: 2000, ..unlimited }, None, 60, 200),
        (unlimited, None, 300, 300),
    ] {
        let cloud = Fake::new(&sample(Source::Evaluation));
        (0..30).for_each(|at| cloud.capture(&format!("09/{at:02}.jsonl"), &lines(10, 10)));
        let body = handle(&cloud, event(), now(), limits).await.unwrap().body;
        assert!((least..=most).contains(&body.records), "{limits:?}: {}", body.records);
        assert_eq!(body.notes.iter().any(|note| note.starts_with("This is a sample")), cut.is_some(), "{:?}", body.notes);
        let json: Value = serde_json::from_slice(&cloud.files.borrow()["monitoring/prediction-drift/latest.json"]).unwrap();
        assert_eq!(json["coverage"]["cut"], json!(cut));
        assert_eq!(json["coverage"]["unreadable"], 0, "a cut line is no broken one: {limits:?}");
    }
}

#[tokio::test]
async fn a_sample_is_of_the_whole_window() {
    let cloud = Fake::new(&sample(Source::Evaluation));
    (0..60).for_each(|at| cloud.capture(&format!("09/{at:02}.jsonl"), &lines(10, 10)));
    handle(&cloud, event(), now(), Limits { records: 200, ..Limits::default() }).await.unwrap();
    let calls = cloud.calls.borrow();
    let minutes = calls.iter().filter_map(|call| call.strip_prefix("read ")?.strip_suffix(".jsonl")?.get(FOLDER.len() + 4..));
    let read: Vec<u32> = minutes.map(|minute| minute.parse().unwrap()).collect();
    for quarter in 0..4 {
        assert!(read.iter().filter(|minute| **minute / 15 == quarter).count() >= 2, "{read:?}");
    }
}

#[tokio::test]
async fn a_baseline_must_be_there_and_fit() {
    for (bytes, name) in [
        (None, "BaselineNotFound"),
        (Some(b"not json".to_vec()), "BaselineInvalid"),
        (Some(vec![b' '; 2 * 1024 * 1024]), "BaselineInvalid"),
    ] {
        let cloud = Fake::new(&sample(Source::Evaluation));
        cloud.files.borrow_mut().remove("evidence/baseline.json");
        bytes.map(|bytes| cloud.files.borrow_mut().insert("evidence/baseline.json".into(), bytes));
        assert_eq!(run(&cloud).await.unwrap_err().error_type(), name);
        assert_eq!(cloud.calls.borrow().len(), 1);
    }
    let mut other = sample(Source::Evaluation);
    other.classes.reverse();
    let failure = run(&Fake::new(&other)).await.unwrap_err();
    assert_eq!(failure.error_type(), "BaselineInvalid");
    assert!(failure.to_string().contains("motorcycle, bicycle"), "{failure}");
}

#[tokio::test]
async fn a_baseline_of_staging_gives_no_prediction_psi() {
    let cloud = Fake::new(&sample(Source::Staging));
    cloud.capture("09/a.jsonl", &lines(60, 10));
    let body = run(&cloud).await.unwrap();
    assert_eq!((cloud.value("PredictionPSI"), body.psi["PredictionPSI"]), (None, None));
    assert!(cloud.value("ClassSharePSI").is_some() && cloud.value("BrightnessPSI").is_some());
}

#[tokio::test]
async fn a_denied_step_ends_it_and_no_metric_is_published_before_its_report() {
    for denied in ["list", "read evidence", "read capture", "write", "publish"] {
        let mut cloud = Fake::new(&sample(Source::Evaluation));
        cloud.capture("09/a.jsonl", &lines(30, 10));
        cloud.denied = Some(denied);
        assert_eq!(run(&cloud).await.unwrap_err().error_type(), "AccessDenied", "{denied}");
        assert!(cloud.metrics.borrow().is_empty(), "{denied}");
    }
}

#[tokio::test]
async fn a_wrong_event_asks_for_nothing() {
    let cloud = Fake::new(&sample(Source::Evaluation));
    let failure = handle(&cloud, json!({}), now(), Limits::default()).await.unwrap_err();
    assert_eq!(lambda_runtime::Diagnostic::from(failure).error_type, "InvalidInput");
    assert!(cloud.calls.borrow().is_empty());
}

/// The text of a section of the contract, and the names that stand in it as items or keys.
fn contract(section: &str) -> Vec<&'static str> {
    let text = include_str!("../../contract.yaml");
    let start = text.find(&format!("{section}:")).unwrap() + section.len() + 1;
    let line = &text[start..start + text[start..].find('\n').unwrap()];
    if let Some(list) = line.trim().strip_prefix('[') {
        return list.trim_end_matches(']').split(',').map(str::trim).collect();
    }
    let inner = text[start..].lines().skip(1).take_while(|line| line.starts_with("    "));
    let name = |line: &'static str| line.trim().trim_start_matches("- ").split(':').next();
    inner.filter(|line| !line.trim().starts_with('#')).filter_map(name).collect()
}

#[test]
fn the_code_keeps_to_its_contract() {
    let raised = [
        Failure::InvalidInput as fn(String) -> Failure,
        Failure::BaselineNotFound,
        Failure::BaselineInvalid,
        Failure::AccessDenied,
        Failure::ServiceUnavailable,
        Failure::ConfigurationError,
    ];
    assert_eq!(contract("errors"), raised.map(|failure| failure(String::new()).error_type()));
    let event = event();
    // As sets: in which order an object gives its members depends on a feature that others may choose.
    let fields = event.as_object().unwrap().keys().map(String::as_str).filter(|field| *field != "end");
    assert_eq!(contract("required").into_iter().collect::<BTreeSet<_>>(), fields.collect());
    assert_eq!(contract("optional"), ["end", "delay_minutes"]);
    let report = crate::report::tests::report(30, Source::Evaluation, Default::default());
    let answer = serde_json::to_value(answer(report, S3Uri::read("s3://b/k").unwrap())).unwrap();
    let fields = answer["body"].as_object().unwrap().keys().map(String::as_str);
    assert_eq!(contract("body").into_iter().collect::<BTreeSet<_>>(), fields.collect());
}
