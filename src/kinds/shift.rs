//! Moves what an alias serves to a new version: by weight in steps, under alarms, and back by itself when one goes off. The
//! services that have aliases know weights, but neither steps nor alarms.

use std::future::Future;
use std::time::Duration;

use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use tokio::time::{Instant, sleep};

use super::rollout::Rollout;
use crate::aws::{Aws, AwsError, waiting};

/// How long the alarms are left alone between two looks.
const LOOK: Duration = Duration::from_secs(5);
/// How much of an alarm's reason is told, in characters.
const REASON: usize = 200;

/// An alias on its way from one version to another.
pub trait Alias: Sync {
    /// Lets the new version have so many percent of what comes in, and the old one the rest.
    fn route(&self, percent: i32) -> impl Future<Output = Result<(), AwsError>> + Send;

    /// Why to go back, if an alarm rings.
    fn ringing(&self) -> impl Future<Output = Result<Option<String>, AwsError>> + Send;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn pause(&self, time: Duration) -> impl Future<Output = ()> + Send {
        sleep(time)
    }
}

/// Shifts all to the new version, from what it has already: nothing, or what an interrupted shift left it. That step is
/// watched once more, since nobody knows for how long it was. Says why, if it went back.
///
/// # Errors
/// What AWS answers; the alias then stays where it is, and the next apply goes on from there.
pub async fn shift(alias: &impl Alias, rollout: &Rollout, reached: i32) -> Result<Option<String>, AwsError> {
    let until = alias.now() + Duration::from_secs(rollout.max_wait.into());
    let Some(why) = steps(alias, rollout, reached, until).await? else { return Ok(None) };
    alias.route(0).await?;
    Ok(Some(why))
}

