//! IAM roles, with trust policy, inline policies, managed policies and boundary. All that is live is read, so that what
//! was added behind our back shows.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::aws::{Aws, AwsError, Optional, arn, tags};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::{Attribute, Call, Kind, Live, Part, Target, Wanted, When, World};
use crate::policy;

/// The name of the one inline policy that scones writes.
const INLINE: &str = "scones";

pub struct Role;

/// An IAM role.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RoleSpec")]
pub struct Spec {
    /// The name in IAM; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[\w+=,.@-]{1,64}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// The services that may assume the role, such as lambda.amazonaws.com.
    assumed_by: Option<OneOrMany>,
    /// A whole trust policy, in place of `assumed_by`.
    trust: Option<Map<String, Value>>,
    /// What the role may do.
    #[serde(default)]
    allow: Vec<Statement>,
    /// What the role may never do.
    #[serde(default)]
    deny: Vec<Statement>,
    /// ARNs of managed policies.
    #[serde(default)]
    managed_policies: Vec<ManagedPolicyArn>,
    /// The ARN of a managed policy that bounds what the role may ever do.
    boundary: Option<ManagedPolicyArn>,
    /// Up to 1,000 characters.
    #[schemars(length(max = 1000))]
    #[serde(default)]
    description: String,
    /// How long a session may last, in seconds: 3600 to 43200.
    #[schemars(range(min = 3600, max = 43200))]
    #[serde(default = "an_hour")]
    max_session_duration: i32,
}

/// One service or several.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The ARN of a managed policy.
#[derive(Deserialize, JsonSchema)]
struct ManagedPolicyArn(#[schemars(regex(pattern = r"^arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/.+$"))] String);

/// A statement of a policy.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Statement {
    /// Actions such as s3:GetObject.
    #[schemars(length(min = 1))]
    actions: Vec<String>,
    /// ARNs, or `*`.
    #[schemars(length(min = 1))]
    resources: Vec<String>,
    /// Conditions, by operator and key, as in IAM.
    condition: Option<Map<String, Value>>,
    /// A name for the statement: letters and digits.
    sid: Option<String>,
}

fn an_hour() -> i32 {
    3600
}

/// A role, complete; policies in their normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    path: String,
    description: String,
    max_session_duration: i32,
    trust: Value,
    /// Inline policies by name.
    policies: BTreeMap<String, Value>,
    managed_policies: Vec<String>,
    boundary: Option<String>,
}

