//! Monitors: what looks regularly at what an endpoint captured. Two engines: a function on a schedule of EventBridge's,
//! and SageMaker Model Monitor.

mod quality;
mod rule;
mod spec;
mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rule::{CREATE, Scheduled, members};
use super::sagemaker::{base, check_name};
use crate::aws::{Aws, AwsError, arn};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Access, Attribute, Call, Kind, Live, Namesake, Part, Target, Wanted, When, World};
use spec::{Engine, Spec};

const RULE: &[&str] = &["arn:{partition}:events:{region}:{account}:rule/{name}"];
const SCHEDULE: &[&str] = &["arn:{partition}:sagemaker:{region}:{account}:monitoring-schedule/{name}"];
const DEFINITION: &[&str] = &["arn:{partition}:sagemaker:{region}:{account}:data-quality-job-definition/{hashed}"];
const DEFINITIONS: &[&str] =
    &["sagemaker:CreateDataQualityJobDefinition", "sagemaker:AddTags", "sagemaker:DeleteDataQualityJobDefinition"];
/// The job that makes a baseline.
const BASELINE: &[&str] = &["arn:{partition}:sagemaker:{region}:{account}:processing-job/{hashed}"];
const BASELINES: &[&str] = &["sagemaker:CreateProcessingJob", "sagemaker:DescribeProcessingJob", "sagemaker:AddTags"];

pub struct Monitor;

/// A monitor by its engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "lowercase")]
pub enum State {
    Lambda(Box<Scheduled>),
    Sagemaker(Box<quality::Monitored>),
}

