//! The alias `live` and the published versions behind it: what it serves, compared with what was deployed last, and how it
//! gets there.

use std::collections::BTreeMap;
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

/// Up to this version nothing is beyond those that are kept.
const FEW: u64 = StateMachine::KEPT_GENERATIONS as u64 + 1;

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

/// Reads the aliases, all at once; not yet what they lead to.
pub async fn published(aws: &Aws, name: &str) -> Result<Published, AwsError> {
    let arn = live_arn(&aws.world, name);
    let (live, mut aliases) = futures::try_join!(describe(aws, name, &arn), others(aws, name))?;
    aliases.extend(live.map(|found| (LIVE.to_owned(), found)));
    Ok(Published { aliases, versions: vec![], served: BTreeMap::new() })
}

/// What is noted on the alias: a version that has what a revision has. Neither ever changes, so where the state machine still
/// is that revision, the version need not be read.
fn note(version: &str, revision: &str) -> String {
    format!("version {version} equals revision {revision}")
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
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found)
}

impl Published {
    /// Reads which versions there are, and those that the alias `live` leads to, unless it is noted that they are what was
    /// deployed last.
    pub async fn read_versions(&mut self, aws: &Aws, name: &str, deployed: &State, revision: &str) -> Result<(), AwsError> {
        let noted = self.noted(revision);
        // The version of the present revision is the newest there is. Before one of the first there are only those that are
        // kept, so that it does not matter which of them are left.
        let counted = noted.as_ref().and_then(|version| version.parse::<u64>().ok()).filter(|number| *number <= FEW);
        self.versions = match counted {
            Some(newest) => (1..=newest).rev().collect(),
            None => versions(aws, name).await?,
        };
        self.read_served(aws, name, deployed, noted).await
    }

    /// The version that the alias alone leads to, if it is noted to be what this revision is.
    fn noted(&self, revision: &str) -> Option<String> {
        let found = self.aliases.get(LIVE)?;
        let (version, _) = found.shares.first_key_value().filter(|_| found.shares.len() == 1)?;
        (found.description == note(version, revision)).then(|| version.clone())
    }

    async fn read_served(&mut self, aws: &Aws, name: &str, deployed: &State, noted: Option<String>) -> Result<(), AwsError> {
        let Some(found) = self.aliases.get_mut(LIVE) else { return Ok(()) };
        let about_one = |version: &String| found.description.starts_with(&note(version, ""));
        if found.shares.keys().any(about_one) {
            found.description = current_alias().description;
        }
        if let Some(version) = noted {
            self.served.insert(version, deployed.clone());
            return Ok(());
        }
        let versions = found
            .shares
            .keys()
            .map(|version| async move { Ok::<_, AwsError>((version.clone(), read::version(aws, name, version).await?)) });
        let versions: Vec<(String, Option<State>)> = futures::future::try_join_all(versions).await?;
        self.served = versions.into_iter().filter_map(|(number, state)| Some((number, state?))).collect();
        Ok(())
    }

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
        return create(aws, name, &new, &noted(aws, name, &new).await?).await;
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
    let moving = Moving { aws, name, old, new: &new, rollout: to.state.rollout.as_ref(), note: noted(aws, name, &new).await? };
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

/// What to note on the alias of a version: nothing unless it has what was deployed last.
async fn noted(aws: &Aws, name: &str, version: &str) -> Result<String, AwsError> {
    let (deployed, published) = futures::try_join!(read::deployed(aws, name), read::version(aws, name, version))?;
    let same = deployed.zip(published).filter(|((deployed, _), published)| differing(published, deployed).is_empty());
    Ok(same.map_or_else(|| current_alias().description, |((_, revision), _)| note(version, &revision)))
}

async fn create(aws: &Aws, name: &str, version: &str, note: &str) -> Result<(), AwsError> {
    let routing = routing(aws, name, &[(version, 100)])?;
    let request = || {
        let request = aws
            .states()
            .create_state_machine_alias()
            .name(LIVE)
            .description(note)
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
    /// What is noted on the alias once all is at the new version.
    note: String,
}

impl Moving<'_> {
    /// What UpdateStateMachineAlias is not told, it keeps: all is always sent.
    async fn set(&self, shares: &[(&str, i32)]) -> Result<(), AwsError> {
        let note = if *shares == [(self.new, 100)] { self.note.clone() } else { current_alias().description };
        let routing = routing(self.aws, self.name, shares)?;
        let request = || {
            let request = self
                .aws
                .states()
                .update_state_machine_alias()
                .state_machine_alias_arn(live_arn(&self.aws.world, self.name))
                .description(&note)
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
