//! What exists under the declared names, and what keeps the rest from being made.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join_all};
use serde_json::Value;

use super::unread::tolerated;
use super::{Looking, observe_one};
use crate::address::Address;
use crate::aws::{Aws, AwsError, tags};
use crate::desired::{Desired, Resource};
use crate::diff::diff;
use crate::kind::{AnyKind, Live, Registry, Tags, Unchecked, Wanted, name_by_content};
use crate::plan::{Neighbour, Unread, comparable, filled, is_owned};

/// The resources of an environment as far as they could be read.
#[derive(Default)]
pub struct Declared {
    pub resources: BTreeMap<Address, Live<Value>>,
    pub unknown: BTreeMap<Address, Unread>,
    /// Searches that failed although each of the resources could be read by itself.
    pub unseen: Vec<Unread>,
}

impl Declared {
    /// Notes a resource that cannot be judged, since one of its reads failed.
    fn note(&mut self, address: &Address, unread: Vec<Unread>) {
        if let Some(unread) = unread.into_iter().next() {
            self.resources.remove(address);
            self.unknown.insert(address.clone(), unread);
        }
    }
}

/// Reads all that is declared, each kind in bulk and all kinds at once.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn read(aws: &Aws, desired: &Desired, registry: &Registry, looking: Looking) -> Result<Declared, AwsError> {
    let mut all = Declared::default();
    for one in try_join_all(registry.iter().map(|kind| of_kind(aws, kind, desired, looking))).await? {
        all.resources.extend(one.resources);
        all.unknown.extend(one.unknown);
        all.unseen.extend(one.unseen);
    }
    Ok(all)
}

async fn of_kind(aws: &Aws, kind: &dyn AnyKind, desired: &Desired, looking: Looking) -> Result<Declared, AwsError> {
    let mine: Vec<(&Address, &Resource)> =
        desired.resources.iter().filter(|(address, _)| address.section == kind.section()).collect();
    if mine.is_empty() {
        return Ok(Declared::default());
    }
    let wanted: Vec<Wanted<Value>> = mine.iter().map(|(_, resource)| wanted(resource)).collect();
    let unseen = match looking {
        Looking::Once => BTreeMap::new(),
        Looking::Closely => detected(aws, kind, &wanted).await?,
    };
    let mut all = match kind.observe(aws, &wanted).await {
        Ok(found) => sorted(kind, &mine, found),
        // One by one, to see which of them can be read.
        Err(error) => {
            let mut unread = vec![];
            tolerated::<()>(&format!("all {}s at once", kind.title()), Err(error), &mut unread)?;
            let mut all = one_by_one(aws, kind, &mine).await?;
            if all.unknown.is_empty() {
                all.unseen = unread;
            }
            all
        }
    };
    for live in all.resources.values_mut() {
        let failed = unseen.get(&live.name).map(|why| Unchecked { part: String::new(), why: why.clone(), failed: true });
        live.look.unchecked.extend(failed);
    }
    Ok(all)
}

/// Has the service look for changes inside of resources; by name, why that of which it could not.
async fn detected(aws: &Aws, kind: &dyn AnyKind, wanted: &[Wanted<Value>]) -> Result<BTreeMap<String, String>, AwsError> {
    let names: Vec<String> = wanted.iter().map(|one| one.name.clone()).collect();
    match kind.detect(aws, &names).await {
        Err(error) if !error.concerns_all() => Ok(names.into_iter().map(|name| (name, error.to_string())).collect()),
        looked => looked,
    }
}

async fn one_by_one(aws: &Aws, kind: &dyn AnyKind, mine: &[(&Address, &Resource)]) -> Result<Declared, AwsError> {
    let reads = mine.iter().map(|(address, resource)| async move {
        let wanted = [wanted(resource)];
        (*address, kind.observe(aws, &wanted).await)
    });
    let mut all = Declared::default();
    for (address, read) in join_all(reads).await {
        let mut unread = vec![];
        if let Some(found) = tolerated("", read, &mut unread)? {
            let found = sorted(kind, mine, found);
            all.resources.extend(found.resources);
        }
        all.note(address, unread);
    }
    Ok(all)
}

