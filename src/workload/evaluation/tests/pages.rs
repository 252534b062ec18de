//! What people see of an evaluation.

use std::time::Duration;

use super::super::{Answer, Evaluation, html, text};
use super::{answer, context, failure, measured, sample};

fn plain(evaluation: &Evaluation, width: usize) -> String {
    anstream::adapter::strip_str(&text(evaluation, width)).to_string()
}

fn many_classes() -> Evaluation {
    let classes: Vec<String> = (0..40).map(|index| format!("vehicle {index}")).collect();
    let answers: Vec<Answer> = (0..400)
        .map(|index| {
            let mut probabilities = vec![0.0; 40];
            probabilities[if index % 11 == 0 { (index + 1) % 40 } else { index % 40 }] = 1.0;
            answer(&index.to_string(), index % 40, &probabilities, 20)
        })
        .collect();
    Evaluation::measure(context(), classes, 0.5, &answers, Duration::from_secs(2)).unwrap()
}

#[test]
fn the_terminal_shows_the_whole_of_it() {
    assert_eq!(plain(&sample(), 80), include_str!("sample.txt"));
}

#[test]
fn many_classes_become_a_list_of_confusions() {
    let shown = plain(&many_classes(), 80);
    assert!(shown.contains("most frequent of 37 confusions") && !shown.contains("is \\ called"), "{shown}");
    assert!(shown.contains(" 1 × vehicle 0 called vehicle 1"), "{shown}");
    assert!(html(&many_classes()).contains("The most frequent confusions"));
}

#[test]
fn nothing_answered_is_still_shown() {
    let none = measured(&[failure("a", 0, "timed out")]);
    let (shown, page) = (plain(&none, 80), html(&none));
    assert!(shown.contains("Accuracy 0.0 %: 0 of 1 pictures") && !shown.contains("latency"), "{shown}");
    assert!(page.contains("timed out") && !page.contains("<svg"));
}

#[test]
fn keys_do_not_write_to_the_terminal() {
    let shown = text(&measured(&[answer("a\u{1b}[2Jb", 0, &[0.1, 0.9], 10), failure("c\rd", 0, "\u{1b}]0;title\u{7}")]), 80);
    assert!(!shown.contains("\u{1b}[2J") && !shown.contains('\r') && !shown.contains('\u{7}') && shown.contains("a�[2Jb"));
}

#[test]
fn the_page_is_accessible_and_closed() {
    let page = html(&sample());
    assert_eq!(page.matches("<svg ").count(), 2);
    assert_eq!(page.matches("role=\"img\"").count(), 2);
    assert_eq!(page.matches("<table").count(), page.matches("<caption>").count());
    // Each head of a table says what it heads, and there are no others.
    assert_eq!(page.matches("<th").count() - page.matches("<thead").count(), page.matches(" scope=\"").count());
    assert!(
        page.contains("default-src 'none'") && !page.contains("http://") && !page.contains("https://") && !page.contains("url(")
    );
    for element in ["section", "table", "svg", "details", "div", "dl", "dd", "tr", "td"] {
        let opened = page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
        assert_eq!(opened, page.matches(&format!("</{element}>")).count(), "{element}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let mut context = context();
    context.endpoint = "</title><script>alert(1)</script>".into();
    context.models = vec!["\" onload='x'".into()];
    let classes = vec!["<img src=x>".into(), "b".into()];
    let answers = [answer("<svg onload=x>&", 0, &[0.1, 0.9], 10), failure("</li>", 1, "<b>no</b>")];
    let page = html(&Evaluation::measure(context, classes, 0.5, &answers, Duration::from_secs(1)).unwrap());
    for bad in ["<script", "<img", "<svg onload", "<b>", "onload='", "</li></li>"] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("&lt;svg onload=x&gt;&amp;") && page.contains("&quot; onload=&#39;x&#39;"));
}
