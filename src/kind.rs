//! The seam between the pure half and AWS: what a resource kind is, typed for those who write one and erased for
//! those who use all of them alike.

pub mod answer;
mod call;
mod erased;
pub mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use call::{ANY, Access, Call, When};
pub use erased::{AnyKind, Erased, Registry};
pub use written::Written;

use crate::address::Address;
use crate::aws::{Aws, AwsError};
use crate::desired::Scope;
use crate::diff::{Change, Field};
use answer::Answer;

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Where an environment lives; all names and ARNs are computed from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    pub app: String,
    pub environment: String,
    pub account: String,
    pub region: String,
}

impl World {
    /// The AWS partition of the region: `aws`, `aws-cn` or `aws-us-gov`.
    pub fn partition(&self) -> &'static str {
        match &self.region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// The region that has the events of services without one, such as IAM.
    pub fn global_region(&self) -> &'static str {
        match self.partition() {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        }
    }

    /// The prefix that all computed names share: `<app>-<environment>-`.
    pub fn prefix(&self) -> String {
        format!("{}-{}-", self.app, self.environment)
    }

    /// The path of the environment's roles in IAM.
    pub fn role_path(&self) -> String {
        format!("/scones/{}/{}/", self.app, self.environment)
    }

    /// An ARN in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
    }

    /// The bucket that no environment owns: function packages and large templates lie there.
    pub fn bootstrap_bucket(&self) -> String {
        format!("scones-{}-{}", self.account, self.region)
    }

    /// Where in that bucket the environment's lease and the records of its applies lie.
    pub fn folder(&self) -> String {
        format!("applies/{}/{}/", self.app, self.environment)
    }
}

/// What an attribute of a resource, such as its ARN, is known to be before it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    Known(String),
    /// Only known once the resource exists; says why.
    Later(String),
    /// Brought about by others than apply, such as a package that somebody approves; says what is missing until then. A
    /// live resource has it among its attributes. What refers to it is blocked while it has not.
    Elsewhere(String),
}

/// A file that a spec names and that is read with the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A CloudFormation template.
    Template,
    /// A document of YAML or JSON in which references are resolved.
    Document,
    /// A folder of sources that becomes a package, known by the digest of what goes into it.
    Package,
}

/// Whether AWS is done with a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Settled,
    /// AWS still works on it; says on what.
    InProgress(String),
    /// AWS gave up on it; says why.
    Failed(String),
}

/// An older shape of an immutable part: an endpoint configuration, a model, a function version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    pub name: String,
    /// What others refer to it by, where its name alone says too little: the ARN of a version, whose name is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Something live or pending refers to it.
    pub in_use: bool,
    /// The generations of other kinds that it refers to, by [`Generation::reference`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refers: Vec<String>,
}

impl Generation {
    /// What others refer to it by.
    pub fn reference(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.name)
    }
}

/// A resource as AWS has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live<S> {
    pub name: String,
    pub arn: String,
    pub state: S,
    /// The tags, if describing it told them; else they come from the tagging API.
    pub tags: Option<Tags>,
    pub status: Status,
    /// What is only known of a live resource: a stack's outputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Newest first, the current one left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub generations: Vec<Generation>,
    /// What the service says of a change that failed although the resource serves: the reason why it is as it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The service's own mark of this state, where it has one that every change moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// How it was looked at; says nothing about the resource itself, so no plan keeps it.
    #[serde(skip)]
    pub look: Look,
}

/// How a resource was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// How long ago its parts were looked at, where AWS keeps what was found and somebody asked it to look.
    pub age: Option<Duration>,
    /// Parts that could not be looked at.
    pub unchecked: Vec<Unchecked>,
}

/// A part of a resource that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchecked {
    /// Its name, and what it is; empty for the resource as a whole.
    pub part: String,
    pub why: String,
    /// Whether it should have been possible: nobody knows then whether it drifted.
    pub failed: bool,
}

