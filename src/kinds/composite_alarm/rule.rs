//! Rules of composite alarms: read, checked, and written in one form.
//!
//! Source of the grammar and its limits: PutCompositeAlarm in the CloudWatch API reference, and "Combining alarms" in its
//! user guide.

use std::collections::BTreeSet;
use std::fmt;

use crate::finding::nearest;

/// The longest rule that CloudWatch takes, in characters.
pub const LONGEST: usize = 10_240;
const MOST_CHILDREN: usize = 100;
/// Alarms, constants and parentheses.
const MOST_ELEMENTS: usize = 500;
/// How deep expressions may stand in each other; the elements alone would let the stack run out.
const DEEPEST: usize = 100;
const STATES: [&str; 3] = ["ALARM", "OK", "INSUFFICIENT_DATA"];
const WORDS: [&str; 9] = ["ALARM", "OK", "INSUFFICIENT_DATA", "AT_LEAST", "TRUE", "FALSE", "AND", "OR", "NOT"];

/// A rule as a tree; chains of one operator are flat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// An alarm, by name or ARN, is in a state.
    State(&'static str, String),
    /// So many of these alarms are, or are not, in a state.
    AtLeast {
        threshold: String,
        not: bool,
        state: &'static str,
        alarms: Vec<String>,
    },
    Constant(bool),
    Not(Box<Rule>),
    And(Vec<Rule>),
    Or(Vec<Rule>),
}

