//! What a person writes of an endpoint, checked against what SageMaker takes.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::ProductionVariantInstanceType;
use regex_lite::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::alarms::Rollout;
use super::scaling::{self, Scalings};
use super::{Capture, Serverless, State, Variant, weight};
use crate::desired::Scope;
use crate::finding::nearest;
use crate::kind::Written;
use crate::kinds::rollout;
use crate::kinds::sagemaker::{Others, check_name};

const INSTANCE: &str = r"^ml\.[a-z0-9-]+\.[a-z0-9]+$";
const CAPTURE_TO: &str = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$";
const CONTENT_TYPE: &str = r"^[a-zA-Z0-9](-*[a-zA-Z0-9])*/[a-zA-Z0-9](-*[a-zA-Z0-9.])*$";
/// How SageMaker calls a capture that works.
pub const STARTED: &str = "Started";

pub const WRITTEN: &[Written] = &[
    Written::same("variants.*.instance", "variants.*.instance"),
    Written::same("variants.*.count", "variants.*.count"),
    Written::same("variants.*.weight", "variants.*.weight"),
    Written::same("variants.*.serverless.memory", "variants.*.serverless.memory"),
    Written::same("variants.*.serverless.max_concurrency", "variants.*.serverless.max_concurrency"),
    Written::by_hand("variants.*.model", "variants.*.model", "the model is a resource of its own: edit that under `models`"),
    Written::same("scaling.*.min", "variants.*.scaling.min"),
    Written::same("scaling.*.max", "variants.*.scaling.max"),
    Written::same("scaling.*.policy.target", "variants.*.scaling.target"),
    Written::seconds("scaling.*.policy.scale_in_cooldown", "variants.*.scaling.scale_in_cooldown"),
    Written::seconds("scaling.*.policy.scale_out_cooldown", "variants.*.scaling.scale_out_cooldown"),
    Written::same("capture.percent", "capture.percent"),
    Written::same("capture.to", "capture.to"),
    Written::same("capture.input", "capture.input"),
    Written::same("capture.output", "capture.output"),
    Written::same("capture.json_content_types", "capture.json_content_types"),
    Written::same("capture.csv_content_types", "capture.csv_content_types"),
    Written::same("kms_key", "kms_key"),
];

/// A SageMaker endpoint.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The name in SageMaker; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,53}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// What serves, by name: 1 to 10 variants that share the traffic by their weights.
    variants: BTreeMap<String, VariantSpec>,
    /// Keeps requests and answers in S3.
    capture: Option<CaptureSpec>,
    /// The KMS key for the instances' volumes: its ID, ARN or alias.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9:/_-]{1,2048}$"))]
    kms_key: Option<String>,
    /// How an update shifts traffic; by default all at once.
    rollout: Option<rollout::Spec>,
}

/// Instances of one model, or serverless capacity.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct VariantSpec {
    /// The name of a declared model.
    model: String,
    /// The type of instance, such as ml.m5.xlarge.
    #[schemars(regex(pattern = INSTANCE))]
    instance: Option<String>,
    /// How many instances; by default 1. With `scaling`, how many at first: by default its least.
    #[schemars(range(min = 1))]
    count: Option<i32>,
    /// The share of the traffic, relative to the other variants'; by default 1.
    #[schemars(range(min = 0))]
    #[serde(default = "one")]
    weight: f32,
    /// Sets the count by the traffic.
    scaling: Option<scaling::Spec>,
    /// Capacity without instances, in place of `instance`.
    serverless: Option<ServerlessSpec>,
}

/// Capacity without instances.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServerlessSpec {
    /// In megabytes: 1024, 2048, 3072, 4096, 5120 or 6144.
    #[schemars(range(min = 1024, max = 6144))]
    memory: i32,
    /// How many requests at once: 1 to 200.
    #[schemars(range(min = 1, max = 200))]
    max_concurrency: i32,
}

