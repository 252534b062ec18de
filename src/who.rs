//! Who changed a drifted resource last, as CloudTrail recorded it.
//!
//! [`pick`] says what to ask and which event counts, [`ask`] asks. What comes from CloudTrail (names of sessions, user
//! agents) was written by others, and is made safe where it is shown.

mod ask;
mod pick;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use ask::ask;

/// What CloudTrail knows of the last change of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    Known(Author),
    /// No event of the last 90 days could have caused it; those of the last 15 minutes may be missing.
    Nobody,
    /// CloudTrail did not answer; says why, and what to do.
    Unknown(String),
}

/// Who made a change, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// A user's name, a role and its session (`role/session`), `root`, or an AWS service.
    pub identity: String,
    /// The type of CloudTrail's `userIdentity`, such as `AssumedRole`.
    pub identity_type: String,
    /// What sent the request: `console`, `AWS CLI`, `scones`, a service, or what the user agent calls itself.
    pub via: Option<String>,
    /// When, in UTC (RFC 3339).
    pub time: String,
    /// The event's name, which is the API's but for suffixes such as Lambda's `20150331v2`.
    pub event: String,
    /// An IP address, or the name of an AWS service.
    pub source_address: Option<String>,
    pub user_agent: Option<String>,
}

/// What the user agent of requests by this program has in it.
const OURS: &str = "scones";

impl Author {
    /// Whether this program did it: then somebody may have changed it since, and CloudTrail does not say so yet.
    pub fn is_scones(&self) -> bool {
        self.via.as_deref() == Some(OURS)
    }
}

/// An event of CloudTrail.
#[derive(Clone, Debug, Default)]
struct Event {
    name: String,
    /// The service, such as `lambda.amazonaws.com`.
    source: String,
    /// When, in UTC (RFC 3339).
    time: String,
    read_only: bool,
    /// The name beside the record, for identities whose record has none.
    username: String,
    /// The record itself, `CloudTrailEvent`.
    record: Value,
}

impl Event {
    /// A text of the record, by its path.
    fn text(&self, path: &str) -> Option<&str> {
        self.record.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Whether the request was refused, so that nothing changed.
    fn failed(&self) -> bool {
        self.text("/errorCode").is_some()
    }

    fn author(&self) -> Author {
        Author {
            identity: self.identity(),
            identity_type: self.text("/userIdentity/type").unwrap_or("Unknown").to_owned(),
            via: self.via(),
            time: self.time.clone(),
            event: self.name.clone(),
            source_address: self.text("/sourceIPAddress").map(str::to_owned),
            user_agent: self.text("/userAgent").map(str::to_owned),
        }
    }

    /// Source: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>.
    fn identity(&self) -> String {
        let user = |key: &str| self.text(&format!("/userIdentity/{key}"));
        let session = || user("arn").and_then(|arn| arn.rsplit('/').next());
        let issuer = || self.text("/userIdentity/sessionContext/sessionIssuer/userName");
        let found = match user("type") {
            Some("Root") => Some("root".to_owned()),
            Some("AssumedRole" | "FederatedUser") => match (issuer(), session()) {
                (Some(issuer), Some(session)) => Some(format!("{issuer}/{session}")),
                (one, other) => one.or(other).map(str::to_owned),
            },
            Some("AWSService") => user("invokedBy").map(str::to_owned),
            Some("AWSAccount") => user("accountId").map(|account| format!("account {account}")),
            _ => None,
        };
        let named = || user("userName").or(Some(self.username.as_str()).filter(|name| !name.is_empty())).map(str::to_owned);
        found
            .or_else(named)
            .or_else(|| user("arn").or(user("principalId")).map(str::to_owned))
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// What sent the request, where that can be told.
    fn via(&self) -> Option<String> {
        let console = |path| self.text(path) == Some("true");
        if console("/sessionCredentialFromConsole")
            || console("/userIdentity/sessionContext/attributes/sessionCredentialFromConsole")
        {
            return Some("console".to_owned());
        }
        let agent = self.text("/userAgent").unwrap_or_default();
        let known = TOOLS.iter().find(|(words, _)| agent.contains(words)).map(|(_, name)| (*name).to_owned());
        let service = || self.text("/userIdentity/invokedBy").map(str::to_owned);
        let first = || agent.trim_start_matches('[').split(['/', ' ']).next().filter(|word| !word.is_empty()).map(str::to_owned);
        // A service that acts for somebody is already the identity where nobody stands behind it.
        service().filter(|service| *service != self.identity()).or(known).or_else(first)
    }
}

/// (what a user agent has in it, what is meant); the first row that fits counts.
const TOOLS: &[(&str, &str)] = &[
    ("app/scones", OURS),
    ("console.amazonaws.com", "console"),
    ("signin.amazonaws.com", "console"),
    ("Console", "console"),
    ("aws-cli/", "AWS CLI"),
    ("Terraform/", "Terraform"),
    ("Pulumi", "Pulumi"),
    ("Boto3/", "boto3"),
    ("AWS Internal", "AWS"),
];

#[cfg(test)]
mod tests;
