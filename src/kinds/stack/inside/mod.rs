//! What somebody changed inside of a stack: what CloudFormation's drift detection found, and what it does not look at.
//!
//! CloudFormation looks at types that its registry can read, and there at the properties that the template sets. Bucket
//! policies, topic policies and undeclared subscriptions are read here, and so are schedules, whose reports are known to
//! be wrong. All that is paid for only where somebody had CloudFormation look since the stack was last changed.

mod bucket;
mod bucket_policy;
mod elsewhere;
mod folded;
mod reported;
mod schedule;
mod topic;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use serde_json::Value;

use crate::aws::{Aws, AwsError};
use crate::diff::{self, Change, Deviation};
use crate::kind::Unchecked;
use crate::template::{self, Context, Expected};

pub use folded::is_doubtful;

/// What deviates, by the name of the resource in the template.
pub type Deviations = BTreeMap<String, Vec<Deviation>>;

/// Types that are read here, so that CloudFormation's word on them does not count, each with its reason.
///
/// Sources: "Resource type support" in the CloudFormation user guide, and the coverage roadmap's issues.
const READ_HERE: [(&str, &str); 3] = [
    ("AWS::S3::BucketPolicy", "CloudFormation does not look at it (#2169)"),
    ("AWS::SNS::TopicPolicy", "CloudFormation does not look at it"),
    ("AWS::Scheduler::Schedule", "CloudFormation reports it as deleted when it is not (#1725)"),
];

/// A stack as it was made last.
pub struct Stack<'a> {
    pub name: &'a str,
    pub template: &'a Value,
    pub parameters: &'a BTreeMap<String, String>,
    /// The names of parameters whose values must not be shown.
    pub hidden: BTreeSet<&'a str>,
}

impl Stack<'_> {
    /// Whether macros make something else of the template, so that it does not tell what the stack holds.
    fn is_transformed(&self) -> bool {
        self.template.get("Transform").is_some() || self.template.to_string().contains("\"Fn::Transform\"")
    }

    fn expected(&self, aws: &Aws) -> BTreeMap<String, Expected> {
        if self.is_transformed() {
            return BTreeMap::new();
        }
        let world = &aws.world;
        let context = Context {
            stack_name: self.name,
            account: &world.account,
            region: &world.region,
            partition: world.partition(),
            parameters: self.parameters,
        };
        template::expected(self.template, &context)
    }
}

/// Something that CloudFormation does not find, and what sets it right.
struct Found {
    part: String,
    deviation: Deviation,
    remedy: Remedy,
}

/// A request that sets something right.
enum Remedy {
    BucketPolicy { bucket: String, document: Option<Value> },
    TopicPolicy { topic: String, document: Value },
    Subscription { arn: String },
    Schedule { properties: Value, exists: bool },
}

/// What reading part of a stack gives: what deviates, and what could not be compared.
#[derive(Default)]
struct Read {
    found: Vec<Found>,
    unchecked: Vec<Unchecked>,
}

/// Reads what deviates inside of a stack.
pub async fn read(aws: &Aws, stack: &Stack<'_>) -> Result<(Deviations, Vec<Unchecked>), AwsError> {
    let expected = stack.expected(aws);
    let (reported, direct) = futures::try_join!(reported::read(aws, stack, &expected), read_here(aws, &expected))?;
    let (mut deviations, mut unchecked) = reported;
    for found in direct.found {
        deviations.entry(found.part).or_default().push(found.deviation);
    }
    unchecked.extend(direct.unchecked);
    if stack.is_transformed() {
        let why = "macros transform its template, so only what CloudFormation looks at is known".to_owned();
        unchecked.push(Unchecked { part: String::new(), why, failed: false });
    }
    Ok((deviations, unchecked))
}

/// Keeps of all deviations those that are among the changes of a plan.
pub fn keep_shown(all: &mut Deviations, changes: &[Change]) {
    for (part, deviations) in all.iter_mut() {
        deviations.retain(|one| {
            let keys = ["resources", part].into_iter().chain(one.path.iter().map(String::as_str));
            let path = diff::join(&keys.collect::<Vec<_>>());
            changes.iter().any(|change| change.path == path)
        });
    }
    all.retain(|_, deviations| !deviations.is_empty());
}

