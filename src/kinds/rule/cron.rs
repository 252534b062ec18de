//! The schedules of EventBridge rules, checked without asking AWS.

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One of the six fields of a cron expression.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
    /// What it takes besides numbers, lists, ranges and steps.
    special: &'static str,
}

/// Source: "Cron expressions reference" in the EventBridge user guide.
const FIELDS: [Field; 6] = [
    Field { name: "minutes", least: 0, most: 59, words: &[], special: "" },
    Field { name: "hours", least: 0, most: 23, words: &[], special: "" },
    Field { name: "day of month", least: 1, most: 31, words: &[], special: "?LW" },
    Field { name: "month", least: 1, most: 12, words: &MONTHS, special: "" },
    Field { name: "day of week", least: 1, most: 7, words: &WEEKDAYS, special: "?L#" },
    Field { name: "year", least: 1970, most: 2199, words: &[], special: "" },
];

/// The rate of a rule, in the largest unit that is whole, singular where it is one of it; `None` for no whole minutes.
pub fn rate(seconds: u32) -> Option<String> {
    let (unit, name) =
        [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")].into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit))?;
    match seconds / unit {
        0 => None,
        1 => Some(format!("rate(1 {name})")),
        count => Some(format!("rate({count} {name}s)")),
    }
}

/// One form for rates that mean the same: `rate(60 minutes)` is `rate(1 hour)`.
pub fn canonical(expression: &str) -> String {
    let seconds = || {
        let (count, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
        let unit = match unit.trim_end_matches('s') {
            "minute" => MINUTE,
            "hour" => HOUR,
            "day" => DAY,
            _ => return None,
        };
        count.parse::<u32>().ok()?.checked_mul(unit)
    };
    seconds().and_then(rate).unwrap_or_else(|| expression.to_owned())
}

/// Says what is wrong with a cron expression of EventBridge.
pub fn check(expression: &str) -> Result<(), String> {
    let inner = expression.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.ok_or("it is not of the form cron(…)")?;
    let parts: Vec<&str> = inner.split(' ').filter(|part| !part.is_empty()).collect();
    if parts.len() != FIELDS.len() {
        return Err(format!(
            "it has {} fields, not the six of minutes, hours, day of month, month, day of week, year",
            parts.len()
        ));
    }
    for (field, text) in FIELDS.iter().zip(&parts) {
        if !is_field(field, text) {
            return Err(format!("`{text}` is nothing for its {}", field.name));
        }
    }
    match (parts[2], parts[4]) {
        ("?", "?") => Err("one of day of month and day of week must say when".to_owned()),
        ("?", _) | (_, "?") => Ok(()),
        _ => Err("one of day of month and day of week must be `?`".to_owned()),
    }
}

fn is_field(field: &Field, text: &str) -> bool {
    if text == "?" {
        return field.special.contains('?');
    }
    text.split(',').all(|item| is_item(field, item))
}

/// `*`, a value, a range, each with a step or without, and what only days know.
fn is_item(field: &Field, item: &str) -> bool {
    let value = |text: &str| number(field, text);
    if is_day(field, item) {
        return true;
    }
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let steps = step.is_none_or(|step| digits(step).is_some_and(|step| (1..=field.most).contains(&step)));
    let spans = match range.split_once('-') {
        Some((from, to)) => value(from).zip(value(to)).is_some_and(|(from, to)| from <= to),
        None => range == "*" || value(range).is_some(),
    };
    steps && spans
}

/// `L` and `15W` of days of the month; `L`, `6L` and `6#3` of days of the week.
fn is_day(field: &Field, item: &str) -> bool {
    let value = |text: &str| number(field, text).is_some();
    let takes = |special: char| field.special.contains(special);
    let last = takes('L') && (item == "L" || (takes('#') && item.strip_suffix('L').is_some_and(value)));
    let near = takes('W') && (item == "LW" || item.strip_suffix('W').is_some_and(value));
    let nth = |(day, nth): (&str, &str)| value(day) && digits(nth).is_some_and(|nth| (1..=5).contains(&nth));
    last || near || (takes('#') && item.split_once('#').is_some_and(nth))
}

fn number(field: &Field, text: &str) -> Option<u32> {
    let word = || field.words.iter().position(|word| word.eq_ignore_ascii_case(text));
    let value = digits(text).or_else(|| Some(u32::try_from(word()?).ok()? + field.least))?;
    (field.least..=field.most).contains(&value).then_some(value)
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_have_one_form() {
        let rates = [
            (60, "rate(1 minute)"),
            (300, "rate(5 minutes)"),
            (3600, "rate(1 hour)"),
            (5400, "rate(90 minutes)"),
            (172_800, "rate(2 days)"),
        ];
        for (seconds, wanted) in rates {
            assert_eq!(rate(seconds).as_deref(), Some(wanted));
            assert_eq!(canonical(wanted), wanted);
        }
        assert_eq!((rate(0), rate(30), rate(90)), (None, None, None));
        assert_eq!(canonical("rate(60 minutes)"), "rate(1 hour)");
        for odd in ["rate(0 minutes)", "rate(99999999999 days)", "rate(1 week)", "cron(0 6 * * ? *)", ""] {
            assert_eq!(canonical(odd), odd);
        }
    }

    #[test]
    fn crons_of_eventbridge() {
        let right = [
            "cron(0 6 * * ? *)",
            "cron(0/15 * * * ? *)",
            "cron(0 18 ? * MON-FRI *)",
            "cron(0 8 1 * ? *)",
            "cron(5,35 14 ? JAN,jul SUN 2026-2030)",
            "cron(0 9 L * ? *)",
            "cron(0 9 15W * ? *)",
            "cron(0 9 ? * 6L *)",
            "cron(0 9 ? * 3#2 *)",
        ];
        for expression in right {
            assert_eq!(check(expression), Ok(()), "{expression}");
        }
        let wrong = [
            ("0 6 * * ? *", "of the form"),
            ("cron(0 6 * * *)", "5 fields"),
            ("cron(0 6 * * * *)", "must be `?`"),
            ("cron(0 6 ? * ? *)", "say when"),
            ("cron(60 6 * * ? *)", "`60` is nothing for its minutes"),
            ("cron(0 24 * * ? *)", "hours"),
            ("cron(0 6 ? * MON#6 *)", "day of week"),
            ("cron(0 6 ? * 8 *)", "day of week"),
            ("cron(0 6 32 * ? *)", "day of month"),
            ("cron(0 6 1 13 ? *)", "month"),
            ("cron(? 6 * * ? *)", "minutes"),
            ("cron(5-2 6 * * ? *)", "minutes"),
            ("cron(0/0 6 * * ? *)", "minutes"),
            ("cron(,0 6 * * ? *)", "minutes"),
            ("cron(0 6 * * ? 99999999999)", "year"),
        ];
        for (expression, words) in wrong {
            assert!(check(expression).is_err_and(|why| why.contains(words)), "{expression}");
        }
    }

    proptest! {
        #[test]
        fn hostile_text_is_refused_without_harm(text in "(cron\\()?[-0-9A-Z*?/#,LW ()é]{0,40}\\)?") {
            let _ = (check(&text), canonical(&text));
        }
    }
}
