//! Line after line: which section a line belongs to, and what its command does.
//!
//! A line goes to the innermost open section that has such a command, then to the sections around it, then to the top
//! level. So text without indentation reads like text with it. Where a word is a command in a section *and* at top level
//! (`hostname` in a keyring's peer), indentation decides if the section has any, then a `!` in front, then the section, as
//! IOS does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use super::lexer::Words;
use super::syntax::{Action, Command, Input, Matched, Misses, Pattern};
use super::tables;
use crate::config::{Config, Diagnostic, Line, Origin, Rule, Severity};

/// What a command does to the configuration.
pub(super) type Handler = for<'r, 'a, 'm> fn(&'r mut Reader<'a>, &'m Matched<'a>);

/// An open section. The numbers are positions in the lists of [`Config`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Global,
    Keyring(usize),
    KeyringPeer(usize, usize),
    Proposal(usize),
    Policy(usize),
    IkeProfile(usize),
    TransformSet(usize),
    IpsecProfile(usize),
    Interface(usize),
    Ospf,
    KeyChain(usize),
    ChainKey(usize, usize),
    /// A section that is understood, and changes nothing.
    Idle,
    /// A section that is not understood.
    Unknown,
}

impl Mode {
    /// Every kind of section that has commands.
    pub(super) const KINDS: [Self; 12] = [
        Self::Global,
        Self::Keyring(0),
        Self::KeyringPeer(0, 0),
        Self::Proposal(0),
        Self::Policy(0),
        Self::IkeProfile(0),
        Self::TransformSet(0),
        Self::IpsecProfile(0),
        Self::Interface(0),
        Self::Ospf,
        Self::KeyChain(0),
        Self::ChainKey(0, 0),
    ];

    /// The same section without its positions.
    fn kind(self) -> Self {
        match self {
            Self::Keyring(_) => Self::Keyring(0),
            Self::KeyringPeer(..) => Self::KeyringPeer(0, 0),
            Self::Proposal(_) => Self::Proposal(0),
            Self::Policy(_) => Self::Policy(0),
            Self::IkeProfile(_) => Self::IkeProfile(0),
            Self::TransformSet(_) => Self::TransformSet(0),
            Self::IpsecProfile(_) => Self::IpsecProfile(0),
            Self::Interface(_) => Self::Interface(0),
            Self::KeyChain(_) => Self::KeyChain(0),
            Self::ChainKey(..) => Self::ChainKey(0, 0),
            Self::Global | Self::Ospf | Self::Idle | Self::Unknown => self,
        }
    }

    /// Whether the table has every command that IOS has in this section, so that any other word is a mistake.
    pub(super) fn is_complete(self) -> bool {
        !matches!(self, Self::Global | Self::Interface(_) | Self::Ospf | Self::Idle | Self::Unknown)
    }

    /// Whether its lines are not read at all.
    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Idle | Self::Unknown)
    }

    /// The line that opens such a section.
    pub(super) fn opener(self) -> &'static str {
        match self {
            Self::Global => "top level",
            Self::Keyring(_) => "crypto ikev2 keyring",
            Self::KeyringPeer(..) => "peer (in a keyring)",
            Self::Proposal(_) => "crypto ikev2 proposal",
            Self::Policy(_) => "crypto ikev2 policy",
            Self::IkeProfile(_) => "crypto ikev2 profile",
            Self::TransformSet(_) => "crypto ipsec transform-set",
            Self::IpsecProfile(_) => "crypto ipsec profile",
            Self::Interface(_) => "interface",
            Self::Ospf => "router ospf",
            Self::KeyChain(_) => "key chain",
            Self::ChainKey(..) => "key (in a key chain)",
            Self::Idle | Self::Unknown => "another section",
        }
    }

    pub(super) fn commands(self) -> &'static [&'static [Command]] {
        match self {
            Self::Global => tables::GLOBAL,
            Self::Keyring(_) => tables::KEYRING,
            Self::KeyringPeer(..) => tables::KEYRING_PEER,
            Self::Proposal(_) => tables::PROPOSAL,
            Self::Policy(_) => tables::POLICY,
            Self::IkeProfile(_) => tables::IKE_PROFILE,
            Self::TransformSet(_) => tables::TRANSFORM_SET,
            Self::IpsecProfile(_) => tables::IPSEC_PROFILE,
            Self::Interface(_) => tables::INTERFACE,
            Self::Ospf => tables::OSPF,
            Self::KeyChain(_) => tables::KEY_CHAIN,
            Self::ChainKey(..) => tables::CHAIN_KEY,
            Self::Idle | Self::Unknown => &[],
        }
    }
}

