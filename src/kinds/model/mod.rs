//! SageMaker models: an image, its artifact and its role. They are immutable, so each content is a generation of its own.

mod members;
mod read;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_sagemaker::types::{ContainerDefinition, ContainerMode, ModelApprovalStatus};
use futures::future::try_join_all;
use regex_lite::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sagemaker::{Others, Vpc, base, check_name};
use crate::artifact;
use crate::aws::{Aws, AwsError, Optional, arn, tags};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::images;
use crate::kind::answer::Answer;
use crate::kind::{ANY, Access, Attribute, Call, Kind, Live, Namesake, Part, Target, Wanted, When, World};

/// How long a new role may take until SageMaker can read the artifact with it.
const ROLE_SPREADS: Duration = Duration::from_secs(60);
const IMAGE: &str = concat!(
    r"^(image-classification|[0-9]{12}\.dkr\.ecr(-fips)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[^\s:@]+",
    r"(:[\w.-]+|@sha256:[0-9a-f]{64}))$"
);
const ARTIFACT: &str = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.*[^/]$";
/// A package by its ARN: a version of a group, or one without versions.
const PACKAGE: &str = r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:model-package/[a-zA-Z0-9-]{1,63}(/[0-9]{1,5})?$";

const MODEL: &[&str] = &["arn:{partition}:sagemaker:{region}:{account}:model/{hashed}"];

pub struct Model;

/// A SageMaker model.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ModelSpec")]
pub struct Spec {
    /// The name in SageMaker before the hash of the content; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,53}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// An image in ECR with its tag or digest, or `image-classification` for the built-in algorithm.
    #[schemars(regex(pattern = IMAGE), length(max = 255))]
    image: Option<String>,
    /// The model's artifact, such as s3://bucket/path/model.tar.gz. With `#etag=` and the object's ETag behind it, as
    /// `scones promote` pins it, no other object is taken.
    #[schemars(regex(pattern = ARTIFACT), length(max = 1024))]
    artifact: Option<String>,
    /// The ARN of an approved model package, in place of `image` and `artifact`;
    /// ${model_package_groups.NAME.latest_approved} is the newest.
    #[schemars(regex(pattern = PACKAGE), length(max = 2048))]
    package: Option<String>,
    /// The role that the model runs with: the name of a declared one, or an ARN.
    role: String,
    /// Environment variables of the container.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// Whether the container is kept from all networks.
    #[serde(default)]
    network_isolation: bool,
}

/// A model, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    image: Option<String>,
    artifact: Option<String>,
    /// The ETag of the artifact's object, where one is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// The ARN of the model package that gives image and artifact in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    mode: String,
    environment: BTreeMap<String, String>,
    role: Option<String>,
    network_isolation: bool,
    vpc: Option<Vpc>,
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other: Others,
}

