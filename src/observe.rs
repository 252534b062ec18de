//! Reads everything, in bulk and in parallel → [`Observed`]. Sends no request that changes anything.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join_all};
use serde_json::Value;

use crate::address::Address;
use crate::aws::{Aws, AwsError, bootstrap, tags};
use crate::desired::{Desired, Resource, tag};
use crate::diff::diff;
use crate::kind::{AnyKind, Live, Part, Registry, Tags, Unchecked, Wanted, name_by_content};
use crate::plan::{Observed, Orphan, comparable, filled, is_owned};

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looking {
    /// At what AWS says when it is asked.
    Once,
    /// Has AWS look first, where it does so only on request: CloudFormation takes seconds to look for drift in a stack.
    Closely,
}

/// Reads what exists of an environment, declared or not.
///
/// # Errors
/// The first failed read; without all of them there is no telling what would change.
pub async fn observe(aws: &Aws, desired: &Desired, registry: &Registry, looking: Looking) -> Result<Observed, AwsError> {
    let declared = try_join_all(registry.iter().map(|kind| read_declared(aws, kind, desired, looking)));
    let named = try_join_all(registry.iter().map(|kind| discovered(aws, kind)));
    let (declared, found_tags, named, bootstrap) =
        futures::try_join!(declared, tags::search(aws), named, bootstrap::exists(aws))?;
    let mut resources: BTreeMap<Address, Live<Value>> = declared.into_iter().flatten().collect();
    let mut searched = BTreeSet::new();
    for (address, live) in resources.iter_mut().filter(|(_, live)| live.tags.is_none()) {
        live.tags = found_tags.get(&live.arn).cloned();
        searched.insert(address.clone());
    }
    step_back(aws, desired, registry, &mut resources).await?;
    let strangers = strangers(&found_tags, named.into_iter().flatten().collect(), desired, registry);
    let (confirmed, obstacles, orphans) = futures::try_join!(
        confirm_tags(aws, desired, registry, &resources, &searched),
        obstacles(aws, desired, registry, &resources),
        orphans(aws, strangers, registry)
    )?;
    for (address, tags) in confirmed {
        if let Some(live) = resources.get_mut(&address) {
            live.tags = Some(tags);
        }
    }
    let residues = residues(&found_tags, &resources, desired, registry);
    Ok(Observed { resources, orphans, residues, obstacles, bootstrap })
}

/// Reads one declared resource, with its tags if describing it tells them.
///
/// # Errors
/// A failed read.
pub async fn observe_one(
    aws: &Aws,
    kind: &dyn AnyKind,
    name: &str,
    desired: Option<&Value>,
) -> Result<Option<Live<Value>>, AwsError> {
    let wanted = [Wanted { name: name.to_owned(), desired: desired.cloned() }];
    Ok(kind.observe(aws, &wanted).await?.into_iter().next())
}

/// Reads those again whose content was not known when they were read, and of which an older generation turns out to be the
/// one wanted: a model whose package is the latest approved one, after a newer package lost its approval.
async fn step_back(
    aws: &Aws,
    desired: &Desired,
    registry: &Registry,
    resources: &mut BTreeMap<Address, Live<Value>>,
) -> Result<(), AwsError> {
    let attributes = resources
        .iter()
        .flat_map(|(address, live)| live.attributes.iter().map(move |(key, value)| (format!("{address}.{key}"), value.clone())));
    let known: BTreeMap<String, String> = attributes.collect();
    let older = resources.iter().filter_map(|(address, live)| {
        let kind = registry.get(&address.section).filter(|kind| kind.named_by_content())?;
        let resource = desired.resources.get(address).filter(|resource| !resource.awaits.is_empty())?;
        let state = filled(&resource.state, &resource.holes, &known);
        let name = name_by_content(&resource.name, &state);
        live.generations.iter().any(|one| one.name == name).then(|| (address.clone(), kind, &resource.name, state))
    });
    let read = older.map(|(address, kind, name, state)| async move {
        Ok::<_, AwsError>((address, observe_one(aws, kind, name, Some(&state)).await?))
    });
    let found = try_join_all(read.collect::<Vec<_>>()).await?;
    resources.extend(found.into_iter().filter_map(|(address, live)| Some((address, live?))));
    Ok(())
}

