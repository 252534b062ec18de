//! Tags, whatever service keeps them: each has an API of its own, told apart by the ARN.

use std::collections::{BTreeMap, HashMap};

use super::{Aws, AwsError, arn};
use crate::desired::tag;
use crate::kind::Tags;

/// Whether tags can be written by themselves; a stack's only change with the stack.
pub fn writable(resource: &str) -> bool {
    arn::service(resource) != "cloudformation"
}

/// Reads the tags of a resource from its own service.
///
/// # Errors
/// What the service answers.
pub async fn read(aws: &Aws, resource: &str) -> Result<Tags, AwsError> {
    let pair = |key: Option<String>, value: Option<String>| (key.unwrap_or_default(), value.unwrap_or_default());
    Ok(match arn::service(resource) {
        "iam" => {
            let request = aws.iam().list_role_tags().role_name(role_name(resource));
            aws.call("iam:ListRoleTags", resource, request.send())
                .await?
                .tags
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect()
        }
        "lambda" => {
            let request = aws.lambda().list_tags().resource(resource);
            aws.call("lambda:ListTags", resource, request.send()).await?.tags.unwrap_or_default().into_iter().collect()
        }
        "states" => {
            let request = aws.states().list_tags_for_resource().resource_arn(resource);
            let answer = aws.call("states:ListTagsForResource", resource, request.send()).await?;
            answer.tags.unwrap_or_default().into_iter().map(|tag| pair(tag.key, tag.value)).collect()
        }
        "sagemaker" => {
            let request = aws.sagemaker().list_tags().resource_arn(resource).max_results(100);
            let answer = aws.call("sagemaker:ListTags", resource, request.send()).await?;
            answer.tags.unwrap_or_default().into_iter().map(|tag| pair(tag.key, tag.value)).collect()
        }
        "cloudwatch" => {
            let request = aws.cloudwatch().list_tags_for_resource().resource_arn(resource);
            let answer = aws.call("cloudwatch:ListTagsForResource", resource, request.send()).await?;
            answer.tags.unwrap_or_default().into_iter().map(|tag| pair(tag.key, tag.value)).collect()
        }
        "events" => {
            let request = aws.eventbridge().list_tags_for_resource().resource_arn(resource);
            let answer = aws.call("events:ListTagsForResource", resource, request.send()).await?;
            answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
        }
        other => return Err(AwsError::local(format!("tags of {other} are not known here: {resource}"))),
    })
}

/// Sets some tags and takes others away; nothing is sent for an empty list.
///
/// # Errors
/// What the service answers.
pub async fn write(aws: &Aws, resource: &str, set: &Tags, remove: &[String]) -> Result<(), AwsError> {
    if !set.is_empty() {
        add(aws, resource, set).await?;
    }
    if !remove.is_empty() {
        take(aws, resource, remove).await?;
    }
    Ok(())
}

async fn add(aws: &Aws, resource: &str, tags: &Tags) -> Result<(), AwsError> {
    match arn::service(resource) {
        "iam" => {
            let request = aws.iam().tag_role().role_name(role_name(resource)).set_tags(Some(for_iam(tags)));
            aws.call("iam:TagRole", resource, request.send()).await?;
        }
        "lambda" => {
            let map: HashMap<String, String> = tags.clone().into_iter().collect();
            let request = aws.lambda().tag_resource().resource(resource).set_tags(Some(map));
            aws.call("lambda:TagResource", resource, request.send()).await?;
        }
        "states" => {
            let request = aws.states().tag_resource().resource_arn(resource).set_tags(Some(for_states(tags)));
            aws.call("states:TagResource", resource, request.send()).await?;
        }
        "sagemaker" => {
            let request = aws.sagemaker().add_tags().resource_arn(resource).set_tags(Some(for_sagemaker(tags)));
            aws.call("sagemaker:AddTags", resource, request.send()).await?;
        }
        "cloudwatch" => {
            let request = aws.cloudwatch().tag_resource().resource_arn(resource).set_tags(Some(for_cloudwatch(tags)));
            aws.call("cloudwatch:TagResource", resource, request.send()).await?;
        }
        "events" => {
            let request = aws.eventbridge().tag_resource().resource_arn(resource).set_tags(Some(for_eventbridge(tags)));
            aws.call("events:TagResource", resource, request.send()).await?;
        }
        other => return Err(AwsError::local(format!("tags of {other} are not known here: {resource}"))),
    }
    Ok(())
}

