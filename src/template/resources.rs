//! What is known of single resource types: their names, their ARNs, and what replaces them.
//!
//! Sources: the "Return values" of each type in the template reference for `Ref` and `Fn::GetAtt`, the service
//! authorization reference for the ARNs, and `createOnlyProperties` of the published resource schemas.

use super::Context;

/// A resource whose physical name is known.
pub(super) struct Named<'a> {
    pub(super) type_name: &'a str,
    pub(super) name: &'a str,
    /// What qualifies the name: a role's path, a rule's bus, a schedule's group.
    pub(super) qualifier: Option<&'a str>,
}

/// Returns the property that names a resource of a type.
pub(super) fn name_property(type_name: &str) -> Option<&'static str> {
    Some(match type_name {
        "AWS::S3::Bucket" => "BucketName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::IAM::ManagedPolicy" => "ManagedPolicyName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::ECR::Repository" => "RepositoryName",
        "AWS::Events::Rule" | "AWS::Scheduler::ScheduleGroup" | "AWS::Scheduler::Schedule" => "Name",
        "AWS::DynamoDB::Table" => "TableName",
        "AWS::KMS::Alias" => "AliasName",
        "AWS::SageMaker::ModelPackageGroup" => "ModelPackageGroupName",
        "AWS::CloudWatch::Alarm" => "AlarmName",
        "AWS::Lambda::Function" => "FunctionName",
        _ => return None,
    })
}

/// Returns the property that qualifies a resource's name, with the value it has when it is absent.
pub(super) fn qualifier_property(type_name: &str) -> Option<(&'static str, &'static str)> {
    match type_name {
        "AWS::IAM::Role" | "AWS::IAM::ManagedPolicy" => Some(("Path", "/")),
        "AWS::Events::Rule" => Some(("EventBusName", "default")),
        "AWS::Scheduler::Schedule" => Some(("GroupName", "default")),
        _ => None,
    }
}

impl Named<'_> {
    /// Returns what `Ref` gives, where that follows from the name.
    pub(super) fn reference(&self, context: &Context) -> Option<String> {
        match self.type_name {
            "AWS::SNS::Topic" | "AWS::SageMaker::ModelPackageGroup" | "AWS::IAM::ManagedPolicy" => self.arn(context),
            // The queue's URL, whose host differs between regions and endpoints.
            "AWS::SQS::Queue" => None,
            // For a rule on another bus, what `Ref` gives is not documented.
            "AWS::Events::Rule" if self.qualifier != Some("default") => None,
            _ => Some(self.name.to_owned()),
        }
    }

    /// Returns an attribute, where that follows from the name.
    pub(super) fn attribute(&self, attribute: &str, context: &Context) -> Option<String> {
        let name = self.name;
        let Context { account, region, .. } = *context;
        let suffix = url_suffix(context.partition)?;
        match (self.type_name, attribute) {
            // Most types do not offer their name as an attribute; these do.
            ("AWS::SNS::Topic", "TopicName") | ("AWS::SQS::Queue", "QueueName") | ("AWS::Events::Rule", "RuleName") => {
                Some(name.to_owned())
            }
            ("AWS::SNS::Topic", "TopicArn") | ("AWS::SageMaker::ModelPackageGroup", "ModelPackageGroupArn") => self.arn(context),
            ("AWS::IAM::ManagedPolicy", "PolicyArn") => self.arn(context),
            ("AWS::SNS::Topic" | "AWS::SageMaker::ModelPackageGroup" | "AWS::IAM::ManagedPolicy" | "AWS::KMS::Alias", _) => None,
            ("AWS::S3::Bucket", "DomainName") => Some(format!("{name}.s3.{suffix}")),
            ("AWS::S3::Bucket", "RegionalDomainName") => Some(format!("{name}.s3.{region}.{suffix}")),
            ("AWS::ECR::Repository", "RepositoryUri") => Some(format!("{account}.dkr.ecr.{region}.{suffix}/{name}")),
            // The ARN of a log group as an attribute covers its streams, unlike the one that most APIs take.
            ("AWS::Logs::LogGroup", "Arn") => self.arn(context).map(|arn| arn + ":*"),
            (_, "Arn") => self.arn(context),
            _ => None,
        }
    }

    pub(super) fn arn(&self, context: &Context) -> Option<String> {
        let Context { account, region, partition, .. } = *context;
        let name = self.name;
        let local = |service: &str, resource: String| format!("arn:{partition}:{service}:{region}:{account}:{resource}");
        Some(match self.type_name {
            "AWS::S3::Bucket" => format!("arn:{partition}:s3:::{name}"),
            "AWS::SNS::Topic" => local("sns", name.to_owned()),
            "AWS::SQS::Queue" => local("sqs", name.to_owned()),
            "AWS::IAM::Role" => format!("arn:{partition}:iam::{account}:role{}{name}", self.qualifier?),
            "AWS::IAM::ManagedPolicy" => format!("arn:{partition}:iam::{account}:policy{}{name}", self.qualifier?),
            "AWS::Logs::LogGroup" => local("logs", format!("log-group:{name}")),
            "AWS::ECR::Repository" => local("ecr", format!("repository/{name}")),
            "AWS::Events::Rule" => match self.qualifier? {
                "default" => local("events", format!("rule/{name}")),
                // A bus may be given by its ARN, perhaps of another account.
                bus if bus.contains(':') => return None,
                bus => local("events", format!("rule/{bus}/{name}")),
            },
            "AWS::Scheduler::ScheduleGroup" => local("scheduler", format!("schedule-group/{name}")),
            "AWS::Scheduler::Schedule" => local("scheduler", format!("schedule/{}/{name}", self.qualifier?)),
            "AWS::DynamoDB::Table" => local("dynamodb", format!("table/{name}")),
            "AWS::CloudWatch::Alarm" => local("cloudwatch", format!("alarm:{name}")),
            "AWS::Lambda::Function" => local("lambda", format!("function:{name}")),
            // SageMaker lower-cases the names of some resources in their ARNs; which, it does not say.
            "AWS::SageMaker::ModelPackageGroup" if !name.contains(|c: char| c.is_ascii_uppercase()) => {
                local("sagemaker", format!("model-package-group/{name}"))
            }
            _ => return None,
        })
    }
}

