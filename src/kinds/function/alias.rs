//! The alias `live` and the published versions behind it: what it serves, compared with what is deployed, and how it gets
//! there.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_lambda::types::{AliasConfiguration, AliasRoutingConfiguration, FunctionConfiguration};

use super::list::{aliases, versions};
use super::{Alias, CURRENT, Configuration, LIVE, State, current_alias, differing_fields, read};
use crate::aws::{Aws, AwsError};
use crate::kind::{Generation, Target, runs};
use crate::kinds::rollout::Rollout;
use crate::kinds::shift;

/// What the versions of a function are compared with: what is deployed now.
pub struct Latest<'a> {
    pub name: &'a str,
    pub configuration: &'a Configuration,
    pub sha256: &'a str,
}

impl Latest<'_> {
    /// The fields in which a version differs from what is deployed.
    fn differing(&self, version: &FunctionConfiguration) -> Result<Vec<String>, AwsError> {
        let mut differing = differing_fields(&read::configuration(self.name, version)?, self.configuration);
        if version.code_sha256.as_deref() != Some(self.sha256) {
            differing.push("code".to_owned());
        }
        Ok(differing)
    }

    /// Says of an alias's version whether it is what is deployed, by its content.
    pub fn compared(&self, version: &str, versions: &[FunctionConfiguration]) -> Result<String, AwsError> {
        let found = versions.iter().find(|found| version != "$LATEST" && found.version.as_deref() == Some(version));
        let Some(found) = found else { return Ok(version.to_owned()) };
        let differing = self.differing(found)?;
        Ok(if differing.is_empty() {
            CURRENT.to_owned()
        } else {
            format!("{version}, which differs in {}", differing.join(", "))
        })
    }

    /// The published version that is what is deployed: that of the alias `live` if it is one, else the newest such.
    pub fn current(
        &self,
        versions: &[FunctionConfiguration],
        aliases: &[AliasConfiguration],
    ) -> Result<Option<String>, AwsError> {
        let served = served(aliases);
        let mut newest = None;
        for (number, version) in versions.iter().filter_map(|found| Some((number(found)?, found))) {
            if self.differing(version)?.is_empty() {
                if served == Some(number.to_string().as_str()) {
                    return Ok(served.map(str::to_owned));
                }
                newest = newest.max(Some(number));
            }
        }
        Ok(newest.map(|number| number.to_string()))
    }
}

fn number(version: &FunctionConfiguration) -> Option<u64> {
    version.version.as_deref()?.parse().ok()
}

/// The version that the alias `live` points to.
fn served(aliases: &[AliasConfiguration]) -> Option<&str> {
    aliases.iter().find(|alias| alias.name.as_deref() == Some(LIVE)).and_then(|alias| alias.function_version.as_deref())
}

