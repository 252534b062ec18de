//! SageMaker endpoints, each with its endpoint configuration: configurations are immutable, so each content is a
//! generation of its own, and an update moves the endpoint from one to the other.

mod alarms;
mod capture;
mod config;
mod deployment;
mod members;
mod read;
mod scaling;
mod spec;
mod status;
mod wait;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sagemaker::{Others, Vpc, base};
use crate::aws::{Aws, AwsError, arn};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Access, Attribute, Call, Kind, Live, Namesake, Part, Target, Wanted, When, World};
use alarms::Rollout;
use scaling::Scalings;

const ENDPOINT: &str = "arn:{partition}:sagemaker:{region}:{account}:endpoint/{name}";
/// Those that watch the rollout of a configuration, and are named with it.
const ALARMS: &str = "arn:{partition}:cloudwatch:{region}:{account}:alarm:{hashed}";
const CONFIG: &str = "arn:{partition}:sagemaker:{region}:{account}:endpoint-config/{hashed}";
/// Targets have identifiers of Application Auto Scaling's own.
const TARGET: &[&str] = &["arn:{partition}:application-autoscaling:{region}:{account}:scalable-target/*"];
const NAMESPACE: &str = "application-autoscaling:service-namespace";
const SCALE: &[&str] = &["application-autoscaling:RegisterScalableTarget", "application-autoscaling:PutScalingPolicy"];

pub struct Endpoint;

/// An endpoint, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    variants: BTreeMap<String, Variant>,
    /// Variants that get a copy of the traffic.
    shadow_variants: BTreeMap<String, Variant>,
    capture: Option<Capture>,
    kms_key: Option<String>,
    /// What only inference components have.
    execution_role: Option<String>,
    network_isolation: bool,
    vpc: Option<Vpc>,
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other: Others,
    /// What sets the counts of variants by their traffic.
    #[serde(default)]
    scaling: Scalings,
    /// How an update is carried out. AWS keeps it for no longer than that, so the live side repeats what is declared.
    rollout: Option<Rollout>,
}

/// Instances of one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The model's whole name.
    model: Option<String>,
    instance: Option<String>,
    count: Option<i32>,
    weight: f64,
    serverless: Option<Serverless>,
    /// In gigabytes.
    volume: Option<i32>,
    /// In seconds.
    download_timeout: Option<i32>,
    /// In seconds.
    startup_timeout: Option<i32>,
    shell_access: bool,
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other: Others,
}

/// Capacity without instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Serverless {
    /// In megabytes.
    memory: i32,
    max_concurrency: i32,
    provisioned_concurrency: Option<i32>,
}

/// What is kept of requests and answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Capture {
    enabled: bool,
    /// Whether SageMaker does it: it stops by itself where a disk is full.
    status: String,
    percent: i32,
    to: String,
    kms_key: Option<String>,
    input: bool,
    output: bool,
    json_content_types: Vec<String>,
    csv_content_types: Vec<String>,
}

