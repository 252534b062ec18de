use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Map;

use super::*;
use crate::desired;
use crate::environment;
use crate::kinds::registry;
use crate::policy::{check_identity_policy, size};

fn shipped(name: &str) -> Desired {
    let registry = registry();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("environments/{name}.yaml"));
    let environment = environment::load(&file, &registry).unwrap();
    desired::desired(&environment, "123456789012", &registry).unwrap()
}

fn made(name: &str, job: Job) -> Value {
    policy(&shipped(name), &registry(), job)
}

/// The resources that an action is allowed on, those of other types that it shares a statement with among them.
fn on<'a>(policy: &'a Value, action: &str) -> Vec<&'a str> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let of = statements.filter(|one| one["Action"].as_array().unwrap().contains(&json!(action)));
    of.flat_map(|one| one["Resource"].as_array().unwrap().iter().map(|arn| arn.as_str().unwrap())).collect()
}

fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements
        .flat_map(|one| one["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn policies_are_sound_and_fit_where_they_belong() {
    for name in ["dev", "prod", "local", "local-trained"] {
        for (job, limit) in
            [(Job::Plan, MANAGED_LIMIT), (Job::Drift, MANAGED_LIMIT), (Job::Apply, crate::policy::ROLE_INLINE_LIMIT)]
        {
            let policy = made(name, job);
            assert!(check_identity_policy(&policy).is_empty(), "{name}: {:?}", check_identity_policy(&policy));
            assert!(size(&policy) <= limit, "{name} {job:?} has {}", size(&policy));
            assert!(!actions(&policy).iter().any(|action| action.contains('*')));
            assert_eq!(policy, made(name, job), "the same each time");
        }
    }
}

#[test]
fn reading_allows_no_writing() {
    let [plan, drift, apply] = [Job::Plan, Job::Drift, Job::Apply].map(|job| actions(&made("prod", job)));
    let word = |action: &String| action.split(':').nth(1).unwrap_or_default().to_owned();
    let reads = ["Get", "List", "Describe", "DetectStackDrift"];
    let writes: Vec<&String> = drift.iter().filter(|action| !reads.iter().any(|read| word(action).starts_with(read))).collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert!(plan.is_subset(&drift) && drift.is_subset(&apply));
    // Only a look for drift has CloudFormation read everything.
    assert!(!plan.contains("cloudformation:DetectStackDrift") && !plan.contains("s3:GetBucketVersioning"));
    assert!(drift.contains("cloudformation:DetectStackDrift") && drift.contains("s3:GetBucketVersioning"));
}

#[test]
fn resources_are_those_of_the_environment() {
    let policy = made("prod", Job::Apply);
    let ours = |service: &str, resource: &str| format!("arn:aws:{service}:us-east-1:123456789012:{resource}");
    assert_eq!(on(&policy, "lambda:CreateFunction"), [ours("lambda", "function:scones-unlimited-prod-*")]);
    // Both are asked for, on one endpoint and its configuration; with all other types they are one pattern.
    let update = on(&policy, "sagemaker:UpdateEndpoint");
    for resource in ["endpoint/scones-unlimited-prod-a", "endpoint-config/scones-unlimited-prod-a"] {
        let resource = ours("sagemaker", resource);
        assert!(update.iter().any(|pattern| crate::policy::glob(pattern, &resource)), "{update:?}");
    }
    assert!(!update.iter().any(|pattern| crate::policy::glob(pattern, &ours("sagemaker", "endpoint/scones-unlimited-dev-a"))));
    let is_bucket = |arn: &&str| !arn.contains('/');
    let buckets: Vec<&str> = on(&policy, "s3:DeleteBucket").into_iter().filter(is_bucket).collect();
    assert_eq!(buckets, ["arn:aws:s3:::scones-unlimited-prod-data-123456789012-us-east-1"]);
    assert!(on(&policy, "scheduler:DeleteSchedule").contains(&ours("scheduler", "schedule/scones-unlimited-prod/*").as_str()));
    assert_eq!(on(&policy, "cloudwatch:DescribeAlarms"), ["*"]);
    // None of the other environment's, and nothing of everybody's that writes.
    let foreign = shipped("dev").world.prefix();
    assert!(!policy.to_string().contains(&foreign));
    let words = ["Get", "List", "Describe"];
    for action in actions(&policy).iter().filter(|action| on(&policy, action).contains(&"*")) {
        let reads = words.iter().any(|word| action.split(':').nth(1).unwrap_or_default().starts_with(word));
        // IAM knows nothing narrower for these.
        assert!(reads || ["cloudwatch:PutCompositeAlarm", "sns:Unsubscribe"].contains(&action.as_str()), "{action}");
    }
}

#[test]
fn roles_are_passed_to_their_services_alone() {
    let policy = made("prod", Job::Apply);
    let statements = policy["Statement"].as_array().unwrap();
    let passes: Vec<&Value> = statements.iter().filter(|one| one["Action"] == json!(["iam:PassRole"])).collect();
    let services = ["lambda", "sagemaker", "scheduler", "states"].map(|name| format!("{name}.amazonaws.com"));
    assert_eq!(passes.len(), 1);
    assert_eq!(passes[0]["Resource"], json!(["arn:aws:iam::123456789012:role/scones/scones-unlimited/prod/*"]));
    assert_eq!(passes[0]["Condition"], json!({ "StringEquals": { "iam:PassedToService": services } }));
}

/// What a resource says decides what else is needed.
#[test]
fn what_is_not_the_environments_own_is_named() {
    let mut desired = shipped("local");
    let resource = |desired: &mut Desired, address: &str, change: &[(&str, Value)]| {
        let resource = desired.resources.get_mut(&address.parse::<Address>().unwrap()).unwrap();
        let state = resource.state.as_object_mut().unwrap();
        state.extend(change.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<Map<_, _>>());
    };
    let plain = policy(&desired, &registry(), Job::Plan);
    let objects: Vec<&str> = on(&plain, "s3:GetObject").into_iter().filter(|arn| arn.contains('/')).collect();
    assert_eq!(objects, ["arn:aws:s3:::scones-local-models/classifier/model.tar.gz"]);
    assert_eq!(on(&plain, "kms:Decrypt"), Vec::<&str>::new());
    let key = "arn:aws:kms:us-east-1:123456789012:key/1";
    let layer = "arn:aws:lambda:us-east-1:999999999999:layer:x:1";
    resource(&mut desired, "functions.image-classification", &[("kms_key", json!(key)), ("layers", json!([layer]))]);
    let package = "arn:aws:sagemaker:us-east-1:999999999999:model-package/x/1";
    resource(&mut desired, "models.classifier", &[("artifact", Value::Null), ("package", json!(package))]);
    let plan = policy(&desired, &registry(), Job::Plan);
    assert_eq!(on(&plan, "kms:Decrypt"), [key]);
    assert!(on(&plan, "sagemaker:DescribeModelPackage").contains(&package));
    let apply = policy(&desired, &registry(), Job::Apply);
    assert_eq!(on(&apply, "kms:Encrypt"), [key]);
    assert!(on(&apply, "lambda:GetLayerVersion").contains(&layer));
    resource(&mut desired, "models.classifier", &[("artifact", json!("s3://${stacks.x.Bucket}/a")), ("package", Value::Null)]);
    assert!(on(&policy(&desired, &registry(), Job::Plan), "s3:GetObject").contains(&"arn:aws:s3:::*/a"));
}

#[test]
fn verifying_takes_running() {
    let mut desired = shipped("local");
    let apply = policy(&desired, &registry(), Job::Apply);
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:scones-unlimited-local-*";
    assert!(on(&apply, "states:StartExecution").contains(&machine));
    assert!(on(&policy(&desired, &registry(), Job::Plan), "states:StartExecution").is_empty());
    desired.blocks.remove("verify");
    assert_eq!(on(&policy(&desired, &registry(), Job::Apply), "states:StartExecution"), Vec::<&str>::new());
}

#[test]
fn open_references_stand_for_anything() {
    assert_eq!(closed("arn:aws:s3:::${stacks.a.Bucket}/x/${b}"), "arn:aws:s3:::*/x/*");
    assert_eq!(closed("${roles.x.arn}"), "*");
    assert_eq!(closed("arn:aws:s3:::b/${"), "arn:aws:s3:::b/*");
    assert_eq!(closed("plain"), "plain");
}
