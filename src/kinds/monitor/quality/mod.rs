//! Engine `sagemaker`: a monitoring schedule of SageMaker Model Monitor with its data quality job definition, which is
//! immutable and named by what it holds.

mod baseline;
mod content;
mod definition;
mod desired;
pub mod members;
mod read;
mod schedule;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kind::{Access, When, World};
use crate::kinds::sagemaker::{Others, Vpc};

pub use desired::desired;
pub use read::{namesakes, observe};
pub use write::{collect, create, delete, update};

/// A schedule with what it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Monitored {
    schedule: Schedule,
    pub definition: Definition,
}

/// When, and whether.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Schedule {
    expression: Option<String>,
    enabled: bool,
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other: Others,
}

/// A data quality job definition, complete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// The endpoint's name in SageMaker.
    endpoint: Option<String>,
    image: Option<String>,
    role: Option<String>,
    instance: Option<String>,
    instance_count: Option<i32>,
    /// In gigabytes.
    volume: Option<i32>,
    volume_kms_key: Option<String>,
    /// In seconds.
    max_runtime: Option<i32>,
    baseline: Baseline,
    preprocessor: Option<String>,
    reports: Option<String>,
    reports_kms_key: Option<String>,
    environment: BTreeMap<String, String>,
    network_isolation: bool,
    vpc: Option<Vpc>,
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other: Others,
}

/// What captured data is held against.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Baseline {
    statistics: Option<String>,
    constraints: Option<String>,
    /// The data that these are made of, if scones has them made. SageMaker keeps it only in the address of the
    /// statistics, which ends in a hash of it: where that is the same, so is the data.
    data: Option<String>,
}

/// A baseline is looked for where scones has it made.
pub fn accesses(world: &World, state: &Monitored) -> Vec<Access> {
    let definition = &state.definition;
    let mut found: Vec<Access> = definition.role.iter().map(|role| Access::pass_role(role, "sagemaker")).collect();
    let made = definition.baseline.statistics.as_deref().filter(|_| definition.baseline.data.is_some());
    if let Some(path) = made.and_then(|statistics| statistics.strip_prefix("s3://")) {
        let bucket = path.split('/').next().unwrap_or_default();
        let arn = |resource: &str| format!("arn:{}:s3:::{resource}", world.partition());
        found.push(Access::of(When::Create, "s3:GetObject", arn(path)));
        found.push(Access::of(When::Create, "s3:ListBucket", arn(bucket)));
    }
    found
}
