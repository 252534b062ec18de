//! State → IAM's calls.

use serde_json::Value;

use super::{State, read};
use crate::aws::{Aws, AwsError, Optional, tags};
use crate::kind::Target;

/// Makes a role, or finishes one that an earlier run began.
pub async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
    let request = || {
        let request = aws
            .iam()
            .create_role()
            .role_name(&to.name)
            .path(&to.state.path)
            .description(&to.state.description)
            .max_session_duration(to.state.max_session_duration)
            .assume_role_policy_document(to.state.trust.to_string())
            .set_permissions_boundary(to.state.boundary.clone())
            .set_tags(Some(tags::for_iam(&to.tags)));
        aws.call("iam:CreateRole", &to.name, request.send())
    };
    match aws.patiently(request).await {
        Ok(_) => {}
        // An answer that got lost, or an interruption: what this very request made is finished.
        Err(error) if error.code == "EntityAlreadyExists" => {
            let made = read::role(aws, &to.name).await?.filter(|live| live.tags.as_ref() == Some(&to.tags));
            return match made {
                Some(live) => update(aws, &live.state, &to).await,
                None => Err(error),
            };
        }
        Err(error) => return Err(error),
    }
    for (name, document) in &to.state.policies {
        put_policy(aws, &to.name, name, document).await?;
    }
    for arn in &to.state.managed_policies {
        attach(aws, &to.name, arn).await?;
    }
    Ok(())
}

/// Makes of a live role what it should be; what is the same already is not sent.
pub async fn update(aws: &Aws, old: &State, to: &Target<State>) -> Result<(), AwsError> {
    let (name, new) = (&to.name, &to.state);
    if old.trust != new.trust {
        let request = || {
            let request = aws.iam().update_assume_role_policy().role_name(name).policy_document(new.trust.to_string());
            aws.call("iam:UpdateAssumeRolePolicy", name, request.send())
        };
        aws.patiently(request).await?;
    }
    if (&old.description, old.max_session_duration) != (&new.description, new.max_session_duration) {
        // What UpdateRole is not told, it keeps: both are always sent.
        let request =
            aws.iam().update_role().role_name(name).description(&new.description).max_session_duration(new.max_session_duration);
        aws.call("iam:UpdateRole", name, request.send()).await?;
    }
    if old.boundary != new.boundary {
        set_boundary(aws, name, new.boundary.as_deref()).await?;
    }
    // What is allowed comes before what is taken away, so that no running call fails in between.
    for (policy, document) in new.policies.iter().filter(|(policy, document)| old.policies.get(*policy) != Some(document)) {
        put_policy(aws, name, policy, document).await?;
    }
    for arn in new.managed_policies.iter().filter(|arn| !old.managed_policies.contains(arn)) {
        attach(aws, name, arn).await?;
    }
    for policy in old.policies.keys().filter(|policy| !new.policies.contains_key(*policy)) {
        delete_policy(aws, name, policy).await?;
    }
    for arn in old.managed_policies.iter().filter(|arn| !new.managed_policies.contains(arn)) {
        detach(aws, name, arn).await?;
    }
    Ok(())
}

/// Deletes a role with all that is attached to it.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let Some(live) = read::role(aws, name).await? else { return Ok(()) };
    for arn in &live.state.managed_policies {
        detach(aws, name, arn).await?;
    }
    for policy in live.state.policies.keys() {
        delete_policy(aws, name, policy).await?;
    }
    let request = aws.iam().list_instance_profiles_for_role().role_name(name);
    let profiles = aws.call("iam:ListInstanceProfilesForRole", name, request.send()).await.optional()?;
    for profile in profiles.map(|answer| answer.instance_profiles).unwrap_or_default() {
        let profile = profile.instance_profile_name;
        let request = aws.iam().remove_role_from_instance_profile().role_name(name).instance_profile_name(&profile);
        aws.call("iam:RemoveRoleFromInstanceProfile", &profile, request.send()).await.optional()?;
    }
    let request = || aws.call("iam:DeleteRole", name, aws.iam().delete_role().role_name(name).send());
    aws.patiently(request).await.optional()?;
    Ok(())
}

async fn put_policy(aws: &Aws, role: &str, policy: &str, document: &Value) -> Result<(), AwsError> {
    let request = aws.iam().put_role_policy().role_name(role).policy_name(policy).policy_document(document.to_string());
    aws.call("iam:PutRolePolicy", role, request.send()).await.map(drop)
}

async fn delete_policy(aws: &Aws, role: &str, policy: &str) -> Result<(), AwsError> {
    let request = aws.iam().delete_role_policy().role_name(role).policy_name(policy);
    aws.call("iam:DeleteRolePolicy", role, request.send()).await.optional().map(drop)
}

async fn attach(aws: &Aws, role: &str, policy: &str) -> Result<(), AwsError> {
    let request = aws.iam().attach_role_policy().role_name(role).policy_arn(policy);
    aws.call("iam:AttachRolePolicy", role, request.send()).await.map(drop)
}

async fn detach(aws: &Aws, role: &str, policy: &str) -> Result<(), AwsError> {
    let request = aws.iam().detach_role_policy().role_name(role).policy_arn(policy);
    aws.call("iam:DetachRolePolicy", role, request.send()).await.optional().map(drop)
}

async fn set_boundary(aws: &Aws, role: &str, boundary: Option<&str>) -> Result<(), AwsError> {
    match boundary {
        Some(arn) => {
            let request = aws.iam().put_role_permissions_boundary().role_name(role).permissions_boundary(arn);
            aws.call("iam:PutRolePermissionsBoundary", role, request.send()).await.map(drop)
        }
        None => {
            let request = aws.iam().delete_role_permissions_boundary().role_name(role);
            aws.call("iam:DeleteRolePermissionsBoundary", role, request.send()).await.optional().map(drop)
        }
    }
}
