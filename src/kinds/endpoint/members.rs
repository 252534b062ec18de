//! What becomes of each member that SageMaker and Application Auto Scaling answer of an endpoint.

use crate::kind::answer::{Answer, Member, compared, folded, ignored, why};

const CONFIGURED: &str = "as the endpoint's configuration says, which is compared";
const ROUTED: &str = "only metrics of load balancers have one";

/// What a running variant tells besides its configuration.
macro_rules! summaries {
    ($list:literal, $field:literal) => {
        &[
            compared(concat!($list, ".VariantName"), $field),
            ignored(concat!($list, ".DeployedImages"), "the digest of the model's image, which the model names"),
            compared(concat!($list, ".CurrentWeight"), concat!($field, ".*.weight")),
            compared(concat!($list, ".DesiredWeight"), concat!($field, ".*.weight")),
            compared(concat!($list, ".CurrentInstanceCount"), concat!($field, ".*.count")),
            folded(
                concat!($list, ".DesiredInstanceCount"),
                concat!($field, ".*.count"),
                "min to max",
                "with `scaling`, counts within its bounds are its own business",
            ),
            ignored(concat!($list, ".InstancePools"), CONFIGURED),
            ignored(concat!($list, ".VariantStatus"), "the endpoint's own status says it"),
            compared(concat!($list, ".CurrentServerlessConfig"), concat!($field, ".*.serverless")),
            compared(concat!($list, ".DesiredServerlessConfig"), concat!($field, ".*.serverless")),
            ignored(concat!($list, ".ManagedInstanceScaling"), CONFIGURED),
            ignored(concat!($list, ".RoutingConfig"), CONFIGURED),
            ignored(concat!($list, ".CapacityReservationConfig"), CONFIGURED),
            ignored(concat!($list, ".AcceleratorPartitionLayouts"), CONFIGURED),
        ]
    };
}

/// The variants of a configuration.
macro_rules! variants {
    ($list:literal, $field:literal) => {
        &[
            compared(concat!($list, ".VariantName"), $field),
            compared(concat!($list, ".ModelName"), concat!($field, ".model")),
            compared(concat!($list, ".InitialInstanceCount"), concat!($field, ".count")),
            compared(concat!($list, ".InstanceType"), concat!($field, ".instance")),
            folded(concat!($list, ".InstancePools"), concat!($field, ".other"), "[]", why::NONE),
            compared(concat!($list, ".VariantInstanceProvisionTimeoutInSeconds"), concat!($field, ".other")),
            folded(concat!($list, ".InitialVariantWeight"), concat!($field, ".weight"), "1", why::DEFAULT),
            compared(concat!($list, ".AcceleratorType"), concat!($field, ".other")),
            compared(concat!($list, ".CoreDumpConfig"), concat!($field, ".other")),
            compared(concat!($list, ".ServerlessConfig"), concat!($field, ".serverless")),
            folded(
                concat!($list, ".VolumeSizeInGB"),
                concat!($field, ".volume"),
                "any of serverless",
                "SageMaker names one for serverless variants too, which have none",
            ),
            compared(concat!($list, ".ModelDataDownloadTimeoutInSeconds"), concat!($field, ".download_timeout")),
            compared(concat!($list, ".ContainerStartupHealthCheckTimeoutInSeconds"), concat!($field, ".startup_timeout")),
            folded(concat!($list, ".EnableSSMAccess"), concat!($field, ".shell_access"), "false", why::DEFAULT),
            folded(concat!($list, ".ManagedInstanceScaling"), concat!($field, ".other"), "DISABLED", why::DEFAULT),
            folded(concat!($list, ".RoutingConfig"), concat!($field, ".other"), "RANDOM", why::DEFAULT),
            compared(concat!($list, ".InferenceAmiVersion"), concat!($field, ".other")),
            compared(concat!($list, ".CapacityReservationConfig"), concat!($field, ".other")),
            folded(concat!($list, ".AcceleratorPartitionLayouts"), concat!($field, ".other"), "[]", why::NONE),
        ]
    };
}

