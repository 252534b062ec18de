//! What other stacks of the environment give to a resource, such as a policy to a bucket of this one.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::types::Stack as Described;
use futures::future::try_join_all;
use serde_json::Value;

use super::super::{live, text};
use super::Stack;
use crate::aws::{Aws, AwsError, Optional};
use crate::desired::tag;

/// Whether a stack of the environment gives a resource something by a resource of its own of this type, which names it in
/// this property. Only asked where something was found that the resource's own stack does not declare.
pub async fn is_given(aws: &Aws, type_name: &str, property: &str, name: &str) -> Result<bool, AwsError> {
    let asked = stacks(aws).await?.into_iter().map(|stack| async move { gives(aws, &stack, type_name, property, name).await });
    Ok(try_join_all(asked).await?.contains(&true))
}

/// The stacks of the environment.
async fn stacks(aws: &Aws) -> Result<Vec<Described>, AwsError> {
    Ok(live::all(aws).await?.into_iter().filter(|stack| is_ours(aws, stack)).collect())
}

fn is_ours(aws: &Aws, stack: &Described) -> bool {
    let tags = live::tags(stack);
    tags.get(tag::APP) == Some(&aws.world.app) && tags.get(tag::ENVIRONMENT) == Some(&aws.world.environment)
}

async fn gives(aws: &Aws, described: &Described, type_name: &str, property: &str, name: &str) -> Result<bool, AwsError> {
    const OPERATION: &str = "cloudformation:GetTemplate";
    let stack = described.stack_name().unwrap_or_default();
    let answer = aws.call(OPERATION, stack, aws.cloudformation().get_template().stack_name(stack).send()).await.optional()?;
    let Some(body) = answer.and_then(|answer| answer.template_body) else { return Ok(false) };
    let template = text::parse(stack, &body).map_err(|error| AwsError::unexpected(OPERATION, stack, error))?;
    let pair = |one: &aws_sdk_cloudformation::types::Parameter| Some((one.parameter_key.clone()?, one.parameter_value.clone()?));
    let parameters: BTreeMap<String, String> = described.parameters().iter().filter_map(pair).collect();
    let whole = Stack { name: stack, template: &template, parameters: &parameters, hidden: Default::default() };
    let names = |value: &Value| value == name || value.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    let of_type = whole.expected(aws).into_values().filter(|resource| resource.type_name == type_name);
    Ok(of_type.filter_map(|resource| resource.properties.ok()).any(|properties| properties.get(property).is_some_and(names)))
}