/// What is kept of requests and answers.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CaptureSpec {
    /// How many of the requests: 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    percent: i32,
    /// Where in S3, such as s3://bucket/capture.
    #[schemars(regex(pattern = CAPTURE_TO), length(max = 512))]
    to: String,
    /// Whether requests are kept.
    #[serde(default = "yes")]
    input: bool,
    /// Whether answers are kept.
    #[serde(default = "yes")]
    output: bool,
    /// Content types that are kept as JSON; all that is neither JSON nor CSV is kept in base64.
    #[schemars(length(max = 10))]
    #[serde(default = "json")]
    json_content_types: Vec<ContentType>,
    /// Content types that are kept as CSV.
    #[schemars(length(max = 10))]
    #[serde(default)]
    csv_content_types: Vec<ContentType>,
}

/// A content type such as application/json.
#[derive(Deserialize, JsonSchema)]
struct ContentType(#[schemars(regex(pattern = CONTENT_TYPE), length(max = 256))] String);

fn one() -> f32 {
    1.0
}

fn yes() -> bool {
    true
}

fn json() -> Vec<ContentType> {
    vec![ContentType("application/json".to_owned())]
}

pub fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
    check_name(scope);
    check_variants(&spec, scope);
    let mut variants = BTreeMap::new();
    let mut scalings = Scalings::new();
    for (name, mut variant) in spec.variants {
        let scaling = variant.scaling.take().and_then(|scaling| desired_scaling(scaling, &name, &mut variant, scope));
        scalings.extend(scaling.map(|scaling| (name.clone(), scaling)));
        // Its fault is noted; the others are looked at all the same.
        if let Some(variant) = desired_variant(&name, variant, scope) {
            variants.insert(name, variant);
        }
    }
    let capture = spec.capture.map(|capture| desired_capture(capture, scope));
    let rollout = spec.rollout.and_then(|rollout| rollout::desired(rollout, scope));
    let rollout = rollout.map(|way| Rollout { way, watched: BTreeMap::new() });
    scope.is_sound().then(|| State {
        variants,
        shadow_variants: BTreeMap::new(),
        capture,
        kms_key: spec.kms_key,
        execution_role: None,
        network_isolation: false,
        vpc: None,
        other: Others::new(),
        scaling: scalings,
        rollout,
    })
}

fn check_variants(spec: &Spec, scope: &mut Scope<'_>) {
    let variants = &spec.variants;
    if variants.is_empty() || variants.len() > 10 {
        scope.fault(&["variants"], format!("an endpoint has 1 to 10 variants, not {}", variants.len()));
    }
    if !variants.is_empty() && variants.values().all(|variant| variant.weight == 0.0) {
        scope.fault(&["variants"], "no variant gets traffic: give one of them a weight above 0");
    }
    // Source: the feature exclusions of serverless inference in SageMaker's developer guide.
    if variants.values().any(|variant| variant.serverless.is_some()) {
        if variants.len() > 1 {
            scope.fault(&["variants"], "a serverless endpoint has one variant");
        }
        if spec.capture.is_some() {
            scope.fault(&["capture"], "serverless endpoints cannot capture");
        }
    }
}

fn desired_variant(name: &str, spec: VariantSpec, scope: &mut Scope<'_>) -> Option<Variant> {
    // Dashes may repeat, so the pattern alone does not bound the length.
    if name.len() > 63 || !fits(name, r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$") {
        let help = "up to 63 letters, digits and dashes between them";
        scope.fault_with_help(&["variants", name], format!("`{name}` cannot be a variant's name"), help);
    }
    if let Some(instance) = &spec.instance {
        check_instance(instance, name, scope);
    }
    match (&spec.instance, &spec.serverless) {
        (Some(_), None) => {}
        (None, Some(serverless)) => {
            if serverless.memory % 1024 != 0 {
                scope.fault(&["variants", name, "serverless", "memory"], "the memory is a multiple of 1024");
            }
            if spec.count.is_some() {
                scope.fault(&["variants", name, "count"], "`serverless` has no instances to count");
            }
        }
        (Some(_), Some(_)) => {
            scope.fault(&["variants", name, "serverless"], "`instance` and `serverless` are two ways: write one of them");
        }
        (None, None) => scope.fault_with_help(
            &["variants", name],
            "this variant has nothing to run on",
            "add `instance:`, such as ml.m5.xlarge, or `serverless:`",
        ),
    }
    let model = scope.link("models", &spec.model, &["variants", name, "model"])?.name;
    Some(Variant {
        model: Some(model),
        count: spec.instance.is_some().then(|| spec.count.unwrap_or(1)),
        instance: spec.instance,
        weight: weight(spec.weight),
        serverless: spec.serverless.map(|serverless| Serverless {
            memory: serverless.memory,
            max_concurrency: serverless.max_concurrency,
            provisioned_concurrency: None,
        }),
        ..Variant::default()
    })
}