impl Kind for Model {
    const SECTION: &'static str = "models";
    const TITLE: &'static str = "SageMaker model";
    /// SageMaker takes 63, of which the hash of the content needs 9.
    const LONGEST_NAME: usize = 54;
    const FIELDS: &'static [Field] =
        &[Field { path: "*", rule: Rule::Immutable, why: "SageMaker has no call that changes a model: a new one is made" }];
    const NAMED_BY_CONTENT: bool = true;
    const CALLS: &'static [Call] = &[
        Call::of(When::Search, ANY, &["sagemaker:ListModels"]),
        Call::of(When::Search, MODEL, &["sagemaker:ListTags"]),
        Call::of(When::Read, MODEL, &["sagemaker:DescribeModel"]),
        Call::of(When::Create, MODEL, &["sagemaker:CreateModel", "sagemaker:AddTags"]),
        Call::of(When::Update(&[]), MODEL, &["sagemaker:CreateModel", "sagemaker:AddTags"]),
        Call::of(When::Update(&["tags"]), MODEL, &["sagemaker:DeleteTags"]),
        Call::of(When::Delete, MODEL, &["sagemaker:DeleteModel"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

    type Spec = Spec;
    type State = State;

    fn attributes(_: &World, _: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let later = || Attribute::Later("it ends in a hash of the model's content".to_owned());
        [("name".to_owned(), later()), ("arn".to_owned(), later())].into()
    }

    fn part(arn: &str) -> Option<Part> {
        let name = arn::name(arn, "sagemaker", "model/")?;
        Some(Part { name: base(name)?.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        check_name(scope);
        check_source(&spec, scope);
        let image = spec.image.and_then(|given| image(given, scope));
        if let Some(artifact) = &spec.artifact {
            check_form(artifact, ARTIFACT, "artifact", "write it as s3://bucket/path/model.tar.gz", scope);
        }
        if let Some(package) = &spec.package {
            let help = "write the ARN of a version, or ${model_package_groups.NAME.latest_approved}";
            check_form(package, PACKAGE, "package", help, scope);
        }
        check_environment(&spec.environment, scope);
        let role = scope.role(&spec.role, &["role"]);
        let (artifact, etag) = pinned(spec.artifact);
        scope.is_sound().then(|| State {
            image,
            artifact,
            etag,
            package: spec.package,
            mode: ContainerMode::SingleModel.as_str().to_owned(),
            environment: spec.environment,
            role,
            network_isolation: spec.network_isolation,
            vpc: None,
            other: Others::new(),
        })
    }

    /// Whoever may not list a bucket is not told that an artifact is missing.
    fn accesses(world: &World, _: &str, state: &State) -> Vec<Access> {
        let mut found: Vec<Access> = state.role.iter().map(|role| Access::pass_role(role, "sagemaker")).collect();
        if let Some(path) = state.artifact.as_deref().and_then(|artifact| artifact.strip_prefix("s3://")) {
            let bucket = path.split('/').next().unwrap_or_default();
            let arn = |resource: &str| format!("arn:{}:s3:::{resource}", world.partition());
            // Each promotion brings another one.
            let promoted = format!("{bucket}/models/*");
            let objects = if bucket == world.bootstrap_bucket() { promoted.as_str() } else { path };
            found.push(Access::of(When::Read, "s3:GetObject", arn(objects)));
            found.push(Access::of(When::Read, "s3:ListBucket", arn(bucket)));
        }
        if let Some(package) = &state.package {
            // Which one is the latest approved of a group is not known before it is deployed.
            let (when, package) = match package.starts_with("${") {
                true => (When::Create, world.arn("sagemaker", &format!("model-package/{}*", world.prefix()))),
                false => (When::Read, package.clone()),
            };
            found.push(Access::of(when, "sagemaker:DescribeModelPackage", package));
        }
        found
    }

    /// One listing for all models of the environment, and one description per generation, all of these at once.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        read::observe(aws, wanted).await
    }

    async fn namesakes(aws: &Aws) -> Result<Vec<Namesake>, AwsError> {
        read::namesakes(aws).await
    }

    async fn obstacle(aws: &Aws, state: &State) -> Result<Option<String>, AwsError> {
        // A reference that is still open says itself what is missing.
        let known = |text: &Option<String>| text.clone().filter(|text| !text.contains("${"));
        match (known(&state.artifact), known(&state.package)) {
            (Some(artifact), _) => read::missing(aws, &artifact, state.etag.as_deref()).await,
            (None, Some(package)) => unapproved(aws, &package).await,
            (None, None) => Ok(None),
        }
    }

    /// CreateModel looks whether it may assume the role and read the artifact; both take a while with a new role.
    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        if to.state.etag.is_some()
            && let Some(obstacle) = Self::obstacle(aws, &to.state).await?
        {
            return Err(AwsError::unexpected("sagemaker:CreateModel", &to.name, obstacle));
        }
        let start = Instant::now();
        let mut pause = Duration::from_millis(250);
        loop {
            let Err(error) = aws.patiently(|| create_model(aws, &to)).await else { return Ok(()) };
            if error.message.contains("already existing model") {
                return match read::describe(aws, &to.name).await? {
                    Some(live) if live.state == (State { etag: None, ..to.state.clone() }) => Ok(()),
                    _ => Err(AwsError::unexpected(
                        "sagemaker:CreateModel",
                        &to.name,
                        "a model of this name exists with other content: delete it, then apply again",
                    )),
                };
            }
            if !error.message.starts_with("Could not access model data") || start.elapsed() > ROLE_SPREADS {
                return Err(error);
            }
            if let Some(obstacle) = Self::obstacle(aws, &to.state).await? {
                return Err(AwsError::unexpected("sagemaker:CreateModel", &to.name, obstacle));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    async fn update(_: &Aws, _: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        Err(AwsError::local(format!("the model {} cannot be changed: a new one must be made", to.name)))
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        let found = read::list(aws, name).await?;
        let ours = found.iter().map(|(name, _)| name).filter(|found| *found == name || base(found) == Some(name));
        try_join_all(ours.map(|found| delete_model(aws, found))).await.map(drop)
    }

    async fn collect(aws: &Aws, _: &str, generations: &[String]) -> Result<(), AwsError> {
        try_join_all(generations.iter().map(|name| delete_model(aws, name))).await.map(drop)
    }
}

/// Parts an artifact's address from the ETag that is pinned with it.
fn pinned(artifact: Option<String>) -> (Option<String>, Option<String>) {
    let Some(text) = artifact else { return (None, None) };
    let (address, etag) = artifact::split(&text);
    (Some(address.to_owned()), etag.map(str::to_owned))
}

/// A model has an image and an artifact, or a package that has both.
fn check_source(spec: &Spec, scope: &mut Scope<'_>) {
    let own = [("image", spec.image.is_some()), ("artifact", spec.artifact.is_some())];
    for (key, written) in own {
        if spec.package.is_some() && written {
            scope.fault(&[key], format!("`package` gives the {key} already: write one of them"));
        } else if spec.package.is_none() && !written {
            let help = "a model has `image` and `artifact`, or a `package` that has both";
            scope.fault_with_help::<&str>(&[], format!("the key `{key}` is missing"), help);
        }
    }
}

fn image(image: String, scope: &mut Scope<'_>) -> Option<String> {
    let region = &scope.world().region;
    if image == images::BUILT_IN {
        let found = images::image_classification(region);
        if found.is_none() {
            let help = "give the image's address in ECR";
            scope.fault_with_help(&["image"], format!("it is not known where {region} has the image of {image}"), help);
        }
        return found;
    }
    check_form(&image, IMAGE, "image", "write it as <account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>", scope);
    // SageMaker pulls from the registry of its own region only.
    if let Some(other) = images::region(&image).filter(|other| other != region && !other.contains("${")) {
        scope.fault(&["image"], format!("this image lies in {other}, but the model in {region}"));
    }
    Some(image)
}

/// Checks what held a reference when the file's shape was checked.
fn check_form(value: &str, pattern: &str, key: &str, help: &str, scope: &mut Scope<'_>) {
    let right = value.contains("${") || Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(value));
    if !right {
        scope.fault_with_help(&[key], format!("`{value}` has not the right form"), help);
    }
}

/// The limits of CreateModel.
fn check_environment(environment: &BTreeMap<String, String>, scope: &mut Scope<'_>) {
    if environment.len() > 100 {
        scope.fault(&["environment"], "a model takes at most 100 variables");
    }
    for (key, value) in environment {
        let right = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !key.starts_with(|c: char| c.is_ascii_digit());
        if !right || key.is_empty() || key.len() > 1024 {
            scope.fault(&["environment", key], "a variable's name holds letters, digits and `_`, and starts with no digit");
        }
        if value.len() > 1024 {
            scope.fault(&["environment", key], format!("this has {} bytes; 1024 are allowed", value.len()));
        }
    }
}

/// Says what keeps a package from being deployed.
async fn unapproved(aws: &Aws, package: &str) -> Result<Option<String>, AwsError> {
    let request = aws.sagemaker().describe_model_package().model_package_name(package);
    let found = match aws.call("sagemaker:DescribeModelPackage", package, request.send()).await.optional() {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Some(format!("there is no model package {package} yet"))),
        // Who plans need not be able to read the packages of another account.
        Err(error) if error.is_access_denied() => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(match found.model_approval_status {
        // Packages without versions have no approval.
        Some(ModelApprovalStatus::Approved) | None => None,
        Some(status) => Some(format!("the model package {package} is {status}: approve it first")),
    })
}

async fn create_model(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    let container = ContainerDefinition::builder()
        .set_image(to.state.image.clone())
        .mode(ContainerMode::from(to.state.mode.as_str()))
        .set_model_data_url(to.state.artifact.clone())
        .set_model_package_name(to.state.package.clone())
        .set_environment(Some(to.state.environment.clone().into_iter().collect()))
        .build();
    let request = aws
        .sagemaker()
        .create_model()
        .model_name(&to.name)
        .primary_container(container)
        .set_execution_role_arn(to.state.role.clone())
        .enable_network_isolation(to.state.network_isolation)
        .set_tags(Some(tags::for_sagemaker(&to.tags)));
    aws.call("sagemaker:CreateModel", &to.name, request.send()).await.map(drop)
}

async fn delete_model(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let request = aws.sagemaker().delete_model().model_name(name);
    aws.call("sagemaker:DeleteModel", name, request.send()).await.optional().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::name_by_content;

    /// Another name would not replace a model, but give it a generation that nobody asked for at its next change.
    #[test]
    fn what_models_hold_is_named_as_ever() {
        let state = State {
            image: images::image_classification("us-east-1"),
            artifact: Some("s3://bucket/model.tar.gz".into()),
            etag: None,
            package: None,
            mode: "SingleModel".into(),
            environment: [("A".to_owned(), "1".to_owned())].into(),
            role: Some("arn:aws:iam::123456789012:role/sagemaker".into()),
            network_isolation: false,
            vpc: None,
            other: Others::new(),
        };
        let value = serde_json::to_value(&state).unwrap_or_default();
        assert_eq!(name_by_content("classifier", &value), "classifier-6f8ac563");
    }

    #[test]
    fn parts_lose_the_hash() {
        let arn = "arn:aws:sagemaker:us-east-1:123456789012:model/scones-dev-classifier-0a1b2c3d";
        assert_eq!(Model::part(arn), Some(Part { name: "scones-dev-classifier".into(), main: true }));
        assert_eq!(Model::part("arn:aws:sagemaker:us-east-1:123456789012:model/other"), None);
    }

    #[test]
    fn images_and_artifacts_have_a_form() {
        let fits = |pattern: &str, text: &str| Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text));
        let host = "811284229777.dkr.ecr.us-east-1.amazonaws.com";
        for right in ["image-classification", &format!("{host}/a/b:1"), &format!("{host}/a@sha256:{}", "0".repeat(64))] {
            assert!(fits(IMAGE, right), "{right}");
        }
        for wrong in ["classification", "docker.io/a:1", &format!("{host}/a"), &format!("{host}/a@sha256:12")] {
            assert!(!fits(IMAGE, wrong), "{wrong}");
        }
        assert!(fits(ARTIFACT, "s3://bucket/a/model.tar.gz"));
        assert!(!fits(ARTIFACT, "s3://bucket") && !fits(ARTIFACT, "s3://bucket/a/") && !fits(ARTIFACT, "https://bucket/a"));
    }
}
