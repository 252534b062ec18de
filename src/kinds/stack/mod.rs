//! CloudFormation stacks: all that has no kind of its own.

mod access;
mod buckets;
mod change_set;
mod detect;
mod events;
mod inside;
mod live;
mod members;
mod text;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::{Aws, AwsError, arn};
use crate::desired::Scope;
use crate::diff::{Change, Field, Rule};
use crate::kind::answer::Answer;
use crate::kind::{ANY, Access, Attribute, Call, Input, Kind, Live, Part, Target, Wanted, When, World};
use crate::template::{self, Context, Output};

/// The tag of stacks whose buckets are emptied before the stack is deleted: whoever deletes has only the name.
const EMPTY_ON_DESTROY: &str = "scones:empty-on-destroy";
/// What CloudFormation shows in place of a `NoEcho` parameter's value.
const HIDDEN: &str = "****";

const STACK: &[&str] = &["arn:{partition}:cloudformation:{region}:{account}:stack/{name}/*"];
/// A change set is known by its own ARN once it is made.
const CHANGE_SET: &[&str] = &[
    "arn:{partition}:cloudformation:{region}:{account}:stack/{name}/*",
    "arn:{partition}:cloudformation:{region}:{account}:changeSet/scones-*/*",
];
const MAKE: &[&str] = &[
    "cloudformation:CreateChangeSet",
    "cloudformation:DescribeChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:DeleteChangeSet",
    "cloudformation:TagResource",
];

pub struct Stack;

/// A CloudFormation stack.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StackSpec")]
pub struct Spec {
    /// The name in CloudFormation; by default `<app>-<environment>-<name>`.
    #[schemars(regex(pattern = r"^[A-Za-z][-A-Za-z0-9]{0,127}$"))]
    #[allow(dead_code, reason = "read from the file before the spec is")]
    name: Option<String>,
    /// The file of the template, as YAML or JSON, such as stacks/foundation.yaml.
    template: String,
    /// The template's parameters by name; those with a default may be left out.
    ///
    /// What is given for a `NoEcho` parameter cannot be compared, because CloudFormation never shows it: it is sent
    /// with the next change of something else.
    #[serde(default)]
    parameters: BTreeMap<String, ParameterValue>,
    /// What the template may do beyond the ordinary, such as CAPABILITY_IAM.
    #[serde(default)]
    capabilities: Vec<Capability>,
    /// Empties the stack's buckets, with all versions, before the stack is deleted.
    ///
    /// CloudFormation refuses to delete a bucket that holds something. Buckets that the template retains are kept.
    #[serde(default)]
    empty_on_destroy: bool,
    /// Whether CloudFormation refuses to delete the stack, whoever asks. `destroy` turns it off first.
    #[serde(default)]
    termination_protection: bool,
}

/// A parameter's value; CloudFormation takes all as text.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum ParameterValue {
    Text(String),
    Number(serde_json::Number),
    Flag(bool),
}

impl ParameterValue {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

/// What a template may do beyond the ordinary.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
enum Capability {
    #[serde(rename = "CAPABILITY_IAM")]
    Iam,
    #[serde(rename = "CAPABILITY_NAMED_IAM")]
    NamedIam,
    #[serde(rename = "CAPABILITY_AUTO_EXPAND")]
    AutoExpand,
}

impl Capability {
    fn name(self) -> &'static str {
        match self {
            Self::Iam => "CAPABILITY_IAM",
            Self::NamedIam => "CAPABILITY_NAMED_IAM",
            Self::AutoExpand => "CAPABILITY_AUTO_EXPAND",
        }
    }
}

/// A stack, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The template as JSON, its short forms written out.
    template: Value,
    /// All parameters but the hidden ones, with those that have their default.
    parameters: BTreeMap<String, String>,
    /// The `NoEcho` parameters.
    hidden_parameters: BTreeMap<String, String>,
    capabilities: Vec<String>,
    empty_on_destroy: bool,
    termination_protection: bool,
    /// What somebody changed inside of it, by the name of the resource in the template.
    resources: inside::Deviations,
}

