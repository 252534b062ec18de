//! What becomes of each member that Step Functions answers.

use crate::kind::answer::{Answer, Member, compared, folded, ignored, why};
use crate::kinds::log_group;

pub const ANSWERS: &[Answer] = &[
    Answer { operation: "states:DescribeStateMachine", members: MACHINE },
    Answer {
        operation: "states:DescribeStateMachineAlias",
        members: &[
            ignored("stateMachineAliasArn", why::ASKED),
            compared("name", "alias.name"),
            folded("description", "alias.description", "\"\"", "apply notes there which revision the version equals"),
            compared("routingConfiguration.stateMachineVersionArn", "alias.version"),
            compared("routingConfiguration.weight", "alias.weights"),
            ignored("creationDate", why::MADE),
            ignored("updateDate", why::MOVES),
        ],
    },
    Answer {
        operation: "states:ListStateMachineAliases",
        members: &[
            compared("stateMachineAliases.stateMachineAliasArn", "other_aliases"),
            ignored("stateMachineAliases.creationDate", why::MADE),
            ignored("nextToken", why::PAGE),
        ],
    },
    Answer {
        operation: "states:ListStateMachineVersions",
        members: &[
            compared("stateMachineVersions.stateMachineVersionArn", "generations"),
            ignored("stateMachineVersions.creationDate", why::MADE),
            ignored("nextToken", why::PAGE),
        ],
    },
    log_group::ANSWER,
];

const MACHINE: &[Member] = &[
    compared("stateMachineArn", "arn"),
    compared("name", "name"),
    compared("status", "status"),
    compared("definition", "definition"),
    compared("roleArn", "role"),
    compared("type", "type"),
    ignored("creationDate", why::MADE),
    folded("loggingConfiguration.level", "logging.level", "OFF", why::DEFAULT),
    folded("loggingConfiguration.includeExecutionData", "logging.include_execution_data", "false", why::DEFAULT),
    compared("loggingConfiguration.destinations", "logging.destination"),
    folded("tracingConfiguration.enabled", "tracing", "false", why::DEFAULT),
    ignored("label", "only the ARN of a state in a distributed map has one"),
    ignored("revisionId", why::MOVES),
    ignored("description", "only versions have one"),
    compared("encryptionConfiguration.kmsKeyId", "encryption"),
    compared("encryptionConfiguration.kmsDataKeyReusePeriodSeconds", "encryption"),
    folded("encryptionConfiguration.type", "encryption", "AWS_OWNED_KEY", why::DEFAULT),
    ignored("variableReferences", "it follows from the definition"),
];
