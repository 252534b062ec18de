//! The endpoint that a monitor watches, as far as it is declared: what it captures decides what can be monitored.

use serde_json::Value;

use crate::desired::Scope;
use crate::finding::nearest;
use crate::images;

/// A declared endpoint.
pub struct Watched {
    /// Its name in the file.
    entry: String,
    /// Its name in SageMaker.
    pub name: String,
    spec: Value,
}

impl Watched {
    /// Finds the endpoint; faults if it is not declared or captures nothing.
    pub fn of(entry: &str, scope: &mut Scope<'_>) -> Option<Self> {
        let name = scope.mention("endpoints", entry, &["endpoint"])?.name;
        let watched = Self { entry: entry.to_owned(), name, spec: scope.other("endpoints", entry)? };
        if watched.spec.get("capture").is_none_or(Value::is_null) {
            let help = "give it `capture:`: what is not captured cannot be monitored";
            scope.fault_with_help(&["endpoint"], format!("endpoints.{entry} captures nothing"), help);
            return None;
        }
        Some(watched)
    }

    /// Whether requests (`input`) or answers (`output`) are captured; both are unless it is said.
    pub fn captures(&self, side: &str) -> bool {
        self.spec.pointer(&format!("/capture/{side}")).and_then(Value::as_bool).unwrap_or(true)
    }

    fn variants(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.spec.get("variants").and_then(Value::as_object).into_iter().flatten().map(|(name, one)| (name.as_str(), one))
    }

    /// Whether a model that it serves is the built-in image classification, which takes pictures and answers JSON.
    pub fn takes_pictures(&self, scope: &Scope<'_>) -> bool {
        let models = self.variants().filter_map(|(_, variant)| variant.get("model").and_then(Value::as_str));
        let image = |model| scope.other("models", model)?.get("image").and_then(Value::as_str).map(str::to_owned);
        let built_in = images::image_classification(&scope.world().region);
        models.filter_map(image).any(|image| image == images::BUILT_IN || Some(image) == built_in)
    }

    /// Refuses a variant that is not there, and a capture without the answers.
    pub fn check_for_lambda(&self, variant: &str, scope: &mut Scope<'_>) {
        if self.variants().all(|(name, _)| name != variant) {
            let names: Vec<&str> = self.variants().map(|(name, _)| name).collect();
            let help = match nearest(variant, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", names.join(", ")),
            };
            scope.fault_with_help(&["variant"], format!("endpoints.{} has no variant {variant}", self.entry), help);
        }
        if !self.captures("output") {
            let help = "without `output: false` there answers are captured";
            scope.fault_with_help(&["endpoint"], format!("endpoints.{} captures no answers to look at", self.entry), help);
        }
    }

    /// Where it captures to; the monitor may repeat that, and then must say the same.
    pub fn captured_to(&self, told: Option<&str>, scope: &mut Scope<'_>) -> Option<String> {
        let to = scope.borrowed("endpoints", &self.entry, &["capture", "to"])?;
        let to = to.trim_end_matches('/').to_owned();
        if let Some(told) = told.filter(|told| told.trim_end_matches('/') != to) {
            let help = format!("leave `capture` out, or write {to}");
            scope.fault_with_help(&["capture"], format!("endpoints.{} does not capture to {told}", self.entry), help);
        }
        if to.strip_prefix("s3://").is_none_or(|path| !path.contains('/')) && !to.contains("${") {
            let message = format!("endpoints.{} captures to {to}, where the function wants a folder", self.entry);
            scope.fault_with_help(&["endpoint"], message, "such as s3://bucket/capture");
        }
        Some(to)
    }

    /// Refuses a window, in seconds, of which the bucket has lost the beginning.
    pub fn check_kept(&self, window: u32, capture: &str, key: &str, scope: &mut Scope<'_>) {
        let Some((bucket, folder)) = capture.strip_prefix("s3://").and_then(|path| path.split_once('/')) else { return };
        let Some(days) = scope.expires_after(bucket, &format!("{folder}/{}/", self.name)) else { return };
        if u64::from(window) > u64::from(days) * 24 * 60 * 60 {
            let message = format!("the bucket {bucket} keeps captures for {days} days, and this looks back further");
            scope.fault_with_help(&[key], message, "shorten the window, or keep captures for longer");
        }
    }
}
