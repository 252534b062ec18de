//! What becomes of each member that SageMaker answers of a model.

use crate::kind::answer::{Answer, Member, compared, folded, ignored, why};

pub const ANSWERS: &[Answer] = &[
    Answer {
        operation: "sagemaker:ListModels",
        members: &[
            compared("Models.ModelName", "generations"),
            ignored("Models.ModelArn", why::WHOSE),
            ignored("Models.CreationTime", "it says which generation is the newest"),
            ignored("NextToken", why::PAGE),
        ],
    },
    Answer { operation: "sagemaker:DescribeModel", members: MODEL },
];

const MODEL: &[Member] = &[
    compared("ModelName", "name"),
    ignored("PrimaryContainer.ContainerHostname", "SageMaker ignores it where there is one container"),
    compared("PrimaryContainer.Image", "image"),
    folded("PrimaryContainer.ImageConfig", "other", "Platform", why::DEFAULT),
    folded("PrimaryContainer.Mode", "mode", "SingleModel", why::DEFAULT),
    compared("PrimaryContainer.ModelDataUrl", "artifact"),
    folded(
        "PrimaryContainer.ModelDataSource",
        "artifact",
        "S3Object, Gzip",
        "SageMaker answers with both forms of an artifact's address",
    ),
    folded("PrimaryContainer.AdditionalModelDataSources", "other", "[]", why::NONE),
    compared("PrimaryContainer.Environment", "environment"),
    compared("PrimaryContainer.ModelPackageName", "package"),
    compared("PrimaryContainer.InferenceSpecificationName", "other"),
    folded("PrimaryContainer.MultiModelConfig", "other", "Enabled", why::DEFAULT),
    compared("PrimaryContainer.ContainerMetricsConfig", "other"),
    folded("Containers", "other", "[]", why::NONE),
    compared("InferenceExecutionConfig", "other"),
    compared("ExecutionRoleArn", "role"),
    compared("VpcConfig", "vpc"),
    ignored("CreationTime", why::MADE),
    compared("ModelArn", "arn"),
    folded("EnableNetworkIsolation", "network_isolation", "false", why::DEFAULT),
    ignored("DeploymentRecommendation", "advice, which SageMaker gives by itself"),
];
