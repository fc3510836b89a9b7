//! What is said of a line that fits nowhere.

use super::reader::{Mode, Reader};
use super::syntax::Misses;
use crate::config::{Diagnostic, Rule, Severity};

/// Beginnings of commands under which IOS has more than this router knows: another word behind them is not a mistake.
const FAMILIES: &[&[&str]] = &[
    &[],
    &["ip"],
    &["ipv6"],
    &["crypto"],
    &["crypto", "ikev2"],
    &["crypto", "ipsec"],
    &["ip", "nhrp"],
    &["ip", "ospf"],
    &["ip", "tcp"],
    &["nhrp"],
    &["tunnel"],
    &["router"],
    &["timers"],
];

/// First words of lines that open a section. If one of them cannot be read, the lines behind it belong to nothing.
const OPENERS: &[&str] = &["interface", "router", "crypto", "key"];

impl Reader<'_> {
    /// Says what is wrong with the line at hand, which fits no command. `tried`: from the innermost section outwards.
    pub(super) fn complain(&mut self, tried: Vec<(Mode, Misses)>) {
        let start = usize::from(self.words.text(0).eq_ignore_ascii_case("no"));
        let outside = self.is_outside();
        let unknown_here = self.sections.last().is_some_and(|section| section.mode.is_closed());
        // The section whose commands the line follows furthest; the innermost of equals.
        let mut best: Option<(Mode, Misses)> = None;
        for (mode, misses) in tried {
            let closest = best.as_ref().is_none_or(|(known, best)| {
                misses.at > best.at || (misses.at == best.at && outside && !known.is_complete())
            });
            let possible = !(outside && mode != Mode::Global && misses.at <= start);
            if possible && closest {
                best = Some((mode, misses));
            }
        }
        let Some((mode, misses)) = best else { return };

        let elsewhere = Mode::KINDS
            .into_iter()
            .find(|kind| *kind != Mode::Global && self.grammar.read(*kind, &self.words).is_ok())
            .filter(|_| misses.wrong.is_none());
        let typo = self.resembles(&misses, start);
        let is_family = self.is_family(start, misses.at) && !mode.is_complete();

        let said = if let (Some(kind), true) = (elsewhere, is_family) {
            self.belongs_elsewhere(kind)
        } else if is_family && misses.wrong.is_none() && misses.ambiguous.is_empty() && typo.is_none() {
            self.unknown(misses.at, unknown_here && !outside)
        } else {
            self.mistake(mode, &misses, typo)
        };
        let is_mistake = said.is_error();
        self.diagnostics.push(said);

        let opener = OPENERS.iter().any(|opener| {
            opener.eq_ignore_ascii_case(self.words.text(start))
                || (misses.at == start && typo == Some(opener))
        });
        if mode == Mode::Global && start == 0 && ((is_mistake && opener) || (!is_mistake && outside)) {
            // What follows is not for the section before.
            self.sections.clear();
            self.enter(Mode::Unknown);
        }
    }

    /// A line inside of a section that is not read.
    pub(super) fn left_out(&mut self) {
        let Some(section) = self.sections.last() else { return };
        let said = match section.mode {
            Mode::Unknown => Diagnostic::new(
                Severity::Warning,
                Rule::UnknownLine,
                self.place(),
                format!("ignored: belongs to '{}', which is not known", section.opened_by),
            ),
            _ => Diagnostic::new(
                Severity::Note,
                Rule::NoEffect,
                self.place(),
                format!("no effect here: belongs to '{}'", section.opened_by),
            ),
        };
        let words = self.shown(0, 1);
        self.diagnostics.push(said.about(words, self.words.column(0)));
    }

    fn unknown(&self, at: usize, in_closed_section: bool) -> Diagnostic {
        let opened_by = self.sections.last().map(|section| (section.mode, section.opened_by.as_str()));
        let (severity, rule, message) = match opened_by.filter(|_| in_closed_section) {
            Some((Mode::Idle, opened_by)) => {
                (Severity::Note, Rule::NoEffect, format!("no effect here: seems to belong to '{opened_by}'"))
            }
            _ => (Severity::Warning, Rule::UnknownLine, "unknown, ignored".to_owned()),
        };
        Diagnostic::new(severity, rule, self.place(), message)
            .about(self.shown(0, at.saturating_add(1)), self.words.column(0))
    }

    fn belongs_elsewhere(&self, kind: Mode) -> Diagnostic {
        Diagnostic::new(Severity::Error, Rule::UnexpectedWord, self.place(), "does not belong here")
            .about(self.shown(0, 2), self.words.column(0))
            .expecting(format!("a line '{}' before it", kind.opener()))
    }

    fn mistake(&self, mode: Mode, misses: &Misses, typo: Option<&str>) -> Diagnostic {
        let at = misses.at;
        let error = |rule, message: String| Diagnostic::new(Severity::Error, rule, self.place(), message);
        let words = if misses.secret { String::new() } else { self.shown(at, at.saturating_add(1)) };
        if !misses.ambiguous.is_empty() {
            let expected = one_of(&misses.ambiguous);
            return error(Rule::Ambiguous, "may stand for several words".into())
                .about(self.shown(at, at.saturating_add(1)), self.words.column(at))
                .expecting(expected);
        }
        if let Some(wrong) = &misses.wrong {
            return error(wrong.rule, wrong.message.clone())
                .about(words, self.words.column(at))
                .expecting(wrong.expected.clone());
        }
        let expected = one_of(&misses.expected);
        if at >= self.words.words.len() {
            return error(Rule::Incomplete, "ends too early".into())
                .about(self.shown(0, at), self.words.column(at))
                .expecting(expected);
        }
        let message = match typo {
            // A short list speaks for itself.
            Some(typo) if misses.expected.len() > 6 || mode == Mode::Global => {
                format!("did you mean '{typo}'?")
            }
            _ if misses.secret => "there is more behind the key".into(),
            _ => String::new(),
        };
        let expected = if typo.is_some() && !message.is_empty() { String::new() } else { expected };
        error(Rule::UnexpectedWord, message).about(words, self.words.column(at)).expecting(expected)
    }

    /// The keyword that the word which did not fit resembles.
    fn resembles(&self, misses: &Misses, start: usize) -> Option<&'static str> {
        let word = self.words.text(misses.at.max(start)).to_ascii_lowercase();
        let allowed = match word.chars().count() {
            0..3 => return None,
            3..5 => 1,
            _ => 2,
        };
        let close = misses.expected.iter().filter_map(|keyword| self.grammar.keywords.get(keyword.as_str()));
        close
            .map(|keyword| (distance(&word, keyword), *keyword))
            .filter(|(distance, _)| *distance <= allowed)
            .min()
            .map(|(_, keyword)| keyword)
    }

    fn is_family(&self, start: usize, at: usize) -> bool {
        let words = self.words.words.get(start..at.max(start)).unwrap_or_default();
        FAMILIES.iter().any(|family| {
            family.len() == words.len()
                && family.iter().zip(words).all(|(family, word)| family.eq_ignore_ascii_case(word.text))
        })
    }

    /// Words of the line at hand: those from `from` to before `sure`, and of the rest as much as cannot be a secret
    /// (keywords and numbers); an ellipsis stands for what is left out.
    pub(super) fn shown(&self, from: usize, sure: usize) -> String {
        let mut shown = String::new();
        let mut after_secret = false;
        for (index, word) in self.words.words.iter().enumerate().skip(from) {
            let keyword = self.grammar.keywords.contains(word.text.to_ascii_lowercase().as_str());
            let plain =
                keyword || word.text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ':' | '/'));
            if after_secret || (index >= sure && !plain) {
                shown.push_str(" ...");
                break;
            }
            if !shown.is_empty() {
                shown.push(' ');
            }
            shown.push_str(word.text);
            after_secret = is_secret_word(word.text) && index >= from;
        }
        shown
    }
}

