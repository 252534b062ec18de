//! SageMaker model package groups: the registry in which the versions of a model wait for approval.

mod members;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sagemaker::types::{
    ModelApprovalStatus, ModelPackageGroupStatus, ModelPackageSortBy, ModelPackageStatus, ModelPackageSummary, SortOrder,
};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sagemaker::{Others, check_name, note};
use crate::aws::{Aws, AwsError, Optional, arn, tags};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Attribute, Call, Kind, Live, Part, Status, Tags, Target, Wanted, When, World};
use crate::policy;

/// The tag of groups whose packages are deleted with them: whoever deletes has only the name.
const DELETE_PACKAGES: &str = "scones:delete-packages-on-destroy";
/// The attribute that is the ARN of the newest approved package.
const LATEST_APPROVED: &str = "latest_approved";

const GROUP: &[&str] = &["arn:{partition}:sagemaker:{region}:{account}:model-package-group/{name}"];
const PACKAGES: &[&str] = &["arn:{partition}:sagemaker:{region}:{account}:model-package/{name}/*"];

pub struct ModelPackageGroup;

/// A SageMaker model package group.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ModelPackageGroupSpec")]
pub struct Spec {
    /// The name in SageMaker; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// Up to 1,024 characters. A change makes the group anew, which is refused while it holds packages.
    #[schemars(length(max = 1024))]
    #[serde(default)]
    description: String,
    /// Deletes the group's packages with the group.
    ///
    /// Without it a group that holds packages is not deleted: they say which models were approved, and why.
    #[serde(default)]
    delete_packages_on_destroy: bool,
}

/// A model package group, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    description: String,
    delete_packages_on_destroy: bool,
    /// What lets other accounts at the group; scones writes none.
    #[serde(default)]
    policy: Option<Value>,
    #[serde(default, skip_serializing_if = "Others::is_empty")]
    other: Others,
}

