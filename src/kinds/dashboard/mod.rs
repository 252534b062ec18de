//! CloudWatch dashboards, compared as the documents that they are.

mod body;
mod members;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Aws, AwsError, Optional, arn, tags};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Attribute, Call, Input, Kind, Live, Part, Tags, Target, Wanted, When, World};

const DASHBOARD: &[&str] = &["arn:{partition}:cloudwatch::{account}:dashboard/{name}"];

pub struct Dashboard;

/// A CloudWatch dashboard.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DashboardSpec")]
pub struct Spec {
    /// The name in CloudWatch; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[0-9A-Za-z_-]{1,255}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// The file of the dashboard's body, as YAML or JSON; references in it are resolved.
    body: Option<String>,
    /// The widgets, in place of `body`: each as CloudWatch's dashboard body has it.
    #[schemars(with = "Option<Vec<serde_json::Map<String, Value>>>")]
    widgets: Option<Vec<Value>>,
}

/// A dashboard, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    body: Value,
}

impl Kind for Dashboard {
    const SECTION: &'static str = "dashboards";
    const TITLE: &'static str = "CloudWatch dashboard";
    const LONGEST_NAME: usize = 255;
    const WRITTEN: &'static [crate::kind::Written] =
        &[crate::kind::Written::by_hand("body", "body", "a dashboard is a document: edit it where `body` or `widgets` says")];
    const FIELDS: &'static [Field] = &[Field {
        path: "body",
        rule: Rule::Document,
        why: "a document; the order of widgets is the order they are laid out in",
    }];
    const INPUTS: &'static [(&'static str, Input)] = &[("body", Input::Document)];
    const DEADLINE: Duration = Duration::from_secs(60);
    const CALLS: &'static [Call] = &[
        Call::of(When::Search, ANY, &["cloudwatch:ListDashboards"]),
        Call::of(When::Read, DASHBOARD, &["cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource"]),
        Call::of(When::Create, DASHBOARD, &["cloudwatch:PutDashboard", "cloudwatch:TagResource"]),
        Call::of(When::Update(&[]), DASHBOARD, &["cloudwatch:PutDashboard", "cloudwatch:TagResource"]),
        Call::of(When::Update(&["tags"]), DASHBOARD, &["cloudwatch:UntagResource"]),
        Call::of(When::Delete, DASHBOARD, &["cloudwatch:DeleteDashboards"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

    type Spec = Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let arn = dashboard_arn(world, name);
        [("name", name.to_owned()), ("arn", arn)].map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        Some(Part { name: arn::name(arn, "cloudwatch", "dashboard/")?.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        let body = match (spec.body, spec.widgets) {
            (Some(file), None) => {
                let body = scope.document(&file)?;
                scope.document_findings(&file, body::check(&body));
                body
            }
            (None, Some(widgets)) => {
                let body = json!({ "widgets": widgets });
                scope.findings(&[], body::check(&body));
                body
            }
            (Some(_), Some(_)) => {
                scope.fault(&["widgets"], "`body` and `widgets` are two ways: write one of them");
                return None;
            }
            (None, None) => {
                scope.fault_with_help::<&str>(&[], "this dashboard shows nothing", "add `body:`, a file, or `widgets:`");
                return None;
            }
        };
        scope.is_sound().then_some(State { body })
    }

    /// One request for each: there is none for many. Tags come from the tagging API.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let found = try_join_all(wanted.iter().map(|one| read(aws, &one.name))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
        let prefix = aws.world.prefix();
        let mut found = vec![];
        let mut next = None;
        loop {
            let request = aws.cloudwatch().list_dashboards().dashboard_name_prefix(&prefix).set_next_token(next);
            let answer = aws.call("cloudwatch:ListDashboards", &prefix, request.send()).await?;
            found.extend(answer.dashboard_entries.unwrap_or_default().into_iter().filter_map(|entry| entry.dashboard_name));
            next = answer.next_token.filter(|token| !token.is_empty());
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        put(aws, &to, Some(&to.tags)).await
    }

    /// PutDashboard replaces the body whole.
    async fn update(aws: &Aws, _: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        put(aws, &to, None).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        let request = aws.cloudwatch().delete_dashboards().dashboard_names(name);
        aws.call("cloudwatch:DeleteDashboards", name, request.send()).await.optional().map(drop)
    }
}

/// Dashboards belong to no region.
fn dashboard_arn(world: &World, name: &str) -> String {
    format!("arn:{}:cloudwatch::{}:dashboard/{name}", world.partition(), world.account)
}

async fn read(aws: &Aws, name: &str) -> Result<Option<Live<State>>, AwsError> {
    let request = aws.cloudwatch().get_dashboard().dashboard_name(name);
    let found = aws.call("cloudwatch:GetDashboard", name, request.send()).await.optional()?;
    Ok(found.map(|found| {
        let text = found.dashboard_body.unwrap_or_default();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Live::settled(name, dashboard_arn(&aws.world, name), State { body }, None)
    }))
}

/// Tags are taken of a new dashboard only.
///
/// CloudWatch answers what it thinks of the body: with warnings the dashboard is written all the same, with errors it is
/// not. Nothing marks which of them a message is, so reading the dashboard back decides.
async fn put(aws: &Aws, to: &Target<State>, tags: Option<&Tags>) -> Result<(), AwsError> {
    let request = aws
        .cloudwatch()
        .put_dashboard()
        .dashboard_name(&to.name)
        .dashboard_body(to.state.body.to_string())
        .set_tags(tags.map(tags::for_cloudwatch));
    let answer = aws.call("cloudwatch:PutDashboard", &to.name, request.send()).await?;
    let messages = answer.dashboard_validation_messages.unwrap_or_default();
    if messages.is_empty() || read(aws, &to.name).await?.is_some_and(|live| live.state == to.state) {
        return Ok(());
    }
    let messages = messages.into_iter().map(|one| match (one.data_path.unwrap_or_default(), one.message.unwrap_or_default()) {
        (path, message) if path.is_empty() => message,
        (path, message) => format!("{path}: {message}"),
    });
    let messages: Vec<String> = messages.collect();
    let message = format!("CloudWatch did not take the body: {}", messages.join("; "));
    Err(AwsError::unexpected("cloudwatch:PutDashboard", &to.name, message))
}
