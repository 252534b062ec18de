//! The event: which endpoint is looked at, over which time, and what it is held against.

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::baseline::MAX_CLASSES;
use crate::failure::Failure;
use crate::metrics;
use crate::s3uri::S3Uri;
use crate::window::{MAX_MINUTES, Window};

/// How many minutes the window ends before now if the event does not tell: SageMaker writes captures with a delay.
pub const DELAY_MINUTES: u32 = 5;

/// The longest name of a class, in bytes: they are in each answer and report.
const LONGEST_CLASS: usize = 100;

/// CloudWatch takes metrics of the last two weeks.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How far the caller's clock may be ahead.
const CLOCKS: SignedDuration = SignedDuration::from_mins(1);

/// What the function is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The monitor's name, a dimension of its metrics.
    pub monitor: String,
    /// The endpoint's name, a dimension of the metrics too.
    pub endpoint: String,
    /// The production variant whose captures are read.
    pub variant: String,
    /// Where data capture writes to.
    pub capture: S3Uri,
    /// The time that is looked at.
    pub window: Window,
    /// The classes, in the order of the model's answer.
    pub classes: Vec<String>,
    /// The address of `baseline.json`.
    pub baseline: S3Uri,
    /// Below which the reports are written.
    pub reports: S3Uri,
    /// The namespace of the metrics.
    pub namespace: String,
    /// A prediction whose largest probability is below this has low confidence.
    pub low_confidence: f64,
    /// With fewer records nothing is compared.
    pub minimum_records: u64,
}

impl Event {
    /// Reads the event; `now` stands for its `end` if it has none.
    pub fn read(event: Value, now: Timestamp) -> Result<Self, Failure> {
        let Value::Object(fields) = event else {
            return Err(invalid("the event is no object: see the function's contract for its fields"));
        };
        let mut fields = Fields(fields);
        let minutes = fields.range("window_minutes", 1, MAX_MINUTES)?;
        let delay = fields.optional("delay_minutes", "a whole number of minutes")?.unwrap_or(DELAY_MINUTES);
        let end = fields.optional("end", "a time such as \"2026-11-22T10:00:00Z\"")?;
        let event = Self {
            monitor: fields.name("monitor", 255, |c| c.is_ascii_graphic())?,
            endpoint: fields.name("endpoint", 63, is_hyphenated)?,
            variant: fields.name("variant", 63, is_hyphenated)?,
            capture: fields.address("capture")?,
            window: window(end, minutes, delay, now)?,
            classes: classes(fields.required("classes", "a list of class names")?)?,
            baseline: fields.address("baseline")?,
            reports: fields.address("reports")?,
            namespace: namespace(fields.name("namespace", 255, |c| c.is_ascii_alphanumeric() || ".-_/#".contains(c))?)?,
            low_confidence: share(fields.required("low_confidence", "a number from 0 to 1")?)?,
            minimum_records: fields.range("minimum_records", 1, u32::MAX)?.into(),
        };
        fields.nothing_left().map(|()| event)
    }
}

fn invalid(text: impl Into<String>) -> Failure {
    Failure::InvalidInput(text.into())
}

fn is_hyphenated(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-'
}

/// The event's fields, each taken once.
struct Fields(Map<String, Value>);

impl Fields {
    fn optional<T: DeserializeOwned>(&mut self, field: &str, kind: &str) -> Result<Option<T>, Failure> {
        match self.0.remove(field) {
            None => Ok(None),
            Some(value) => serde_json::from_value(value).map(Some).map_err(|_| invalid(format!("`{field}` is not {kind}"))),
        }
    }

    fn required<T: DeserializeOwned>(&mut self, field: &str, kind: &str) -> Result<T, Failure> {
        self.optional(field, kind)?.ok_or_else(|| invalid(format!("`{field}` is missing: give {kind}")))
    }

    fn range(&mut self, field: &str, least: u32, most: u32) -> Result<u32, Failure> {
        let kind = format!("a whole number from {least} to {most}");
        let number: u32 = self.required(field, &kind)?;
        if (least..=most).contains(&number) { Ok(number) } else { Err(invalid(format!("`{field}` is not {kind}"))) }
    }

