//! SageMaker's monitoring schedules know few crons: hourly, daily, and every so many hours.

const HOUR: u32 = 60 * 60;
const DAY: u32 = 24 * HOUR;

/// SageMaker's expression for every so many seconds; `None` unless that is whole hours that divide a day.
pub fn hourly(seconds: u32) -> Option<String> {
    let hours = seconds / HOUR;
    if hours == 0 || !seconds.is_multiple_of(HOUR) || !DAY.is_multiple_of(seconds) {
        return None;
    }
    Some(match hours {
        1 => "cron(0 * ? * * *)".to_owned(),
        24 => "cron(0 0 ? * * *)".to_owned(),
        hours => format!("cron(0 0/{hours} ? * * *)"),
    })
}

/// How many seconds lie between two runs of one of SageMaker's expressions, at least; `None` if it is none of them.
///
/// Source: `ScheduleExpression` of the type `ScheduleConfig` in SageMaker's API reference: hourly, daily, or every so
/// many hours from some hour on.
pub fn period(expression: &str) -> Option<u32> {
    let hours = expression.strip_prefix("cron(0 ")?.strip_suffix(" ? * * *)")?;
    let hour = |text: &str| digits(text).filter(|hour| text.len() <= 2 && *hour <= 23);
    match hours.split_once('/') {
        None if hours == "*" => Some(HOUR),
        None => hour(hours).map(|_| DAY),
        Some((from, every)) => {
            hour(from)?;
            let every = digits(every).filter(|hours| every.len() <= 2 && (1..=24).contains(hours))?;
            // Each day begins anew, which makes the last pause of a day the shorter one.
            let rest = 24 % every;
            Some(HOUR * if rest == 0 { every } else { rest.min(every) })
        }
    }
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn crons_of_sagemaker() {
        let periods = [
            ("cron(0 * ? * * *)", Some(HOUR)),
            ("cron(0 6 ? * * *)", Some(DAY)),
            ("cron(0 0/6 ? * * *)", Some(6 * HOUR)),
            ("cron(0 17/5 ? * * *)", Some(4 * HOUR)),
            ("cron(0 0/24 ? * * *)", Some(DAY)),
            ("cron(30 * ? * * *)", None),
            ("cron(0 24 ? * * *)", None),
            ("cron(0 0/25 ? * * *)", None),
            ("cron(0 0/0 ? * * *)", None),
            ("cron(0 6 * * ? *)", None),
            ("rate(1 hour)", None),
            ("NOW", None),
        ];
        for (expression, wanted) in periods {
            assert_eq!(period(expression), wanted, "{expression}");
        }
        assert_eq!((hourly(0), hourly(1800), hourly(5 * HOUR), hourly(2 * DAY)), (None, None, None, None));
    }

    proptest! {
        #[test]
        fn hostile_text_is_refused_without_harm(text in "(cron\\(0 )?[-0-9*?/ é]{0,20}( \\? \\* \\* \\*\\))?") {
            let _ = period(&text);
        }

        #[test]
        fn what_is_written_for_an_interval_is_that_interval(hours in 1u32..=24) {
            if let Some(expression) = hourly(hours * HOUR) {
                prop_assert_eq!(period(&expression), Some(hours * HOUR));
                prop_assert!(24 % hours == 0);
            }
        }
    }
}
