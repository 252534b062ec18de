//! What becomes of each member that SageMaker answers of a model package group.

use crate::kind::answer::{Answer, compared, folded, ignored, why};

const PACKAGES: &str = "packages come from training and are approved by people: they are no part of the group";

pub const ANSWERS: &[Answer] = &[
    Answer {
        operation: "sagemaker:DescribeModelPackageGroup",
        members: &[
            compared("ModelPackageGroupName", "name"),
            compared("ModelPackageGroupArn", "arn"),
            folded("ModelPackageGroupDescription", "description", "\"\"", why::NONE),
            ignored("CreationTime", why::MADE),
            ignored("CreatedBy", why::MADE),
            compared("ModelPackageGroupStatus", "status"),
            compared("ManagedConfiguration", "other"),
        ],
    },
    Answer { operation: "sagemaker:GetModelPackageGroupPolicy", members: &[compared("ResourcePolicy", "policy")] },
    Answer {
        operation: "sagemaker:ListModelPackages",
        members: &[
            ignored("ModelPackageSummaryList.ModelPackageName", PACKAGES),
            ignored("ModelPackageSummaryList.ModelPackageGroupName", why::ASKED),
            ignored("ModelPackageSummaryList.ModelPackageVersion", PACKAGES),
            compared("ModelPackageSummaryList.ModelPackageArn", "attributes"),
            ignored("ModelPackageSummaryList.ModelPackageDescription", PACKAGES),
            ignored("ModelPackageSummaryList.CreationTime", "it says which package is the newest"),
            compared("ModelPackageSummaryList.ModelPackageStatus", "attributes"),
            compared("ModelPackageSummaryList.ModelApprovalStatus", "attributes"),
            ignored("ModelPackageSummaryList.ModelLifeCycle", PACKAGES),
            ignored("ModelPackageSummaryList.ModelPackageRegistrationType", PACKAGES),
            ignored("NextToken", why::PAGE),
        ],
    },
];
