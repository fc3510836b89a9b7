//! The commands of each section.
//!
//! One file per subject; within a file one table per section, which is the list of what is understood there, and below it
//! what needs more than a line. Ranges are those of IOS-XE 17.

mod crypto;
mod global;
mod idle;
mod interface;
mod nhrp;
mod ospf;
mod tunnel;

use core::time::Duration;

use super::reader::{Handler, Mode, Reader};
use super::syntax::{Action, Command, Matched};
use crate::config::{Origin, Rule, Severity};

pub(super) const GLOBAL: &[&[Command]] = &[global::COMMANDS, crypto::GLOBAL, ospf::GLOBAL, idle::GLOBAL];
pub(super) const KEYRING: &[&[Command]] = &[crypto::KEYRING];
pub(super) const KEYRING_PEER: &[&[Command]] = &[crypto::KEYRING_PEER];
pub(super) const PROPOSAL: &[&[Command]] = &[crypto::PROPOSAL];
pub(super) const POLICY: &[&[Command]] = &[crypto::POLICY];
pub(super) const IKE_PROFILE: &[&[Command]] = &[crypto::IKE_PROFILE];
pub(super) const TRANSFORM_SET: &[&[Command]] = &[crypto::TRANSFORM_SET];
pub(super) const IPSEC_PROFILE: &[&[Command]] = &[crypto::IPSEC_PROFILE];
pub(super) const INTERFACE: &[&[Command]] =
    &[interface::COMMANDS, tunnel::COMMANDS, nhrp::COMMANDS, ospf::INTERFACE, idle::INTERFACE];
pub(super) const OSPF: &[&[Command]] = &[ospf::PROCESS, idle::OSPF];
pub(super) const KEY_CHAIN: &[&[Command]] = &[ospf::KEY_CHAIN];
pub(super) const CHAIN_KEY: &[&[Command]] = &[ospf::CHAIN_KEY];

const fn one(syntax: &'static str, run: Handler) -> Command {
    Command { syntax, action: Action::One(run) }
}

const fn many(syntax: &'static str, run: Handler) -> Command {
    Command { syntax, action: Action::Many(run) }
}

const fn open(syntax: &'static str, run: Handler) -> Command {
    Command { syntax, action: Action::Open(run) }
}

const fn no_effect(syntax: &'static str, reason: &'static str) -> Command {
    Command { syntax, action: Action::NoEffect(reason) }
}

const fn idle_section(syntax: &'static str, reason: &'static str) -> Command {
    Command { syntax, action: Action::SectionWithoutEffect(reason) }
}

const fn lacking(syntax: &'static str, reason: &'static str) -> Command {
    Command { syntax, action: Action::Lacking(reason) }
}

const fn lacking_section(syntax: &'static str, reason: &'static str) -> Command {
    Command { syntax, action: Action::LackingSection(reason) }
}

const fn unsupported(syntax: &'static str, reason: &'static str) -> Command {
    Command { syntax, action: Action::Unsupported(reason) }
}

const SECOND: Duration = Duration::from_secs(1);

/// Opens the section of the element with this name, which is made if it is not there; with `no`, removes the element.
fn open_named<T>(
    reader: &mut Reader<'_>,
    matched: &Matched<'_>,
    list: for<'r, 'a> fn(&'r mut Reader<'a>) -> &'r mut Vec<T>,
    is_it: impl Fn(&T) -> bool,
    make: impl FnOnce(Origin) -> T,
    mode: fn(usize) -> Mode,
) {
    let found = list(reader).iter().position(is_it);
    if matched.negated {
        match found {
            Some(index) => {
                list(reader).remove(index);
                reader.forget_positions();
            }
            None => nothing_to_undo(reader),
        }
        return;
    }
    let index = found.unwrap_or_else(|| {
        let made = make(Origin::new(reader.place()));
        let list = list(reader);
        list.push(made);
        list.len() - 1
    });
    reader.enter(mode(index));
}

/// Says that a part of a line changes nothing, if it is there.
fn part_without_effect(reader: &mut Reader<'_>, matched: &Matched<'_>, keywords: &[&str], reason: &str) {
    for keyword in keywords.iter().filter(|keyword| matched.has(keyword) && !matched.negated) {
        let message = format!("'{keyword}' has no effect here: {reason}");
        reader.say(Severity::Note, Rule::NoEffect, 0, &message, "");
    }
}

fn nothing_to_undo(reader: &mut Reader<'_>) {
    reader.say(Severity::Note, Rule::NoEffect, 0, "no effect: there is nothing that it would undo", "");
}

/// Adds an element to a list, or with `no` removes those that are alike. An element that is there already is replaced.
fn change_list<T: PartialEq>(
    reader: &mut Reader<'_>,
    negated: bool,
    list: impl for<'r, 'a> Fn(&'r mut Reader<'a>) -> Option<&'r mut Vec<T>>,
    alike: impl Fn(&T) -> bool,
    element: Option<T>,
) {
    let Some(elements) = list(reader) else { return };
    let found = elements.iter().position(alike);
    match (negated, found, element) {
        (true, Some(index), _) => {
            elements.remove(index);
        }
        (true, None, _) => nothing_to_undo(reader),
        (false, None, Some(element)) => elements.push(element),
        (false, Some(index), Some(element)) => {
            let same = elements.get(index) == Some(&element);
            if let Some(slot) = elements.get_mut(index) {
                *slot = element;
            }
            if same {
                reader.say(Severity::Note, Rule::Replaced, 0, "repeats an earlier line", "");
            } else {
                reader.say(
                    Severity::Warning,
                    Rule::Replaced,
                    0,
                    "replaces what an earlier line says of the same",
                    "",
                );
            }
        }
        (false, _, None) => {}
    }
}
