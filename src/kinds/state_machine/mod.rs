//! Step Functions state machines, each with what starting one sees of it: its published versions, the alias `live` that leads
//! to one of them, and the log group that its executions are logged to. Executions are started by the alias, so a change
//! reaches them when all of it is there, and a step back is moving the alias.

mod alias;
mod express;
mod members;
mod read;
mod spec;
mod write;

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::log_group::{self, LogGroup};
use super::rollout::Rollout;
use crate::aws::{Aws, AwsError, arn};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Access, Attribute, Call, Input, Kind, Live, Part, Target, Wanted, When, World};
use spec::Spec;

const MACHINE: &[&str] = &["arn:{partition}:states:{region}:{account}:stateMachine:{name}"];
/// IAM is asked with one form for tags, and with the other for all else.
const LOG_GROUP: &[&str] = &[
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/vendedlogs/states/{name}",
    "arn:{partition}:logs:{region}:{account}:log-group:/aws/vendedlogs/states/{name}:*",
];

/// The alias that executions are started by.
const LIVE: &str = "live";
/// What the version of the alias `live` should be: the one that equals what was deployed last.
const CURRENT: &str = "current";

pub struct StateMachine;

/// A state machine, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    #[serde(rename = "type")]
    kind: String,
    role: String,
    definition: Value,
    logging: LoggingState,
    /// Absent when nothing is logged.
    log_group: Option<LogGroup>,
    tracing: bool,
    /// The key that encrypts definition and execution history, if it is not AWS's own.
    encryption: Option<Encryption>,
    alias: Option<Alias>,
    other_aliases: BTreeMap<String, OtherAlias>,
    /// How the alias gets from one version to the next; Step Functions keeps nothing of it.
    rollout: Option<Rollout>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Alias {
    name: String,
    /// `current`, or a version and what it lacks.
    version: String,
    /// Percent of the executions that other versions get.
    weights: BTreeMap<String, i32>,
    description: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OtherAlias {
    /// Percent of the executions, by version.
    versions: BTreeMap<String, i32>,
    description: String,
}

/// The logging of a state machine, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LoggingState {
    level: String,
    include_execution_data: bool,
    /// The ARN of a log group, which ends in `:*` here.
    destination: Option<String>,
}

/// Encryption with a key of one's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Encryption {
    key: Option<String>,
    reuse_seconds: Option<i32>,
}