/// Returns `AWS::URLSuffix` of a partition. Source: botocore's endpoint data.
pub(super) fn url_suffix(partition: &str) -> Option<&'static str> {
    Some(match partition {
        "aws" | "aws-us-gov" => "amazonaws.com",
        "aws-cn" => "amazonaws.com.cn",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-eusc" => "amazonaws.eu",
        _ => return None,
    })
}

/// Returns the properties whose change replaces a resource, for the types that are known.
///
/// Source: `createOnlyProperties` of the resource schemas, as of November 2026.
#[must_use]
pub fn replaced_by(type_name: &str) -> Option<&'static [&'static str]> {
    Some(match type_name {
        "AWS::S3::Bucket" => &["BucketName", "BucketNamePrefix", "BucketNamespace"],
        "AWS::S3::BucketPolicy" => &["Bucket"],
        "AWS::SNS::Topic" => &["FifoTopic", "TopicName"],
        "AWS::SNS::TopicPolicy" => &[],
        "AWS::SNS::Subscription" => &["Endpoint", "Protocol", "TopicArn"],
        "AWS::SQS::Queue" => &["FifoQueue", "QueueName"],
        "AWS::SQS::QueuePolicy" => &[],
        "AWS::IAM::Role" => &["Path", "RoleName"],
        "AWS::IAM::ManagedPolicy" => &["Description", "ManagedPolicyName", "Path"],
        "AWS::Logs::LogGroup" => &["LogGroupName"],
        "AWS::ECR::Repository" => &["EncryptionConfiguration", "RepositoryName"],
        "AWS::Events::Rule" | "AWS::Scheduler::Schedule" | "AWS::Scheduler::ScheduleGroup" => &["Name"],
        "AWS::DynamoDB::Table" => &["ImportSourceSpecification", "TableName"],
        "AWS::KMS::Alias" => &["AliasName"],
        "AWS::KMS::Key" => &[],
        "AWS::SageMaker::ModelPackageGroup" => &["ModelPackageGroupDescription", "ModelPackageGroupName"],
        "AWS::CloudWatch::Alarm" => &["AlarmName"],
        "AWS::Lambda::Function" => &["FunctionName", "PackageType", "TenancyConfig"],
        _ => return None,
    })
}

/// Returns the properties whose change replaces a resource in some cases.
///
/// Source: `conditionalCreateOnlyProperties` of the resource schemas.
pub(super) fn sometimes_replaced_by(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "AWS::DynamoDB::Table" => &["KeySchema"],
        "AWS::Events::Rule" => &["EventBusName"],
        "AWS::Lambda::Function" => &["DurableConfig"],
        "AWS::SNS::Subscription" => &["Region"],
        _ => &[],
    }
}