pub const ANSWERS: &[Answer] = &[
    Answer { operation: "sagemaker:DescribeEndpoint", members: ENDPOINT },
    Answer { operation: "sagemaker:DescribeEndpoint", members: summaries!("ProductionVariants", "variants") },
    Answer { operation: "sagemaker:DescribeEndpoint", members: summaries!("ShadowProductionVariants", "shadow_variants") },
    Answer { operation: "sagemaker:DescribeEndpointConfig", members: CONFIG },
    Answer { operation: "sagemaker:DescribeEndpointConfig", members: variants!("ProductionVariants", "variants.*") },
    Answer { operation: "sagemaker:DescribeEndpointConfig", members: variants!("ShadowProductionVariants", "shadow_variants.*") },
    Answer {
        operation: "sagemaker:ListEndpointConfigs",
        members: &[
            compared("EndpointConfigs.EndpointConfigName", "generations"),
            ignored("EndpointConfigs.EndpointConfigArn", why::WHOSE),
            ignored("EndpointConfigs.CreationTime", "it says which generation is the newest"),
            ignored("NextToken", why::PAGE),
        ],
    },
    Answer { operation: "application-autoscaling:DescribeScalableTargets", members: TARGETS },
    Answer { operation: "application-autoscaling:DescribeScalingPolicies", members: POLICIES },
    Answer { operation: "application-autoscaling:DescribeScheduledActions", members: ACTIONS },
];

const ENDPOINT: &[Member] = &[
    compared("EndpointName", "name"),
    compared("EndpointArn", "arn"),
    compared("EndpointConfigName", "variants"),
    compared("DataCaptureConfig.EnableCapture", "capture.enabled"),
    compared("DataCaptureConfig.CaptureStatus", "capture.status"),
    compared("DataCaptureConfig.CurrentSamplingPercentage", "capture.percent"),
    compared("DataCaptureConfig.DestinationS3Uri", "capture.to"),
    compared("DataCaptureConfig.KmsKeyId", "capture.kms_key"),
    compared("EndpointStatus", "status"),
    compared("FailureReason", "status"),
    ignored("CreationTime", why::MADE),
    ignored("LastModifiedTime", why::MOVES),
    ignored("LastDeploymentConfig", "how the last update went; the next one is told by `rollout`"),
    ignored("AsyncInferenceConfig", CONFIGURED),
    compared("PendingDeploymentSummary.EndpointConfigName", "status"),
    compared("PendingDeploymentSummary.ProductionVariants", "variants"),
    ignored("PendingDeploymentSummary.StartTime", why::MOVES),
    compared("PendingDeploymentSummary.ShadowProductionVariants", "shadow_variants"),
    ignored("ExplainerConfig", CONFIGURED),
    ignored("MetricsConfig", CONFIGURED),
    ignored("CrossRegionTrafficConfig", why::UNKNOWN),
];

const CONFIG: &[Member] = &[
    ignored("EndpointConfigName", why::ASKED),
    ignored("EndpointConfigArn", why::FOLLOWS),
    folded("DataCaptureConfig.EnableCapture", "capture.enabled", "true", why::DEFAULT),
    compared("DataCaptureConfig.InitialSamplingPercentage", "capture.percent"),
    compared("DataCaptureConfig.DestinationS3Uri", "capture.to"),
    compared("DataCaptureConfig.KmsKeyId", "capture.kms_key"),
    folded("DataCaptureConfig.CaptureOptions", "capture.input", "InputAndOutput", "one mode that stands for two"),
    folded("DataCaptureConfig.CaptureContentTypeHeader.CsvContentTypes", "capture.csv_content_types", "[]", why::NONE),
    folded("DataCaptureConfig.CaptureContentTypeHeader.JsonContentTypes", "capture.json_content_types", "[]", why::NONE),
    compared("KmsKeyId", "kms_key"),
    ignored("CreationTime", why::MADE),
    compared("AsyncInferenceConfig", "other"),
    compared("ExplainerConfig", "other"),
    compared("ExecutionRoleArn", "execution_role"),
    compared("VpcConfig", "vpc"),
    folded("EnableNetworkIsolation", "network_isolation", "false", why::DEFAULT),
    folded("MetricsConfig.EnableEnhancedMetrics", "other", "false", why::DEFAULT),
    folded("MetricsConfig.EnableDetailedObservability", "other", "false", why::DEFAULT),
    folded("MetricsConfig.MetricPublishFrequencyInSeconds", "other", "60", why::DEFAULT),
    ignored("CrossRegionTrafficConfig", why::UNKNOWN),
];