impl State {
    /// All parameters with their values.
    fn all_parameters(&self) -> BTreeMap<String, String> {
        self.parameters.iter().chain(&self.hidden_parameters).map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

impl Kind for Stack {
    const SECTION: &'static str = "stacks";
    const TITLE: &'static str = "CloudFormation stack";
    const LONGEST_NAME: usize = 128;
    const WRITTEN: &'static [crate::kind::Written] = &[
        crate::kind::Written::same("parameters.*", "parameters.*"),
        crate::kind::Written::same("capabilities", "capabilities"),
        crate::kind::Written::same("termination_protection", "termination_protection"),
        crate::kind::Written::by_hand("template", "template", "the template is a file of its own: edit that"),
    ];
    const FIELDS: &'static [Field] = &[
        Field { path: "template", rule: Rule::Document, why: "a template" },
        Field { path: "hidden_parameters", rule: Rule::Secret, why: "NoEcho parameters hold secrets" },
        Field { path: "capabilities", rule: Rule::Unordered, why: "capabilities have no order" },
        Field { path: "resources", rule: Rule::Deviations, why: "CloudFormation knows what it made" },
    ];
    const INPUTS: &'static [(&'static str, Input)] = &[("template", Input::Template)];
    const STAMPED: bool = false;
    const ATTRIBUTES_FROM_SPEC: bool = true;
    const REFERENCES_ORDER: bool = true;
    const DEADLINE: Duration = Duration::from_secs(60 * 60);
    const CALLS: &'static [Call] = &[
        Call::of(When::Read, STACK, &["cloudformation:DescribeStacks", "cloudformation:GetTemplate"]),
        Call::of(When::Read, STACK, &["cloudformation:DescribeStackEvents"]),
        // What somebody asked CloudFormation to look for; a stack's policies may be another one's.
        Call::of(When::Read, STACK, &["cloudformation:DescribeStackResourceDrifts"]),
        Call::of(When::Read, ANY, &["cloudformation:DescribeStacks", "cloudformation:DescribeStackResources"]),
        // IAM asks for ListStacks where stacks are described without naming one.
        Call::of(When::Search, ANY, &["cloudformation:DescribeStacks", "cloudformation:ListStacks"]),
        Call::of(When::Drift, STACK, &["cloudformation:DetectStackDrift"]),
        Call::of(When::Drift, ANY, &["cloudformation:DescribeStackDriftDetectionStatus"]),
        Call::of(When::Create, CHANGE_SET, MAKE),
        Call::of(When::Update(&[]), CHANGE_SET, MAKE),
        Call::of(When::Update(&[]), STACK, &["cloudformation:UpdateStack"]),
        // What a failed update left is cleared away first.
        Call::of(When::Update(&[]), STACK, &["cloudformation:RollbackStack", "cloudformation:ContinueUpdateRollback"]),
        Call::of(When::Update(&["resources"]), STACK, &["cloudformation:DetectStackDrift"]),
        // On what `accesses` says.
        Call::of(
            When::Update(&["resources"]),
            &[],
            &[
                "s3:PutBucketPolicy",
                "s3:DeleteBucketPolicy",
                "sns:SetTopicAttributes",
                "sns:Unsubscribe",
                "scheduler:CreateSchedule",
                "scheduler:UpdateSchedule",
            ],
        ),
        Call::of(When::Create, STACK, &["cloudformation:UpdateTerminationProtection"]),
        Call::of(When::Update(&["termination_protection"]), STACK, &["cloudformation:UpdateTerminationProtection"]),
        Call::of(When::Delete, STACK, &["cloudformation:ListStackResources"]),
        Call::of(When::Delete, ANY, &["cloudformation:ListImports"]),
        Call::of(When::Delete, STACK, &["cloudformation:UpdateTerminationProtection", "cloudformation:DeleteStack"]),
    ];
    const ANSWERS: &'static [Answer] = members::ANSWERS;

    type Spec = Spec;
    type State = State;

    /// The outputs, besides `name` and `arn`; an output of such a name stands before them.
    fn attributes(world: &World, name: &str, spec: &Value, document: Option<&Value>) -> BTreeMap<String, Attribute> {
        let later = "CloudFormation adds an identifier of its own to a stack's ARN".to_owned();
        let mut found =
            BTreeMap::from([("name".to_owned(), Attribute::Known(name.to_owned())), ("arn".to_owned(), Attribute::Later(later))]);
        let given = spec.get("parameters").and_then(Value::as_object).into_iter().flatten();
        let parameters: BTreeMap<String, String> = given
            .filter_map(|(key, value)| {
                let value: ParameterValue = serde_json::from_value(value.clone()).ok()?;
                Some((key.clone(), value.into_text()))
            })
            .collect();
        let context = Context {
            stack_name: name,
            account: &world.account,
            region: &world.region,
            partition: world.partition(),
            parameters: &parameters,
        };
        let outputs = document.map(|template| template::outputs(template, &context)).unwrap_or_default();
        found.extend(outputs.into_iter().map(|(key, output)| match output {
            // A parameter that is only known later is part of it.
            Output::Known(value) if value.contains("${") => (key, Attribute::Later(format!("it is made of {value}"))),
            Output::Known(value) => (key, Attribute::Known(value)),
            Output::Unknown { why } => (key, Attribute::Later(why)),
        }));
        found
    }

    fn part(arn: &str) -> Option<Part> {
        let name = arn::name(arn, "cloudformation", "stack/")?.split('/').next()?;
        Some(Part { name: name.to_owned(), main: true })
    }

    fn desired(spec: Spec, scope: &mut Scope<'_>) -> Option<State> {
        let template = scope.template(&spec.template)?;
        scope.document_findings(&spec.template, template::check(&template));
        let size = text::canonical(&template).len();
        if size > template::S3_LIMIT {
            let message = format!("the template has {size} bytes as JSON, and CloudFormation takes {}", template::S3_LIMIT);
            scope.fault(&["template"], message);
        }
        let given: BTreeMap<String, String> = spec.parameters.into_iter().map(|(key, value)| (key, value.into_text())).collect();
        scope.findings(&["parameters"], template::check_parameters(&template, &given));
        let mut capabilities: Vec<String> = spec.capabilities.iter().map(|one| one.name().to_owned()).collect();
        capabilities.sort();
        capabilities.dedup();
        if let Some((needed, resource)) = text::needed_capability(&template) {
            let enough = |have: &String| have == needed || have == Capability::NamedIam.name();
            if !capabilities.iter().any(enough) {
                let message =
                    format!("{resource} in the template gives permissions, which CloudFormation does only with {needed}");
                scope.fault_with_help(&["capabilities"], message, format!("add `capabilities: [{needed}]`"));
            }
        }
        scope.is_sound().then_some(())?;
        let (mut parameters, mut hidden_parameters) = (BTreeMap::new(), BTreeMap::new());
        for (name, info) in template::parameters(&template) {
            let Some(value) = given.get(&name).cloned().or(info.default) else { continue };
            let place = if info.no_echo { &mut hidden_parameters } else { &mut parameters };
            place.insert(name, value);
        }
        Some(State {
            template,
            parameters,
            hidden_parameters,
            capabilities,
            empty_on_destroy: spec.empty_on_destroy,
            termination_protection: spec.termination_protection,
            resources: BTreeMap::new(),
        })
    }

    /// CloudFormation acts with the permissions of whoever deploys.
    fn accesses(world: &World, name: &str, state: &State) -> Vec<Access> {
        access::of(world, name, state)
    }

    /// Two requests per stack, at once; one or two more for a stack that is being worked on or that failed, and those of
    /// [`inside`] for one that was looked into since it was changed.
    async fn observe(aws: &Aws, wanted: &[Wanted<State>]) -> Result<Vec<Live<State>>, AwsError> {
        let found = try_join_all(wanted.iter().map(|one| live::read(aws, &one.name, one.desired.as_ref())));
        Ok(found.await?.into_iter().flatten().collect())
    }

    async fn discover(aws: &Aws) -> Result<Vec<String>, AwsError> {
        live::names(aws).await
    }

    async fn detect(aws: &Aws, names: &[String]) -> Result<BTreeMap<String, String>, AwsError> {
        detect::detect(aws, names).await
    }

    async fn create(aws: &Aws, to: Target<State>) -> Result<(), AwsError> {
        write::converge(aws, &to, None).await
    }

    /// Changes a stack as a whole: its tags too only change with it.
    async fn update(aws: &Aws, from: &Live<State>, to: Target<State>, changes: &[Change]) -> Result<(), AwsError> {
        let mut from = from.clone();
        inside::keep_shown(&mut from.state.resources, changes);
        write::converge(aws, &to, Some(&from)).await
    }

    async fn delete(aws: &Aws, name: &str) -> Result<(), AwsError> {
        write::delete(aws, name).await
    }
}

#[cfg(test)]
mod tests;
