//! IAM's answers → state.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde_json::Value;

use super::State;
use crate::aws::{Aws, AwsError, Optional};
use crate::kind::Live;
use crate::policy;

/// Reads a role with its policies; `None` if there is none, or none any more while it is read.
pub async fn role(aws: &Aws, name: &str) -> Result<Option<Live<State>>, AwsError> {
    let role = aws.call("iam:GetRole", name, aws.iam().get_role().role_name(name).send());
    let (role, policies, managed) = futures::join!(role, inline_policies(aws, name), managed_policies(aws, name));
    let Some(role) = role.optional()?.and_then(|answer| answer.role) else { return Ok(None) };
    let (Some(policies), Some(managed_policies)) = (policies?, managed?) else { return Ok(None) };
    let trust = role.assume_role_policy_document.as_deref().unwrap_or("{}");
    let state = State {
        path: role.path,
        description: role.description.unwrap_or_default(),
        max_session_duration: role.max_session_duration.unwrap_or(3600),
        trust: live_policy("iam:GetRole", name, trust)?,
        policies,
        managed_policies,
        boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
    };
    let tags = role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
    Ok(Some(Live::settled(role.role_name, role.arn, state, Some(tags))))
}

fn live_policy(operation: &str, name: &str, text: &str) -> Result<Value, AwsError> {
    let document = policy::parse_live(text).map_err(|error| AwsError::unexpected(operation, name, error))?;
    Ok(policy::normalize(&document))
}

async fn inline_policies(aws: &Aws, name: &str) -> Result<Option<BTreeMap<String, Value>>, AwsError> {
    let mut names = vec![];
    let mut marker = None;
    loop {
        let request = aws.iam().list_role_policies().role_name(name).set_marker(marker);
        let Some(answer) = aws.call("iam:ListRolePolicies", name, request.send()).await.optional()? else { return Ok(None) };
        names.extend(answer.policy_names);
        marker = answer.marker.filter(|_| answer.is_truncated);
        if marker.is_none() {
            break;
        }
    }
    let documents = try_join_all(names.into_iter().map(|policy| async move {
        let request = aws.iam().get_role_policy().role_name(name).policy_name(&policy);
        let Some(answer) = aws.call("iam:GetRolePolicy", name, request.send()).await.optional()? else { return Ok(None) };
        Ok(Some((policy, live_policy("iam:GetRolePolicy", name, &answer.policy_document)?)))
    }));
    Ok(Some(documents.await?.into_iter().flatten().collect()))
}

async fn managed_policies(aws: &Aws, name: &str) -> Result<Option<Vec<String>>, AwsError> {
    let mut found = vec![];
    let mut marker = None;
    loop {
        let request = aws.iam().list_attached_role_policies().role_name(name).set_marker(marker);
        let Some(answer) = aws.call("iam:ListAttachedRolePolicies", name, request.send()).await.optional()? else {
            return Ok(None);
        };
        found.extend(answer.attached_policies.unwrap_or_default().into_iter().filter_map(|policy| policy.policy_arn));
        marker = answer.marker.filter(|_| answer.is_truncated);
        if marker.is_none() {
            found.sort();
            return Ok(Some(found));
        }
    }
}

/// The names of all roles under the environment's path: the tagging API does not know roles.
pub async fn names_under_path(aws: &Aws) -> Result<Vec<String>, AwsError> {
    let mut found = vec![];
    let mut marker = None;
    loop {
        let request = aws.iam().list_roles().path_prefix(aws.world.role_path()).set_marker(marker);
        let answer = aws.call("iam:ListRoles", &aws.world.role_path(), request.send()).await?;
        found.extend(answer.roles.into_iter().map(|role| role.role_name));
        marker = answer.marker.filter(|_| answer.is_truncated);
        if marker.is_none() {
            return Ok(found);
        }
    }
}