async fn read_declared(
    aws: &Aws,
    kind: &dyn AnyKind,
    desired: &Desired,
    looking: Looking,
) -> Result<Vec<(Address, Live<Value>)>, AwsError> {
    let mine: Vec<(&Address, &Resource)> =
        desired.resources.iter().filter(|(address, _)| address.section == kind.section()).collect();
    if mine.is_empty() {
        return Ok(vec![]);
    }
    let wanted: Vec<Wanted<Value>> =
        mine.iter().map(|(_, resource)| Wanted { name: resource.name.clone(), desired: Some(resource.state.clone()) }).collect();
    let mut unseen = match looking {
        Looking::Once => BTreeMap::new(),
        Looking::Closely => kind.detect(aws, &wanted.iter().map(|one| one.name.clone()).collect::<Vec<_>>()).await?,
    };
    let mut found = kind.observe(aws, &wanted).await?;
    for live in &mut found {
        let failed = unseen.remove(&live.name).map(|why| Unchecked { part: String::new(), why, failed: true });
        live.look.unchecked.extend(failed);
    }
    let address_of = |live: &Live<Value>| {
        let name = base_name(kind, live);
        mine.iter().find(|(_, resource)| resource.name == name).map(|(address, _)| (*address).clone())
    };
    Ok(found.into_iter().filter_map(|live| Some((address_of(&live)?, live))).collect())
}

/// The declared name of a live resource: what is named by content carries a hash at its end.
fn base_name(kind: &dyn AnyKind, live: &Live<Value>) -> String {
    match kind.part(&live.arn) {
        Some(part) if kind.named_by_content() => part.name,
        _ => live.name.clone(),
    }
}

async fn discovered(aws: &Aws, kind: &dyn AnyKind) -> Result<Vec<(&'static str, String)>, AwsError> {
    let names = kind.discover(aws).await?;
    Ok(names.into_iter().map(|name| (kind.section(), name)).collect())
}

/// Something that looks owned and is not declared; reading it decides.
struct Stranger {
    section: &'static str,
    name: String,
    arns: Vec<String>,
    tags: Option<Tags>,
}

