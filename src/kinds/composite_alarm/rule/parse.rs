//! Text → [`Rule`].

use std::fmt;

use super::{Fault, Rule};
use crate::finding::nearest;

/// How deep expressions may stand in each other; the elements alone would let the stack run out.
const DEEPEST: usize = 100;
pub const STATES: [&str; 3] = ["ALARM", "OK", "INSUFFICIENT_DATA"];
const WORDS: [&str; 9] = ["ALARM", "OK", "INSUFFICIENT_DATA", "AT_LEAST", "TRUE", "FALSE", "AND", "OR", "NOT"];

#[derive(Debug, PartialEq, Eq)]
pub enum Token<'a> {
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

/// Splits a rule into words, names and marks.
///
/// # Errors
/// Quotes that are not closed.
pub fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
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

/// Reads a rule by descent, counting as it goes.
pub struct Parser<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    depth: usize,
    /// Alarms, constants and parentheses so far.
    pub elements: usize,
}

impl<'a> Parser<'a> {
    pub fn new(tokens: &'a [Token<'a>]) -> Self {
        Self { tokens, at: 0, depth: 0, elements: 0 }
    }

    pub fn peek(&self) -> Option<&'a Token<'a>> {
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
    pub fn any(&mut self) -> Result<Rule, Fault> {
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
pub fn flat(rules: Vec<Rule>, open: fn(Rule) -> Result<Vec<Rule>, Rule>, chain: fn(Vec<Rule>) -> Rule) -> Rule {
    let mut rules: Vec<Rule> = rules.into_iter().flat_map(|rule| open(rule).unwrap_or_else(|rule| vec![rule])).collect();
    match (rules.len(), rules.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            rules.extend(last);
            chain(rules)
        }
    }
}
