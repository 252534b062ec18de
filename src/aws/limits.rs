//! Token buckets that keep each API below the rate that AWS publishes for it, so that a large environment is slowed
//! down here instead of being throttled there.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// (operations, burst, refill per second). The first row whose text the operation starts with counts; all operations
/// of a row share its bucket.
///
/// Sources: the quota pages of CloudWatch, EventBridge, Lambda and Step Functions. IAM, SageMaker, CloudFormation and
/// Application Auto Scaling publish none; theirs are careful guesses.
const RATES: &[(&str, f64, f64)] = &[
    ("cloudwatch:PutMetricAlarm", 3.0, 3.0),
    ("cloudwatch:PutCompositeAlarm", 3.0, 3.0),
    ("cloudwatch:DeleteAlarms", 3.0, 3.0),
    ("cloudwatch:EnableAlarmActions", 3.0, 3.0),
    ("cloudwatch:DisableAlarmActions", 3.0, 3.0),
    ("cloudwatch:DescribeAlarms", 9.0, 9.0),
    ("cloudwatch:", 10.0, 10.0),
    ("lambda:GetFunction", 100.0, 100.0),
    ("lambda:GetPolicy", 15.0, 15.0),
    ("lambda:", 15.0, 15.0),
    ("states:CreateStateMachine", 100.0, 1.0),
    ("states:UpdateStateMachine", 100.0, 1.0),
    ("states:ListTagsForResource", 100.0, 1.0),
    ("states:TagResource", 200.0, 1.0),
    ("states:DescribeStateMachine", 200.0, 20.0),
    ("states:", 100.0, 5.0),
    // 50 in the largest regions, 10 or so in others; each operation has its own, and here they share one.
    ("events:", 10.0, 10.0),
    ("iam:", 40.0, 15.0),
    ("sagemaker:", 20.0, 10.0),
    ("cloudformation:", 20.0, 10.0),
    ("application-autoscaling:", 10.0, 5.0),
    // 30 of ListSubscriptionsByTopic and 100 of Unsubscribe; those of attributes are not published.
    ("sns:", 20.0, 20.0),
    ("scheduler:", 50.0, 50.0),
    ("tag:", 10.0, 5.0),
    ("logs:", 10.0, 10.0),
];

pub struct Limits {
    enabled: bool,
    buckets: Mutex<HashMap<&'static str, (f64, Instant)>>,
}

impl Limits {
    pub fn new(enabled: bool) -> Self {
        Self { enabled, buckets: Mutex::default() }
    }

    /// Waits until the operation may be sent.
    pub async fn wait(&self, operation: &str) {
        if !self.enabled {
            return;
        }
        if let Some((name, burst, rate)) = RATES.iter().find(|(name, ..)| operation.starts_with(name)) {
            let pause = self.take(name, *burst, *rate);
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Takes a token; a bucket may go below zero, which is the queue of those who wait.
    fn take(&self, name: &'static str, burst: f64, rate: f64) -> Duration {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (tokens, last) = buckets.entry(name).or_insert((burst, now));
        *tokens = (*tokens + now.duration_since(*last).as_secs_f64() * rate).min(burst) - 1.0;
        *last = now;
        if *tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-*tokens / rate) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_the_rest_waits_its_turn() {
        let limits = Limits::new(true);
        let take = || limits.take("cloudwatch:PutMetricAlarm", 3.0, 3.0);
        assert_eq!([take(), take(), take()], [Duration::ZERO; 3]);
        let pauses: Vec<f64> = (0..3).map(|_| take().as_secs_f64()).collect();
        // Less than a third of a second each, since the bucket refills while the test runs.
        assert!(pauses[0] > 0.0 && pauses[2] > 0.8 && pauses[2] <= 1.0, "{pauses:?}");
    }

    #[test]
    fn emulators_have_no_rates() {
        let limits = Limits::new(false);
        let waits = (0..100).map(|_| limits.wait("cloudwatch:PutMetricAlarm"));
        assert!(waits.into_iter().all(|wait| futures::FutureExt::now_or_never(wait).is_some()));
    }
}