/// Whether what follows this word may be a key.
fn is_secret_word(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ["secret", "password", "community", "pre-shared-key", "key-string", "authentication-key"]
        .contains(&word.as_str())
}

/// A list for a person.
fn one_of<T: AsRef<str>>(choices: &[T]) -> String {
    let list: Vec<&str> = choices.iter().map(AsRef::as_ref).collect();
    match list.as_slice() {
        [only] => (*only).to_owned(),
        list => format!("one of {}", list.join(", ")),
    }
}

/// How many letters must be changed, added, left out or exchanged with their neighbour to make one word of the other.
pub(super) fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    // Words from a file may be long; no keyword is.
    if one.len() > 64 {
        return usize::MAX;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=two.len()).collect();
    let mut previous = None;
    for (row, letter) in one.chars().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in two.iter().enumerate() {
            let cell = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = cell(&last, column) + usize::from(letter != *other);
            let mut best = changed.min(cell(&last, column + 1) + 1).min(cell(&line, column) + 1);
            let swapped = column > 0 && previous == Some(*other) && two.get(column - 1) == Some(&letter);
            if swapped {
                best = best.min(cell(&before_last, column - 1) + 1);
            }
            line.push(best);
        }
        before_last = core::mem::replace(&mut last, line);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or(usize::MAX)
}