    fn name(&mut self, field: &str, longest: usize, allowed: impl Fn(char) -> bool) -> Result<String, Failure> {
        let text: String = self.required(field, "a name")?;
        if (1..=longest).contains(&text.len()) && text.chars().all(allowed) {
            return Ok(text);
        }
        Err(invalid(format!("`{field}` is no valid name: give 1 to {longest} of the characters that AWS allows there")))
    }

    fn address(&mut self, field: &str) -> Result<S3Uri, Failure> {
        let text: String = self.required(field, "an address such as \"s3://bucket/folder\"")?;
        S3Uri::read(&text).ok_or_else(|| invalid(format!("`{field}` is no address such as \"s3://bucket/folder\"")))
    }

    fn nothing_left(self) -> Result<(), Failure> {
        self.0.keys().next().map_or(Ok(()), |field| {
            let field: String = field.chars().take(60).collect();
            Err(invalid(format!("the field {field:?} is not known: remove it, or correct its name")))
        })
    }
}

/// The window ends at `end`, or `delay` minutes before now.
fn window(end: Option<Timestamp>, minutes: u32, delay: u32, now: Timestamp) -> Result<Window, Failure> {
    if delay > MAX_MINUTES {
        return Err(invalid(format!("`delay_minutes` is not a whole number from 0 to {MAX_MINUTES}")));
    }
    let unusual = || invalid("`end` is no usual time: give one such as \"2026-11-22T10:00:00Z\"");
    // A second is as fine as SageMaker tells the time of a record.
    let now = Timestamp::from_second(now.as_second()).map_err(|_| unusual())?;
    let end = end.map_or_else(|| now.checked_sub(SignedDuration::from_mins(delay.into())), Ok).map_err(|_| unusual())?;
    let ahead = end.duration_since(now);
    if ahead > CLOCKS {
        return Err(invalid("`end` is in the future: the window is not over yet"));
    }
    if -ahead > OLDEST {
        return Err(invalid("`end` is more than two weeks ago: CloudWatch takes no metrics as old as that"));
    }
    Window::before(end, minutes).ok_or_else(unusual)
}

fn classes(classes: Vec<String>) -> Result<Vec<String>, Failure> {
    if !(2..=MAX_CLASSES).contains(&classes.len()) {
        return Err(invalid(format!("`classes` has {} names: 2 to {MAX_CLASSES} are allowed", classes.len())));
    }
    let metrics: Vec<Option<String>> = classes.iter().map(|class| metrics::share(class)).collect();
    for (at, metric) in metrics.iter().enumerate() {
        let class: String = classes[at].chars().take(60).collect();
        if classes[at].len() > LONGEST_CLASS || classes[at].contains(char::is_control) {
            return Err(invalid(format!(
                "`classes`: {class:?} is no name of up to {LONGEST_CLASS} bytes without control characters"
            )));
        }
        if metric.is_none() {
            return Err(invalid(format!("`classes`: {class:?} makes no name for a metric: use ASCII letters or digits")));
        }
        if metrics[..at].contains(metric) {
            return Err(invalid(format!("`classes`: {class:?} has the same metric as another class: rename one")));
        }
    }
    Ok(classes)
}

fn namespace(name: String) -> Result<String, Failure> {
    if name.starts_with("AWS/") {
        Err(invalid("`namespace` begins with AWS/, which CloudWatch keeps to itself"))
    } else {
        Ok(name)
    }
}

fn share(number: f64) -> Result<f64, Failure> {
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err(invalid("`low_confidence` is not a number from 0 to 1")) }
}

#[cfg(test)]
pub mod tests {
    use serde_json::json;

    use super::*;