impl Kind for Endpoint {
    const SECTION: &'static str = "endpoints";
    const TITLE: &'static str = "SageMaker endpoint";
    /// SageMaker takes 63, of which a configuration's name needs 9 for the hash of its content.
    const LONGEST_NAME: usize = 54;
    const WRITTEN: &'static [crate::kind::Written] = spec::WRITTEN;
    const FIELDS: &'static [Field] = &[
        Field { path: "capture.json_content_types", rule: Rule::Unordered, why: "SageMaker looks one up among them" },
        Field { path: "capture.csv_content_types", rule: Rule::Unordered, why: "SageMaker looks one up among them" },
        Field { path: "rollout.watched", rule: Rule::Derived, why: "alarms are compared where they are declared" },
        Field { path: "variants.*.count", rule: Rule::InPlace, why: "UpdateEndpointWeightsAndCapacities keeps the fleet" },
        Field { path: "variants.*.weight", rule: Rule::InPlace, why: "UpdateEndpointWeightsAndCapacities keeps the fleet" },
        Field { path: "scaling", rule: Rule::InPlace, why: "Application Auto Scaling keeps the fleet" },
    ];
    const DEADLINE: Duration = Duration::from_secs(60 * 60);
    const CALLS: &'static [Call] = &[
        Call::of(When::Search, ANY, &["sagemaker:ListEndpoints", "sagemaker:ListEndpointConfigs"]),
        Call::of(When::Search, &[CONFIG], &["sagemaker:ListTags"]),
        Call::of(When::Read, &[ENDPOINT], &["sagemaker:DescribeEndpoint", "sagemaker:ListTags"]),
        Call::of(When::Read, &[CONFIG], &["sagemaker:DescribeEndpointConfig"]),
        Call::of(
            When::Read,
            ANY,
            &[
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:DescribeScheduledActions",
            ],
        ),
        Call::of(When::Create, &[CONFIG], &["sagemaker:CreateEndpointConfig", "sagemaker:AddTags"]),
        Call::of(When::Create, &[ENDPOINT, CONFIG], &["sagemaker:CreateEndpoint"]),
        Call::of(When::Create, &[ENDPOINT], &["sagemaker:AddTags"]),
        Call::of(When::Create, TARGET, SCALE).only(NAMESPACE, "sagemaker"),
        // A fleet is updated without scaling, and scaled again after that.
        Call::of(When::Update(&[]), TARGET, &["application-autoscaling:DeregisterScalableTarget"]).only(NAMESPACE, "sagemaker"),
        Call::of(When::Update(&[]), TARGET, &["application-autoscaling:DeleteScalingPolicy"]).only(NAMESPACE, "sagemaker"),
        Call::of(When::Update(&[]), TARGET, &["application-autoscaling:DeleteScheduledAction"]).only(NAMESPACE, "sagemaker"),
        Call::of(When::Update(&[]), TARGET, SCALE).only(NAMESPACE, "sagemaker"),
        Call::of(When::Delete, TARGET, &["application-autoscaling:DeregisterScalableTarget"]).only(NAMESPACE, "sagemaker"),
        Call::of(When::Update(&[]), &[CONFIG], &["sagemaker:CreateEndpointConfig", "sagemaker:AddTags"]),
        Call::of(When::Update(&[]), &[ENDPOINT, CONFIG], &["sagemaker:UpdateEndpoint"]),
        Call::of(When::Update(&[]), &[ENDPOINT], &["sagemaker:UpdateEndpointWeightsAndCapacities", "sagemaker:AddTags"]),
        Call::of(When::Update(&["tags"]), &[ENDPOINT], &["sagemaker:DeleteTags"]),
        Call::of(When::Update(&[]), ANY, &["cloudwatch:DescribeAlarms"]),
        Call::of(When::Update(&[]), &[ALARMS], &["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"]),
        Call::of(When::Delete, ANY, &["cloudwatch:DescribeAlarms"]),
        Call::of(When::Delete, &[ALARMS], &["cloudwatch:DeleteAlarms"]),
        Call::of(When::Delete, &[ENDPOINT], &["sagemaker:DeleteEndpoint"]),
        Call::of(When::Delete, &[CONFIG], &["sagemaker:DeleteEndpointConfig"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

    type Spec = spec::Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        // SageMaker writes names into ARNs in lower case, and IAM compares them letter by letter.
        let arn = world.arn("sagemaker", &format!("endpoint/{}", name.to_lowercase()));
        [("name", name.to_owned()), ("arn", arn)].map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        if let Some(name) = arn::name(arn, "sagemaker", "endpoint/") {
            return Some(Part { name: name.to_owned(), main: true });
        }
        let config = match arn::name(arn, "cloudwatch", "alarm:") {
            Some(alarm) => alarms::configuration(alarm)?,
            None => arn::name(arn, "sagemaker", "endpoint-config/")?,
        };
        Some(Part { name: base(config)?.to_owned(), main: false })
    }

    fn desired(spec: spec::Spec, scope: &mut Scope<'_>) -> Option<State> {
        spec::desired(spec, scope)
    }

    /// Scaling anything for the first time makes a role of Application Auto Scaling's own.
    ///
    /// Source: "Service-linked roles" in the Application Auto Scaling user guide.
    fn accesses(world: &World, name: &str, state: &State) -> Vec<Access> {
        let mut found = vec![];
        if !state.scaling.is_empty() {
            let (service, role) = ("sagemaker.application-autoscaling.amazonaws.com", "ApplicationAutoScaling_SageMakerEndpoint");
            let (partition, account) = (world.partition(), &world.account);
            found.push(Access::Known {
                when: When::Create,
                action: "iam:CreateServiceLinkedRole",
                on: format!("arn:{partition}:iam::{account}:role/aws-service-role/{service}/AWSServiceRoleFor{role}"),
                only: Some(("iam:AWSServiceName", service.to_owned())),
            });
        }
        if state.kms_key.is_some() {
            found.push(Access::Unknown(format!("the key of endpoint {name}: its own policy says who may use it")));
        }
        found
    }

    /// Per endpoint DescribeEndpoint and one DescribeEndpointConfig for each generation; one ListEndpointConfigs and one
    /// DescribeScalableTargets for all; one DescribeScalingPolicies and one DescribeScheduledActions if any is scaled.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        read::observe(aws, wanted).await
    }

    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
        read::names(aws).await
    }

    async fn namesakes(aws: &Aws) -> Result<Vec<Namesake>, AwsError> {
        read::namesakes(aws).await
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        write::create(aws, &to).await
    }

    async fn update(aws: &Aws, _: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        write::update(aws, &to).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        write::delete(aws, name).await?;
        let prefix = format!("{name}-");
        let (found, ()) = futures::try_join!(
            read::list_configs(aws, &prefix),
            alarms::delete(aws, &prefix, |config| base(config) == Some(name))
        )?;
        let ours: Vec<String> = found.into_iter().map(|(config, _)| config).filter(|config| base(config) == Some(name)).collect();
        config::delete(aws, &ours).await
    }

    /// A configuration that the endpoint has by now is kept: without it SageMaker can neither patch nor update the endpoint.
    async fn collect(aws: &Aws, name: &str, generations: &[String]) -> Result<(), AwsError> {
        let endpoint = read::describe(aws, name).await?;
        let in_use = |config: &String| endpoint.as_ref().is_some_and(|endpoint| read::refers_to(endpoint, config));
        let unused: Vec<String> = generations.iter().filter(|config| !in_use(config)).cloned().collect();
        try_join_all(unused.iter().map(|config| alarms::delete(aws, config, move |watched| watched == config))).await?;
        config::delete(aws, &unused).await
    }
}

/// A weight as a person writes it: SageMaker keeps single precision, in which 0.1 is 0.100000001490116.
fn weight(weight: f32) -> f64 {
    weight.to_string().parse().unwrap_or(f64::from(weight))
}