impl Kind for StateMachine {
    const SECTION: &'static str = "state_machines";
    const TITLE: &'static str = "state machine";
    const LONGEST_NAME: usize = 80;
    const WRITTEN: &'static [crate::kind::Written] = spec::WRITTEN;
    const FIELDS: &'static [Field] = &[
        Field { path: "type", rule: Rule::Immutable, why: "UpdateStateMachine cannot change it" },
        Field { path: "log_group", rule: Rule::InPlace, why: "no version keeps it" },
        Field { path: "other_aliases", rule: Rule::InPlace, why: "they go at once" },
        Field { path: "definition", rule: Rule::Document, why: "a workflow; the order of Retry, Catch and Choices counts" },
    ];
    const INPUTS: &'static [(&'static str, Input)] = &[("definition", Input::Document)];
    const GENERATIONS_REFER: bool = true;
    // Step Functions asks with the state machine's own ARN about versions and aliases too. Source: "Authorization for versions
    // and aliases" in its developer guide.
    const CALLS: &'static [Call] = &[
        Call::of(When::Search, ANY, &["states:ListStateMachines"]),
        Call::of(When::Read, MACHINE, &["states:DescribeStateMachine", "states:ListTagsForResource"]),
        Call::of(
            When::Read,
            MACHINE,
            &["states:DescribeStateMachineAlias", "states:ListStateMachineAliases", "states:ListStateMachineVersions"],
        ),
        Call::of(When::Read, ANY, &["logs:DescribeLogGroups"]),
        Call::of(When::Create, LOG_GROUP, &["logs:CreateLogGroup", "logs:TagResource", "logs:PutRetentionPolicy"]),
        Call::of(When::Create, MACHINE, &["states:CreateStateMachine", "states:TagResource"]),
        Call::of(When::Create, MACHINE, &["states:PublishStateMachineVersion", "states:CreateStateMachineAlias"]),
        Call::of(When::Update(&["log_group", "logging"]), LOG_GROUP, log_group::CHANGES),
        Call::of(When::Update(&["log_group", "logging"]), LOG_GROUP, &["logs:DeleteLogGroup"]),
        Call::of(
            When::Update(&["definition", "role", "logging", "tracing", "encryption"]),
            MACHINE,
            &["states:UpdateStateMachine"],
        ),
        Call::of(
            When::Update(&["definition", "role", "logging", "tracing", "encryption", "alias"]),
            MACHINE,
            &["states:PublishStateMachineVersion", "states:CreateStateMachineAlias", "states:UpdateStateMachineAlias"],
        ),
        Call::of(When::Update(&["other_aliases"]), MACHINE, &["states:DeleteStateMachineAlias"]),
        Call::of(When::Update(&[]), MACHINE, &["states:TagResource"]),
        Call::of(When::Update(&["tags"]), MACHINE, &["states:UntagResource"]),
        Call::of(When::Delete, MACHINE, &["states:DeleteStateMachine"]),
        Call::of(When::Delete, MACHINE, &["states:DeleteStateMachineVersion"]),
        Call::of(When::Delete, LOG_GROUP, &["logs:DeleteLogGroup"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

    type Spec = Spec;
    type State = State;

    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let arn = machine_arn(world, name);
        let known = [("name", name.to_owned()), ("arn", arn), ("live_arn", live_arn(world, name))];
        known.map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        if let Some(group) = arn::name(arn, "logs", "log-group:/aws/vendedlogs/states/") {
            return Some(Part { name: group.trim_end_matches(":*").to_owned(), main: false });
        }
        // Versions and aliases stand behind the name: `stateMachine:name:1`.
        let name = arn::name(arn, "states", "stateMachine:")?;
        Some(match name.split_once(':') {
            Some((name, _)) => Part { name: name.to_owned(), main: false },
            None => Part { name: name.to_owned(), main: true },
        })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        spec::desired(spec, scope)
    }

    fn accesses(_: &World, _: &str, state: &State) -> Vec<Access> {
        let watched = state.rollout.iter().flat_map(Rollout::accesses);
        std::iter::once(Access::pass_role(&state.role, "states")).chain(watched).collect()
    }

    /// Four requests per state machine at once: itself, its alias, its other aliases and its versions. The version that the
    /// alias leads to is read where the alias does not note that it is what was deployed last. And one for the log groups of
    /// all that have computed names.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let names: Vec<String> = wanted.iter().map(|one| log_group_name(&one.name)).collect();
        let machines = try_join_all(wanted.iter().map(|one| read::machine(aws, &one.name, one.desired.as_ref())));
        let (machines, mut groups) = futures::try_join!(machines, log_group::read(aws, &names))?;
        let mut found: Vec<Live<State>> = machines.into_iter().flatten().collect();
        for live in &mut found {
            live.state.log_group = groups.remove(&log_group_name(&live.name));
        }
        Ok(found)
    }

    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
        read::names(aws).await
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        write::create(aws, &to).await
    }

    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        write::update(aws, from, &to).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        write::delete(aws, name).await
    }

    /// One request per older version: a listing says nothing of what they call.
    async fn refers(aws: &Aws, live: &Live<State>) -> Result<BTreeMap<String, Vec<String>>, AwsError> {
        let unread = live.generations.iter().filter(|one| !one.in_use).take(Self::KEPT_GENERATIONS);
        let read = unread.map(|one| async move {
            let version = read::version(aws, &live.name, &one.name).await?;
            Ok::<_, AwsError>((one.name.clone(), version.as_ref().map(alias::called).unwrap_or_default()))
        });
        try_join_all(read).await.map(|read| read.into_iter().collect())
    }

    async fn collect(aws: &Aws, name: &str, generations: &[String]) -> Result<(), AwsError> {
        alias::collect(aws, name, generations).await
    }
}

fn live_arn(world: &World, name: &str) -> String {
    format!("{}:{LIVE}", machine_arn(world, name))
}

/// What the alias `live` should be.
fn current_alias() -> Alias {
    Alias { name: LIVE.to_owned(), version: CURRENT.to_owned(), weights: BTreeMap::new(), description: String::new() }
}

fn machine_arn(world: &World, name: &str) -> String {
    world.arn("states", &format!("stateMachine:{name}"))
}

/// Log groups under this prefix share one resource policy of CloudWatch Logs, whose size is limited; others may fill it.
fn log_group_name(name: &str) -> String {
    format!("/aws/vendedlogs/states/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_arns() {
        let part = |arn: &str| StateMachine::part(arn).map(|part| (part.name, part.main));
        assert_eq!(part("arn:aws:states:eu-west-1:123456789012:stateMachine:x"), Some(("x".into(), true)));
        assert_eq!(part("arn:aws:states:eu-west-1:123456789012:stateMachine:x:3"), Some(("x".into(), false)));
        assert_eq!(part("arn:aws:states:eu-west-1:123456789012:execution:x:y"), None);
        let group = "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/states/x";
        assert_eq!(part(group), Some(("x".into(), false)));
        assert_eq!(part(&format!("{group}:*")), Some(("x".into(), false)));
        assert_eq!(part("arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/x"), None);
    }
}
