//! The grammar: commands are written as patterns, and one matcher reads lines by them.
//!
//! A pattern is a row of
//!
//! | in a pattern | takes |
//! |---|---|
//! | `holdtime` | this word, or an abbreviation of it |
//! | `(ip\|multipoint)` | one of these words, or an abbreviation |
//! | `<1-65535>` | a number in this range |
//! | `NAME` | one word |
//! | `TEXT` | the rest of the line |
//! | `SECRET` | one word, or `0 WORD` (plain), or `7 WORD` (IOS's reversible disguise) |
//! | `HEX` | hexadecimal digits |
//! | `ADDRESS` | an IPv4 or IPv6 address |
//! | `IPV4` | an IPv4 address |
//! | `MASK` | an IPv4 mask, as `255.255.255.0` |
//! | `WILDCARD` | an inverted mask, as `0.0.0.255` |
//! | `INTERFACE` | an interface's name, in one word or two, abbreviated or not |
//! | `AREA` | an OSPF area, as a number or like an address |
//! | `[ ... ]` | nothing, or what is inside |
//! | `NAME...` | one or more words |

use std::collections::BTreeSet;

use super::lexer::Words;
use super::reader::Handler;
use super::value::{Arg, Kind};

/// A line to be read.
#[derive(Clone, Copy)]
pub(super) struct Input<'l, 'a> {
    pub(super) line: &'l Words<'a>,
    /// Every keyword of every command.
    pub(super) keywords: &'l BTreeSet<&'static str>,
}

/// One command.
pub(super) struct Command {
    /// Its pattern.
    pub(super) syntax: &'static str,
    /// What it does.
    pub(super) action: Action,
}