    /// An event as a schedule sends it, with an end.
    pub fn event() -> Value {
        json!({
            "monitor": "prediction-drift", "endpoint": "scones-unlimited-dev-classifier", "variant": "AllTraffic",
            "capture": "s3://bucket/capture", "window_minutes": 60, "end": "2026-11-22T10:00:00Z",
            "classes": ["bicycle", "motorcycle"], "baseline": "s3://bucket/evidence/baseline.json",
            "reports": "s3://bucket/monitoring/prediction-drift", "namespace": "Scones/Model",
            "low_confidence": 0.8, "minimum_records": 20
        })
    }

    /// Five minutes after that end.
    pub fn now() -> Timestamp {
        "2026-11-22T10:05:00.75Z".parse().unwrap()
    }

    fn with(field: &str, value: Value) -> Value {
        let mut event = event();
        event[field] = value;
        event
    }

    fn without(field: &str) -> Value {
        let mut event = event();
        event.as_object_mut().unwrap().remove(field);
        event
    }

    #[test]
    fn the_event_of_a_schedule_is_read() {
        let read = Event::read(event(), now()).unwrap();
        assert_eq!((read.monitor.as_str(), read.variant.as_str(), read.minimum_records), ("prediction-drift", "AllTraffic", 20));
        assert_eq!(read.window.start, "2026-11-22T09:00:00Z".parse().unwrap());
    }

    #[test]
    fn without_an_end_the_window_ends_some_minutes_ago() {
        let read = Event::read(without("end"), now()).unwrap();
        assert_eq!(read.window.end, "2026-11-22T10:00:00Z".parse().unwrap());
        let mut event = without("end");
        event["delay_minutes"] = json!(0);
        assert_eq!(Event::read(event, now()).unwrap().window.end, "2026-11-22T10:05:00Z".parse().unwrap());
    }

    #[test]
    fn every_field_but_two_is_required() {
        let fields: Vec<String> = event().as_object().unwrap().keys().cloned().collect();
        for field in fields.iter().filter(|field| *field != "end") {
            let failure = Event::read(without(field), now()).unwrap_err();
            assert_eq!(failure.error_type(), "InvalidInput");
            assert!(failure.to_string().contains(&format!("`{field}` is missing")), "{failure}");
        }
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (field, value) in [
            ("monitor", json!("")),
            ("monitor", json!("a b")),
            ("endpoint", json!("a/../b")),
            ("endpoint", json!("e".repeat(64))),
            ("variant", json!(7)),
            ("capture", json!("bucket/capture")),
            ("baseline", json!("s3://bucket")),
            ("reports", json!(null)),
            ("window_minutes", json!(0)),
            ("window_minutes", json!(MAX_MINUTES + 1)),
            ("window_minutes", json!("60")),
            ("delay_minutes", json!(-1)),
            ("delay_minutes", json!(MAX_MINUTES + 1)),
            ("end", json!("now")),
            ("end", json!("2026-11-22T10:07:00Z")),
            ("end", json!("2026-11-08T10:00:00Z")),
            ("end", json!("-009999-01-02T00:00:00Z")),
            ("classes", json!(["bicycle"])),
            ("classes", json!(["bicycle", "Bicycle"])),
            ("classes", json!(["bicycle", "\u{81ea}\u{884c}\u{8eca}"])),
            ("classes", json!(["bicycle", "x".repeat(LONGEST_CLASS + 1)])),
            ("classes", json!(["bicycle", "a\nb"])),
            ("namespace", json!("AWS/SageMaker")),
            ("namespace", json!("a:b")),
            ("low_confidence", json!(80)),
            ("minimum_records", json!(0)),
        ] {
            let failure = Event::read(with(field, value.clone()), now()).unwrap_err();
            assert_eq!(failure.error_type(), "InvalidInput");
            assert!(failure.to_string().contains(&format!("`{field}`")), "{field} {value}: {failure}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let failure = Event::read(with("minimum_record", json!(5)), now()).unwrap_err();
        assert!(failure.to_string().contains("\"minimum_record\" is not known"), "{failure}");
        assert_eq!(Event::read(json!("text"), now()).unwrap_err().error_type(), "InvalidInput");
    }
}
