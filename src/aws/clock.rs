//! AWS's own clock, as its answers tell it: a lease must not seem over because a machine's clock is ahead.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

/// By how many seconds AWS's clock is ahead of this machine's; zero until an answer told it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// The time, in seconds since 1970.
    pub fn now(&self) -> i64 {
        here() + self.0.load(Ordering::Relaxed)
    }

    fn set(&self, date: &str, here: i64) {
        if let Ok(there) = DateTime::from_str(date, Format::HttpDate) {
            self.0.store(there.secs() - here, Ordering::Relaxed);
        }
    }
}

fn here() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Intercept for Clock {
    fn name(&self) -> &'static str {
        "Clock"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.set(date, here());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_what_answers_say() {
        let clock = Clock::default();
        clock.set("Fri, 27 Nov 2026 12:00:00 GMT", 1_795_780_800 - 90);
        assert!((clock.now() - here() - 90).abs() <= 1);
        clock.set("yesterday", 0);
        assert!((clock.now() - here() - 90).abs() <= 1);
    }
}