impl Kind for ModelPackageGroup {
    const SECTION: &'static str = "model_package_groups";
    const TITLE: &'static str = "model package group";
    const LONGEST_NAME: usize = 63;
    const WRITTEN: &'static [crate::kind::Written] = &[
        crate::kind::Written::same("description", "description"),
        crate::kind::Written::same("delete_packages_on_destroy", "delete_packages_on_destroy"),
    ];
    const FIELDS: &'static [Field] = &[
        Field { path: "description", rule: Rule::Immutable, why: "SageMaker has no call that changes a group" },
        Field { path: "policy", rule: Rule::Document, why: "a policy document" },
    ];
    const DEADLINE: Duration = Duration::from_secs(120);
    const CALLS: &'static [Call] = &[
        Call::of(When::Search, ANY, &["sagemaker:ListModelPackageGroups"]),
        Call::of(
            When::Read,
            GROUP,
            &["sagemaker:DescribeModelPackageGroup", "sagemaker:ListTags", "sagemaker:GetModelPackageGroupPolicy"],
        ),
        Call::of(When::Read, PACKAGES, &["sagemaker:ListModelPackages"]),
        Call::of(When::Create, GROUP, &["sagemaker:CreateModelPackageGroup", "sagemaker:AddTags"]),
        Call::of(When::Update(&[]), GROUP, &["sagemaker:AddTags"]),
        Call::of(When::Update(&["delete_packages_on_destroy", "tags"]), GROUP, &["sagemaker:DeleteTags"]),
        Call::of(When::Update(&["policy"]), GROUP, &["sagemaker:DeleteModelPackageGroupPolicy"]),
        Call::of(When::Delete, PACKAGES, &["sagemaker:DeleteModelPackage"]),
        Call::of(When::Delete, GROUP, &["sagemaker:DeleteModelPackageGroup"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

    type Spec = Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let missing =
            format!("no approved package in the group {name} yet: approve one, or run `scones train {}`", world.environment);
        [
            ("name".to_owned(), Attribute::Known(name.to_owned())),
            ("arn".to_owned(), Attribute::Known(group_arn(world, name))),
            (LATEST_APPROVED.to_owned(), Attribute::Elsewhere(missing)),
        ]
        .into()
    }

    fn part(arn: &str) -> Option<Part> {
        Some(Part { name: arn::name(arn, "sagemaker", "model-package-group/")?.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        check_name(scope);
        if spec.description.chars().any(char::is_control) {
            scope.fault(&["description"], "SageMaker takes no line ends and no control characters here");
        }
        let state = State {
            description: spec.description,
            delete_packages_on_destroy: spec.delete_packages_on_destroy,
            policy: None,
            other: Others::new(),
        };
        scope.is_sound().then_some(state)
    }

    /// Four requests for each, at once: the group, its policy, its tags, its newest approved package.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let found = try_join_all(wanted.iter().map(|one| read(aws, &one.name))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
        let prefix = aws.world.prefix();
        let mut found = vec![];
        let mut next = None;
        loop {
            let request =
                aws.sagemaker().list_model_package_groups().name_contains(&prefix).max_results(100).set_next_token(next);
            let answer = aws.call("sagemaker:ListModelPackageGroups", &prefix, request.send()).await?;
            let groups = answer.model_package_group_summary_list.unwrap_or_default();
            let names = groups.into_iter().filter_map(|group| group.model_package_group_name);
            found.extend(names.filter(|name| name.starts_with(&prefix)));
            next = answer.next_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        let description = Some(to.state.description.clone()).filter(|text| !text.is_empty());
        let tags: Tags = to.tags.clone().into_iter().chain(marker(&to.state)).collect();
        let request = aws
            .sagemaker()
            .create_model_package_group()
            .model_package_group_name(&to.name)
            .set_model_package_group_description(description)
            .set_tags(Some(tags::for_sagemaker(&tags)));
        match aws.call("sagemaker:CreateModelPackageGroup", &to.name, request.send()).await {
            // An interrupted run made it.
            Err(error) if error.message.contains("already exists") => match read(aws, &to.name).await? {
                Some(live) if live.state == to.state => Ok(()),
                _ => Err(error),
            },
            answer => answer.map(drop),
        }
    }

    /// All that can change is what a tag says, and whether others are let in.
    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        if !to.state.other.eq(&from.state.other) || to.state.description != from.state.description {
            return Err(AwsError::local(format!("SageMaker has no call that changes the model package group {}", to.name)));
        }
        if from.state.policy.is_some() {
            let request = aws.sagemaker().delete_model_package_group_policy().model_package_group_name(&to.name);
            aws.call("sagemaker:DeleteModelPackageGroupPolicy", &to.name, request.send()).await.optional()?;
        }
        match marker(&to.state) {
            Some(tag) => tags::write(aws, &from.arn, &[tag].into(), &[]).await,
            None => tags::write(aws, &from.arn, &Tags::new(), &[DELETE_PACKAGES.to_owned()]).await,
        }
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        let packages = list(aws, name, None).await?;
        if !packages.is_empty() {
            let tags = tags::read(aws, &group_arn(&aws.world, name)).await?;
            if tags.get(DELETE_PACKAGES).is_none_or(|value| value != "true") {
                return Err(AwsError::unexpected("sagemaker:DeleteModelPackageGroup", name, holding(packages.len())));
            }
        }
        try_join_all(packages.iter().filter_map(|package| package.model_package_arn()).map(|package| async move {
            let request = aws.sagemaker().delete_model_package().model_package_name(package);
            aws.call("sagemaker:DeleteModelPackage", package, request.send()).await.optional().map(drop)
        }))
        .await?;
        let request = aws.sagemaker().delete_model_package_group().model_package_group_name(name);
        aws.call("sagemaker:DeleteModelPackageGroup", name, request.send()).await.optional().map(drop)
    }
}

/// SageMaker writes names into ARNs in lower case.
fn group_arn(world: &World, name: &str) -> String {
    world.arn("sagemaker", &format!("model-package-group/{}", name.to_lowercase()))
}

fn marker(state: &State) -> Option<(String, String)> {
    state.delete_packages_on_destroy.then(|| (DELETE_PACKAGES.to_owned(), "true".to_owned()))
}

fn holding(count: usize) -> String {
    let packages = if count == 1 { "1 model package".to_owned() } else { format!("{count} model packages") };
    format!(
        "it holds {packages}, which say what was approved, and stays: declare `delete_packages_on_destroy: true` for it, apply, \
         and delete it then; or delete the packages"
    )
}

async fn read(aws: &Aws, name: &str) -> Result<Option<Live<State>>, AwsError> {
    let arn = group_arn(&aws.world, name);
    let describe = async {
        let request = aws.sagemaker().describe_model_package_group().model_package_group_name(name);
        aws.call("sagemaker:DescribeModelPackageGroup", name, request.send()).await.optional()
    };
    let tags = async { tags::read(aws, &arn).await.optional() };
    let (group, policy, tags, approved) = futures::try_join!(describe, shared_by(aws, name), tags, latest_approved(aws, name))?;
    let Some(group) = group else { return Ok(None) };
    let mut tags = tags.unwrap_or_default();
    let mut other = Others::new();
    note(&mut other, "managed", group.managed_configuration);
    let state = State {
        description: group.model_package_group_description.unwrap_or_default(),
        delete_packages_on_destroy: tags.remove(DELETE_PACKAGES).is_some_and(|value| value == "true"),
        policy,
        other,
    };
    let status = match group.model_package_group_status {
        Some(ModelPackageGroupStatus::Completed) | None => Status::Settled,
        Some(status @ (ModelPackageGroupStatus::Failed | ModelPackageGroupStatus::DeleteFailed)) => {
            Status::Failed(status.to_string())
        }
        Some(status) => Status::InProgress(status.to_string()),
    };
    let attributes = approved.map(|package| (LATEST_APPROVED.to_owned(), package)).into_iter().collect();
    Ok(Some(Live { status, attributes, ..Live::settled(name, arn, state, Some(tags)) }))
}

/// Who else is let at the group: other accounts see its packages, or register some that look approved.
async fn shared_by(aws: &Aws, group: &str) -> Result<Option<Value>, AwsError> {
    const OPERATION: &str = "sagemaker:GetModelPackageGroupPolicy";
    let request = aws.sagemaker().get_model_package_group_policy().model_package_group_name(group);
    let found = aws.call(OPERATION, group, request.send()).await.optional()?;
    let Some(text) = found.and_then(|found| found.resource_policy) else { return Ok(None) };
    let document = policy::parse_live(&text).map_err(|error| AwsError::unexpected(OPERATION, group, error))?;
    Ok(Some(policy::normalize(&document)))
}

/// The ARN of the newest package that is approved and complete.
async fn latest_approved(aws: &Aws, group: &str) -> Result<Option<String>, AwsError> {
    let approved = list(aws, group, Some(ModelApprovalStatus::Approved)).await?;
    Ok(approved.into_iter().find_map(|package| package.model_package_arn))
}

/// The packages of a group, newest first: all of them; or, of those with an approval, the first page that has a complete one.
async fn list(aws: &Aws, group: &str, approval: Option<ModelApprovalStatus>) -> Result<Vec<ModelPackageSummary>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request = aws
            .sagemaker()
            .list_model_packages()
            .model_package_group_name(group)
            .set_model_approval_status(approval.clone())
            .sort_by(ModelPackageSortBy::CreationTime)
            .sort_order(SortOrder::Descending)
            .max_results(if approval.is_some() { 10 } else { 100 })
            .set_next_token(next);
        let answer = aws.call("sagemaker:ListModelPackages", group, request.send()).await.optional()?;
        let Some(answer) = answer else { return Ok(found) };
        let packages = answer.model_package_summary_list.unwrap_or_default().into_iter();
        let counts =
            |one: &ModelPackageSummary| approval.is_none() || one.model_package_status == Some(ModelPackageStatus::Completed);
        found.extend(packages.filter(counts));
        next = answer.next_token.filter(|_| approval.is_none() || found.is_empty());
        if next.is_none() {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_many_packages_are_in_the_way() {
        assert!(holding(1).starts_with("it holds 1 model package, which"));
        assert!(holding(3).contains("3 model packages") && holding(3).contains("delete_packages_on_destroy: true"));
    }

    #[test]
    fn a_group_is_known_by_its_arn() {
        let part = ModelPackageGroup::part("arn:aws:sagemaker:us-east-1:123456789012:model-package-group/a-b");
        assert_eq!(part, Some(Part { name: "a-b".into(), main: true }));
        assert_eq!(ModelPackageGroup::part("arn:aws:sagemaker:us-east-1:123456789012:model-package/a-b/1"), None);
    }
}