impl Kind for Monitor {
    const SECTION: &'static str = "monitors";
    const TITLE: &'static str = "monitor";
    /// SageMaker takes 63, of which a job definition's name needs 9 for the hash of its content.
    const LONGEST_NAME: usize = 54;
    const WRITTEN: &'static [crate::kind::Written] = spec::WRITTEN;
    const FIELDS: &'static [Field] = &[
        Field { path: "engine", rule: Rule::Immutable, why: "each engine is made of other resources" },
        Field { path: "targets.*.input", rule: Rule::Document, why: "the function's event" },
        Field { path: "rule.pattern", rule: Rule::Document, why: "an event pattern" },
    ];
    /// Baselines, and executions that are waited for, may take an hour each.
    const DEADLINE: Duration = Duration::from_secs(2 * 60 * 60);
    /// What is not the current definition nobody can go back to: the schedule alone says which it was.
    const KEPT_GENERATIONS: usize = 0;
    const CALLS: &'static [Call] = &[
        Call::of(When::Read, ANY, &["events:ListRules"]),
        Call::of(When::Read, RULE, &["events:ListTargetsByRule", "events:ListTagsForResource"]),
        Call::of(When::Search, ANY, &["sagemaker:ListMonitoringSchedules"]),
        Call::of(When::Search, SCHEDULE, &["sagemaker:ListTags"]),
        Call::of(When::Read, ANY, &["sagemaker:ListDataQualityJobDefinitions"]),
        Call::of(When::Read, SCHEDULE, &["sagemaker:DescribeMonitoringSchedule"]),
        Call::of(When::Read, DEFINITION, &["sagemaker:DescribeDataQualityJobDefinition"]),
        Call::of(When::Create, RULE, CREATE),
        Call::of(When::Create, BASELINE, BASELINES),
        Call::of(When::Create, DEFINITION, DEFINITIONS),
        Call::of(
            When::Create,
            SCHEDULE,
            &[
                "sagemaker:CreateMonitoringSchedule",
                "sagemaker:AddTags",
                "sagemaker:UpdateMonitoringSchedule",
                "sagemaker:StartMonitoringSchedule",
                "sagemaker:StopMonitoringSchedule",
                "sagemaker:DeleteMonitoringSchedule",
            ],
        ),
        Call::of(When::Update(&["rule"]), RULE, &["events:PutRule"]),
        Call::of(When::Update(&["targets"]), RULE, &["events:RemoveTargets", "events:PutTargets"]),
        Call::of(
            When::Update(&["schedule"]),
            SCHEDULE,
            &["sagemaker:UpdateMonitoringSchedule", "sagemaker:StartMonitoringSchedule", "sagemaker:StopMonitoringSchedule"],
        ),
        Call::of(When::Update(&["definition"]), BASELINE, BASELINES),
        Call::of(When::Update(&["definition"]), DEFINITION, DEFINITIONS),
        Call::of(
            When::Update(&["definition"]),
            SCHEDULE,
            &["sagemaker:UpdateMonitoringSchedule", "sagemaker:StopMonitoringSchedule"],
        ),
        Call::of(When::Update(&[]), RULE, &["events:TagResource"]),
        Call::of(When::Update(&[]), SCHEDULE, &["sagemaker:AddTags"]),
        Call::of(When::Update(&["tags"]), RULE, &["events:UntagResource"]),
        Call::of(When::Update(&["tags"]), SCHEDULE, &["sagemaker:DeleteTags"]),
        Call::of(When::Delete, RULE, &["events:RemoveTargets", "events:DeleteRule"]),
        Call::of(When::Delete, SCHEDULE, &["sagemaker:DeleteMonitoringSchedule"]),
        Call::of(When::Delete, DEFINITION, &["sagemaker:DeleteDataQualityJobDefinition"]),
    ];

    const ANSWERS: &'static [Answer] = &[
        members::LISTED,
        members::PAGE,
        members::DESCRIBED,
        members::MAKER,
        members::TARGETS,
        quality::members::SCHEDULES,
        quality::members::DEFINITIONS,
        quality::members::SCHEDULE,
        quality::members::DEFINITION,
    ];

    type Spec = Spec;
    type State = State;

    /// Both engines' ARNs are known before it is known which of them exists: a function's permission may name the rule.
    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let rule = world.arn("events", &format!("rule/{name}"));
        // SageMaker writes names into ARNs in lower case.
        let schedule = world.arn("sagemaker", &format!("monitoring-schedule/{}", name.to_lowercase()));
        let all = [("name", name.to_owned()), ("rule_arn", rule), ("schedule_arn", schedule)];
        all.map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        if let Some(name) = arn::name(arn, "sagemaker", "data-quality-job-definition/") {
            return Some(Part { name: base(name)?.to_owned(), main: false });
        }
        let rule = arn::name(arn, "events", "rule/");
        let name = rule.or_else(|| arn::name(arn, "sagemaker", "monitoring-schedule/"))?;
        // `rule/bus/name` is one of another bus.
        (!name.contains('/')).then(|| Part { name: name.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        check_name(scope);
        spec.check_keys(scope);
        match spec.engine {
            Engine::Lambda => rule::desired(spec, scope).map(Box::new).map(State::Lambda),
            Engine::Sagemaker => quality::desired(spec, scope).map(Box::new).map(State::Sagemaker),
        }
    }

    /// Rules are asked for whatever the engine is, since the live one may be another.
    fn accesses(world: &World, name: &str, state: &State) -> Vec<Access> {
        let own = match state {
            State::Lambda(_) => vec![],
            State::Sagemaker(state) => quality::accesses(world, state),
        };
        own.into_iter().chain(super::rule::accesses(world, name)).collect()
    }

    /// Looks for each with its own engine first; the other one is asked for what is not found, since a declared engine
    /// may be another than the live one.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let uses = |one: &&Wanted<State>, lambda: bool| match &one.desired {
            Some(state) => matches!(state, State::Lambda(_)) == lambda,
            None => true,
        };
        let first: Vec<&Wanted<State>> = wanted.iter().filter(|one| uses(one, true)).collect();
        let second: Vec<&Wanted<State>> = wanted.iter().filter(|one| uses(one, false)).collect();
        let (mut found, monitored) = futures::try_join!(rules(aws, &first), schedules(aws, &second))?;
        found.extend(monitored);
        let missing = |one: &&Wanted<State>| one.desired.is_some() && found.iter().all(|live| live.name != one.name);
        let (not_rules, not_schedules): (Vec<_>, Vec<_>) = wanted.iter().filter(missing).partition(|one| uses(one, true));
        let (others, more) = futures::try_join!(schedules(aws, &not_rules), rules(aws, &not_schedules))?;
        found.extend(others.into_iter().chain(more));
        // An undeclared name that both engines have is one monitor: deleting it takes both away.
        let mut seen = BTreeSet::new();
        found.retain(|live| seen.insert(live.name.clone()));
        Ok(found)
    }

    async fn namesakes(aws: &Aws) -> Result<Vec<Namesake>, AwsError> {
        quality::namesakes(aws).await
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        match &to.state {
            State::Lambda(state) => {
                // What is left of another engine's monitor, where taking it away was interrupted or it had failed.
                quality::delete(aws, &to.name).await?;
                super::rule::create(aws, &to.name, state, &to.tags).await
            }
            State::Sagemaker(state) => quality::create(aws, &to.name, state, &to.tags).await,
        }
    }

    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        match (&from.state, &to.state) {
            (State::Lambda(from), State::Lambda(state)) => super::rule::update(aws, &to.name, from, state).await,
            (State::Sagemaker(from), State::Sagemaker(state)) => {
                quality::update(aws, &to.name, Some(from), state, &to.tags).await
            }
            _ => Err(AwsError::local(format!("the engine of {} cannot be changed: a new monitor must be made", to.name))),
        }
    }

    /// Deletes what either engine has under the name.
    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        super::rule::delete(aws, name).await?;
        quality::delete(aws, name).await
    }

    async fn collect(aws: &Aws, name: &str, generations: &[String]) -> Result<(), AwsError> {
        quality::collect(aws, name, generations).await
    }
}