/// All tables, ready for matching.
pub(super) struct Grammar {
    tables: BTreeMap<Mode, Vec<(Pattern, Action)>>,
    /// Every keyword of every command.
    pub(super) keywords: BTreeSet<&'static str>,
}

/// Made once: it is the same for every text.
static GRAMMAR: LazyLock<Grammar> = LazyLock::new(Grammar::new);

impl Grammar {
    fn new() -> Self {
        let ready = |mode: Mode| {
            let commands = mode.commands().iter().flat_map(|table| table.iter());
            (mode, commands.map(|command| (Pattern::new(command.syntax), command.action)).collect::<Vec<_>>())
        };
        let tables: BTreeMap<_, _> = Mode::KINDS.into_iter().map(ready).collect();
        let keywords = tables.values().flatten().flat_map(|(pattern, _)| pattern.keywords()).collect();
        Self { tables, keywords }
    }

    /// Reads a line by the commands of one section.
    pub(super) fn read<'a>(&self, mode: Mode, line: &Words<'a>) -> Result<Hit<'a>, Misses> {
        let mut misses = Misses { unasked: true, ..Misses::default() };
        match self.read_with(mode, line, &mut misses) {
            Ok(Some(hit)) => Ok(hit),
            Err(rivals) => {
                // Nothing follows the word that is too short: it would have told the commands apart.
                let at = line.words.len().saturating_sub(1);
                Err(Misses { at, ambiguous: rivals, ..Misses::default() })
            }
            Ok(None) => {
                let mut misses = Misses::default();
                // The same once more, this time asking why.
                let _none = self.read_with(mode, line, &mut misses);
                Err(misses)
            }
        }
    }

    /// The one command that fits best; `Err` names several that fit equally well.
    fn read_with<'a>(
        &self,
        mode: Mode,
        line: &Words<'a>,
        misses: &mut Misses,
    ) -> Result<Option<Hit<'a>>, Vec<&'static str>> {
        let mut best: Option<Hit<'a>> = None;
        let mut rivals = Vec::new();
        let input = Input { line, keywords: &self.keywords };
        for (pattern, action) in self.tables.get(&mode.kind()).into_iter().flatten() {
            let Some(matched) = pattern.read(input, misses) else { continue };
            let rank = best.as_ref().map_or(usize::MAX, |best| best.matched.abbreviated);
            if matched.abbreviated < rank {
                rivals.clear();
                best = Some(Hit { matched, action: *action, setting: pattern.setting });
            } else if matched.abbreviated == rank && rank > 0 {
                rivals.push(pattern.setting);
            }
        }
        match best {
            Some(best) if rivals.iter().any(|rival| *rival != best.setting) => {
                rivals.insert(0, best.setting);
                Err(rivals)
            }
            best => Ok(best),
        }
    }
}

/// A line that fits a command.
pub(super) struct Hit<'a> {
    matched: Matched<'a>,
    action: Action,
    setting: &'static str,
}

/// An open section.
pub(super) struct Section {
    pub(super) mode: Mode,
    /// The line that opened it, for messages.
    pub(super) opened_by: String,
    /// How far that line is indented.
    indent: usize,
    /// Whether lines of the section are indented further.
    indented: bool,
    /// Which opening it is; a section that is opened again gets another number.
    block: u32,
}

/// Where a setting was made before.
struct Previous {
    index: usize,
    block: u32,
}

