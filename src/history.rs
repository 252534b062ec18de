//! What was applied, by whom and how it went: records in the bootstrap bucket. Nothing needs them to plan or to apply.

mod choice;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::apply::Outcome;
use crate::author::Author;
use crate::aws::{Aws, AwsError, bootstrap};
use crate::desired::Desired;
use crate::kind::{World, digest};
use crate::lease::timestamp;
use crate::plan::{Action, Mode, Plan, Summary};

pub use choice::before;

const FORMAT: u32 = 1;
/// Above all seconds since 1970 that there will be: what is left of it sorts the newest record first.
const FAR: i64 = 9_999_999_999;

/// How an apply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It runs, or was killed.
    Unfinished,
    Done,
    /// All but what is blocked.
    Blocked,
    Failed,
    Interrupted,
    /// It was done, but what it made does not work.
    Unverified,
}

impl Ending {
    /// Whether the environment was then as it was asked for.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::Done | Self::Blocked)
    }
}

/// One apply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    format: u32,
    pub id: String,
    /// RFC 3339, UTC.
    pub began: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    pub author: Author,
    pub mode: Mode,
    /// The digest of the plan that was carried out.
    pub plan: String,
    pub summary: Summary,
    pub ending: Ending,
    /// What was made that was not there before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub created: Vec<Address>,
    /// What failed, and why it was not verified.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    /// The record whose state this one went back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<String>,
    /// What was asked for: names, versions and digests as they were then.
    pub desired: Desired,
}

impl Record {
    /// The record of an apply that begins; `desired` is what its plan was made of, with what had been brought about elsewhere.
    pub fn of(plan: &Plan, desired: Desired, author: Author, seconds: i64, restores: Option<String>) -> Self {
        let id = format!("{:010}-{}", FAR - seconds, &digest(&serde_json::json!([plan.digest, seconds]))[..8]);
        Self {
            format: FORMAT,
            id,
            began: timestamp(seconds),
            ended: None,
            author,
            mode: plan.choices.mode,
            plan: plan.digest.clone(),
            summary: plan.summary,
            ending: Ending::Unfinished,
            created: vec![],
            failed: vec![],
            restores,
            desired,
        }
    }

    /// Notes how it went.
    pub fn ended(&mut self, outcome: &Outcome, seconds: i64) {
        self.ended = Some(timestamp(seconds));
        self.ending = match outcome {
            _ if outcome.interrupted => Ending::Interrupted,
            _ if !outcome.succeeded() => Ending::Failed,
            _ if !outcome.blocked.is_empty() => Ending::Blocked,
            _ => Ending::Done,
        };
        let made = outcome.done.iter().filter(|done| done.action == Action::Create);
        self.created = made.map(|done| done.address.clone()).collect();
        self.failed = outcome.failed.iter().map(|failure| format!("{}: {}", failure.address, failure.message)).collect();
    }

    /// Notes that what was made does not work.
    pub fn unverified(&mut self, why: &str) {
        self.ending = Ending::Unverified;
        self.failed.push(why.to_owned());
    }

    /// The part of the id that people write.
    pub fn short(&self) -> &str {
        self.id.rsplit_once('-').map_or(&self.id, |(_, digits)| digits)
    }

    /// Tells whether two records asked for the same.
    pub fn state(&self) -> String {
        digest(&serde_json::json!(self.desired.resources))
    }

    /// Keeps it, in place of what was kept of it before.
    ///
    /// # Errors
    /// What S3 answers.
    pub async fn keep(&self, aws: &Aws) -> Result<(), AwsError> {
        let document =
            serde_json::to_vec(self).map_err(|error| AwsError::local(format!("a record cannot be written: {error}")))?;
        bootstrap::put(aws, &format!("{}{}.json", folder(&aws.world), self.id), document).await
    }
}

/// Where the records of an environment lie.
fn folder(world: &World) -> String {
    format!("{}history/", world.folder())
}

