//! Who changed a resource, in lines for a terminal.

use super::plain::{one_line, wrapped};
use crate::who::{Author, Who};

/// Renders it in lines of at most `width` characters, as far as there is room between words.
pub fn lines(who: &Who, width: usize) -> Vec<String> {
    let text = match who {
        Who::Known(author) => known(author),
        Who::Nobody => "changed by nobody that CloudTrail names: it keeps 90 days, and lags by up to 15 minutes".to_owned(),
        Who::Unknown(why) => format!("who changed it is unknown: {why}"),
    };
    wrapped(&one_line(&text), width)
}

fn known(author: &Author) -> String {
    let Author { identity, event, source_address, .. } = author;
    let via = author.via.as_ref().map(|via| format!(" ({via})")).unwrap_or_default();
    let from = source_address.as_ref().map(|address| format!(" from {address}")).unwrap_or_default();
    let later = if author.is_scones() { "; a later change is not recorded yet" } else { "" };
    format!("last changed by {identity}{via} at {}{from}: {event}{later}", minute(&author.time))
}

/// A time of RFC 3339 in UTC, to the minute: `2026-11-27 05:12 UTC`.
fn minute(time: &str) -> String {
    match (time.get(..10), time.get(10..11), time.get(11..16), time.ends_with('Z')) {
        (Some(day), Some("T"), Some(minute), true) => format!("{day} {minute} UTC"),
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn author(via: &str) -> Author {
        Author {
            identity: "alice".into(),
            identity_type: "IAMUser".into(),
            via: Some(via.into()),
            time: "2026-11-27T05:12:40Z".into(),
            event: "UpdateFunctionConfiguration20150331v2".into(),
            source_address: Some("203.0.113.7".into()),
            user_agent: None,
        }
    }

    #[test]
    fn an_author_is_told_in_full_and_fits() {
        let shown = lines(&Who::Known(author("console")), 74);
        let wanted = [
            "last changed by alice (console) at 2026-11-27 05:12 UTC from 203.0.113.7:",
            "  UpdateFunctionConfiguration20150331v2",
        ];
        assert_eq!(shown, wanted);
        let ours = lines(&Who::Known(author("scones")), 200).concat();
        assert!(ours.ends_with("v2; a later change is not recorded yet"), "{ours}");
    }

    #[test]
    fn what_others_wrote_cannot_move_the_cursor() {
        let hostile = Author { identity: "a\u{1b}[2J\n\nb".into(), time: "yesterday".into(), ..author("x\u{202e}y") };
        let shown = lines(&Who::Known(hostile), 500);
        assert_eq!(shown.len(), 1);
        assert!(shown[0].starts_with("last changed by a�[2J b (x�y) at yesterday from"), "{shown:?}");
    }
}