/// What a command does.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// Makes one setting: a second one in the same section is worth a word.
    One(Handler),
    /// Adds to a list.
    Many(Handler),
    /// Opens a section.
    Open(Handler),
    /// Is understood, and changes nothing here for this reason.
    NoEffect(&'static str),
    /// Opens a section that changes nothing here for this reason.
    SectionWithoutEffect(&'static str),
    /// Would matter, but this router does not have it. A warning.
    Lacking(&'static str),
    /// The same, as a section.
    LackingSection(&'static str),
    /// Would matter so much that the configuration cannot be used. An error.
    Unsupported(&'static str),
}

/// A command's pattern, ready for matching.
pub(super) struct Pattern {
    nodes: Vec<Node>,
    /// The fixed words with which the pattern begins: the name of the setting.
    pub(super) setting: &'static str,
}

enum Node {
    Word(&'static str),
    OneOf(Vec<&'static str>),
    Value(Kind),
    Optional(Vec<Node>),
    OneOrMore(Kind),
}

impl Pattern {
    /// Reads a pattern. Patterns are part of this program; a test reads all of them.
    pub(super) fn new(syntax: &'static str) -> Self {
        let mut groups: Vec<Vec<Node>> = Vec::new();
        let mut nodes = Vec::new();
        let mut fixed = 0;
        let mut only_words = true;
        for (offset, token) in tokens(syntax) {
            match token {
                "[" => {
                    only_words = false;
                    groups.push(core::mem::take(&mut nodes));
                }
                "]" => {
                    let inner = core::mem::replace(&mut nodes, groups.pop().unwrap_or_default());
                    nodes.push(Node::Optional(inner));
                }
                token => {
                    let node = node(token);
                    only_words &= matches!(node, Node::Word(_));
                    if only_words {
                        fixed = offset + token.len();
                    }
                    nodes.push(node);
                }
            }
        }
        Self { nodes, setting: syntax.get(..fixed).unwrap_or(syntax) }
    }

    /// Every keyword of the pattern.
    pub(super) fn keywords(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        collect(&self.nodes, &mut found);
        found
    }

    /// A quick look at the first letter, which spares most patterns a closer one.
    fn may_begin_with(&self, text: &str) -> bool {
        match (self.nodes.first(), text.as_bytes().first()) {
            (Some(Node::Word(word)), Some(letter)) => {
                word.as_bytes().first().is_some_and(|first| first.eq_ignore_ascii_case(letter))
            }
            _ => true,
        }
    }

    /// Reads a line by this pattern.
    pub(super) fn read<'a>(&self, input: Input<'_, 'a>, misses: &mut Misses) -> Option<Matched<'a>> {
        let negated = input.line.text(0).eq_ignore_ascii_case("no");
        let start = usize::from(negated);
        if misses.unasked && !self.may_begin_with(input.line.text(start)) {
            return None;
        }
        let mut matched = Matched { negated, items: Vec::new(), abbreviated: 0 };
        let end = walk(&self.nodes, input, start, &mut matched, misses)?;
        if end < input.line.words.len() {
            misses.expect(end, "end of line");
            misses.secret |= misses.at == end && matched.has_secret();
            return None;
        }
        Some(matched)
    }
}

fn collect(nodes: &[Node], found: &mut Vec<&'static str>) {
    for node in nodes {
        match node {
            Node::Word(word) => found.push(word),
            Node::OneOf(words) => found.extend(words),
            Node::Optional(inner) => collect(inner, found),
            Node::Value(_) | Node::OneOrMore(_) => {}
        }
    }
}

/// Takes a pattern apart; brackets stand alone.
fn tokens(syntax: &'static str) -> impl Iterator<Item = (usize, &'static str)> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let rest = syntax.get(at..)?;
        let start = at + (rest.len() - rest.trim_start().len());
        let rest = syntax.get(start..)?;
        let length = match rest.chars().next()? {
            '[' | ']' => 1,
            _ => rest.find([' ', '[', ']']).unwrap_or(rest.len()),
        };
        at = start + length;
        Some((start, syntax.get(start..at)?))
    })
}

fn node(token: &'static str) -> Node {
    if let Some(kind) = token.strip_suffix("...").and_then(Kind::new) {
        return Node::OneOrMore(kind);
    }
    if let Some(kind) = Kind::new(token) {
        return Node::Value(kind);
    }
    match token.strip_prefix('(').and_then(|token| token.strip_suffix(')')) {
        Some(words) => Node::OneOf(words.split('|').collect()),
        None => Node::Word(token),
    }
}

/// Matches nodes from the word at `at` on; answers the word after the last one taken.
fn walk<'a>(
    nodes: &[Node],
    input: Input<'_, 'a>,
    mut at: usize,
    matched: &mut Matched<'a>,
    misses: &mut Misses,
) -> Option<usize> {
    for node in nodes {
        // IOS takes the `no` of a command without its values: `no ip nhrp holdtime`.
        if matched.negated
            && at >= input.line.words.len()
            && !matched.items.is_empty()
            && !matches!(node, Node::Word(_))
        {
            return Some(at);
        }
        at = match node {
            Node::Optional(inner) => {
                let before = matched.items.len();
                let abbreviated = matched.abbreviated;
                let (first, rest) = inner.split_first()?;
                match step(first, input, at, matched, misses) {
                    Some(next) => walk(rest, input, next, matched, misses)?,
                    None => {
                        matched.items.truncate(before);
                        matched.abbreviated = abbreviated;
                        at
                    }
                }
            }
            node => step(node, input, at, matched, misses)?,
        };
    }
    Some(at)
}

fn step<'a>(
    node: &Node,
    input: Input<'_, 'a>,
    at: usize,
    matched: &mut Matched<'a>,
    misses: &mut Misses,
) -> Option<usize> {
    match node {
        Node::Word(word) => keyword(core::slice::from_ref(word), input, at, matched, misses),
        Node::OneOf(words) => keyword(words, input, at, matched, misses),
        Node::Value(kind) => value(*kind, input, at, matched, misses),
        Node::OneOrMore(kind) => {
            let mut next = value(*kind, input, at, matched, misses)?;
            while next < input.line.words.len() {
                next = value(*kind, input, next, matched, misses)?;
            }
            Some(next)
        }
        Node::Optional(inner) => walk(inner, input, at, matched, misses),
    }
}

fn keyword<'a>(
    choices: &[&'static str],
    input: Input<'_, 'a>,
    at: usize,
    matched: &mut Matched<'a>,
    misses: &mut Misses,
) -> Option<usize> {
    let text = input.line.text(at);
    if !text.is_empty() {
        let exact = choices.iter().find(|choice| choice.eq_ignore_ascii_case(text));
        // A word that is a keyword itself (`ip`) is not short for another one (`ipv6`).
        let is_short = |choice: &&&str| {
            is_abbreviation(text, choice) && !input.keywords.contains(text.to_ascii_lowercase().as_str())
        };
        let mut shortened = choices.iter().filter(is_short);
        let found = match (exact, shortened.next(), shortened.next()) {
            (Some(word), _, _) | (None, Some(word), None) => Some(*word),
            (None, Some(_), Some(_)) => {
                misses.ambiguous(at, choices.iter().filter(|choice| is_abbreviation(text, choice)).copied());
                return None;
            }
            (None, None, _) => None,
        };
        if let Some(word) = found {
            matched.abbreviated += usize::from(exact.is_none());
            matched.items.push(Item { at, content: Content::Word(word) });
            return Some(at + 1);
        }
    }
    choices.iter().for_each(|choice| misses.expect(at, choice));
    None
}

/// Whether a word shortens a keyword. One letter is not enough for the first word of a line: in text that has lost its
/// indentation, the first word alone says to which section a line belongs.
fn is_abbreviation(text: &str, keyword: &str) -> bool {
    text.len() < keyword.len()
        && text.len() >= 2
        && keyword.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text))
}