const TARGETS: &[Member] = &[
    ignored("ScalableTargets.ServiceNamespace", why::ASKED),
    compared("ScalableTargets.ResourceId", "scaling"),
    ignored("ScalableTargets.ScalableDimension", why::ASKED),
    compared("ScalableTargets.MinCapacity", "scaling.*.min"),
    compared("ScalableTargets.MaxCapacity", "scaling.*.max"),
    ignored("ScalableTargets.PredictedCapacity", why::MOVES),
    ignored("ScalableTargets.RoleARN", "for SageMaker it is always the service-linked role"),
    ignored("ScalableTargets.CreationTime", why::MADE),
    folded("ScalableTargets.SuspendedState", "scaling.*.other", "false", why::DEFAULT),
    ignored("ScalableTargets.ScalableTargetARN", why::MADE),
    ignored("NextToken", why::PAGE),
];

const POLICIES: &[Member] = &[
    ignored("ScalingPolicies.PolicyARN", why::MADE),
    compared("ScalingPolicies.PolicyName", "scaling.*.other_policies"),
    ignored("ScalingPolicies.ServiceNamespace", why::ASKED),
    compared("ScalingPolicies.ResourceId", "scaling"),
    ignored("ScalingPolicies.ScalableDimension", "others than the count of a variant's instances are left alone"),
    compared("ScalingPolicies.PolicyType", "scaling.*.other_policies"),
    compared("ScalingPolicies.StepScalingPolicyConfiguration", "scaling.*.other_policies"),
    compared("ScalingPolicies.TargetTrackingScalingPolicyConfiguration.TargetValue", "scaling.*.policy.target"),
    compared(
        "ScalingPolicies.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.PredefinedMetricType",
        "scaling.*.policy",
    ),
    ignored("ScalingPolicies.TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification.ResourceLabel", ROUTED),
    compared("ScalingPolicies.TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification", "scaling.*.policy"),
    folded(
        "ScalingPolicies.TargetTrackingScalingPolicyConfiguration.ScaleOutCooldown",
        "scaling.*.policy.scale_out_cooldown",
        "300",
        why::DEFAULT,
    ),
    folded(
        "ScalingPolicies.TargetTrackingScalingPolicyConfiguration.ScaleInCooldown",
        "scaling.*.policy.scale_in_cooldown",
        "300",
        why::DEFAULT,
    ),
    folded("ScalingPolicies.TargetTrackingScalingPolicyConfiguration.DisableScaleIn", "scaling.*.policy", "false", why::DEFAULT),
    compared("ScalingPolicies.PredictiveScalingPolicyConfiguration", "scaling.*.other_policies"),
    ignored("ScalingPolicies.Alarms", "Application Auto Scaling makes and keeps the alarms of its policies"),
    ignored("ScalingPolicies.CreationTime", why::MADE),
    ignored("NextToken", why::PAGE),
];

const ACTIONS: &[Member] = &[
    compared("ScheduledActions.ScheduledActionName", "scaling.*.scheduled"),
    ignored("ScheduledActions.ScheduledActionARN", why::MADE),
    ignored("ScheduledActions.ServiceNamespace", why::ASKED),
    compared("ScheduledActions.Schedule", "scaling.*.scheduled"),
    compared("ScheduledActions.Timezone", "scaling.*.scheduled"),
    compared("ScheduledActions.ResourceId", "scaling"),
    ignored("ScheduledActions.ScalableDimension", "others than the count of a variant's instances are left alone"),
    compared("ScheduledActions.StartTime", "scaling.*.scheduled"),
    compared("ScheduledActions.EndTime", "scaling.*.scheduled"),
    compared("ScheduledActions.ScalableTargetAction", "scaling.*.scheduled"),
    ignored("ScheduledActions.CreationTime", why::MADE),
    ignored("NextToken", why::PAGE),
];