/// What tells of the version that callers get.
pub fn runs(versions: &[FunctionConfiguration], aliases: &[AliasConfiguration]) -> Vec<(String, String)> {
    let Some(served) = served(aliases) else { return vec![] };
    let found = versions.iter().find(|found| found.version.as_deref() == Some(served));
    let content = found.and_then(|found| found.code_sha256.clone());
    let told = [(runs::VERSION, Some(served.to_owned())), (runs::CONTENT, content)];
    told.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

pub fn weights(routing: Option<&AliasRoutingConfiguration>) -> BTreeMap<String, f64> {
    routing.and_then(|routing| routing.additional_version_weights.clone()).unwrap_or_default().into_iter().collect()
}

pub fn live_alias(found: &AliasConfiguration, version: String) -> Alias {
    Alias {
        name: LIVE.to_owned(),
        version,
        weights: weights(found.routing_config.as_ref()),
        description: found.description.clone().unwrap_or_default(),
    }
}

/// The published versions behind the one that callers call.
pub fn generations(arn: &str, versions: &[FunctionConfiguration], aliases: &[AliasConfiguration]) -> Vec<Generation> {
    let current = served(aliases);
    let referred = |version: &str| {
        aliases.iter().any(|alias| {
            alias.function_version.as_deref() == Some(version) || weights(alias.routing_config.as_ref()).contains_key(version)
        })
    };
    let mut numbers: Vec<u64> =
        versions.iter().filter_map(number).filter(|number| current != Some(&number.to_string())).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    let names = numbers.into_iter().map(|number| number.to_string());
    let generation =
        |name: String| Generation { in_use: referred(&name), arn: Some(format!("{arn}:{name}")), name, refers: vec![] };
    names.map(generation).collect()
}

/// What the alias `live` serves, and what it should.
struct Serving {
    /// With the version that it points to.
    alias: Option<(Alias, String)>,
    current: Option<String>,
    /// Whether Lambda lets the alias serve its version and the deployed one side by side.
    mixable: bool,
}

async fn serving(aws: &Aws, name: &str) -> Result<Serving, AwsError> {
    let function = aws.call("lambda:GetFunction", name, aws.lambda().get_function().function_name(name).send());
    let (function, versions, aliases) = futures::join!(function, versions(aws, name), aliases(aws, name));
    let (versions, aliases) = (versions?, aliases?);
    let deployed = function?.configuration.unwrap_or_else(|| FunctionConfiguration::builder().build());
    let configuration = read::configuration(name, &deployed)?;
    let latest = Latest { name, configuration: &configuration, sha256: deployed.code_sha256.as_deref().unwrap_or_default() };
    let current = latest.current(&versions, &aliases)?;
    let Some(found) = aliases.iter().find(|alias| alias.name.as_deref() == Some(LIVE)) else {
        return Ok(Serving { alias: None, current, mixable: false });
    };
    let number = found.function_version.clone().unwrap_or_default();
    let old = versions.iter().find(|version| version.version.as_deref() == Some(number.as_str()));
    let old = old.map(|old| read::configuration(name, old)).transpose()?;
    let alias = live_alias(found, latest.compared(&number, &versions)?);
    Ok(Serving { alias: Some((alias, number)), current, mixable: old.is_some_and(|old| mixable(&old, &configuration)) })
}

/// Whether an alias may serve two versions side by side: neither may be $LATEST, and both need the same role and the same
/// queue for what failed.
///
/// Source: "Implement Lambda canary deployments using a weighted alias" in the Lambda developer guide.
fn mixable(old: &Configuration, new: &Configuration) -> bool {
    old.role == new.role && old.dead_letter == new.dead_letter
}

/// Lets the alias `live` show what is deployed now: on the version that has it already, else on a new one; step by step where
/// there is a rollout.
pub async fn point(aws: &Aws, to: &Target<State>) -> Result<(), AwsError> {
    let (name, wanted) = (&to.name, current_alias());
    let serving = serving(aws, name).await?;
    if serving.alias.as_ref().is_some_and(|(found, _)| *found == wanted) {
        return Ok(());
    }
    let new = match serving.current {
        Some(version) => version,
        None => publish(aws, name).await?,
    };
    let Some((found, old)) = serving.alias else { return create(aws, name, &new).await };
    let moving = Moving { aws, name, old: &old, new: &new, rollout: to.state.rollout.as_ref(), mixable: serving.mixable };
    // Where it serves the right one already, only what somebody put beside it goes.
    let Some(rollout) = moving.rollout.filter(|_| old != new) else { return moving.set(&new, None).await };
    let reached = found.weights.get(&new).map_or(0, |share| percent(*share));
    match shift::shift(&moving, rollout, reached).await? {
        None => Ok(()),
        Some(why) => {
            let message = format!("{why}. The alias `{LIVE}` is back on version {old}");
            Err(AwsError::rolled_back("lambda:UpdateAlias", name, message))
        }
    }
}

async fn publish(aws: &Aws, name: &str) -> Result<String, AwsError> {
    let request = || aws.call("lambda:PublishVersion", name, aws.lambda().publish_version().function_name(name).send());
    Ok(aws.patiently(request).await?.version.unwrap_or_default())
}

async fn create(aws: &Aws, name: &str, version: &str) -> Result<(), AwsError> {
    let request = aws.lambda().create_alias().function_name(name).name(LIVE).function_version(version);
    match aws.call("lambda:CreateAlias", name, request.send()).await {
        // The answer to an earlier attempt was lost.
        Err(error) if error.code == "ResourceConflictException" => {
            Moving { aws, name, old: version, new: version, rollout: None, mixable: false }.set(version, None).await
        }
        answer => answer.map(drop),
    }
}

/// The alias `live` on its way.
struct Moving<'a> {
    aws: &'a Aws,
    name: &'a str,
    old: &'a str,
    new: &'a str,
    rollout: Option<&'a Rollout>,
    mixable: bool,
}

