//! Histories in the form of `aws stepfunctions get-execution-history`, and the lines they become. How events refer to each
//! other is as AWS does it, which is not always the event before.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;

use super::{Ending, Event, Follower, Line};

const START_MS: i64 = 1_795_341_600_000;

/// The events of a history as AWS gives it.
fn history(json: &str) -> Vec<Event> {
    let history: Value = serde_json::from_str(json).unwrap();
    history["events"].as_array().unwrap().iter().map(event).collect()
}

fn event(json: &Value) -> Event {
    let none = Value::Null;
    let details =
        json.as_object().unwrap().iter().find(|(key, _)| key.ends_with("EventDetails")).map_or(&none, |(_, value)| value);
    let text = |name: &str| details.get(name).and_then(Value::as_str).map(str::to_owned);
    Event {
        id: json["id"].as_i64().unwrap(),
        previous_id: json.get("previousEventId").and_then(Value::as_i64).unwrap_or_default(),
        kind: json["type"].as_str().unwrap().into(),
        timestamp_ms: (json["timestamp"].as_f64().unwrap() * 1000.0).round() as i64,
        state: text("name"),
        input: text("input"),
        output: text("output"),
        error: text("error"),
        cause: text("cause"),
        resource: text("resource"),
        length: details.get("length").and_then(Value::as_u64),
        index: details.get("index").and_then(Value::as_u64),
    }
}

fn shown(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| anstream::adapter::strip_str(&line.text(80)).to_string()).collect()
}

/// The lines of a whole history.
fn followed(json: &str) -> Vec<String> {
    shown(&Follower::default().feed(&history(json)))
}

const HISTORIES: [&str; 14] = [
    include_str!("classified.json"),
    include_str!("below-threshold.json"),
    include_str!("rejected.json"),
    include_str!("training-failed.json"),
    include_str!("parallel.json"),
    include_str!("parallel-retried.json"),
    include_str!("map.json"),
    include_str!("map-failed.json"),
    include_str!("timed-out.json"),
    include_str!("stopped.json"),
    include_str!("lambda-function.json"),
    include_str!("emulated.json"),
    include_str!("map-caught.json"),
    include_str!("parallel-failed.json"),
];

#[test]
fn retries_are_told_and_counted() {
    let expected = [
        "  ✓ SerializeImageData 0.21 s",
        "  ↻ ImageClassification  attempt 1 failed: EndpointUnavailable: the endpoint is…",
        "  ↻ ImageClassification  attempt 2 failed: EndpointUnavailable: the endpoint is…",
        "  ✓ ImageClassification 6.69 s  2 retries",
        "  ✓ FilterInferenceResult 0.10 s",
        "  ✓ Classified",
        "  ✓ Succeeded after 7.02 s",
    ];
    assert_eq!(followed(HISTORIES[0]), expected);
}

#[test]
fn what_is_caught_is_no_failure() {
    let expected = [
        "  ! FilterInferenceResult 0.12 s  caught ThresholdNotMet: bicycle with 0.71 is…",
        "  ✓ BelowThreshold",
        "  ✓ NotClassified",
        "  ✓ Succeeded after 0.13 s",
    ];
    assert_eq!(followed(HISTORIES[1]), expected);
}

#[test]
fn a_fail_state_ends_it() {
    let expected = [
        "  ! SerializeImageData 0.12 s  caught ImageNotFound: there is no s3://b/k",
        "  ✗ PictureRejected",
        "  ✗ Failed after 0.12 s  ImageNotFound: there is no s3://b/k",
    ];
    assert_eq!(followed(HISTORIES[2]), expected);
}

#[test]
fn a_failed_job_tells_its_reason() {
    let expected = [
        "  ✓ HasData",
        "  ✗ Train 12 min 04 s",
        "  ✗ Failed after 12 min 05 s  States.TaskFailed: AlgorithmError: no file train.…",
    ];
    assert_eq!(followed(HISTORIES[3]), expected);
}