/// Whether any of these deviations is one that CloudFormation must set right; all others [`set_right`] does.
pub async fn is_for_cloudformation(aws: &Aws, stack: &Stack<'_>, shown: &Deviations) -> Result<bool, AwsError> {
    let here = read_here(aws, &stack.expected(aws)).await?;
    let is_here =
        |part: &str, one: &Deviation| here.found.iter().any(|found| found.part == part && found.deviation.path == one.path);
    Ok(shown.iter().any(|(part, all)| all.iter().any(|one| !is_here(part, one))))
}

/// Sets right what was shown of what CloudFormation does not look at; what came since is left for the next plan.
pub async fn set_right(aws: &Aws, stack: &Stack<'_>, shown: &Deviations) -> Result<(), AwsError> {
    let here = read_here(aws, &stack.expected(aws)).await?;
    let was_shown =
        |found: &Found| shown.get(&found.part).is_some_and(|all| all.iter().any(|one| one.path == found.deviation.path));
    for found in here.found.into_iter().filter(was_shown) {
        match found.remedy {
            Remedy::BucketPolicy { bucket, document } => bucket_policy::put(aws, &bucket, document).await?,
            Remedy::TopicPolicy { topic, document } => topic::put_policy(aws, &topic, &document).await?,
            Remedy::Subscription { arn } => topic::unsubscribe(aws, &arn).await?,
            Remedy::Schedule { properties, exists } => schedule::put(aws, &properties, exists).await?,
        }
    }
    Ok(())
}

/// Reads what CloudFormation does not look at.
async fn read_here(aws: &Aws, expected: &BTreeMap<String, Expected>) -> Result<Read, AwsError> {
    let reads = expected.iter().map(|(part, resource)| async move {
        match (resource.type_name.as_str(), &resource.reference, &resource.properties) {
            ("AWS::S3::Bucket", Ok(bucket), _) => bucket_policy::undeclared(aws, part, bucket, expected).await,
            ("AWS::S3::BucketPolicy", _, Ok(properties)) => bucket_policy::declared(aws, part, properties).await,
            ("AWS::SNS::Topic", Ok(topic), _) => topic::undeclared(aws, part, topic, expected).await,
            ("AWS::SNS::TopicPolicy", _, Ok(properties)) => topic::declared_policy(aws, part, properties).await,
            ("AWS::Scheduler::Schedule", _, Ok(properties)) => schedule::read(aws, part, properties).await,
            ("AWS::S3::Bucket" | "AWS::SNS::Topic", Err(why), _) => Ok(Read::unknown(part, resource, "its policy", why)),
            (type_name, _, Err(why)) if is_read_here(type_name) => Ok(Read::unknown(part, resource, "it", why)),
            _ => Ok(Read::default()),
        }
    });
    let mut all = Read::default();
    for read in try_join_all(reads).await? {
        all.found.extend(read.found);
        all.unchecked.extend(read.unchecked);
    }
    Ok(all)
}

impl Read {
    /// Nothing is known of a part, because what it should be is not.
    fn unknown(part: &str, resource: &Expected, what: &str, why: &str) -> Self {
        let why = format!("{what} cannot be compared: {why}");
        Self { found: vec![], unchecked: vec![Unchecked { part: called(part, &resource.type_name), why, failed: false }] }
    }
}

/// Whether a resource of a type is the one meant, or may be because it is not known; that it is not, is said of it.
fn may_have(all: &BTreeMap<String, Expected>, type_name: &str, is_meant: impl Fn(&Value) -> bool) -> bool {
    all.values().filter(|one| one.type_name == type_name).any(|one| one.properties.as_ref().map_or(true, &is_meant))
}

fn is_read_here(type_name: &str) -> bool {
    READ_HERE.iter().any(|(known, _)| *known == type_name)
}

fn called(part: &str, type_name: &str) -> String {
    format!("{part} ({type_name})")
}

/// Whether two values are the same to CloudFormation, which writes numbers and booleans as text.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        _ => text(left) == text(right),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