/// Source of what cannot be scaled: the prerequisites of automatic scaling in SageMaker's developer guide.
fn desired_scaling(
    spec: scaling::Spec,
    name: &str,
    variant: &mut VariantSpec,
    scope: &mut Scope<'_>,
) -> Option<scaling::Scaling> {
    if variant.serverless.is_some() {
        scope.fault(&["variants", name, "scaling"], "`serverless` has no instances to scale");
    }
    if variant.instance.as_ref().is_some_and(|instance| instance.starts_with("ml.t")) {
        let help = "take another type of instance, such as ml.m5.large";
        scope.fault_with_help(&["variants", name, "scaling"], "SageMaker does not scale burstable instances", help);
    }
    if variant.count.is_some_and(|count| !(spec.min..=spec.max).contains(&count)) {
        let message = format!("`count` is outside of what scaling allows, which is {} to {}", spec.min, spec.max);
        scope.fault(&["variants", name, "count"], message);
    }
    if variant.serverless.is_none() {
        variant.count = variant.count.or(Some(spec.min));
    }
    scaling::desired(spec, name, scope)
}

/// SageMaker refuses a type that it does not know; the SDK's list is the one of the day it was released.
fn check_instance(instance: &str, variant: &str, scope: &mut Scope<'_>) {
    let known = ProductionVariantInstanceType::values();
    if instance.contains("${") || known.contains(&instance) {
        return;
    }
    let help = match nearest(instance, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "such as ml.m5.xlarge".to_owned(),
    };
    scope.fault_with_help(&["variants", variant, "instance"], format!("`{instance}` is no type of instance for endpoints"), help);
}

fn desired_capture(spec: CaptureSpec, scope: &mut Scope<'_>) -> Capture {
    check_form(&spec.to, CAPTURE_TO, &["capture", "to"], "such as s3://bucket/capture", scope);
    if !spec.input && !spec.output {
        let help = "to capture nothing, leave `capture` out";
        scope.fault_with_help(&["capture"], "neither `input` nor `output` is captured", help);
    }
    let sorted = |types: Vec<ContentType>| {
        let mut types: Vec<String> = types.into_iter().map(|one| one.0).collect();
        types.sort();
        types.dedup();
        types
    };
    let (json_content_types, csv_content_types) = (sorted(spec.json_content_types), sorted(spec.csv_content_types));
    if let Some(twice) = json_content_types.iter().find(|one| csv_content_types.contains(one)) {
        scope.fault(&["capture", "csv_content_types"], format!("{twice} is kept as JSON already"));
    }
    Capture {
        enabled: true,
        status: STARTED.to_owned(),
        percent: spec.percent,
        to: spec.to,
        kms_key: None,
        input: spec.input,
        output: spec.output,
        json_content_types,
        csv_content_types,
    }
}

/// Checks what held a reference when the file's shape was checked.
fn check_form(value: &str, pattern: &str, path: &[&str], help: &str, scope: &mut Scope<'_>) {
    if !value.contains("${") && !fits(value, pattern) {
        scope.fault_with_help(path, format!("`{value}` has not the right form"), help);
    }
}

fn fits(value: &str, pattern: &str) -> bool {
    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(value))
}
