//! What becomes of each member that CloudWatch answers of a dashboard.

use crate::kind::answer::{Answer, compared};

pub const ANSWERS: &[Answer] = &[Answer {
    operation: "cloudwatch:GetDashboard",
    members: &[compared("DashboardArn", "arn"), compared("DashboardName", "name"), compared("DashboardBody", "body")],
}];