fn wanted(resource: &Resource) -> Wanted<Value> {
    Wanted { name: resource.name.clone(), desired: Some(resource.state.clone()) }
}

fn sorted(kind: &dyn AnyKind, mine: &[(&Address, &Resource)], found: Vec<Live<Value>>) -> Declared {
    let mut all = Declared::default();
    for live in found {
        let name = base_name(kind, &live);
        if let Some((address, _)) = mine.iter().find(|(_, resource)| resource.name == name) {
            all.resources.insert((*address).clone(), live);
        }
    }
    all
}

/// The declared name of a live resource: what is named by content carries a hash at its end.
fn base_name(kind: &dyn AnyKind, live: &Live<Value>) -> String {
    match kind.part(&live.arn) {
        Some(part) if kind.named_by_content() => part.name,
        _ => live.name.clone(),
    }
}

/// Reads those again whose content was not known when they were read, and of which an older generation turns out to be the
/// one wanted: a model whose package is the latest approved one, after a newer package lost its approval.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn step_back(aws: &Aws, desired: &Desired, registry: &Registry, declared: &mut Declared) -> Result<(), AwsError> {
    let attributes = declared
        .resources
        .iter()
        .flat_map(|(address, live)| live.attributes.iter().map(move |(key, value)| (format!("{address}.{key}"), value.clone())));
    let known: BTreeMap<String, String> = attributes.collect();
    let older = declared.resources.iter().filter_map(|(address, live)| {
        let kind = registry.get(&address.section).filter(|kind| kind.named_by_content())?;
        let resource = desired.resources.get(address).filter(|resource| !resource.awaits.is_empty())?;
        let state = filled(&resource.state, &resource.holes, &known);
        let name = name_by_content(&resource.name, &state);
        live.generations.iter().any(|one| one.name == name).then(|| (address.clone(), kind, &resource.name, state))
    });
    let read = older.map(|(address, kind, name, state)| async move {
        let read = observe_one(aws, kind, name, Some(&state)).await;
        (address, read)
    });
    for (address, read) in join_all(read.collect::<Vec<_>>()).await {
        let mut unread = vec![];
        if let Some(live) = tolerated("", read, &mut unread)?.flatten() {
            declared.resources.insert(address.clone(), live);
        }
        declared.note(&address, unread);
    }
    Ok(())
}

/// Reads what older generations refer to, where one of those that may have to be collected could be among it: versions of
/// functions that kept versions of workflows call.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn references(aws: &Aws, registry: &Registry, declared: &mut Declared) -> Result<(), AwsError> {
    let may_be_collected = declared.resources.iter().any(|(address, live)| {
        let kind = registry.get(&address.section).filter(|kind| !kind.generations_refer());
        let many = kind.is_some_and(|kind| live.generations.len() >= kind.kept_generations());
        many && live.generations.iter().any(|one| one.arn.is_some() && !one.in_use)
    });
    if !may_be_collected {
        return Ok(());
    }
    let refer = declared.resources.iter().filter_map(|(address, live)| {
        let kind = registry.get(&address.section).filter(|kind| kind.generations_refer())?;
        Some(async move { (address.clone(), kind.refers(aws, live).await) })
    });
    for (address, read) in join_all(refer.collect::<Vec<_>>()).await {
        let mut unread = vec![];
        let found = tolerated("", read, &mut unread)?.unwrap_or_default();
        let generations = declared.resources.get_mut(&address).map(|live| &mut live.generations);
        for one in generations.into_iter().flatten() {
            one.refers.extend(found.get(&one.name).cloned().unwrap_or_default());
        }
        declared.note(&address, unread);
    }
    Ok(())
}