fn value<'a>(
    kind: Kind,
    input: Input<'_, 'a>,
    at: usize,
    matched: &mut Matched<'a>,
    misses: &mut Misses,
) -> Option<usize> {
    if at >= input.line.words.len() {
        misses.expect_value(at, kind);
        return None;
    }
    match kind.read(input.line, at) {
        Ok((arg, next)) => {
            matched.items.push(Item { at, content: Content::Arg(arg) });
            Some(next)
        }
        Err(None) => {
            misses.expect_value(at, kind);
            None
        }
        Err(Some(wrong)) => {
            misses.wrong(at, wrong, kind.is_secret());
            None
        }
    }
}

/// A value that has the right look and is still wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) rule: crate::config::Rule,
    pub(super) message: String,
    pub(super) expected: String,
}

/// Why no pattern fits: what was expected at the furthest word that any pattern reached.
#[derive(Debug, Default)]
pub(super) struct Misses {
    /// The word.
    pub(super) at: usize,
    /// What could have stood there, in the order of the table.
    pub(super) expected: Vec<String>,
    /// What is wrong with the value there.
    pub(super) wrong: Option<Wrong>,
    /// The keywords that the word there could be short for.
    pub(super) ambiguous: Vec<&'static str>,
    /// The word stands where a secret belongs.
    pub(super) secret: bool,
    /// Nobody asks: most lines fit a pattern, and what the other patterns expected is never said.
    pub(super) unasked: bool,
}

impl Misses {
    fn reach(&mut self, at: usize) -> bool {
        if self.unasked {
            return false;
        }
        if at > self.at {
            *self = Self { at, ..Self::default() };
        }
        at == self.at
    }

    fn expect(&mut self, at: usize, what: &str) {
        if self.reach(at) && !self.expected.iter().any(|known| known == what) {
            self.expected.push(what.to_owned());
        }
    }

    fn expect_value(&mut self, at: usize, kind: Kind) {
        if self.reach(at) {
            self.expect(at, &kind.describe());
        }
    }

    fn wrong(&mut self, at: usize, wrong: Wrong, secret: bool) {
        if self.reach(at) {
            self.secret |= secret;
            self.wrong.get_or_insert(wrong);
        }
    }

    fn ambiguous(&mut self, at: usize, choices: impl Iterator<Item = &'static str>) {
        if self.reach(at) {
            self.ambiguous.extend(choices);
        }
    }
}

/// A line that fits a pattern.
#[derive(Debug)]
pub(super) struct Matched<'a> {
    /// It begins with `no`.
    pub(super) negated: bool,
    items: Vec<Item<'a>>,
    /// How many keywords are shortened.
    pub(super) abbreviated: usize,
}

#[derive(Debug)]
struct Item<'a> {
    at: usize,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    Word(&'static str),
    Arg(Arg<'a>),
}

impl<'a> Matched<'a> {
    /// Whether this keyword is there.
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.words().any(|word| word == keyword)
    }

    fn has_secret(&self) -> bool {
        self.items.iter().any(|item| matches!(item.content, Content::Arg(Arg::Secret(_))))
    }

    /// The keywords in full.
    pub(super) fn words(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.items.iter().filter_map(|item| match item.content {
            Content::Word(word) => Some(word),
            Content::Arg(_) => None,
        })
    }

    /// The values right behind a keyword, each with the index of its word.
    pub(super) fn after(&self, keyword: &str) -> impl Iterator<Item = (usize, &Arg<'a>)> {
        let is_keyword =
            move |item: &Item<'_>| matches!(item.content, Content::Word(word) if word == keyword);
        let start = self.items.iter().position(is_keyword).map_or(self.items.len(), |index| index + 1);
        self.items.get(start..).unwrap_or_default().iter().map_while(|item| match &item.content {
            Content::Arg(arg) => Some((item.at, arg)),
            Content::Word(_) => None,
        })
    }

    /// The nth value behind a keyword.
    pub(super) fn arg(&self, keyword: &str, nth: usize) -> Option<&Arg<'a>> {
        self.after(keyword).nth(nth).map(|(_, arg)| arg)
    }

    /// The index of the nth word behind a keyword that is a value; the first word of the line if there is none.
    pub(super) fn index(&self, keyword: &str, nth: usize) -> usize {
        self.after(keyword).nth(nth).map_or(0, |(at, _)| at)
    }
}
