//! The alias `live` and the published versions behind it: what it serves, compared with what was deployed last, and how it
//! gets there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_sfn::operation::describe_state_machine_alias::DescribeStateMachineAliasOutput;
use aws_sdk_sfn::types::RoutingConfigurationListItem;
use serde_json::{Map, Value, json};

use super::{Alias, CURRENT, LIVE, State, StateMachine, current_alias, live_arn, machine_arn, read};
use crate::aws::waiting::Pace;
use crate::aws::{Aws, AwsError, Optional};
use crate::kind::{Generation, Kind, Target, World, digest, runs};
use crate::kinds::rollout::Rollout;
use crate::kinds::shift;

/// The fields of a state that a version keeps.
const PUBLISHED: [&str; 5] = ["role", "definition", "logging", "tracing", "encryption"];

/// How long Step Functions may take to show an update to whoever publishes it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who serves what comes in by an alias: versions by their numbers, each with its percent.
pub type Shares = BTreeMap<String, i32>;

/// An alias as Step Functions has it.
pub struct Found {
    pub shares: Shares,
    pub description: String,
}

impl Found {
    fn of(answer: DescribeStateMachineAliasOutput) -> Self {
        let routing = answer.routing_configuration.unwrap_or_default();
        let shares =
            routing.into_iter().filter(|one| one.weight > 0).map(|one| (number(&one.state_machine_version_arn), one.weight));
        Self { shares: shares.collect(), description: answer.description.unwrap_or_default() }
    }
}

/// The number of a version, which its ARN ends in.
fn number(arn: &str) -> String {
    arn.rsplit(':').next().unwrap_or_default().to_owned()
}

/// All that belongs to a state machine beside what was deployed last.
pub struct Published {
    pub aliases: BTreeMap<String, Found>,
    /// The numbers of all versions, newest first.
    pub versions: Vec<u64>,
    /// The versions that the alias `live` leads to.
    served: BTreeMap<String, State>,
}

/// Reads the aliases, and then those versions that the alias `live` leads to. Versions are only listed where there may be
/// more than are kept: they count from 1, and so the number of the served one tells.
pub async fn published(aws: &Aws, name: &str) -> Result<Published, AwsError> {
    let (live, others) = futures::try_join!(live(aws, name), others(aws, name))?;
    let mut published = Published { aliases: others, versions: vec![], served: BTreeMap::new() };
    if let Some((found, served, versions)) = live {
        let numbers = served.iter().filter_map(|(number, _)| number.parse().ok());
        published.versions = numbers.chain(versions).collect::<BTreeSet<u64>>().into_iter().rev().collect();
        published.aliases.insert(LIVE.to_owned(), found);
        published.served = served.into_iter().filter_map(|(number, state)| Some((number, state?))).collect();
    }
    Ok(published)
}

/// The alias `live`, the versions that it leads to, and the numbers of all if they may be many.
type Live = (Found, Vec<(String, Option<State>)>, Vec<u64>);

async fn live(aws: &Aws, name: &str) -> Result<Option<Live>, AwsError> {
    let Some(found) = describe(aws, name, &live_arn(&aws.world, name)).await? else { return Ok(None) };
    let served = found
        .shares
        .keys()
        .map(|version| async move { Ok::<_, AwsError>((version.clone(), read::version(aws, name, version).await?)) });
    let newest = found.shares.keys().filter_map(|version| version.parse::<usize>().ok()).max();
    let listed = async {
        match newest {
            Some(newest) if newest > StateMachine::KEPT_GENERATIONS => versions(aws, name).await,
            _ => Ok(vec![]),
        }
    };
    let (served, versions) = futures::try_join!(futures::future::try_join_all(served), listed)?;
    Ok(Some((found, served, versions)))
}

async fn describe(aws: &Aws, name: &str, alias: &str) -> Result<Option<Found>, AwsError> {
    let request = aws.states().describe_state_machine_alias().state_machine_alias_arn(alias);
    Ok(aws.call("states:DescribeStateMachineAlias", name, request.send()).await.optional()?.map(Found::of))
}