async fn take(aws: &Aws, resource: &str, keys: &[String]) -> Result<(), AwsError> {
    let keys = Some(keys.to_vec());
    match arn::service(resource) {
        "iam" => {
            let request = aws.iam().untag_role().role_name(role_name(resource)).set_tag_keys(keys);
            aws.call("iam:UntagRole", resource, request.send()).await?;
        }
        "lambda" => {
            let request = aws.lambda().untag_resource().resource(resource).set_tag_keys(keys);
            aws.call("lambda:UntagResource", resource, request.send()).await?;
        }
        "states" => {
            let request = aws.states().untag_resource().resource_arn(resource).set_tag_keys(keys);
            aws.call("states:UntagResource", resource, request.send()).await?;
        }
        "sagemaker" => {
            let request = aws.sagemaker().delete_tags().resource_arn(resource).set_tag_keys(keys);
            aws.call("sagemaker:DeleteTags", resource, request.send()).await?;
        }
        "cloudwatch" => {
            let request = aws.cloudwatch().untag_resource().resource_arn(resource).set_tag_keys(keys);
            aws.call("cloudwatch:UntagResource", resource, request.send()).await?;
        }
        "events" => {
            let request = aws.eventbridge().untag_resource().resource_arn(resource).set_tag_keys(keys);
            aws.call("events:UntagResource", resource, request.send()).await?;
        }
        other => return Err(AwsError::local(format!("tags of {other} are not known here: {resource}"))),
    }
    Ok(())
}

/// Finds all that carries an environment's tags, 100 resources to a request. IAM roles are not among them: the tagging
/// API does not know them. The answer may lag behind by a minute or so.
///
/// # Errors
/// What the tagging API answers.
pub async fn search(aws: &Aws) -> Result<BTreeMap<String, Tags>, AwsError> {
    let filter =
        |key: &str, value: &str| aws_sdk_resourcegroupstagging::types::TagFilter::builder().key(key).values(value).build();
    let mut found = BTreeMap::new();
    let mut next: Option<String> = None;
    loop {
        let request = aws
            .tagging()
            .get_resources()
            .tag_filters(filter(tag::APP, &aws.world.app))
            .tag_filters(filter(tag::ENVIRONMENT, &aws.world.environment))
            .resources_per_page(100)
            .set_pagination_token(next);
        let answer = aws.call("tag:GetResources", "", request.send()).await?;
        for mapping in answer.resource_tag_mapping_list.unwrap_or_default() {
            let tags = mapping.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
            found.insert(mapping.resource_arn.unwrap_or_default(), tags);
        }
        next = answer.pagination_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(found);
        }
    }
}

fn role_name(resource: &str) -> &str {
    resource.rsplit('/').next().unwrap_or_default()
}

/// Tags in IAM's form.
pub fn for_iam(tags: &Tags) -> Vec<aws_sdk_iam::types::Tag> {
    // Building fails only without a key or value, and both are given.
    tags.iter().filter_map(|(key, value)| aws_sdk_iam::types::Tag::builder().key(key).value(value).build().ok()).collect()
}

/// Tags in Step Functions' form.
pub fn for_states(tags: &Tags) -> Vec<aws_sdk_sfn::types::Tag> {
    tags.iter().map(|(key, value)| aws_sdk_sfn::types::Tag::builder().key(key).value(value).build()).collect()
}

/// Tags in SageMaker's form.
pub fn for_sagemaker(tags: &Tags) -> Vec<aws_sdk_sagemaker::types::Tag> {
    tags.iter().map(|(key, value)| aws_sdk_sagemaker::types::Tag::builder().key(key).value(value).build()).collect()
}

/// Tags in CloudWatch's form.
pub fn for_cloudwatch(tags: &Tags) -> Vec<aws_sdk_cloudwatch::types::Tag> {
    tags.iter().map(|(key, value)| aws_sdk_cloudwatch::types::Tag::builder().key(key).value(value).build()).collect()
}

/// Tags in EventBridge's form.
pub fn for_eventbridge(tags: &Tags) -> Vec<aws_sdk_eventbridge::types::Tag> {
    // Building fails only without a key or value, and both are given.
    let tag = |(key, value)| aws_sdk_eventbridge::types::Tag::builder().key(key).value(value).build().ok();
    tags.iter().filter_map(tag).collect()
}

/// Tags in CloudFormation's form.
pub fn for_cloudformation(tags: &Tags) -> Vec<aws_sdk_cloudformation::types::Tag> {
    tags.iter().map(|(key, value)| aws_sdk_cloudformation::types::Tag::builder().key(key).value(value).build()).collect()
}
