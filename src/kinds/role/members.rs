//! What becomes of each member that IAM answers.

use crate::kind::answer::{Answer, Member, compared, folded, ignored, why};

pub const ANSWERS: &[Answer] = &[
    Answer { operation: "iam:GetRole", members: ROLE },
    Answer {
        operation: "iam:ListRolePolicies",
        members: &[compared("PolicyNames", "policies"), ignored("IsTruncated", why::PAGE), ignored("Marker", why::PAGE)],
    },
    Answer {
        operation: "iam:GetRolePolicy",
        members: &[ignored("RoleName", why::ASKED), ignored("PolicyName", why::ASKED), compared("PolicyDocument", "policies")],
    },
    Answer {
        operation: "iam:ListAttachedRolePolicies",
        members: &[
            ignored("AttachedPolicies.PolicyName", "the ARN says it"),
            compared("AttachedPolicies.PolicyArn", "managed_policies"),
            ignored("IsTruncated", why::PAGE),
            ignored("Marker", why::PAGE),
        ],
    },
    Answer {
        operation: "iam:ListRoles",
        members: &[ignored("Roles", why::LISTED), ignored("IsTruncated", why::PAGE), ignored("Marker", why::PAGE)],
    },
];

const ROLE: &[Member] = &[
    compared("Role.Path", "path"),
    compared("Role.RoleName", "name"),
    ignored("Role.RoleId", why::MADE),
    compared("Role.Arn", "arn"),
    ignored("Role.CreateDate", why::MADE),
    compared("Role.AssumeRolePolicyDocument", "trust"),
    folded("Role.Description", "description", "\"\"", why::NONE),
    folded("Role.MaxSessionDuration", "max_session_duration", "3600", why::DEFAULT),
    ignored("Role.PermissionsBoundary.PermissionsBoundaryType", "there is one type, Policy"),
    compared("Role.PermissionsBoundary.PermissionsBoundaryArn", "boundary"),
    compared("Role.Tags", "tags"),
    ignored("Role.RoleLastUsed", why::MOVES),
    ignored("Role.SourceRoleTemplate", "it tells of which template AcquireRole made the role; what the role may do is compared"),
];