/// The aliases besides `live`; a listing only names them.
async fn others(aws: &Aws, name: &str) -> Result<BTreeMap<String, Found>, AwsError> {
    let live = live_arn(&aws.world, name);
    let mut arns = vec![];
    let mut next = None;
    loop {
        let request =
            aws.states().list_state_machine_aliases().state_machine_arn(machine_arn(&aws.world, name)).set_next_token(next);
        let Some(answer) = aws.call("states:ListStateMachineAliases", name, request.send()).await.optional()? else { break };
        arns.extend(answer.state_machine_aliases.into_iter().map(|one| one.state_machine_alias_arn));
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    let described = arns
        .iter()
        .filter(|arn| **arn != live)
        .map(|arn| async move { Ok::<_, AwsError>((number(arn), describe(aws, name, arn).await?)) });
    let described: Vec<(String, Option<Found>)> = futures::future::try_join_all(described).await?;
    Ok(described.into_iter().filter_map(|(alias, found)| Some((alias, found?))).collect())
}

async fn versions(aws: &Aws, name: &str) -> Result<Vec<u64>, AwsError> {
    let mut found = vec![];
    let mut next = None;
    loop {
        let request =
            aws.states().list_state_machine_versions().state_machine_arn(machine_arn(&aws.world, name)).set_next_token(next);
        let Some(answer) = aws.call("states:ListStateMachineVersions", name, request.send()).await.optional()? else { break };
        let arns = answer.state_machine_versions.into_iter().map(|one| one.state_machine_version_arn);
        found.extend(arns.filter_map(|arn| number(&arn).parse::<u64>().ok()));
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    Ok(found)
}

impl Published {
    /// What the alias `live` serves, compared with what was deployed last.
    pub fn live(&self, deployed: &State) -> Option<Alias> {
        let found = self.aliases.get(LIVE)?;
        let primary = self.primary(deployed)?;
        let compared = match self.served.get(&primary).map(|served| differing(served, deployed)) {
            Some(fields) if fields.is_empty() => CURRENT.to_owned(),
            Some(fields) => format!("{primary}, which differs in {}", fields.join(", ")),
            None => primary.clone(),
        };
        let weights = found.shares.iter().filter(|(version, _)| **version != primary);
        Some(Alias {
            name: LIVE.to_owned(),
            version: compared,
            weights: weights.map(|(version, share)| (version.clone(), *share)).collect(),
            description: found.description.clone(),
        })
    }

    /// The version that stands for the alias: of two, the one that is not what was deployed last, since that is on its way.
    fn primary(&self, deployed: &State) -> Option<String> {
        let shares = &self.aliases.get(LIVE)?.shares;
        let old = |version: &&String| self.served.get(*version).is_none_or(|served| !differing(served, deployed).is_empty());
        shares.keys().find(old).or_else(|| shares.keys().next()).cloned()
    }

    /// What tells of the version that executions get.
    pub fn runs(&self, world: &World, deployed: &State) -> BTreeMap<String, String> {
        let Some(served) = self.primary(deployed) else { return BTreeMap::new() };
        let content = self.served.get(&served).map(|version| digest(&plain(&version.definition, world)));
        let told = [(runs::VERSION, Some(served)), (runs::CONTENT, content)];
        told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    /// The versions behind the one that is served, and what those refer to that are read already.
    pub fn generations(&self, arn: &str, deployed: &State) -> Vec<Generation> {
        let current = self.current(deployed);
        let routed = |version: &String| self.aliases.values().any(|alias| alias.shares.contains_key(version));
        let numbers = self.versions.iter().map(ToString::to_string).filter(|version| Some(version) != current.as_ref());
        let generation = |name: String| Generation {
            in_use: routed(&name),
            arn: Some(format!("{arn}:{name}")),
            refers: self.served.get(&name).map(called).unwrap_or_default(),
            name,
        };
        numbers.map(generation).collect()
    }

    /// The served version that is what was deployed last; where there is none, the one that is served.
    fn current(&self, deployed: &State) -> Option<String> {
        let equal = self.served.iter().find(|(_, served)| differing(served, deployed).is_empty());
        equal.map(|(version, _)| version.clone()).or_else(|| self.primary(deployed))
    }
}

/// The fields in which a version differs from what was deployed last.
fn differing(version: &State, deployed: &State) -> Vec<&'static str> {
    let (version, deployed) = (json!(version), json!(deployed));
    PUBLISHED.into_iter().filter(|field| version.get(field) != deployed.get(field)).collect()
}

/// A definition without what names its environment and counts its releases, which is no content of it.
fn plain(value: &Value, world: &World) -> Value {
    match value {
        Value::String(text) => {
            let text = text.replace(&world.prefix(), "").replace(&world.account, "").replace(&world.region, "");
            let numbered = text.contains(":function:");
            let unnumbered = text.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(':');
            Value::from(if numbered { unnumbered } else { text.as_str() })
        }
        Value::Array(items) => items.iter().map(|item| plain(item, world)).collect(),
        Value::Object(members) => Value::Object(members.iter().map(|(key, value)| (key.clone(), plain(value, world))).collect()),
        other => other.clone(),
    }
}

/// The versions of functions that a workflow calls.
pub fn called(state: &State) -> Vec<String> {
    let mut found = vec![];
    search(&state.definition, &mut found);
    found
}

fn search(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(":function:") => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| search(item, found)),
        Value::Object(members) => Map::values(members).for_each(|member| search(member, found)),
        _ => {}
    }
}

