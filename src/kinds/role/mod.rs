//! IAM roles, with trust policy, inline policies, managed policies and boundary. All that is live is read, so that what
//! was added behind our back shows.

mod members;
mod read;
mod spec;
mod write;

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::{Aws, AwsError, arn};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Attribute, Call, Kind, Live, Part, Target, Wanted, When, World};
use spec::Spec;

const ROLE: &str = "arn:{partition}:iam::{account}:role{path}*";
/// What does not exist has no path, and what somebody made anew may have another.
const PATHLESS: &str = "arn:{partition}:iam::{account}:role/{name}";

pub struct Role;

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
    const WRITTEN: &'static [crate::kind::Written] = spec::WRITTEN;
    const FIELDS: &'static [Field] = &[
        Field { path: "path", rule: Rule::Immutable, why: "IAM cannot move a role to another path" },
        Field { path: "trust", rule: Rule::Document, why: "a policy document" },
        Field { path: "policies.*", rule: Rule::Document, why: "policy documents" },
        Field { path: "managed_policies", rule: Rule::Unordered, why: "attachments have no order" },
    ];
    const CALLS: &'static [Call] = &[
        Call::of(When::Search, ANY, &["iam:ListRoles"]),
        Call::of(When::Read, &[ROLE, PATHLESS], &["iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies"]),
        Call::of(When::Read, &[ROLE, PATHLESS], &["iam:GetRolePolicy"]),
        Call::of(When::Create, &[ROLE], &["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:TagRole"]),
        Call::of(When::Update(&["trust"]), &[ROLE], &["iam:UpdateAssumeRolePolicy"]),
        Call::of(When::Update(&["description", "max_session_duration"]), &[ROLE], &["iam:UpdateRole"]),
        Call::of(When::Update(&["boundary"]), &[ROLE], &["iam:PutRolePermissionsBoundary", "iam:DeleteRolePermissionsBoundary"]),
        Call::of(When::Update(&["policies"]), &[ROLE], &["iam:PutRolePolicy", "iam:DeleteRolePolicy"]),
        Call::of(When::Update(&["managed_policies"]), &[ROLE], &["iam:AttachRolePolicy", "iam:DetachRolePolicy"]),
        Call::of(When::Update(&[]), &[ROLE], &["iam:TagRole"]),
        Call::of(When::Update(&["tags"]), &[ROLE], &["iam:UntagRole"]),
        Call::of(When::Delete, &[ROLE], &["iam:DetachRolePolicy", "iam:DeleteRolePolicy", "iam:ListInstanceProfilesForRole"]),
        Call::of(When::Delete, &["arn:{partition}:iam::{account}:instance-profile/*"], &["iam:RemoveRoleFromInstanceProfile"]),
        Call::of(When::Delete, &[ROLE], &["iam:DeleteRole"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

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
        spec::desired(spec, scope)
    }

    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let found = try_join_all(wanted.iter().map(|one| read::role(aws, &one.name))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
        read::names_under_path(aws).await
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        write::create(aws, to).await
    }

    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        write::update(aws, &from.state, &to).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        write::delete(aws, name).await
    }
}
