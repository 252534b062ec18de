//! What a person writes of a monitor.

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::desired::Scope;
use crate::units::Seconds;

const FOLDER: &str = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.*[^/]/?$";

/// Looks regularly at what an endpoint captured, and compares it with a baseline.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MonitorSpec")]
pub struct Spec {
    /// The name in AWS; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,53}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// What looks: lambda, a declared function, which reads pictures too.
    pub engine: Engine,
    /// The name of a declared endpoint that captures.
    pub endpoint: String,
    /// How often, such as 1h.
    pub every: Option<Seconds>,
    /// When, in place of `every`, such as cron(0 6 * * ? *); in UTC.
    pub schedule: Option<String>,
    /// Where reports are written, such as s3://bucket/monitoring/drift.
    #[schemars(regex(pattern = FOLDER), length(max = 768))]
    pub reports: String,
    /// What is compared with: s3://bucket/…/baseline.json.
    #[schemars(regex(pattern = FOLDER), length(max = 768))]
    pub baseline: String,
    /// Whether it runs.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The name of a declared function; its alias `live` is invoked.
    pub function: String,
    /// The endpoint's variant that is looked at.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"))]
    #[serde(default = "all_traffic")]
    pub variant: String,
    /// How far each run looks back; by default as far as `every`.
    pub window: Option<Seconds>,
    /// The classes in the order of the model's answer.
    pub classes: Vec<String>,
    /// Where the endpoint captures to; by default what is declared there.
    pub capture: Option<String>,
    /// A prediction whose largest probability is below this has low confidence.
    #[schemars(range(min = 0, max = 1))]
    #[serde(default = "low_confidence")]
    pub low_confidence: f64,
    /// With fewer records in the window nothing is compared.
    #[schemars(range(min = 1))]
    #[serde(default = "minimum_records")]
    pub minimum_records: u32,
}

/// What does the looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    Lambda,
}

fn yes() -> bool {
    true
}

fn all_traffic() -> String {
    "AllTraffic".to_owned()
}

fn low_confidence() -> f64 {
    0.8
}

fn minimum_records() -> u32 {
    20
}

/// Notes that not one of `every` and `schedule` is there.
pub fn one_schedule(spec: &Spec, scope: &mut Scope<'_>) -> Option<String> {
    match spec.every {
        Some(_) => scope.fault(&["schedule"], "`every` and `schedule` are two ways: write one of them"),
        None => scope.fault_with_help::<&str>(&[], "this monitor never runs", "add `every:`, such as 1h, or `schedule:`"),
    }
    None
}

/// An address in S3 below a bucket, which may have held a reference when the file's shape was checked.
pub fn s3_folder(value: &str, key: &str, scope: &mut Scope<'_>) -> Option<String> {
    if !value.contains("${") && !Regex::new(FOLDER).is_ok_and(|pattern| pattern.is_match(value)) {
        scope.fault_with_help(&[key], format!("`{value}` has not the right form"), "such as s3://bucket/folder");
        return None;
    }
    Some(value.trim_end_matches('/').to_owned())
}
