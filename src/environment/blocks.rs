//! The blocks of an environment file that speak of the workload as a whole, not of one resource.

pub mod promotion;
pub mod staging;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::units::Seconds;

/// All such blocks. None of them is a resource: nothing of them exists in AWS.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// The pictures a model is trained and tested with: what `scones stage` makes.
    pub staging: Option<staging::Staging>,
    /// How a picture is sent through the workflow: what `scones run` does.
    pub run: Option<Running>,
    /// A picture that must come out right after each apply.
    pub verify: Option<Verifying>,
    /// How a model is trained: what `scones train` does.
    pub training: Option<Training>,
    /// How the endpoint is measured: what `scones evaluate` does.
    pub evaluation: Option<Evaluating>,
    /// What must be proven elsewhere before it is pinned here: what `scones promote` demands.
    pub promotion: Option<promotion::Promotion>,
}

/// How a picture is sent through the workflow.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// The name of the workflow under `state_machines`.
    pub workflow: String,
    /// Where pictures of this machine are put before: s3://bucket/prefix.
    #[schemars(regex(pattern = r"^(s3://|\$\{).+[^/]$"))]
    pub upload: String,
    /// The input of an execution; `{bucket}` and `{key}` stand for the picture's address. By default
    /// `{ image_data: "", s3_bucket: "{bucket}", s3_key: "{key}" }`.
    #[serde(default = "address_of_a_picture")]
    pub input: Map<String, Value>,
    /// The largest picture that is sent, in bytes: no state of the workflow may grow beyond 256 KiB with it.
    pub largest_picture: Option<u64>,
    /// How long one execution may take.
    #[serde(default = "five_minutes")]
    pub timeout: Seconds,
}

/// A picture that must come out right after each apply.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verifying {
    /// A file in the project, or s3://bucket/key.
    #[schemars(length(min = 1))]
    pub picture: String,
    /// Members that the workflow's output must have, with these values.
    #[serde(default)]
    pub expect: Map<String, Value>,
}

/// How a model is trained.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The name of the workflow under `state_machines`.
    pub workflow: String,
    /// The input of an execution.
    #[serde(default)]
    pub input: Map<String, Value>,
    /// How long training may take.
    #[serde(default = "six_hours")]
    pub timeout: Seconds,
}

/// How the endpoint is measured.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evaluating {
    /// The name of the endpoint under `endpoints`.
    pub endpoint: String,
    /// Where the staged pictures lie: s3://bucket/prefix, with `test.lst` and the folder `test` below it.
    #[schemars(regex(pattern = r"^(s3://|\$\{).+[^/]$"))]
    pub data: String,
    /// The names of the classes, in the order of the model's answers.
    #[schemars(length(min = 2))]
    pub classes: Vec<String>,
    /// How many pictures are sent at once.
    #[schemars(range(min = 1, max = 64))]
    #[serde(default = "eight")]
    pub concurrency: usize,
    /// What counts as confident: the workflow's threshold.
    #[schemars(range(min = 0.0, max = 1.0))]
    #[serde(default = "half")]
    pub threshold: f64,
    /// The least accuracy; below it the command fails.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub least_accuracy: Option<f64>,
    /// Where the answers' distribution is kept, for monitors to compare with: s3://bucket/key.
    #[schemars(regex(pattern = r"^(s3://|\$\{).+[^/]$"))]
    pub baseline: Option<String>,
}

/// An entry of a section that a block names.
pub struct Mention<'a> {
    /// The block and its key.
    pub path: [&'static str; 2],
    pub section: &'static str,
    pub name: &'a str,
}

impl Blocks {
    /// The keys of an environment file that are blocks.
    pub fn keys() -> Vec<String> {
        let schema = schemars::schema_for!(Blocks).to_value();
        schema.get("properties").and_then(Value::as_object).map(|map| map.keys().cloned().collect()).unwrap_or_default()
    }

    /// The blocks in their types, from what was resolved.
    ///
    /// # Errors
    /// The path and the message of what does not fit.
    pub fn of(resolved: &BTreeMap<String, Value>) -> Result<Self, (Vec<String>, String)> {
        let all: Map<String, Value> = resolved.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        super::typed(&Value::Object(all))
    }

    /// The entries of sections that the blocks name.
    pub fn mentions(&self) -> Vec<Mention<'_>> {
        let mention = |block, key, section, name| Mention { path: [block, key], section, name };
        let run = self.run.iter().map(|run| mention("run", "workflow", "state_machines", run.workflow.as_str()));
        let training =
            self.training.iter().map(|training| mention("training", "workflow", "state_machines", training.workflow.as_str()));
        let evaluation = self.evaluation.iter().map(|one| mention("evaluation", "endpoint", "endpoints", one.endpoint.as_str()));
        run.chain(training).chain(evaluation).collect()
    }
}

fn address_of_a_picture() -> Map<String, Value> {
    let members = [("image_data", ""), ("s3_bucket", "{bucket}"), ("s3_key", "{key}")];
    members.into_iter().map(|(key, value)| (key.to_owned(), Value::from(value))).collect()
}

fn five_minutes() -> Seconds {
    Seconds(300)
}

fn six_hours() -> Seconds {
    Seconds(6 * 60 * 60)
}

fn eight() -> usize {
    8
}

fn half() -> f64 {
    0.5
}