impl Kind for Role {
    const SECTION: &'static str = "roles";
    const TITLE: &'static str = "IAM role";
    const LONGEST_NAME: usize = 64;
    const FIELDS: &'static [Field] = &[
        Field { path: "path", rule: Rule::Immutable, why: "IAM cannot move a role to another path" },
        Field { path: "trust", rule: Rule::Document, why: "a policy document" },
        Field { path: "policies.*", rule: Rule::Document, why: "policy documents" },
        Field { path: "managed_policies", rule: Rule::Unordered, why: "attachments have no order" },
    ];
    const CALLS: &'static [Call] = &[
        Call { when: When::Create, actions: &["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"] },
        Call { when: When::Update(&["trust"]), actions: &["iam:UpdateAssumeRolePolicy"] },
        Call { when: When::Update(&["description", "max_session_duration"]), actions: &["iam:UpdateRole"] },
        Call {
            when: When::Update(&["boundary"]),
            actions: &["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"],
        },
        Call { when: When::Update(&["policies"]), actions: &["iam:PutRolePolicy", "iam:DeleteRolePolicy"] },
        Call { when: When::Update(&["managed_policies"]), actions: &["iam:AttachRolePolicy", "iam:DetachRolePolicy"] },
        Call {
            when: When::Delete,
            actions: &["iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:RemoveRoleFromInstanceProfile", "iam:DeleteRole"],
        },
    ];

    type Spec = Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let arn = format!("arn:{}:iam::{}:role{}{name}", world.partition(), world.account, world.role_path());
        [("name", name.to_owned()), ("arn", arn)].map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        let name = arn::name(arn, "iam", "role/")?.rsplit('/').next()?;
        Some(Part { name: name.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        let trust = trust(&spec, scope)?;
        scope.findings(&["trust"], policy::check_trust_policy(&trust));
        let mut policies = BTreeMap::new();
        let statements: Vec<Value> = spec
            .allow
            .iter()
            .map(|statement| ("Allow", statement))
            .chain(spec.deny.iter().map(|statement| ("Deny", statement)))
            .map(|(effect, statement)| statement_json(effect, statement))
            .collect();
        if !statements.is_empty() {
            let document = json!({ "Version": "2012-10-17", "Statement": statements });
            check_inline(&document, spec.allow.len(), scope);
            policies.insert(INLINE.to_owned(), policy::normalize(&document));
        }
        let mut managed_policies: Vec<String> = spec.managed_policies.into_iter().map(|arn| arn.0).collect();
        managed_policies.sort();
        managed_policies.dedup();
        // The quota is 10 per role unless AWS raised it, to 20 at most.
        if managed_policies.len() > 20 {
            scope.fault(&["managed_policies"], "a role takes at most 20 managed policies");
        }
        scope.is_sound().then(|| State {
            path: scope.world().role_path(),
            description: spec.description,
            max_session_duration: spec.max_session_duration,
            trust: policy::normalize(&trust),
            policies,
            managed_policies,
            boundary: spec.boundary.map(|arn| arn.0),
        })
    }

    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let found = try_join_all(wanted.iter().map(|one| read(aws, &one.name))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
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

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
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
                let made = read(aws, &to.name).await?.filter(|live| live.tags.as_ref() == Some(&to.tags));
                return match made {
                    Some(live) => Self::update(aws, &live, to, &[]).await,
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

    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        let (name, old, new) = (&to.name, &from.state, &to.state);
        if old.trust != new.trust {
            let request = || {
                let request = aws.iam().update_assume_role_policy().role_name(name).policy_document(new.trust.to_string());
                aws.call("iam:UpdateAssumeRolePolicy", name, request.send())
            };
            aws.patiently(request).await?;
        }
        if (&old.description, old.max_session_duration) != (&new.description, new.max_session_duration) {
            // What UpdateRole is not told, it keeps: both are always sent.
            let request = aws
                .iam()
                .update_role()
                .role_name(name)
                .description(&new.description)
                .max_session_duration(new.max_session_duration);
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

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        let Some(live) = read(aws, name).await? else { return Ok(()) };
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
}

fn trust(spec: &Spec, scope: &mut Scope<'_>) -> Option<Value> {
    let services = match (&spec.assumed_by, &spec.trust) {
        (None, Some(trust)) => return Some(Value::Object(trust.clone())),
        (Some(OneOrMany::One(service)), None) => vec![service.clone()],
        (Some(OneOrMany::Many(services)), None) => services.clone(),
        (Some(_), Some(_)) => {
            scope.fault(&["trust"], "`assumed_by` and `trust` say the same thing: write one of them");
            return None;
        }
        (None, None) => {
            scope.fault_with_help::<&str>(&[], "nobody may assume this role", "add `assumed_by:`, such as lambda.amazonaws.com");
            return None;
        }
    };
    for service in &services {
        let labels: Vec<&str> = service.split('.').collect();
        let right = labels.len() >= 3
            && service.contains(".amazonaws.com")
            && labels.iter().all(|label| {
                !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            });
        if !right {
            scope.fault_with_help(
                &["assumed_by"],
                format!("`{service}` is no service"),
                "such as lambda.amazonaws.com; for all else use `trust:`",
            );
        }
    }
    Some(json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": { "Service": services }, "Action": "sts:AssumeRole" }],
    }))
}

fn statement_json(effect: &str, statement: &Statement) -> Value {
    let mut out = Map::new();
    if let Some(sid) = &statement.sid {
        out.insert("Sid".into(), json!(sid));
    }
    out.insert("Effect".into(), json!(effect));
    out.insert("Action".into(), json!(statement.actions));
    out.insert("Resource".into(), json!(statement.resources));
    if let Some(condition) = &statement.condition {
        out.insert("Condition".into(), Value::Object(condition.clone()));
    }
    Value::Object(out)
}

/// Checks the rendered policy and points back at the spec, where a statement's members have other names.
fn check_inline(document: &Value, allowed: usize, scope: &mut Scope<'_>) {
    let mut findings = policy::check_identity_policy(document);
    for finding in &mut findings {
        let path = finding.path.split_off(finding.path.len().min(1));
        let Some((index, rest)) = path.split_first() else {
            finding.path.clear();
            continue;
        };
        let number: usize = index.parse().unwrap_or(0);
        let (list, number) = if number < allowed { ("allow", number) } else { ("deny", number - allowed) };
        let member = rest.iter().map(|key| match key.as_str() {
            "Action" => "actions".to_owned(),
            "Resource" => "resources".to_owned(),
            other => {
                if rest.first().is_some_and(|first| first == other) {
                    other.to_lowercase()
                } else {
                    other.to_owned()
                }
            }
        });
        finding.path = [list.to_owned(), number.to_string()].into_iter().chain(member).collect();
    }
    scope.findings(&[], findings);
}

async fn read(aws: &Aws, name: &str) -> Result<Option<Live<State>>, AwsError> {
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