/// What is wrong with a rule, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// What CloudWatch would refuse.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.chars().count() > LONGEST {
            return Err(Fault::new(format!("a rule has at most {LONGEST} characters")));
        }
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, elements: 0 };
        let rule = parser.any()?;
        if let Some(token) = parser.peek() {
            return Err(Fault::new(format!("{token} stands where AND, OR or the end belongs")));
        }
        let children = rule.children();
        if children.len() > MOST_CHILDREN {
            return Err(Fault::new(format!("a rule watches at most {MOST_CHILDREN} alarms, not {}", children.len())));
        }
        if parser.elements > MOST_ELEMENTS {
            return Err(Fault::new(format!("a rule has at most {MOST_ELEMENTS} alarms, constants and parentheses")));
        }
        Ok(rule)
    }

    /// The alarms that it watches, by name or ARN.
    pub fn children(&self) -> BTreeSet<&str> {
        match self {
            Self::State(_, alarm) => [alarm.as_str()].into(),
            Self::AtLeast { alarms, .. } => alarms.iter().map(String::as_str).collect(),
            Self::Constant(_) => BTreeSet::new(),
            Self::Not(rule) => rule.children(),
            Self::And(rules) | Self::Or(rules) => rules.iter().flat_map(Self::children).collect(),
        }
    }

    /// How tightly it holds together: what holds less than its surroundings stands in parentheses.
    fn binds(&self) -> u8 {
        match self {
            Self::Or(_) => 0,
            Self::And(_) => 1,
            Self::Not(_) => 2,
            Self::State(..) | Self::AtLeast { .. } | Self::Constant(_) => 3,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, least: u8) -> fmt::Result {
        if self.binds() < least {
            f.write_str("(")?;
            self.write(f, 0)?;
            return f.write_str(")");
        }
        match self {
            Self::State(state, alarm) => write!(f, "{state}(\"{alarm}\")"),
            Self::AtLeast { threshold, not, state, alarms } => {
                let alarms: Vec<String> = alarms.iter().map(|alarm| format!("\"{alarm}\"")).collect();
                write!(f, "AT_LEAST({threshold}, {}{state}, ({}))", if *not { "NOT " } else { "" }, alarms.join(", "))
            }
            Self::Constant(value) => f.write_str(if *value { "TRUE" } else { "FALSE" }),
            Self::Not(rule) => {
                f.write_str("NOT ")?;
                rule.write(f, 2)
            }
            Self::And(rules) => join(f, rules, " AND ", 2),
            Self::Or(rules) => join(f, rules, " OR ", 1),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, rules: &[Rule], operator: &str, least: u8) -> fmt::Result {
    for (index, rule) in rules.iter().enumerate() {
        if index > 0 {
            f.write_str(operator)?;
        }
        rule.write(f, least)?;
    }
    Ok(())
}

/// The one form: names in quotes, one space, no parentheses that change nothing.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Comma,
    Word(&'a str),
    Quoted(&'a str),
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("`(`"),
            Self::Close => f.write_str("`)`"),
            Self::Comma => f.write_str("`,`"),
            Self::Word(word) | Self::Quoted(word) => write!(f, "`{word}`"),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut found = vec![];
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '"' => {
                let inner = rest.get(1..).and_then(|inner| inner.split_once('"'));
                let Some((name, after)) = inner else { return Err(Fault::new("a name's quotes are not closed")) };
                found.push(Token::Quoted(name));
                rest = after.trim_start();
                continue;
            }
            _ => Token::Word(rest.split(|c: char| c.is_whitespace() || "(),\"".contains(c)).next().unwrap_or_default()),
        };
        let length = if let Token::Word(word) = &token { word.len() } else { 1 };
        found.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(found)
}

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    depth: usize,
    elements: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token<'a>> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(&Token::Word(word));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, wanted: &Token<'_>, before: &str) -> Result<(), Fault> {
        match self.next() {
            Some(token) if token == wanted => Ok(()),
            Some(token) => Err(Fault::new(format!("{token} stands {before}, where {wanted} belongs"))),
            None => Err(Fault::new(format!("the rule ends {before}, where {wanted} belongs"))),
        }
    }

    /// A chain of OR, which binds least.
    fn any(&mut self) -> Result<Rule, Fault> {
        let mut rules = vec![self.all()?];
        while self.takes("OR") {
            rules.push(self.all()?);
        }
        Ok(flat(rules, |rule| if let Rule::Or(inner) = rule { Ok(inner) } else { Err(rule) }, Rule::Or))
    }

    fn all(&mut self) -> Result<Rule, Fault> {
        let mut rules = vec![self.one()?];
        while self.takes("AND") {
            rules.push(self.one()?);
        }
        Ok(flat(rules, |rule| if let Rule::And(inner) = rule { Ok(inner) } else { Err(rule) }, Rule::And))
    }

    fn one(&mut self) -> Result<Rule, Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::new(format!("the rule is nested more than {DEEPEST} deep")));
        }
        let rule = match self.next() {
            Some(Token::Open) => {
                let rule = self.any()?;
                self.expect(&Token::Close, "after an expression")?;
                self.elements += 2;
                rule
            }
            Some(Token::Word("NOT")) => Rule::Not(Box::new(self.one()?)),
            Some(Token::Word("TRUE")) => self.constant(true),
            Some(Token::Word("FALSE")) => self.constant(false),
            Some(Token::Word("AT_LEAST")) => self.at_least()?,
            Some(Token::Word(word)) => match STATES.iter().find(|state| *state == word) {
                Some(state) => {
                    self.expect(&Token::Open, &format!("after {state}"))?;
                    let alarm = self.alarm()?;
                    self.expect(&Token::Close, "after an alarm's name")?;
                    Rule::State(state, alarm)
                }
                None => return Err(unknown(word)),
            },
            Some(token) => return Err(Fault::new(format!("{token} stands where a function such as ALARM(\"name\") belongs"))),
            None => return Err(Fault::new("the rule ends where a function such as ALARM(\"name\") belongs")),
        };
        self.depth -= 1;
        Ok(rule)
    }

    /// `AT_LEAST(2, ALARM, ("a", "b", "c"))`, or with 60% and NOT OK.
    fn at_least(&mut self) -> Result<Rule, Fault> {
        self.expect(&Token::Open, "after AT_LEAST")?;
        let threshold = match self.next() {
            Some(Token::Word(word)) if is_threshold(word) => (*word).to_owned(),
            _ => return Err(Fault::new("AT_LEAST begins with a number of alarms, or with a percentage of them such as 60%")),
        };
        self.expect(&Token::Comma, "after AT_LEAST's number")?;
        let not = self.takes("NOT");
        let state = match self.next() {
            Some(Token::Word(word)) => STATES.iter().find(|state| *state == word),
            _ => None,
        };
        let Some(state) = state else { return Err(Fault::new(format!("AT_LEAST counts a state: {}", STATES.join(", ")))) };
        self.expect(&Token::Comma, "after AT_LEAST's state")?;
        self.expect(&Token::Open, "before AT_LEAST's alarms")?;
        let mut alarms = vec![self.alarm()?];
        while self.peek() == Some(&Token::Comma) {
            self.at += 1;
            alarms.push(self.alarm()?);
        }
        self.expect(&Token::Close, "after AT_LEAST's alarms")?;
        self.expect(&Token::Close, "after AT_LEAST")?;
        Ok(Rule::AtLeast { threshold, not, state, alarms })
    }

    fn constant(&mut self, value: bool) -> Rule {
        self.elements += 1;
        Rule::Constant(value)
    }

    fn alarm(&mut self) -> Result<String, Fault> {
        self.elements += 1;
        match self.next() {
            Some(Token::Word(name) | Token::Quoted(name)) if !name.is_empty() && name.chars().count() <= 1600 => {
                Ok((*name).to_owned())
            }
            _ => {
                Err(Fault::new("an alarm's name or ARN belongs into the parentheses")
                    .help("such as ALARM(\"${alarms.NAME.name}\")"))
            }
        }
    }
}

fn is_threshold(word: &str) -> bool {
    let number = word.strip_suffix('%');
    let value = number.unwrap_or(word).parse::<u32>();
    value.is_ok_and(|value| value > 0 && (number.is_none() || value <= 100))
}

fn unknown(word: &str) -> Fault {
    let fault = Fault::new(format!("`{word}` is no function of rules"));
    match nearest(word, WORDS) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("known are: {}", WORDS.join(", "))),
    }
}

/// One rule stays itself; of more a chain is made, into which chains of the same operator are taken up.
fn flat(rules: Vec<Rule>, open: fn(Rule) -> Result<Vec<Rule>, Rule>, chain: fn(Vec<Rule>) -> Rule) -> Rule {
    let mut rules: Vec<Rule> = rules.into_iter().flat_map(|rule| open(rule).unwrap_or_else(|rule| vec![rule])).collect();
    match (rules.len(), rules.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            rules.extend(last);
            chain(rules)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
                chain.prop_map(|rules| flat(
                    rules,
                    |rule| if let Rule::Or(inner) = rule { Ok(inner) } else { Err(rule) },
                    Rule::Or
                )),
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
}
