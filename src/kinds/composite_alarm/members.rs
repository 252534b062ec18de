//! What becomes of each member that CloudWatch answers of a composite alarm.

use crate::kind::answer::{Answer, Member, compared, folded, ignored, why};

pub const ANSWERS: &[Answer] = &[Answer { operation: "cloudwatch:DescribeAlarms", members: ALARMS }];

const ALARMS: &[Member] = &[
    folded("CompositeAlarms.ActionsEnabled", "enabled", "true", why::DEFAULT),
    compared("CompositeAlarms.AlarmActions", "actions"),
    compared("CompositeAlarms.AlarmArn", "arn"),
    ignored("CompositeAlarms.AlarmConfigurationUpdatedTimestamp", why::MOVES),
    folded("CompositeAlarms.AlarmDescription", "description", "\"\"", why::NONE),
    compared("CompositeAlarms.AlarmName", "name"),
    compared("CompositeAlarms.AlarmRule", "rule"),
    compared("CompositeAlarms.InsufficientDataActions", "insufficient_data_actions"),
    compared("CompositeAlarms.OKActions", "ok_actions"),
    ignored("CompositeAlarms.StateReason", why::MOVES),
    ignored("CompositeAlarms.StateReasonData", why::MOVES),
    ignored("CompositeAlarms.StateUpdatedTimestamp", why::MOVES),
    ignored("CompositeAlarms.StateValue", why::MOVES),
    ignored("CompositeAlarms.StateTransitionedTimestamp", why::MOVES),
    ignored("CompositeAlarms.ActionsSuppressedBy", why::MOVES),
    ignored("CompositeAlarms.ActionsSuppressedReason", why::MOVES),
    folded("CompositeAlarms.ActionsSuppressor", "suppressor.alarm", "\"\"", why::NONE),
    folded("CompositeAlarms.ActionsSuppressorWaitPeriod", "suppressor.wait", "0", "without a suppressor there is none"),
    folded("CompositeAlarms.ActionsSuppressorExtensionPeriod", "suppressor.extension", "0", "without a suppressor there is none"),
    folded("CompositeAlarms.ActionConfiguration.AlarmTagsPropagation", "tags_propagation", "off", why::DEFAULT),
    ignored("MetricAlarms", "those of a declared name end the reading; others are another kind's"),
    ignored("LogAlarms", "they are not asked for"),
    ignored("NextToken", why::PAGE),
];