/// Reads the tags of what differs from its own service: the search lags, and the stamp is only to be had there. `searched`
/// are those whose tags come from the search.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn confirm_tags(
    aws: &Aws,
    desired: &Desired,
    registry: &Registry,
    declared: &mut Declared,
    searched: &BTreeSet<Address>,
) -> Result<(), AwsError> {
    let doubtful = declared.resources.iter().filter(|(address, live)| {
        let (Some(kind), Some(resource)) = (registry.get(&address.section), desired.resources.get(*address)) else {
            return false;
        };
        let from_search = searched.contains(*address) && tags::writable(&live.arn);
        let live_tags = live.tags.clone().unwrap_or_default();
        let tags_differ = comparable(&live_tags, &resource.tags, &desired.ignore_tags) != resource.tags;
        from_search && (tags_differ || differs(kind, live, resource))
    });
    let reads = doubtful.map(|(address, live)| async move { (address.clone(), tags::read(aws, &live.arn).await) });
    for (address, read) in join_all(reads.collect::<Vec<_>>()).await {
        let mut unread = vec![];
        if let Some(tags) = tolerated("", read, &mut unread)?
            && let Some(live) = declared.resources.get_mut(&address)
        {
            live.tags = Some(tags);
        }
        declared.note(&address, unread);
    }
    Ok(())
}

/// Whether a live resource surely differs from the declared one; what waits for a hole to be filled is left out.
fn differs(kind: &dyn AnyKind, live: &Live<Value>, resource: &Resource) -> bool {
    let is_hole = |value: &Value| resource.holes.iter().any(|hole| value.to_string().contains(hole));
    diff(&live.state, &resource.state, kind.fields()).iter().any(|change| !change.to.as_ref().is_some_and(is_hole))
}

/// Asks of what is absent whether something keeps it from being made.
///
/// # Errors
/// A failure that concerns all reads alike.
pub async fn obstacles(
    aws: &Aws,
    desired: &Desired,
    registry: &Registry,
    declared: &mut Declared,
) -> Result<BTreeMap<Address, String>, AwsError> {
    let asked = desired.resources.iter().filter_map(|(address, resource)| {
        let kind = registry.get(&address.section)?;
        let live = declared.resources.get(address);
        let made = live.is_none_or(|live| kind.named_by_content() && differs(kind, live, resource));
        (made && resource.blocked.is_none() && !declared.unknown.contains_key(address)).then_some((address, kind, resource))
    });
    let answers = asked.map(|(address, kind, resource)| async move { (address, kind.obstacle(aws, &resource.state).await) });
    let mut obstacles = BTreeMap::new();
    for (address, read) in join_all(answers.collect::<Vec<_>>()).await {
        let mut unread = vec![];
        if let Some(why) = tolerated("", read, &mut unread)?.flatten() {
            obstacles.insert(address.clone(), why);
        }
        declared.note(address, unread);
    }
    Ok(obstacles)
}

/// Keeps generations that turn out to be somebody else's: what only bears the name of one is never collected.
pub fn keep(declared: &mut Declared, neighbours: &[Neighbour]) {
    for (address, live) in &mut declared.resources {
        let is_foreign = |name: &str| neighbours.iter().any(|one| one.section == address.section && one.name == name);
        live.generations.iter_mut().filter(|one| is_foreign(&one.name)).for_each(|one| one.in_use = true);
    }
}

/// Declared resources that are gone while something of theirs is left.
pub fn residues(
    found: &BTreeMap<String, Tags>,
    declared: &Declared,
    desired: &Desired,
    registry: &Registry,
) -> BTreeMap<Address, Vec<String>> {
    let mut residues: BTreeMap<Address, Vec<String>> = BTreeMap::new();
    let gone = |address: &Address| !declared.resources.contains_key(address) && !declared.unknown.contains_key(address);
    for (address, resource) in desired.resources.iter().filter(|(address, _)| gone(address)) {
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