impl<S> Live<S> {
    /// The same with another form of its state.
    ///
    /// # Errors
    /// Whatever `form` answers.
    pub fn try_map<T, E>(self, form: impl FnOnce(S) -> Result<T, E>) -> Result<Live<T>, E> {
        let Self { name, arn, state, tags, status, attributes, generations, failure, revision, look } = self;
        Ok(Live { state: form(state)?, name, arn, tags, status, attributes, generations, failure, revision, look })
    }

    /// A settled resource without attributes or generations.
    pub fn settled(name: impl Into<String>, arn: impl Into<String>, state: S, tags: Option<Tags>) -> Self {
        Self {
            name: name.into(),
            arn: arn.into(),
            state,
            tags,
            status: Status::Settled,
            attributes: BTreeMap::new(),
            generations: vec![],
            failure: None,
            revision: None,
            look: Look::default(),
        }
    }
}

/// Attributes of live resources that tell what runs; no reference leads to them.
pub mod runs {
    /// The number of the version that the alias `live` leads to; on the way to another one, the one it comes from.
    pub const VERSION: &str = "served_version";
    /// Its content, by a mark that is the same for the same content in every environment.
    pub const CONTENT: &str = "served_content";
}

/// What an ARN belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name of the resource; of kinds named by content, the part before the hash.
    pub name: String,
    /// Whether it is the resource itself, not something that belongs to it, such as its log group.
    pub main: bool,
}

/// Something that bears the environment's prefix, whosever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namesake {
    /// What a person calls it: an endpoint configuration.
    pub what: &'static str,
    pub name: String,
    pub arn: String,
}

/// One resource to read: its name and, if it is declared, what it should be.
#[derive(Clone, Debug)]
pub struct Wanted<S> {
    pub name: String,
    pub desired: Option<S>,
}

/// What to create, or what to make of a live resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target<S> {
    pub name: String,
    pub state: S,
    /// All tags but the stamp, which is written last.
    pub tags: Tags,
}

