use proptest::prelude::*;

use super::parse::{STATES, flat};
use super::*;

fn form(text: &str) -> String {
    Rule::parse(text).map_or_else(|fault| fault.message, |rule| rule.to_string())
}

#[test]
fn one_meaning_has_one_form() {
    let forms = [
        ("ALARM(a)", r#"ALARM("a")"#),
        (" ALARM ( \"a b\" )  AND\n NOT OK(c)", r#"ALARM("a b") AND NOT OK("c")"#),
        ("((ALARM(a)))", r#"ALARM("a")"#),
        ("(ALARM(a) AND ALARM(b)) AND ALARM(c)", r#"ALARM("a") AND ALARM("b") AND ALARM("c")"#),
        ("ALARM(a) AND (ALARM(b) OR TRUE)", r#"ALARM("a") AND (ALARM("b") OR TRUE)"#),
        ("(ALARM(a) AND ALARM(b)) OR FALSE", r#"ALARM("a") AND ALARM("b") OR FALSE"#),
        ("NOT (ALARM(a) OR ALARM(b))", r#"NOT (ALARM("a") OR ALARM("b"))"#),
        ("NOT (NOT INSUFFICIENT_DATA(a))", r#"NOT NOT INSUFFICIENT_DATA("a")"#),
        ("AT_LEAST( 60%, NOT OK, (a,\"b\") )", r#"AT_LEAST(60%, NOT OK, ("a", "b"))"#),
        (
            "ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:a)",
            r#"ALARM("arn:aws:cloudwatch:us-east-1:123456789012:alarm:a")"#,
        ),
        ("ALARM(${alarms.a.name})", r#"ALARM("${alarms.a.name}")"#),
    ];
    for (text, wanted) in forms {
        assert_eq!(form(text), wanted);
    }
}

#[test]
fn says_what_is_wrong() {
    let faults = [
        ("", "the rule ends where a function such as ALARM(\"name\") belongs"),
        ("ALARM(a", "the rule ends after an alarm's name, where `)` belongs"),
        ("ALARM(a) ALARM(b)", "`ALARM` stands where AND, OR or the end belongs"),
        ("ALARM(a) AND", "the rule ends where a function such as ALARM(\"name\") belongs"),
        ("ALARM()", "an alarm's name or ARN belongs into the parentheses"),
        ("ALARM(\"a)", "a name's quotes are not closed"),
        ("ALRAM(a)", "`ALRAM` is no function of rules"),
        ("\"a\"", "`a` stands where a function such as ALARM(\"name\") belongs"),
        ("AT_LEAST(0, ALARM, (a))", "AT_LEAST begins with a number of alarms, or with a percentage of them such as 60%"),
        ("AT_LEAST(1, ALRM, (a))", "AT_LEAST counts a state: ALARM, OK, INSUFFICIENT_DATA"),
    ];
    for (text, wanted) in faults {
        assert_eq!(form(text), wanted, "{text}");
    }
    assert_eq!(Rule::parse("alarm(a)").map_err(|fault| fault.help), Err(Some("did you mean `ALARM`?".into())));
}

#[test]
fn keeps_to_the_limits() {
    let chain = |count: usize| (0..count).map(|n| format!("ALARM(a{n})")).collect::<Vec<_>>().join(" OR ");
    assert!(Rule::parse(&chain(100)).is_ok());
    assert_eq!(form(&chain(101)), "a rule watches at most 100 alarms, not 101");
    assert_eq!(form(&vec!["ALARM(a)"; 501].join(" OR ")), "a rule has at most 500 alarms, constants and parentheses");
    assert_eq!(form(&format!("ALARM({})", "a".repeat(10_240))), "a rule has at most 10240 characters");
    assert_eq!(form(&format!("{}TRUE", "NOT ".repeat(2000))), "the rule is nested more than 100 deep");
    assert_eq!(form(&format!("{}TRUE{}", "(".repeat(2000), ")".repeat(2000))), "the rule is nested more than 100 deep");
}

fn rule() -> impl Strategy<Value = Rule> {
    let leaf = prop_oneof![
        (prop::sample::select(STATES.to_vec()), "[a-z :/-]{1,9}").prop_map(|(state, name)| Rule::State(state, name)),
        any::<bool>().prop_map(Rule::Constant),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let chain = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.prop_map(|rule| Rule::Not(Box::new(rule))),
            chain.clone().prop_map(|rules| flat(
                rules,
                |rule| if let Rule::And(inner) = rule { Ok(inner) } else { Err(rule) },
                Rule::And
            )),
            chain.prop_map(|rules| flat(rules, |rule| if let Rule::Or(inner) = rule { Ok(inner) } else { Err(rule) }, Rule::Or)),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(rule in rule()) {
        prop_assert_eq!(Rule::parse(&rule.to_string()), Ok(rule));
    }

    #[test]
    fn no_text_is_too_odd(text in r#"([A-Z(),"% ]|ALARM|NOT |AND |é){0,60}"#) {
        let _ = Rule::parse(&text);
    }
}