fn strangers(
    found: &BTreeMap<String, Tags>,
    named: Vec<(&'static str, String)>,
    desired: &Desired,
    registry: &Registry,
) -> Vec<Stranger> {
    let declared: BTreeSet<(&str, &str)> =
        desired.resources.iter().map(|(address, resource)| (address.section.as_str(), resource.name.as_str())).collect();
    let mut strangers: BTreeMap<(&'static str, String), Stranger> = BTreeMap::new();
    let parts = found.iter().filter(|(_, tags)| is_owned(tags, &desired.world)).flat_map(|(arn, tags)| {
        kinds_of(arn, tags, registry).into_iter().map(move |(section, part)| (section, part, Some((arn, tags))))
    });
    let parts = parts.map(|(section, part, found)| (section, part.name, found));
    let named = named.into_iter().map(|(section, name)| (section, name, None));
    for (section, name, found) in parts.chain(named) {
        if declared.contains(&(section, name.as_str())) {
            continue;
        }
        let stranger =
            strangers.entry((section, name.clone())).or_insert_with(|| Stranger { section, name, arns: vec![], tags: None });
        if let Some((arn, tags)) = found {
            stranger.arns.push(arn.clone());
            stranger.tags = Some(tags.clone());
        }
    }
    strangers.into_values().collect()
}

/// The kinds that an ARN may belong to. Where several have ARNs of one form, as metric and composite alarms do, the tag
/// with the address tells which it is.
fn kinds_of(arn: &str, tags: &Tags, registry: &Registry) -> Vec<(&'static str, Part)> {
    let mut claims: Vec<(&'static str, Part)> =
        registry.iter().filter_map(|kind| Some((kind.section(), kind.part(arn)?))).collect();
    let section = tags.get(tag::ADDRESS).and_then(|address| address.split('.').next());
    if claims.iter().any(|(claimed, _)| Some(*claimed) == section) {
        claims.retain(|(claimed, _)| Some(*claimed) == section);
    }
    claims
}

/// Confirms strangers by reading them, since tag searches lag behind deletions.
async fn orphans(aws: &Aws, strangers: Vec<Stranger>, registry: &Registry) -> Result<BTreeMap<Address, Orphan>, AwsError> {
    let found = try_join_all(strangers.into_iter().map(|stranger| async move {
        let Some(kind) = registry.get(stranger.section) else { return Ok::<_, AwsError>(None) };
        let live = observe_one(aws, kind, &stranger.name, None).await?;
        let tags = match &live {
            Some(live) => match (&live.tags, &stranger.tags) {
                (Some(tags), _) | (None, Some(tags)) => tags.clone(),
                (None, None) => return Ok(None),
            },
            // Only something that belonged to it is left, and that is still listed.
            None => match (stranger.arns.iter().any(|arn| kind.part(arn).is_some_and(|part| !part.main)), stranger.tags) {
                (true, Some(tags)) => tags,
                _ => return Ok(None),
            },
        };
        if !is_owned(&tags, &aws.world) {
            return Ok(None);
        }
        let address = tags.get(tag::ADDRESS).and_then(|text| text.parse().ok());
        let address = address.unwrap_or_else(|| Address::new(stranger.section, &stranger.name));
        let mut arns: BTreeSet<String> = stranger.arns.into_iter().collect();
        arns.extend(live.map(|live| live.arn));
        Ok(Some((address, Orphan { name: stranger.name, arns: arns.into_iter().collect() })))
    }));
    Ok(found.await?.into_iter().flatten().collect())
}

/// Reads the tags of what differs from its own service: the search lags, and the stamp is only to be had there.
async fn confirm_tags(
    aws: &Aws,
    desired: &Desired,
    registry: &Registry,
    resources: &BTreeMap<Address, Live<Value>>,
    searched: &BTreeSet<Address>,
) -> Result<Vec<(Address, Tags)>, AwsError> {
    let doubtful = resources.iter().filter(|(address, live)| {
        let (Some(kind), Some(resource)) = (registry.get(&address.section), desired.resources.get(*address)) else {
            return false;
        };
        let from_search = searched.contains(*address) && tags::writable(&live.arn);
        let live_tags = live.tags.clone().unwrap_or_default();
        let tags_differ = comparable(&live_tags, &resource.tags, &desired.ignore_tags) != resource.tags;
        from_search && (tags_differ || differs(kind, live, resource))
    });
    let reads = doubtful.map(|(address, live)| async move { Ok((address.clone(), tags::read(aws, &live.arn).await?)) });
    try_join_all(reads).await
}

/// Whether a live resource surely differs from the declared one; what waits for a hole to be filled is left out.
fn differs(kind: &dyn AnyKind, live: &Live<Value>, resource: &Resource) -> bool {
    let is_hole = |value: &Value| resource.holes.iter().any(|hole| value.to_string().contains(hole));
    diff(&live.state, &resource.state, kind.fields()).iter().any(|change| !change.to.as_ref().is_some_and(is_hole))
}

/// Asks of what is absent whether something keeps it from being made.
async fn obstacles(
    aws: &Aws,
    desired: &Desired,
    registry: &Registry,
    resources: &BTreeMap<Address, Live<Value>>,
) -> Result<BTreeMap<Address, String>, AwsError> {
    let asked = desired.resources.iter().filter_map(|(address, resource)| {
        let kind = registry.get(&address.section)?;
        let made = !resources.contains_key(address) || kind.named_by_content();
        (made && resource.blocked.is_none()).then_some((address, kind, resource, resources.get(address)))
    });
    let answers = join_all(asked.map(|(address, kind, resource, live)| async move {
        if live.is_some_and(|live| !differs(kind, live, resource)) {
            return Ok(None);
        }
        Ok(kind.obstacle(aws, &resource.state).await?.map(|why| (address.clone(), why)))
    }));
    answers.await.into_iter().filter_map(Result::transpose).collect()
}

/// Declared resources that are gone while something of theirs is left.
fn residues(
    found: &BTreeMap<String, Tags>,
    resources: &BTreeMap<Address, Live<Value>>,
    desired: &Desired,
    registry: &Registry,
) -> BTreeMap<Address, Vec<String>> {
    let mut residues: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    for (address, resource) in desired.resources.iter().filter(|(address, _)| !resources.contains_key(*address)) {
        let Some(kind) = registry.get(&address.section) else { continue };
        let left = found.iter().filter(|(arn, tags)| {
            is_owned(tags, &desired.world) && kind.part(arn).is_some_and(|part| !part.main && part.name == resource.name)
        });
        let left: Vec<String> = left.map(|(arn, _)| arn.clone()).collect();
        if !left.is_empty() {
            residues.insert(address.clone(), left);
        }
    }
    residues
}
