//! What a person writes of a monitor.

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::desired::Scope;
use crate::kind::Written;
use crate::units::Seconds;

const FOLDER: &str = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.*[^/]/?$";

pub const WRITTEN: &[Written] = &[
    Written::made("rule.state", "enabled", |state| Some((state == "ENABLED").into())),
    Written::by_hand("rule.schedule", "every", "its schedule follows from `every` or `schedule`: edit that"),
    Written::same("targets.function.input.low_confidence", "low_confidence"),
    Written::same("targets.function.input.minimum_records", "minimum_records"),
    Written::same("targets.function.input.classes", "classes"),
    Written::same("targets.function.input.variant", "variant"),
    Written::same("targets.function.input.capture", "capture"),
    Written::same("targets.function.input.baseline", "baseline"),
    Written::same("targets.function.input.reports", "reports"),
    Written::same("schedule.enabled", "enabled"),
    Written::by_hand("schedule.expression", "every", "its schedule follows from `every` or `schedule`: edit that"),
    Written::same("definition.role", "role"),
    Written::same("definition.instance", "instance"),
    Written::same("definition.volume", "volume"),
    Written::seconds("definition.max_runtime", "max_runtime"),
    Written::same("definition.preprocessor", "preprocessor"),
    Written::same("definition.network_isolation", "network_isolation"),
    Written::same("definition.reports", "reports"),
];

/// Looks regularly at what an endpoint captured, and compares it with a baseline.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MonitorSpec")]
pub struct Spec {
    /// The name in AWS; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,53}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// What looks: lambda, a declared function, which reads pictures too; or sagemaker, Model Monitor, for tabular data.
    pub engine: Engine,
    /// The name of a declared endpoint that captures.
    pub endpoint: String,
    /// How often, such as 1h.
    pub every: Option<Seconds>,
    /// When, in place of `every`, in UTC. Engine lambda: such as cron(0 6 * * ? *); engine sagemaker: cron(0 6 ? * * *).
    pub schedule: Option<String>,
    /// Where reports are written, such as s3://bucket/monitoring/drift.
    #[schemars(regex(pattern = FOLDER), length(max = 768))]
    pub reports: String,
    /// What is compared with. Engine lambda: s3://bucket/…/baseline.json. Engine sagemaker: `data`, or `statistics` and
    /// `constraints`.
    pub baseline: Baseline,
    /// Whether it runs.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Engine lambda: the name of a declared function; its alias `live` is invoked.
    pub function: Option<String>,
    /// Engine lambda: the endpoint's variant that is looked at; by default AllTraffic.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"))]
    pub variant: Option<String>,
    /// Engine lambda: how far each run looks back; by default as far as `every`.
    pub window: Option<Seconds>,
    /// Engine lambda: the classes in the order of the model's answer.
    pub classes: Option<Vec<String>>,
    /// Engine lambda: where the endpoint captures to; by default what is declared there.
    pub capture: Option<String>,
    /// Engine lambda: a prediction whose largest probability is below this has low confidence; by default 0.8.
    #[schemars(range(min = 0, max = 1))]
    pub low_confidence: Option<f64>,
    /// Engine lambda: with fewer records in the window nothing is compared; by default 20.
    #[schemars(range(min = 1))]
    pub minimum_records: Option<u32>,
    /// Engine sagemaker: the role that runs execute with, the name of a declared one or an ARN.
    pub role: Option<String>,
    /// Engine sagemaker: the type of instance; by default ml.m5.xlarge.
    #[schemars(regex(pattern = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"))]
    pub instance: Option<String>,
    /// Engine sagemaker: the instance's volume in gigabytes; by default 20.
    #[schemars(range(min = 1, max = 16384))]
    pub volume: Option<i32>,
    /// Engine sagemaker: how long a run may take, no longer than the time between two; by default 1h.
    pub max_runtime: Option<Seconds>,
    /// Engine sagemaker: a Python script in S3 whose `preprocess_handler` makes a flat record of each captured one.
    #[schemars(regex(pattern = FOLDER), length(max = 1024))]
    pub preprocessor: Option<String>,
    /// Engine sagemaker: whether the container is kept from all networks.
    pub network_isolation: Option<bool>,
    /// Engine sagemaker: what requests hold, tabular (the default) or image, where the model does not tell.
    pub content: Option<Content>,
}

/// What captured data is held against.
#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(untagged)]
pub enum Baseline {
    File(#[schemars(regex(pattern = FOLDER), length(max = 768))] String),
    Parts(BaselineParts),
}

/// The baseline of tabular data.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MonitorBaseline")]
pub struct BaselineParts {
    /// The CSV that the model was trained with, its first line the names of the columns: apply has the rest made of it.
    #[schemars(regex(pattern = FOLDER), length(max = 1024))]
    pub data: Option<String>,
    /// A statistics.json of Model Monitor's.
    #[schemars(regex(pattern = FOLDER), length(max = 1024))]
    pub statistics: Option<String>,
    /// A constraints.json of Model Monitor's.
    #[schemars(regex(pattern = FOLDER), length(max = 1024))]
    pub constraints: Option<String>,
}

/// What requests hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    Tabular,
    Image,
}

/// What does the looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    Lambda,
    Sagemaker,
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::Sagemaker => "sagemaker",
        }
    }
}

fn yes() -> bool {
    true
}

impl Spec {
    /// The keys of each engine: whether they are there, and whether they must be.
    fn keys(&self) -> [(&'static str, Engine, bool, bool); 14] {
        use Engine::{Lambda, Sagemaker};
        [
            ("function", Lambda, self.function.is_some(), true),
            ("classes", Lambda, self.classes.is_some(), true),
            ("variant", Lambda, self.variant.is_some(), false),
            ("window", Lambda, self.window.is_some(), false),
            ("capture", Lambda, self.capture.is_some(), false),
            ("low_confidence", Lambda, self.low_confidence.is_some(), false),
            ("minimum_records", Lambda, self.minimum_records.is_some(), false),
            ("role", Sagemaker, self.role.is_some(), true),
            ("instance", Sagemaker, self.instance.is_some(), false),
            ("volume", Sagemaker, self.volume.is_some(), false),
            ("max_runtime", Sagemaker, self.max_runtime.is_some(), false),
            ("preprocessor", Sagemaker, self.preprocessor.is_some(), false),
            ("network_isolation", Sagemaker, self.network_isolation.is_some(), false),
            ("content", Sagemaker, self.content.is_some(), false),
        ]
    }

    /// Refuses keys of the other engine, and asks for those that this one needs.
    pub fn check_keys(&self, scope: &mut Scope<'_>) {
        for (key, engine, given, required) in self.keys() {
            if given && engine != self.engine {
                scope.fault(&[key], format!("`{key}` is for engine {}", engine.name()));
            } else if required && !given && engine == self.engine {
                scope.fault::<&str>(&[], format!("engine {} needs the key `{key}`", engine.name()));
            }
        }
    }
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