/// What a person may write for a kind, what AWS has of it, and how to move one to the other.
///
/// [`Kind::State`] stands for both sides in one normal form: folding the server's defaults and ordering sets happen in
/// [`Kind::desired`] and [`Kind::observe`], so that comparing needs no code per kind.
pub trait Kind: Send + Sync + 'static {
    /// The section of the environment file.
    const SECTION: &'static str;
    /// What a person calls one of them.
    const TITLE: &'static str;
    /// The longest name that the service takes, in characters.
    const LONGEST_NAME: usize;
    /// Rules for comparing, each with its reason.
    const FIELDS: &'static [Field];
    /// How fields are written in a file; what is not among them no file says.
    const WRITTEN: &'static [Written] = &[];
    /// Keys of the spec that name files.
    const INPUTS: &'static [(&'static str, Input)] = &[];
    /// The requests, for people who wonder what apply will do, and for IAM.
    const CALLS: &'static [Call];
    /// What becomes of each member of the answers that are read.
    const ANSWERS: &'static [Answer];
    /// Whether attributes depend on the spec, as a stack's outputs do.
    const ATTRIBUTES_FROM_SPEC: bool = false;
    /// Whether every reference in the spec is to something that must exist first, as in a stack's parameters.
    const REFERENCES_ORDER: bool = false;
    /// Whether the resource is immutable and gets a hash of its content into its name.
    const NAMED_BY_CONTENT: bool = false;
    /// Whether a stamp can be kept on it; a stack's tags would spread to all that it holds.
    const STAMPED: bool = true;
    /// How many older generations are kept for a step back.
    const KEPT_GENERATIONS: usize = 2;
    /// Whether [`Kind::refers`] says what older generations refer to.
    const GENERATIONS_REFER: bool = false;
    /// How long a change may take to settle.
    const DEADLINE: Duration = Duration::from_secs(300);

    /// What a person writes.
    type Spec: DeserializeOwned + JsonSchema;
    /// What is compared and owned, complete.
    type State: Serialize + DeserializeOwned + Clone + Send + Sync;

    /// The attributes that others may refer to, `name` and `arn` among them.
    ///
    /// `spec` and `document` are given only where [`Kind::ATTRIBUTES_FROM_SPEC`] says so.
    fn attributes(world: &World, name: &str, spec: &Value, document: Option<&Value>) -> BTreeMap<String, Attribute>;

    /// Says which resource of this kind an ARN belongs to, if any.
    fn part(arn: &str) -> Option<Part>;

    /// Turns what a person wrote into the state that AWS should have. Faults go to the scope; `None` if there were any.
    fn desired(spec: Self::Spec, scope: &mut Scope<'_>) -> Option<Self::State>;

    /// Those attributes of a live resource that are known to hold after changes of it: the ARN of a version where no content
    /// changes.
    fn after(_attributes: &BTreeMap<String, String>, _changes: &[Change]) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// What reading or making a resource takes of what is not its own: an artifact to look at, a role to pass.
    fn accesses(_world: &World, _name: &str, _state: &Self::State) -> Vec<Access> {
        vec![]
    }

    /// Reads many at a time; what does not exist is left out.
    fn observe(
        aws: &Aws,
        wanted: &[Wanted<Self::State>],
    ) -> impl Future<Output = Result<Vec<Live<Self::State>>, AwsError>> + Send;

    /// Has the service look for changes inside of resources, where it does so only when asked, and waits until it has: the
    /// next [`Kind::observe`] finds them. Says of which it could not, by name, and why.
    fn detect(_aws: &Aws, _names: &[String]) -> impl Future<Output = Result<BTreeMap<String, String>, AwsError>> + Send {
        async { Ok(BTreeMap::new()) }
    }

    /// Names resources of this kind that are named as the environment's are.
    fn discover(_aws: &Aws) -> impl Future<Output = Result<Vec<String>, AwsError>> + Send {
        async { Ok(vec![]) }
    }

    /// What older generations refer to, by their names, where [`Kind::observe`] does not say it: asked for only when something
    /// they could refer to may have to be collected.
    fn refers(
        _aws: &Aws,
        _live: &Live<Self::State>,
    ) -> impl Future<Output = Result<BTreeMap<String, Vec<String>>, AwsError>> + Send {
        async { Ok(BTreeMap::new()) }
    }

    /// Lists what bears the environment's prefix and whose name does not say which resource it is: what is named by its
    /// content, and what resources of several kinds are made of.
    fn namesakes(_aws: &Aws) -> impl Future<Output = Result<Vec<Namesake>, AwsError>> + Send {
        async { Ok(vec![]) }
    }

    /// Says what keeps the resource from being made, if that can be read beforehand: a model without its artifact.
    fn obstacle(_aws: &Aws, _state: &Self::State) -> impl Future<Output = Result<Option<String>, AwsError>> + Send {
        async { Ok(None) }
    }

    /// Creates; must be safe to repeat after an interruption.
    fn create(aws: &Aws, to: Target<Self::State>) -> impl Future<Output = Result<(), AwsError>> + Send;

    /// Changes what exists, as far as `changes` say; tags excepted.
    fn update(
        aws: &Aws,
        from: &Live<Self::State>,
        to: Target<Self::State>,
        changes: &[Change],
    ) -> impl Future<Output = Result<(), AwsError>> + Send;

    /// Deletes with all that belongs to it; what is gone already is no error.
    fn delete(aws: &Aws, name: &str) -> impl Future<Output = Result<(), AwsError>> + Send;

    /// Deletes older generations; kinds without them need not have it.
    fn collect(_aws: &Aws, _name: &str, _generations: &[String]) -> impl Future<Output = Result<(), AwsError>> + Send {
        async { Ok(()) }
    }
}

/// The addresses that a resource must wait for.
pub type Needs = BTreeSet<Address>;

/// Names a resource by its content: `<base>-<8 hexadecimal digits>`.
///
/// The digits only keep names apart: whether something must change is decided by comparing content.
pub fn name_by_content(base: &str, state: &Value) -> String {
    format!("{base}-{}", &digest(state)[..8])
}

/// The SHA-256 of a value's canonical JSON (RFC 8785), in hexadecimal.
pub fn digest(value: &Value) -> String {
    use sha2::Digest as _;
    // Canonical JSON only fails on numbers that JSON cannot hold, which a `Value` has not.
    let text = serde_json_canonicalizer::to_vec(value).unwrap_or_default();
    sha2::Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