#[test]
fn branches_are_indented() {
    let expected = [
        "  ▸ Prepare",
        "    ✓ Settle 30.0 s",
        "    ✓ Stage 45.0 s",
        "  ✓ Prepare 45.0 s",
        "  ✓ Note",
        "  ✓ Succeeded after 45.0 s",
    ];
    assert_eq!(followed(HISTORIES[4]), expected);
}

#[test]
fn branches_are_tried_again() {
    let expected = [
        "  ▸ Checks",
        "    ✗ Never",
        "  ↻ Checks  attempt 1 failed",
        "    ✗ Never",
        "  ! Checks 1.02 s  caught",
        "  ✓ Otherwise",
        "  ✓ Succeeded after 1.03 s",
    ];
    assert_eq!(followed(HISTORIES[5]), expected);
}

#[test]
fn a_reason_is_given_once() {
    let expected = ["  ▸ Checks", "    ✗ Never", "  ✗ Checks 0.02 s", "  ✗ Failed after 0.02 s  No: never"];
    assert_eq!(followed(HISTORIES[13]), expected);
}

#[test]
fn iterations_are_counted() {
    let expected = ["  ▸ ClassifyAll  3 items", "  ✓ ClassifyAll 1.42 s  3 items", "  ✓ Succeeded after 1.43 s"];
    assert_eq!(followed(HISTORIES[6]), expected);
}

#[test]
fn failed_iterations_are_named() {
    let expected = [
        "  ▸ ClassifyAll  2 items",
        "    ✗ #0 Classify 15.0 s  States.Timeout",
        "  ✗ ClassifyAll 15.0 s",
        "  ✗ Failed after 15.0 s  States.Timeout",
    ];
    assert_eq!(followed(HISTORIES[7]), expected);
}

#[test]
fn an_iteration_outlives_its_neighbour() {
    let expected = [
        "  ▸ ClassifyAll  2 items",
        "    ✗ #1 Classify 0.60 s  ImageNotFound: there is no s3://b/k",
        "  ! ClassifyAll 0.61 s  caught ImageNotFound: there is no s3://b/k",
        "  ✓ Done",
        "  ✓ Succeeded after 0.62 s",
    ];
    assert_eq!(followed(HISTORIES[12]), expected);
}

#[test]
fn ends_from_outside_are_told() {
    assert_eq!(followed(HISTORIES[8]), ["  - Train 1 h 01 min", "  ✗ Timed out after 1 h 01 min  States.Timeout"]);
    assert_eq!(followed(HISTORIES[9]), ["  - Bake 1 min 00 s", "  ✗ Stopped after 1 min 01 s  Operator: wrong data"]);
}

#[test]
fn functions_called_by_their_arn_are_tasks() {
    let expected = [
        "  ↻ Old  attempt 1 failed: Lambda.Unknown: The cause could not be determined be…",
        "  ✗ Old 1.10 s",
        "  ✗ Failed after 1.10 s  Lambda.TooManyRequestsException: Rate Exceeded.",
    ];
    assert_eq!(followed(HISTORIES[10]), expected);
}

#[test]
fn events_without_references_follow_each_other() {
    let expected = [
        "  ↻ SerializeImageData  attempt 1 failed: EndpointUnavailable: S3 does not answ…",
        "  ✓ SerializeImageData 1.20 s  1 retry",
        "  ✓ ClassifyAll 0.20 s",
        "  ✓ Done",
        "  ✓ Succeeded after 1.40 s",
    ];
    assert_eq!(followed(HISTORIES[11]), expected);
}