impl Moving<'_> {
    /// What UpdateAlias is not told, it keeps: all is always sent.
    async fn set(&self, version: &str, beside: Option<(&str, f64)>) -> Result<(), AwsError> {
        let weights: HashMap<String, f64> = beside.into_iter().map(|(version, share)| (version.to_owned(), share)).collect();
        let routing = AliasRoutingConfiguration::builder().set_additional_version_weights(Some(weights)).build();
        let request = || {
            let request = self
                .aws
                .lambda()
                .update_alias()
                .function_name(self.name)
                .name(LIVE)
                .function_version(version)
                .description(current_alias().description)
                .routing_config(routing.clone());
            self.aws.call("lambda:UpdateAlias", self.name, request.send())
        };
        self.aws.patiently(request).await.map(drop)
    }
}

impl shift::Alias for Moving<'_> {
    async fn route(&self, percent: i32) -> Result<(), AwsError> {
        match percent {
            0 => self.set(self.old, None).await,
            // Side by side they are refused: the first step takes all, and is watched all the same.
            1..100 if self.mixable => self.set(self.old, Some((self.new, f64::from(percent) / 100.0))).await,
            _ => self.set(self.new, None).await,
        }
    }

    async fn ringing(&self) -> Result<Option<String>, AwsError> {
        shift::ringing(self.aws, self.rollout.map_or(&[], |rollout| &rollout.roll_back_on)).await
    }
}

/// A weight in percent.
fn percent(share: f64) -> i32 {
    // Weights lie between 0 and 1.
    (share * 100.0).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: &str, memory: i32, sha256: &str, description: &str) -> FunctionConfiguration {
        FunctionConfiguration::builder().version(number).memory_size(memory).code_sha256(sha256).description(description).build()
    }

    fn live(version: &str) -> AliasConfiguration {
        AliasConfiguration::builder().name("live").function_version(version).build()
    }

    #[test]
    fn an_alias_is_compared_by_content() {
        let configuration = read::configuration("f", &version("$LATEST", 256, "new", "text")).unwrap();
        let latest = Latest { name: "f", configuration: &configuration, sha256: "new" };
        let versions = [version("$LATEST", 256, "new", ""), version("1", 128, "old", ""), version("2", 256, "new", "")];
        let compared = |number| latest.compared(number, &versions).unwrap();
        assert_eq!(compared("2"), "current");
        assert_eq!(compared("1"), "1, which differs in memory, code");
        assert_eq!(compared("$LATEST"), "$LATEST");
    }

    #[test]
    fn the_current_version_is_the_one_that_is_served_else_the_newest() {
        let configuration = read::configuration("f", &version("$LATEST", 256, "new", "")).unwrap();
        let latest = Latest { name: "f", configuration: &configuration, sha256: "new" };
        let same = |number| version(number, 256, "new", "");
        let versions =
            [same("$LATEST"), same("2"), version("3", 256, "old", ""), same("9"), same("10"), version("11", 1, "new", "")];
        let current = |served| latest.current(&versions, &[live(served)]).unwrap();
        assert_eq!(current("2").as_deref(), Some("2"));
        assert_eq!(current("3").as_deref(), Some("10"));
        assert_eq!(latest.current(&versions[2..3], &[live("3")]).unwrap(), None);
    }

    #[test]
    fn older_versions_come_newest_first() {
        let versions = ["$LATEST", "1", "2", "9", "10"].map(|number| version(number, 128, "", ""));
        let routing = AliasRoutingConfiguration::builder().additional_version_weights("2", 0.1).build();
        let live = AliasConfiguration::builder().name("live").function_version("10").routing_config(routing).build();
        let found = generations("arn:f", &versions, &[live]);
        let found: Vec<(&str, bool)> = found.iter().map(|one| (one.reference(), one.in_use)).collect();
        assert_eq!(found, [("arn:f:9", false), ("arn:f:2", true), ("arn:f:1", false)]);
    }

    #[test]
    fn versions_with_other_roles_are_not_mixed() {
        let with = |role: &str| read::configuration("f", &FunctionConfiguration::builder().role(role).build()).unwrap();
        assert!(mixable(&with("a"), &with("a")) && !mixable(&with("a"), &with("b")));
    }
}
