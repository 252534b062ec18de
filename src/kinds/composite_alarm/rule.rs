//! Rules of composite alarms: read, checked, and written in one form.
//!
//! Source of the grammar and its limits: PutCompositeAlarm in the CloudWatch API reference, and "Combining alarms" in its
//! user guide.

mod parse;

use std::collections::BTreeSet;
use std::fmt;

use parse::{Parser, tokens};

/// The longest rule that CloudWatch takes, in characters.
pub const LONGEST: usize = 10_240;
const MOST_CHILDREN: usize = 100;
/// Alarms, constants and parentheses.
const MOST_ELEMENTS: usize = 500;
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
        let mut parser = Parser::new(&tokens);
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

#[cfg(test)]
mod tests;