/// Lets the alias `live` lead to what is deployed: to the version that it leads to already if that is the same, else to a new
/// one; step by step where there is a rollout.
pub async fn point(aws: &Aws, to: &Target<State>, revision: Option<String>) -> Result<(), AwsError> {
    let name = &to.name;
    let Some(found) = describe(aws, name, &live_arn(&aws.world, name)).await? else {
        let new = publish(aws, name, revision).await?;
        return create(aws, name, &new).await;
    };
    let mut same = None;
    for version in found.shares.keys() {
        let served = read::version(aws, name, version).await?;
        same = same.or_else(|| served.filter(|served| differing(served, &to.state).is_empty()).map(|_| version.clone()));
    }
    let new = match same {
        Some(version) => version,
        None => publish(aws, name, revision).await?,
    };
    // Of two, the one that gets more is what there was before, unless it is the new one.
    let old = found.shares.iter().filter(|(version, _)| **version != new).max_by_key(|(_, share)| **share);
    let old = old.map_or(new.as_str(), |(version, _)| version.as_str());
    let moving = Moving { aws, name, old, new: &new, rollout: to.state.rollout.as_ref() };
    let Some(rollout) = moving.rollout.filter(|_| old != new) else { return moving.set(&[(new.as_str(), 100)]).await };
    let reached = found.shares.get(&new).copied().unwrap_or_default();
    match shift::shift(&moving, rollout, reached).await? {
        None => Ok(()),
        Some(why) => {
            let message = format!("{why}. The alias `{LIVE}` is back on version {old}");
            Err(AwsError::rolled_back("states:UpdateStateMachineAlias", name, message))
        }
    }
}

/// Publishes what is deployed. The same revision published again is the version that it is already.
///
/// Source: the reference of PublishStateMachineVersion.
async fn publish(aws: &Aws, name: &str, revision: Option<String>) -> Result<String, AwsError> {
    const OPERATION: &str = "states:PublishStateMachineVersion";
    let mut pace = Pace::new(PATIENCE);
    loop {
        let request = || {
            let request = aws.states().publish_state_machine_version().state_machine_arn(machine_arn(&aws.world, name));
            aws.call(OPERATION, name, request.set_revision_id(revision.clone()).send())
        };
        match aws.patiently(request).await {
            Ok(answer) => return Ok(number(&answer.state_machine_version_arn)),
            // The update is not seen everywhere yet.
            Err(error) if error.code == "ConflictException" && pace.wait("Step Functions to show the update").await => {}
            Err(error) => return Err(error),
        }
    }
}

fn routing(aws: &Aws, name: &str, shares: &[(&str, i32)]) -> Result<Vec<RoutingConfigurationListItem>, AwsError> {
    let machine = machine_arn(&aws.world, name);
    let item = |(version, share): &(&str, i32)| {
        let item = RoutingConfigurationListItem::builder().state_machine_version_arn(format!("{machine}:{version}"));
        // Building fails only without a version.
        item.weight(*share).build().map_err(|error| AwsError::local(error.to_string()))
    };
    shares.iter().map(item).collect()
}

async fn create(aws: &Aws, name: &str, version: &str) -> Result<(), AwsError> {
    let routing = routing(aws, name, &[(version, 100)])?;
    let request = || {
        let request = aws
            .states()
            .create_state_machine_alias()
            .name(LIVE)
            .description(current_alias().description)
            .set_routing_configuration(Some(routing.clone()));
        aws.call("states:CreateStateMachineAlias", name, request.send())
    };
    aws.patiently(request).await.map(drop)
}

/// Deletes an alias that nobody declared.
pub async fn delete(aws: &Aws, name: &str, alias: &str) -> Result<(), AwsError> {
    let arn = format!("{}:{alias}", machine_arn(&aws.world, name));
    let request = aws.states().delete_state_machine_alias().state_machine_alias_arn(arn);
    aws.call("states:DeleteStateMachineAlias", name, request.send()).await.optional().map(drop)
}

/// Deletes published versions.
pub async fn collect(aws: &Aws, name: &str, versions: &[String]) -> Result<(), AwsError> {
    for version in versions {
        let arn = format!("{}:{version}", machine_arn(&aws.world, name));
        let request = aws.states().delete_state_machine_version().state_machine_version_arn(arn);
        aws.call("states:DeleteStateMachineVersion", name, request.send()).await.optional()?;
    }
    Ok(())
}

/// The alias `live` on its way.
struct Moving<'a> {
    aws: &'a Aws,
    name: &'a str,
    old: &'a str,
    new: &'a str,
    rollout: Option<&'a Rollout>,
}

impl Moving<'_> {
    /// What UpdateStateMachineAlias is not told, it keeps: all is always sent.
    async fn set(&self, shares: &[(&str, i32)]) -> Result<(), AwsError> {
        let routing = routing(self.aws, self.name, shares)?;
        let request = || {
            let request = self
                .aws
                .states()
                .update_state_machine_alias()
                .state_machine_alias_arn(live_arn(&self.aws.world, self.name))
                .description(current_alias().description)
                .set_routing_configuration(Some(routing.clone()));
            self.aws.call("states:UpdateStateMachineAlias", self.name, request.send())
        };
        self.aws.patiently(request).await.map(drop)
    }
}

impl shift::Alias for Moving<'_> {
    async fn route(&self, percent: i32) -> Result<(), AwsError> {
        match percent {
            0 => self.set(&[(self.old, 100)]).await,
            1..100 => self.set(&[(self.old, 100 - percent), (self.new, percent)]).await,
            _ => self.set(&[(self.new, 100)]).await,
        }
    }

    async fn ringing(&self) -> Result<Option<String>, AwsError> {
        shift::ringing(self.aws, self.rollout.map_or(&[], |rollout| &rollout.roll_back_on)).await
    }
}