/// Reads lines into a configuration.
pub(super) struct Reader<'a> {
    pub(super) config: Config,
    pub(super) diagnostics: Vec<Diagnostic>,
    file: Arc<str>,
    lines: &'a [&'a str],
    pub(super) grammar: &'static Grammar,
    /// The open sections, the outermost first; none at top level.
    pub(super) sections: Vec<Section>,
    /// A bare `!` stands right in front.
    separated: bool,
    blocks: u32,
    previous: BTreeMap<(Mode, &'static str), Previous>,
    /// The line at hand, counted from 0.
    index: usize,
    pub(super) words: Words<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file_name: &str, lines: &'a [&'a str]) -> Self {
        let file: Arc<str> = file_name.into();
        let origin = Origin::new(Line::new(Arc::clone(&file), 0));
        Self {
            config: Config { origin, ..Config::default() },
            diagnostics: Vec::new(),
            file,
            lines,
            grammar: &GRAMMAR,
            sections: Vec::new(),
            separated: false,
            blocks: 0,
            previous: BTreeMap::new(),
            index: 0,
            words: Words::new(""),
        }
    }

    /// Reads all lines.
    pub(super) fn run(mut self) -> (Config, Vec<Diagnostic>) {
        let mut index = 0;
        while let Some(line) = self.lines.get(index) {
            self.index = index;
            self.words = Words::new(line);
            index += 1 + self.line();
        }
        (self.config, self.diagnostics)
    }

    /// The place of the line at hand.
    pub(super) fn place(&self) -> Line {
        self.place_of(self.index)
    }

    fn place_of(&self, index: usize) -> Line {
        Line::new(self.file.clone(), u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// Reads the line at hand; answers how many further lines belong to it.
    fn line(&mut self) -> usize {
        let first = self.words.text(0);
        if first.is_empty() {
            return 0;
        }
        if first.starts_with('!') {
            self.separated |= self.words.line.trim_start().chars().all(|character| character == '!');
            return 0;
        }
        let further = match self.words.words.len() {
            1 if first.eq_ignore_ascii_case("end") => {
                self.sections.clear();
                0
            }
            1 if first.eq_ignore_ascii_case("exit") => {
                self.sections.pop();
                0
            }
            _ => match self.banner() {
                Some(lines) => lines,
                None => {
                    self.command();
                    0
                }
            },
        };
        self.separated = false;
        further
    }

    /// A banner goes on until its delimiter comes again: answers how many further lines it has.
    fn banner(&mut self) -> Option<usize> {
        if !self.words.text(0).eq_ignore_ascii_case("banner") || self.words.words.len() < 2 {
            return None;
        }
        let kinds = ["motd", "login", "exec", "incoming", "prompt-timeout", "slip-ppp"];
        let has_kind = kinds.iter().any(|kind| kind.eq_ignore_ascii_case(self.words.text(1)));
        let text = self.words.rest(if has_kind { 2 } else { 1 });
        // `^C` is how IOS shows the control character.
        let delimiter =
            if text.starts_with("^C") { "^C" } else { text.get(..text.chars().next()?.len_utf8())? };
        let banner = "banner".to_owned();
        let note = |severity, rule, message: &str| {
            Diagnostic::new(severity, rule, self.place(), message).about(banner, self.words.column(0))
        };
        let closed_at_once = text.get(delimiter.len()..).is_some_and(|rest| rest.contains(delimiter));
        let end = self.lines.iter().skip(self.index + 1).position(|line| line.contains(delimiter));
        let (further, said) = match (closed_at_once, end) {
            (true, _) => (0, note(Severity::Note, Rule::NoEffect, "no effect here: nobody logs in")),
            (false, Some(end)) => {
                (end + 1, note(Severity::Note, Rule::NoEffect, "no effect here: nobody logs in"))
            }
            (false, None) => (
                0,
                note(
                    Severity::Warning,
                    Rule::UnknownLine,
                    "the banner has no end; only this line is left out",
                ),
            ),
        };
        self.sections.clear();
        self.diagnostics.push(said);
        Some(further)
    }

    /// Whether the line at hand is indented further than the line that opened the innermost section.
    fn is_inside(&self) -> bool {
        self.sections.last().is_some_and(|section| self.words.indent > section.indent)
    }

    /// Whether the line at hand looks as if the innermost section ended before it.
    pub(super) fn is_outside(&self) -> bool {
        match self.sections.last() {
            Some(section) => self.words.indent <= section.indent && (section.indented || self.separated),
            None => true,
        }
    }

    fn command(&mut self) {
        let inside = self.is_inside();
        if inside && let Some(section) = self.sections.last_mut() {
            section.indented = true;
            if section.mode.is_closed() {
                self.left_out();
                return;
            }
        }
        // From the innermost section outwards; the top level is last.
        let mut hits = Vec::new();
        let mut misses = Vec::new();
        let levels = self.sections.len();
        for (level, mode) in self.levels() {
            match self.grammar.read(mode, &self.words) {
                // What is indented below its section belongs to it, whatever it means elsewhere.
                Ok(hit) if inside && level == levels => {
                    self.apply(level, hit);
                    return;
                }
                Ok(hit) => hits.push((level, hit)),
                Err(miss) => misses.push((mode, miss)),
            }
        }
        // A line that does nothing at top level, and almost fits a command of its section, is a mistake in that.
        let idle = |hit: &Hit<'_>| !matches!(hit.action, Action::One(_) | Action::Many(_) | Action::Open(_));
        let closer = |(level, hit): &(usize, Hit<'a>)| {
            let fixed = hit.setting.split(' ').count() + usize::from(hit.matched.negated);
            *level < levels && idle(hit) && misses.iter().any(|(_, miss)| miss.at > fixed)
        };
        hits.retain(|hit| !closer(hit));
        let mut hits = hits.into_iter();
        match (hits.next(), hits.next()) {
            (Some(first), None) => self.apply(first.0, first.1),
            (Some(first), Some(second)) => {
                let (level, hit) = self.choose(first, second);
                self.apply(level, hit);
            }
            (None, _) => self.complain(misses),
        }
    }

    /// The open sections from the innermost outwards, each with its depth; then the top level, depth 0.
    fn levels(&self) -> Vec<(usize, Mode)> {
        let sections = self.sections.iter().enumerate().rev();
        let sections = sections.filter(|(_, section)| !section.mode.is_closed());
        sections.map(|(index, section)| (index + 1, section.mode)).chain([(0, Mode::Global)]).collect()
    }

    /// A line that means something in a section and something else around it.
    fn choose(&mut self, inner: (usize, Hit<'a>), outer: (usize, Hit<'a>)) -> (usize, Hit<'a>) {
        if inner.1.matched.abbreviated > 0 && outer.1.matched.abbreviated == 0 {
            return outer;
        }
        let indented = self.sections.last().is_some_and(|section| section.indented);
        if indented {
            return outer;
        }
        // A line that does nothing outside is there for what it does inside.
        if !matches!(outer.1.action, Action::One(_) | Action::Many(_) | Action::Open(_)) {
            return inner;
        }
        let opened_by = self.sections.last().map_or("", |section| section.opened_by.as_str());
        let (chosen, taken) = if self.separated {
            (outer, "of the top level".to_owned())
        } else {
            (inner, format!("of '{opened_by}'"))
        };
        let note = Diagnostic::new(
            Severity::Note,
            Rule::TakenAs,
            self.place(),
            format!("is a command of '{opened_by}' and of the top level; taken as one {taken}"),
        )
        .about(self.words.text(0), self.words.column(0))
        .expecting("indentation, or 'exit' in front, to tell them apart");
        self.diagnostics.push(note);
        chosen
    }

    fn apply(&mut self, level: usize, hit: Hit<'a>) {
        self.sections.truncate(level);
        let mode = self.sections.last().map_or(Mode::Global, |section| section.mode);
        let Hit { matched, action, setting } = hit;
        match action {
            Action::One(handler) => {
                self.compare_with_previous(mode, setting, matched.negated);
                self.record(mode, setting);
                handler(self, &matched);
            }
            Action::Many(handler) => {
                self.record(mode, setting);
                handler(self, &matched);
            }
            Action::Open(handler) => handler(self, &matched),
            Action::NoEffect(reason) => self.no_effect(setting, reason),
            Action::SectionWithoutEffect(reason) => {
                self.no_effect(setting, reason);
                if !matched.negated {
                    self.enter(Mode::Idle);
                }
            }
            Action::Lacking(reason) => self.lacking(Severity::Warning, &matched, reason),
            Action::LackingSection(reason) => {
                self.lacking(Severity::Warning, &matched, reason);
                if !matched.negated {
                    self.enter(Mode::Idle);
                }
            }
            Action::Unsupported(reason) => self.lacking(Severity::Error, &matched, reason),
        }
    }

    fn no_effect(&mut self, setting: &'static str, reason: &str) {
        let note = Diagnostic::new(
            Severity::Note,
            Rule::NoEffect,
            self.place(),
            format!("no effect here: {reason}"),
        );
        self.diagnostics.push(note.about(setting, self.words.column(0)));
    }

    fn lacking(&mut self, severity: Severity, matched: &Matched<'a>, reason: &str) {
        // What is switched off need not be there.
        let (severity, rule) =
            if matched.negated { (Severity::Note, Rule::NoEffect) } else { (severity, Rule::Unsupported) };
        let words = self.shown(0, 3);
        let said = Diagnostic::new(severity, rule, self.place(), reason).about(words, self.words.column(0));
        self.diagnostics.push(said);
    }

    /// A setting that is made once more.
    fn compare_with_previous(&mut self, mode: Mode, setting: &'static str, negated: bool) {
        let block = self.sections.last().map_or(0, |section| section.block);
        let now = Previous { index: self.index, block };
        let Some(before) = self.previous.insert((mode, setting), now) else { return };
        let earlier = Words::new(self.lines.get(before.index).copied().unwrap_or_default());
        let place = self.place_of(before.index);
        let number = place.number;
        let (severity, rule, message) = if earlier.says_the_same(&self.words) {
            (Severity::Note, Rule::Replaced, format!("repeats line {number}"))
        } else if earlier.text(0).eq_ignore_ascii_case("no") {
            return;
        } else if negated {
            (Severity::Warning, Rule::Replaced, format!("undoes line {number}"))
        } else if before.block == block && mode != Mode::Global {
            (Severity::Error, Rule::SetTwice, format!("is set already on line {number}, to something else"))
        } else {
            (Severity::Warning, Rule::Replaced, format!("replaces line {number}"))
        };
        let said =
            Diagnostic::new(severity, rule, self.place(), message).about(setting, self.words.column(0));
        self.diagnostics.push(said);
    }

    fn record(&mut self, mode: Mode, setting: &'static str) {
        let place = self.place();
        if let Some(origin) = self.origin(mode) {
            origin.record(setting, place);
        }
    }

    fn origin(&mut self, mode: Mode) -> Option<&mut Origin> {
        let config = &mut self.config;
        match mode {
            Mode::Global => Some(&mut config.origin),
            Mode::Keyring(index) => config.keyrings.get_mut(index).map(|one| &mut one.origin),
            Mode::KeyringPeer(index, peer) => {
                config.keyrings.get_mut(index)?.peers.get_mut(peer).map(|one| &mut one.origin)
            }
            Mode::Proposal(index) => config.ike_proposals.get_mut(index).map(|one| &mut one.origin),
            Mode::Policy(index) => config.ike_policies.get_mut(index).map(|one| &mut one.origin),
            Mode::IkeProfile(index) => config.ike_profiles.get_mut(index).map(|one| &mut one.origin),
            Mode::TransformSet(index) => config.transform_sets.get_mut(index).map(|one| &mut one.origin),
            Mode::IpsecProfile(index) => config.ipsec_profiles.get_mut(index).map(|one| &mut one.origin),
            Mode::Interface(index) => config.interfaces.get_mut(index).map(|one| &mut one.origin),
            Mode::Ospf => config.ospf.as_mut().map(|one| &mut one.origin),
            Mode::KeyChain(index) => config.key_chains.get_mut(index).map(|one| &mut one.origin),
            Mode::ChainKey(index, key) => {
                config.key_chains.get_mut(index)?.keys.get_mut(key).map(|one| &mut one.origin)
            }
            Mode::Idle | Mode::Unknown => None,
        }
    }

    /// Opens a section in the one at hand.
    pub(super) fn enter(&mut self, mode: Mode) {
        let known = self.origin(mode).map(|origin| origin.line.number);
        if let Some(number) = known.filter(|number| *number != self.place().number) {
            let note = Diagnostic::new(
                Severity::Note,
                Rule::Replaced,
                self.place(),
                format!("goes on with what line {number} begins"),
            );
            self.diagnostics.push(note.about(mode.opener(), self.words.column(0)));
        }
        self.blocks += 1;
        self.sections.push(Section {
            mode,
            opened_by: self.shown(0, 3),
            indent: self.words.indent,
            indented: false,
            block: self.blocks,
        });
    }

    /// A list lost an element: positions behind it are others now.
    pub(super) fn forget_positions(&mut self) {
        self.previous.clear();
        self.sections.clear();
    }

    /// A list inside of the section at hand lost an element.
    pub(super) fn forget_settings(&mut self) {
        self.previous.clear();
    }

    /// The innermost section.
    pub(super) fn mode(&self) -> Mode {
        self.sections.last().map_or(Mode::Global, |section| section.mode)
    }

    /// Says something about the line at hand, from one of its words on.
    pub(super) fn say(&mut self, severity: Severity, rule: Rule, at: usize, message: &str, expected: &str) {
        let words = self.shown(at, at + 1);
        let said = Diagnostic::new(severity, rule, self.place(), message)
            .about(words, self.words.column(at))
            .expecting(expected);
        self.diagnostics.push(said);
    }
}