#[test]
fn what_runs_shows_its_time() {
    let events = history(HISTORIES[0]);
    let mut follower = Follower::default();
    let mut running = |upto: usize, ms: i64| {
        follower.feed(&events[..upto]);
        shown(&follower.running(START_MS + ms))
    };
    assert_eq!(running(4, 152), ["  … SerializeImageData 0.14 s"]);
    assert_eq!(running(10, 1222), ["  … ImageClassification 1.00 s  EndpointUnavailable: the endpoint is being depl…"]);
    assert_eq!(running(11, 2722), ["  … ImageClassification 2.50 s  attempt 2"]);
    assert_eq!(running(24, 9000), [""; 0]);
    let mut follower = Follower::default();
    follower.feed(&history(HISTORIES[6])[..16]);
    assert_eq!(shown(&follower.running(START_MS + 12_001)), ["  … ClassifyAll 12.0 s  1 of 3 done"]);
    let mut follower = Follower::default();
    follower.feed(&history(HISTORIES[4])[..6]);
    // A clock that is behind does not make times negative.
    assert_eq!(shown(&follower.running(START_MS)), ["    … Stage 0.00 s", "    … Settle 0.00 s"]);
}

#[test]
fn the_ending_has_all_of_it() {
    let ending = |json: &str| {
        let mut follower = Follower::default();
        assert_eq!(follower.ending(), None);
        follower.feed(&history(json));
        follower.ending().cloned()
    };
    assert_eq!(ending(HISTORIES[0]), Some(Ending::Succeeded(Some(r#"{"label":"bicycle"}"#.into()))));
    let Some(Ending::Failed(failure)) = ending(HISTORIES[3]) else { panic!("it failed") };
    assert!(failure.cause.unwrap().contains("TrainingJobName"), "the cause is kept whole");
    assert!(matches!(ending(HISTORIES[8]), Some(Ending::TimedOut(_))));
    assert!(matches!(ending(HISTORIES[9]), Some(Ending::Aborted(_))));
}

#[test]
fn a_redriven_execution_goes_on() {
    let mut events = history(HISTORIES[10]);
    let mut follower = Follower::default();
    follower.feed(&events);
    for (kind, state) in [("ExecutionRedriven", None), ("TaskStateExited", Some("Old")), ("ExecutionSucceeded", None)] {
        let id = events.len() as i64 + 1;
        let state = state.map(str::to_owned);
        events.push(Event {
            id,
            previous_id: id - 1,
            kind: kind.into(),
            timestamp_ms: START_MS + 5000,
            state,
            ..Event::default()
        });
    }
    assert_eq!(shown(&follower.feed(&events)), ["  ✓ Old 5.00 s  1 retry", "  ✓ Succeeded after 5.00 s"]);
    assert_eq!(follower.ending(), Some(&Ending::Succeeded(None)));
}

proptest! {
    /// However the history is cut into answers, and even if each repeats what was there, the lines are the same.
    #[test]
    fn answers_may_overlap(which in 0..HISTORIES.len(), cuts in prop::collection::vec(0..40_usize, 0..6), repeat in any::<bool>()) {
        let events = history(HISTORIES[which]);
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(events.len())).collect();
        ends.sort_unstable();
        ends.push(events.len());
        let (mut follower, mut lines, mut from) = (Follower::default(), vec![], 0);
        for end in ends {
            lines.extend(follower.feed(&events[if repeat { 0 } else { from }..end]));
            from = end;
        }
        prop_assert_eq!(shown(&lines), followed(HISTORIES[which]));
        prop_assert_eq!(follower.running(0).len(), 0);
    }

    /// Nonsense makes no panic, and no line that is too long.
    #[test]
    fn nonsense_is_survived(picks in prop::collection::vec((0..HISTORIES.len(), 0..30_usize, -3..60_i64, any::<i64>()), 0..60)) {
        static ALL: LazyLock<Vec<Vec<Event>>> = LazyLock::new(|| HISTORIES.iter().map(|json| history(json)).collect());
        let events = picks.iter().enumerate().filter_map(|(index, (which, at, previous_id, timestamp_ms))| {
            let event = ALL[*which].get(*at)?.clone();
            Some(Event { id: index as i64, previous_id: *previous_id, timestamp_ms: *timestamp_ms, ..event })
        });
        let mut follower = Follower::default();
        let mut lines = follower.feed(&events.collect::<Vec<_>>());
        lines.extend(follower.running(i64::MIN));
        for line in shown(&lines) {
            prop_assert!(line.chars().count() <= 80, "{}", line);
        }
    }
}
