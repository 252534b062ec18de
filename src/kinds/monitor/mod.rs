//! Monitors: what looks regularly at what an endpoint captured. Two engines: a function on a schedule of EventBridge's,
//! and SageMaker Model Monitor.

mod cron;
mod rule;
mod spec;
mod watched;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sagemaker::check_name;
use crate::aws::{Aws, AwsError, arn};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::{Attribute, Call, Kind, Live, Part, Target, Wanted, When, World};
use spec::{Engine, Spec};

pub struct Monitor;

/// A monitor by its engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "engine", rename_all = "lowercase")]
pub enum State {
    Lambda(rule::Scheduled),
}

impl Kind for Monitor {
    const SECTION: &'static str = "monitors";
    const TITLE: &'static str = "monitor";
    /// SageMaker takes 63, of which a job definition's name needs 9 for the hash of its content.
    const LONGEST_NAME: usize = 54;
    const FIELDS: &'static [Field] = &[
        Field { path: "engine", rule: Rule::Immutable, why: "each engine is made of other resources" },
        Field { path: "targets.*.input", rule: Rule::Document, why: "the function's event" },
        Field { path: "rule.pattern", rule: Rule::Document, why: "an event pattern" },
    ];
    const CALLS: &'static [Call] = &[
        Call { when: When::Create, actions: &["events:PutRule", "events:RemoveTargets", "events:PutTargets"] },
        Call { when: When::Update(&["rule"]), actions: &["events:PutRule"] },
        Call { when: When::Update(&["targets"]), actions: &["events:RemoveTargets", "events:PutTargets"] },
        Call { when: When::Delete, actions: &["events:RemoveTargets", "events:DeleteRule"] },
    ];

    type Spec = Spec;
    type State = State;

    /// Both engines' ARNs are known before it is known which of them exists: a function's permission may name the rule.
    fn attributes(world: &World, name: &str, _: &Value, _: Option<&Value>) -> BTreeMap<String, Attribute> {
        let rule = world.arn("events", &format!("rule/{name}"));
        let all = [("name", name.to_owned()), ("rule_arn", rule)];
        all.map(|(key, value)| (key.to_owned(), Attribute::Known(value))).into()
    }

    fn part(arn: &str) -> Option<Part> {
        let name = arn::name(arn, "events", "rule/")?;
        // `rule/bus/name` is one of another bus.
        (!name.contains('/')).then(|| Part { name: name.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        check_name(scope);
        match spec.engine {
            Engine::Lambda => rule::desired(spec, scope).map(State::Lambda),
        }
    }

    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let names: Vec<&str> = wanted.iter().map(|one| one.name.as_str()).collect();
        let found = rule::observe(aws, &names).await?;
        Ok(found.into_iter().map(|found| Live::settled(found.name, found.arn, State::Lambda(found.state), None)).collect())
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        match &to.state {
            State::Lambda(state) => rule::create(aws, &to.name, state, &to.tags).await,
        }
    }

    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, _: &[Change]) -> Result<(), AwsError> {
        match (&from.state, &to.state) {
            (State::Lambda(from), State::Lambda(state)) => rule::update(aws, &to.name, from, state).await,
        }
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        rule::delete(aws, name).await
    }
}