/// The newest records, the newest first.
///
/// # Errors
/// What S3 answers, or a record of another version of scones.
pub async fn newest(aws: &Aws, most: i32) -> Result<Vec<Record>, AwsError> {
    let keys = bootstrap::list(aws, &folder(&aws.world), most).await?;
    let found = try_join_all(keys.iter().map(|key| async move {
        let Some(document) = bootstrap::read(aws, key).await? else { return Ok(None) };
        parse(key, &document).map(Some)
    }));
    Ok(found.await?.into_iter().flatten().collect())
}

fn parse(key: &str, document: &[u8]) -> Result<Record, AwsError> {
    let unknown = |why: String| AwsError::local(format!("{key} is no record that this version of scones knows: {why}"));
    let record: Record = serde_json::from_slice(document).map_err(|error| unknown(error.to_string()))?;
    if record.format == FORMAT { Ok(record) } else { Err(unknown(format!("its format is {}", record.format))) }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::apply::{Done, Failure};
    use crate::desired::Resource;

    fn resource(state: i32) -> Resource {
        Resource {
            name: "n".into(),
            state: state.into(),
            tags: Default::default(),
            needs: Default::default(),
            holes: Default::default(),
            awaits: Default::default(),
            blocked: None,
            expected: Default::default(),
            declared_at: String::new(),
            source: None,
        }
    }

    pub fn record(id: &str, state: i32, complete: bool, restores: Option<&str>) -> Record {
        let world = World { app: "a".into(), environment: "e".into(), account: "1".into(), region: "r".into() };
        let resources = IndexMap::from([(Address::new("roles", "r"), resource(state))]);
        Record {
            format: FORMAT,
            id: id.to_owned(),
            began: timestamp(0),
            ended: None,
            author: Author { caller: "c".into(), host: "h".into(), job: None, commit: None },
            mode: Mode::Apply,
            plan: "sha256:0".into(),
            summary: Summary::default(),
            ending: if complete { Ending::Done } else { Ending::Failed },
            created: vec![],
            failed: vec![],
            restores: restores.map(str::to_owned),
            desired: Desired {
                world,
                assume_role: None,
                ignore_tags: vec![],
                ignored: vec![],
                expired: vec![],
                protect: false,
                max_deletions: None,
                blocks: Default::default(),
                resources,
            },
        }
    }

    #[test]
    fn an_ending_tells_how_it_went() {
        let address = Address::new("roles", "r");
        let ending = |change: fn(&mut Outcome, Address)| {
            let mut outcome = Outcome::default();
            change(&mut outcome, address.clone());
            let mut record = record("a", 1, true, None);
            record.ended(&outcome, 60);
            record
        };
        let done = ending(|outcome, address| outcome.done.push(Done { address, action: Action::Create, seconds: 1.0 }));
        assert_eq!((done.ending, done.created.len(), done.ended.as_deref()), (Ending::Done, 1, Some("1970-01-01T00:01:00Z")));
        assert_eq!(ending(|outcome, address| outcome.blocked.push((address, "no pin".into()))).ending, Ending::Blocked);
        let failed = ending(|outcome, address| {
            outcome.failed.push(Failure { address, message: "no".into(), help: None, mismatch: false });
        });
        assert_eq!((failed.ending, failed.failed), (Ending::Failed, vec!["roles.r: no".to_owned()]));
        assert_eq!(ending(|outcome, _| outcome.interrupted = true).ending, Ending::Interrupted);
    }

    #[test]
    fn records_of_other_versions_are_refused() {
        let mut record = record("a", 1, true, None);
        let parsed = |record: &Record| parse("k", &serde_json::to_vec(record).unwrap_or_default());
        assert_eq!(parsed(&record).ok().as_ref(), Some(&record));
        record.format = 2;
        assert!(parsed(&record).is_err_and(|error| error.message.contains("its format is 2")));
        assert!(parse("k", b"{}").is_err());
    }
}
