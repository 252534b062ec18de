//! What becomes of each member that SageMaker answers of a monitoring schedule and its definition.

use crate::kind::answer::{Answer, Member, compared, folded, ignored, why};

const RUNS: &str = "how the last run went, which is no part of the schedule";

pub const SCHEDULES: Answer = Answer {
    operation: "sagemaker:ListMonitoringSchedules",
    members: &[
        compared("MonitoringScheduleSummaries.MonitoringScheduleName", "name"),
        ignored("MonitoringScheduleSummaries.MonitoringScheduleArn", why::WHOSE),
        ignored("MonitoringScheduleSummaries.CreationTime", why::LISTED),
        ignored("MonitoringScheduleSummaries.LastModifiedTime", why::LISTED),
        ignored("MonitoringScheduleSummaries.MonitoringScheduleStatus", why::LISTED),
        ignored("MonitoringScheduleSummaries.EndpointName", why::LISTED),
        compared("MonitoringScheduleSummaries.MonitoringJobDefinitionName", "definition"),
        ignored("MonitoringScheduleSummaries.MonitoringType", why::LISTED),
        ignored("NextToken", why::PAGE),
    ],
};

pub const DEFINITIONS: Answer = Answer {
    operation: "sagemaker:ListDataQualityJobDefinitions",
    members: &[
        compared("JobDefinitionSummaries.MonitoringJobDefinitionName", "generations"),
        ignored("JobDefinitionSummaries.MonitoringJobDefinitionArn", why::LISTED),
        ignored("JobDefinitionSummaries.CreationTime", "it says which generation is the newest"),
        ignored("JobDefinitionSummaries.EndpointName", why::LISTED),
        ignored("NextToken", why::PAGE),
    ],
};

pub const SCHEDULE: Answer = Answer {
    operation: "sagemaker:DescribeMonitoringSchedule",
    members: &[
        compared("MonitoringScheduleArn", "arn"),
        compared("MonitoringScheduleName", "name"),
        compared("MonitoringScheduleStatus", "schedule.enabled"),
        ignored("MonitoringType", "the schedule's configuration repeats it, and is compared"),
        compared("FailureReason", "status"),
        ignored("CreationTime", why::MADE),
        ignored("LastModifiedTime", why::MOVES),
        compared("MonitoringScheduleConfig.ScheduleConfig.ScheduleExpression", "schedule.expression"),
        compared("MonitoringScheduleConfig.ScheduleConfig.DataAnalysisStartTime", "schedule.other"),
        compared("MonitoringScheduleConfig.ScheduleConfig.DataAnalysisEndTime", "schedule.other"),
        compared("MonitoringScheduleConfig.MonitoringJobDefinition", "schedule.other"),
        compared("MonitoringScheduleConfig.MonitoringJobDefinitionName", "definition"),
        folded("MonitoringScheduleConfig.MonitoringType", "schedule.other", "DataQuality", "the one type that scones makes"),
        ignored("EndpointName", "the definition's own is compared"),
        ignored("LastMonitoringExecutionSummary", RUNS),
    ],
};

pub const DEFINITION: Answer = Answer { operation: "sagemaker:DescribeDataQualityJobDefinition", members: CONTENT };

const CONTENT: &[Member] = &[
    ignored("JobDefinitionArn", why::FOLLOWS),
    ignored("JobDefinitionName", why::ASKED),
    ignored("CreationTime", why::MADE),
    compared("DataQualityBaselineConfig.BaseliningJobName", "definition.other"),
    compared("DataQualityBaselineConfig.ConstraintsResource", "definition.baseline.constraints"),
    compared("DataQualityBaselineConfig.StatisticsResource", "definition.baseline.statistics"),
    compared("DataQualityAppSpecification.ImageUri", "definition.image"),
    folded("DataQualityAppSpecification.ContainerEntrypoint", "definition.other", "[]", why::NONE),
    folded("DataQualityAppSpecification.ContainerArguments", "definition.other", "[]", why::NONE),
    compared("DataQualityAppSpecification.RecordPreprocessorSourceUri", "definition.preprocessor"),
    compared("DataQualityAppSpecification.PostAnalyticsProcessorSourceUri", "definition.other"),
    compared("DataQualityAppSpecification.Environment", "definition.environment"),
    compared("DataQualityJobInput.EndpointInput.EndpointName", "definition.endpoint"),
    compared("DataQualityJobInput.EndpointInput.LocalPath", "definition.other"),
    folded("DataQualityJobInput.EndpointInput.S3InputMode", "definition.other", "File", why::DEFAULT),
    folded("DataQualityJobInput.EndpointInput.S3DataDistributionType", "definition.other", "FullyReplicated", why::DEFAULT),
    compared("DataQualityJobInput.EndpointInput.FeaturesAttribute", "definition.other"),
    compared("DataQualityJobInput.EndpointInput.InferenceAttribute", "definition.other"),
    compared("DataQualityJobInput.EndpointInput.ProbabilityAttribute", "definition.other"),
    compared("DataQualityJobInput.EndpointInput.ProbabilityThresholdAttribute", "definition.other"),
    compared("DataQualityJobInput.EndpointInput.StartTimeOffset", "definition.other"),
    compared("DataQualityJobInput.EndpointInput.EndTimeOffset", "definition.other"),
    compared("DataQualityJobInput.EndpointInput.ExcludeFeaturesAttribute", "definition.other"),
    compared("DataQualityJobInput.BatchTransformInput", "definition.other"),
    compared("DataQualityJobOutputConfig.MonitoringOutputs", "definition.reports"),
    folded("DataQualityJobOutputConfig.KmsKeyId", "definition.reports_kms_key", "\"\"", why::NONE),
    compared("JobResources.ClusterConfig.InstanceCount", "definition.instance_count"),
    compared("JobResources.ClusterConfig.InstanceType", "definition.instance"),
    compared("JobResources.ClusterConfig.VolumeSizeInGB", "definition.volume"),
    compared("JobResources.ClusterConfig.VolumeKmsKeyId", "definition.volume_kms_key"),
    folded("NetworkConfig.EnableInterContainerTrafficEncryption", "definition.other", "false", why::DEFAULT),
    folded("NetworkConfig.EnableNetworkIsolation", "definition.network_isolation", "false", why::DEFAULT),
    compared("NetworkConfig.VpcConfig", "definition.vpc"),
    compared("RoleArn", "definition.role"),
    folded("StoppingCondition.MaxRuntimeInSeconds", "definition.max_runtime", "3600", why::DEFAULT),
];