async fn steps(alias: &impl Alias, rollout: &Rollout, reached: i32, until: Instant) -> Result<Option<String>, AwsError> {
    // Before anything moves: what rings already says nothing about the new version, but cannot watch it either.
    if let Some(why) = alias.ringing().await? {
        return Ok(Some(why));
    }
    if reached > 0
        && let Some(why) = bake(alias, rollout, reached).await?
    {
        return Ok(Some(why));
    }
    for share in left(rollout, reached) {
        if alias.now() > until {
            return Ok(Some(format!("it was not done after {} s, which is its max_wait", rollout.max_wait)));
        }
        alias.route(share).await?;
        if let Some(why) = bake(alias, rollout, share).await? {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// The steps that are not reached yet.
fn left(rollout: &Rollout, reached: i32) -> Vec<i32> {
    rollout.shares().into_iter().filter(|share| *share > reached || *share == 100).collect()
}

/// Watches one step for as long as it bakes.
async fn bake(alias: &impl Alias, rollout: &Rollout, share: i32) -> Result<Option<String>, AwsError> {
    let until = alias.now() + Duration::from_secs(rollout.bake.into());
    loop {
        let rest = until.saturating_duration_since(alias.now());
        if rest.is_zero() {
            return Ok(None);
        }
        waiting::on(&format!("{share}% at the new version: {} s more", rest.as_secs_f64().ceil()));
        alias.pause(rest.min(LOOK)).await;
        if let Some(why) = alias.ringing().await? {
            return Ok(Some(why));
        }
    }
}

/// Why to go back, by alarms: the first that rings, or that is gone and so watches nothing. One request.
///
/// # Errors
/// What CloudWatch answers.
pub async fn ringing(aws: &Aws, names: &[String]) -> Result<Option<String>, AwsError> {
    if names.is_empty() {
        return Ok(None);
    }
    let request = aws
        .cloudwatch()
        .describe_alarms()
        .set_alarm_names(Some(names.to_vec()))
        .alarm_types(AlarmType::MetricAlarm)
        .alarm_types(AlarmType::CompositeAlarm);
    let answer = aws.call("cloudwatch:DescribeAlarms", &names.join(", "), request.send()).await?;
    let metric = answer.metric_alarms().iter().map(|one| (one.alarm_name(), one.state_value(), one.state_reason()));
    let composite = answer.composite_alarms().iter().map(|one| (one.alarm_name(), one.state_value(), one.state_reason()));
    let found: Vec<_> = metric.chain(composite).collect();
    let rings = found.iter().find(|(_, state, _)| *state == Some(&StateValue::Alarm));
    if let Some((name, _, reason)) = rings {
        let reason: String = reason.unwrap_or("it gives no reason").chars().take(REASON).collect();
        return Ok(Some(format!("the alarm {} rings: {reason}", name.unwrap_or_default())));
    }
    let gone = names.iter().find(|name| !found.iter().any(|(found, ..)| *found == Some(name.as_str())));
    Ok(gone.map(|name| format!("the alarm {name} is gone")))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Notes where it is led and when, and rings once so many seconds have passed. Its time passes only by pauses.
    struct Recorded {
        begun: Instant,
        passed: Mutex<Duration>,
        routes: Mutex<Vec<(u64, i32)>>,
        rings_after: Option<u64>,
        looks: Mutex<u32>,
    }

    impl Recorded {
        fn ringing_after(rings_after: Option<u64>) -> Self {
            Self {
                begun: Instant::now(),
                passed: Mutex::default(),
                routes: Mutex::default(),
                rings_after,
                looks: Mutex::default(),
            }
        }

        fn passed(&self) -> Duration {
            *self.passed.lock().unwrap()
        }

        fn routes(&self) -> Vec<(u64, i32)> {
            self.routes.lock().unwrap().clone()
        }
    }

    impl Alias for Recorded {
        async fn route(&self, percent: i32) -> Result<(), AwsError> {
            self.routes.lock().unwrap().push((self.passed().as_secs(), percent));
            Ok(())
        }

        async fn ringing(&self) -> Result<Option<String>, AwsError> {
            *self.looks.lock().unwrap() += 1;
            let rings = self.rings_after.is_some_and(|after| self.passed() >= Duration::from_secs(after));
            Ok(rings.then(|| "it rings".to_owned()))
        }

        fn now(&self) -> Instant {
            self.begun + self.passed()
        }

        async fn pause(&self, time: Duration) {
            *self.passed.lock().unwrap() += time;
        }
    }

    fn rollout(canary: Option<i32>, linear: Option<i32>, bake: u32) -> Rollout {
        Rollout { canary, linear, bake, roll_back_on: vec![], max_wait: 3600 }
    }

    #[tokio::test]
    async fn goes_step_by_step() {
        let alias = Recorded::ringing_after(None);
        assert_eq!(shift(&alias, &rollout(Some(10), None, 60), 0).await.unwrap(), None);
        assert_eq!(alias.routes(), [(0, 10), (60, 100)]);
        let alias = Recorded::ringing_after(None);
        assert_eq!(shift(&alias, &rollout(None, Some(30), 7), 0).await.unwrap(), None);
        assert_eq!(alias.routes(), [(0, 30), (7, 60), (14, 90), (21, 100)]);
        assert_eq!(alias.passed().as_secs(), 28);
    }

    #[tokio::test]
    async fn all_at_once_is_watched_too() {
        let alias = Recorded::ringing_after(Some(12));
        assert_eq!(shift(&alias, &rollout(None, None, 60), 0).await.unwrap().as_deref(), Some("it rings"));
        assert_eq!(alias.routes(), [(0, 100), (15, 0)]);
        let alias = Recorded::ringing_after(None);
        assert_eq!(shift(&alias, &rollout(None, None, 0), 0).await.unwrap(), None);
        assert_eq!((alias.routes(), alias.passed().as_secs()), (vec![(0, 100)], 0));
        assert_eq!(*alias.looks.lock().unwrap(), 1);
    }

    #[tokio::test]
    async fn goes_back_when_an_alarm_rings() {
        for (after, routes) in [(0, vec![(0, 0)]), (1, vec![(0, 10), (5, 0)]), (61, vec![(0, 10), (60, 100), (65, 0)])] {
            let alias = Recorded::ringing_after(Some(after));
            assert!(shift(&alias, &rollout(Some(10), None, 60), 0).await.unwrap().is_some());
            assert_eq!(alias.routes(), routes, "ringing after {after} s");
        }
    }

    #[tokio::test]
    async fn goes_on_from_where_it_was_killed() {
        let linear = rollout(None, Some(30), 7);
        let alias = Recorded::ringing_after(None);
        assert_eq!(shift(&alias, &linear, 60).await.unwrap(), None);
        // What was reached is watched again before the next step.
        assert_eq!(alias.routes(), [(7, 90), (14, 100)]);
        let alias = Recorded::ringing_after(Some(0));
        assert!(shift(&alias, &linear, 60).await.unwrap().is_some());
        assert_eq!(alias.routes(), [(0, 0)]);
        // Another share than any step's, as after a change of the steps or by hand.
        let alias = Recorded::ringing_after(None);
        assert_eq!(shift(&alias, &rollout(Some(10), None, 5), 45).await.unwrap(), None);
        assert_eq!(alias.routes(), [(5, 100)]);
    }

    #[tokio::test]
    async fn gives_up_after_its_time() {
        let alias = Recorded::ringing_after(None);
        let slow = Rollout { max_wait: 10, ..rollout(None, Some(50), 20) };
        let why = shift(&alias, &slow, 0).await.unwrap().unwrap();
        assert!(why.contains("max_wait"), "{why}");
        assert_eq!(alias.routes(), [(0, 50), (20, 0)]);
    }
}