async fn rules(aws: &Aws, wanted: &[&Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    let names: Vec<&str> = wanted.iter().map(|one| one.name.as_str()).collect();
    let found = super::rule::observe(aws, &names).await?;
    Ok(found.into_iter().map(|found| Live::settled(found.name, found.arn, State::Lambda(Box::new(found.state)), None)).collect())
}

async fn schedules(aws: &Aws, wanted: &[&Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
    let definition = |state: &'_ State| match state {
        State::Sagemaker(state) => Some(state.definition.clone()),
        State::Lambda(_) => None,
    };
    let names: Vec<(&str, Option<quality::Definition>)> =
        wanted.iter().map(|one| (one.name.as_str(), one.desired.as_ref().and_then(definition))).collect();
    let found = quality::observe(aws, &names).await?;
    found.into_iter().map(|live| live.try_map(|state| Ok(State::Sagemaker(Box::new(state))))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_arns() {
        let part = |arn: &str| Monitor::part(&format!("arn:aws:{arn}")).map(|part| (part.name, part.main));
        assert_eq!(part("events:us-east-1:123456789012:rule/a-dev-drift"), Some(("a-dev-drift".into(), true)));
        assert_eq!(part("events:us-east-1:123456789012:rule/bus/a-dev-drift"), None);
        assert_eq!(part("sagemaker:us-east-1:123456789012:monitoring-schedule/a-dev-drift"), Some(("a-dev-drift".into(), true)));
        let definition = "sagemaker:us-east-1:123456789012:data-quality-job-definition/a-dev-drift-0a1b2c3d";
        assert_eq!(part(definition), Some(("a-dev-drift".into(), false)));
        assert_eq!(part("sagemaker:us-east-1:123456789012:data-quality-job-definition/other"), None);
        assert_eq!(part("sagemaker:us-east-1:123456789012:processing-job/a-dev-drift-0a1b2c3d"), None);
    }
}
