//! Spec → state, with what SageMaker would refuse, or would fail at hour by hour.

use aws_sdk_sagemaker::types::ProcessingInstanceType;
use serde_json::json;

use super::{Baseline, Definition, Monitored, Schedule, schedule};
use crate::desired::Scope;
use crate::finding::nearest;
use crate::images;
use crate::kind::digest;
use crate::kinds::monitor::spec::{self, Content, Spec, one_schedule, s3_folder};
use crate::kinds::monitor::watched::Watched;
use crate::kinds::sagemaker::Others;

pub fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<Monitored> {
    let watched = Watched::of(&spec.endpoint, scope)?;
    // SageMaker asks for the endpoint and its capture when the definition is made.
    scope.link("endpoints", &spec.endpoint, &["endpoint"])?;
    check_content(&spec, &watched, scope);
    let role = scope.role(spec.role.as_deref()?, &["role"]);
    let image = image(scope);
    let expression = expression(&spec, scope);
    let max_runtime = max_runtime(&spec, expression.as_deref(), scope);
    if let Some(instance) = &spec.instance {
        check_instance(instance, scope);
    }
    let reports = s3_folder(&spec.reports, "reports", scope);
    let baseline = baseline(&spec, reports.as_deref(), scope);
    let preprocessor = spec.preprocessor.as_deref().map(|script| s3_folder(script, "preprocessor", scope));
    let definition = Definition {
        endpoint: Some(watched.name),
        image,
        role,
        instance: Some(spec.instance.unwrap_or_else(|| "ml.m5.xlarge".to_owned())),
        instance_count: Some(1),
        volume: Some(spec.volume.unwrap_or(20)),
        volume_kms_key: None,
        max_runtime,
        baseline: baseline?,
        preprocessor: preprocessor.flatten(),
        reports,
        reports_kms_key: None,
        environment: [("publish_cloudwatch_metrics".to_owned(), "Enabled".to_owned())].into(),
        network_isolation: spec.network_isolation.unwrap_or_default(),
        vpc: None,
        other: Others::new(),
    };
    let schedule = Schedule { expression, enabled: spec.enabled, other: Others::new() };
    scope.is_sound().then_some(Monitored { schedule, definition })
}

/// The prebuilt container reads flat records only: with pictures it fails each time, and says so nowhere but in its log.
fn check_content(spec: &Spec, watched: &Watched, scope: &mut Scope<'_>) {
    let pictures = spec.content == Some(Content::Image) || watched.takes_pictures(scope);
    if !pictures || !watched.captures("input") {
        return;
    }
    let entry = &spec.endpoint;
    let message = if watched.captures("output") {
        format!(
            "endpoints.{entry} captures pictures in base64 and answers in JSON, and the prebuilt container reads one encoding only"
        )
    } else {
        format!("endpoints.{entry} captures pictures, which the prebuilt container cannot read")
    };
    let help = "use `engine: lambda`, or capture answers alone with `input: false`, `output: true`";
    scope.fault_with_help(&["engine"], message, help);
}

fn image(scope: &mut Scope<'_>) -> Option<String> {
    let region = &scope.world().region;
    let image = images::model_monitor(region);
    if image.is_none() {
        let message = format!("it is not known where {region} has the image of Model Monitor");
        scope.fault_with_help(&["engine"], message, "use `engine: lambda`");
    }
    image
}

fn expression(spec: &Spec, scope: &mut Scope<'_>) -> Option<String> {
    match (&spec.every, &spec.schedule) {
        (Some(every), None) => {
            let expression = schedule::hourly(every.0);
            if expression.is_none() {
                let help = "one of 1h, 2h, 3h, 4h, 6h, 8h, 12h, 1d; others with `schedule`, which begins anew each day";
                scope.fault_with_help(&["every"], "SageMaker counts whole hours, and each day from its first", help);
            }
            expression
        }
        (None, Some(expression)) => {
            if schedule::period(expression).is_none() {
                let help =
                    "one such as cron(0 * ? * * *), each hour; cron(0 6 ? * * *), each day; cron(0 0/6 ? * * *), every six hours";
                scope.fault_with_help(&["schedule"], format!("`{expression}` is no schedule of SageMaker's"), help);
            }
            Some(expression.clone())
        }
        _ => one_schedule(spec, scope),
    }
}

/// A run must end before the next begins. Source: the type `MonitoringStoppingCondition` in SageMaker's API reference.
fn max_runtime(spec: &Spec, expression: Option<&str>, scope: &mut Scope<'_>) -> Option<i32> {
    let seconds = spec.max_runtime.map_or(3600, |limit| limit.0);
    let period = expression.and_then(schedule::period).unwrap_or(24 * 3600);
    if seconds == 0 || seconds > period {
        let message = format!("a run takes 1 s to {} h here, so that it ends before the next", period / 3600);
        scope.fault_with_help(&["max_runtime"], message, "such as 30m or 1h");
    }
    i32::try_from(seconds).ok()
}

/// SageMaker refuses a type that it does not know; the SDK's list is the one of the day it was released.
fn check_instance(instance: &str, scope: &mut Scope<'_>) {
    let known = ProcessingInstanceType::values();
    if instance.contains("${") || known.contains(&instance) {
        return;
    }
    let help = match nearest(instance, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "such as ml.m5.xlarge".to_owned(),
    };
    scope.fault_with_help(&["instance"], format!("`{instance}` is no type of instance for processing"), help);
}

fn baseline(spec: &Spec, reports: Option<&str>, scope: &mut Scope<'_>) -> Option<Baseline> {
    let spec::Baseline::Parts(parts) = &spec.baseline else {
        let help = "write `{ data: s3://…/training.csv }`, or `{ statistics: s3://…, constraints: s3://… }`";
        scope.fault_with_help(&["baseline"], "engine sagemaker has another baseline", help);
        return None;
    };
    match (&parts.data, &parts.statistics, &parts.constraints) {
        (Some(data), None, None) => {
            let data = s3_folder(data, "baseline", scope)?;
            let folder = format!("{}/baseline/{}", reports?, &digest(&json!(data))[..8]);
            Some(Baseline {
                statistics: Some(format!("{folder}/statistics.json")),
                constraints: Some(format!("{folder}/constraints.json")),
                data: Some(data),
            })
        }
        (None, Some(statistics), Some(constraints)) => Some(Baseline {
            statistics: Some(s3_folder(statistics, "baseline", scope)?),
            constraints: Some(s3_folder(constraints, "baseline", scope)?),
            data: None,
        }),
        _ => {
            scope.fault(&["baseline"], "a baseline is either `data`, or `statistics` and `constraints`");
            None
        }
    }
}
