//! What netfilter does for the tunnels: the MSS clamp, the packets that want a redirect, and peers that share an address.
//!
//! Tables of their own, `dmvpn_HOSTNAME` and `dmvpn_HOSTNAME_peers`, set by `nft` in one transaction each. They are not there
//! if nothing needs them.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use dmvpn::forward::TunnelSettings;
use ipnet::Ipv4Net;

use super::super::Error;
use super::redirect::SNAPLEN;

/// How long a pair of addresses is not logged again: the engine limits redirects by itself, this keeps it unbothered.
const REDIRECT_SECONDS: u32 = 5;
/// How many pairs of addresses are kept apart.
const REDIRECT_PAIRS: u32 = 65_536;

/// The tables.
pub(super) struct Filter {
    table: String,
    is_set: bool,
    /// The table for stand-ins is there.
    stands_in: bool,
}

/// What it is made from.
pub(super) struct Needs<'a> {
    /// Each tunnel and its device.
    pub(super) tunnels: Vec<(&'a TunnelSettings, &'a str)>,
    /// Networks of LAN interfaces with a clamp.
    pub(super) lan_mss: &'a [(Ipv4Net, u16)],
    /// Where packets that want a redirect are logged.
    pub(super) log_group: Option<u16>,
}

impl Filter {
    /// Sets the tables, in the place of those that a router of this name left behind.
    pub(super) fn open(hostname: &str, needs: &Needs<'_>) -> Result<Self, Error> {
        // What was left behind goes; where `nft` is not there, nothing can have been.
        let mut filter = Self { table: table_name(hostname), is_set: false, stands_in: false };
        let _ = nft(&without(&filter.table));
        let _ = nft(&without(&filter.stand_ins()));
        filter.set(needs)?;
        Ok(filter)
    }

    /// Sets the table anew, or takes it out where nothing needs it.
    pub(super) fn set(&mut self, needs: &Needs<'_>) -> Result<(), Error> {
        let rules = rules(needs);
        if rules.is_empty() {
            if std::mem::take(&mut self.is_set) {
                nft(&without(&self.table))?;
            }
            return Ok(());
        }
        nft(&with(&self.table, &rules)).map_err(|error| {
            format!("`ip tcp adjust-mss` and `ip nhrp redirect` need nftables (the program nft): {error}")
        })?;
        self.is_set = true;
        Ok(())
    }

    /// Sets what peers with a shared address need.
    pub(super) fn stand_in(&mut self, rules: &str) -> io::Result<()> {
        let table = self.stand_ins();
        if rules.is_empty() {
            return if std::mem::take(&mut self.stands_in) { nft(&without(&table)) } else { Ok(()) };
        }
        nft(&with(&table, rules)).map_err(|error| {
            let why = "peers that share an address need nftables (the program nft)";
            io::Error::new(error.kind(), format!("{why}: {error}"))
        })?;
        self.stands_in = true;
        Ok(())
    }

    /// Takes the tables out.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let own = if std::mem::take(&mut self.is_set) { nft(&without(&self.table)) } else { Ok(()) };
        own.and(self.stand_in(""))
    }

    fn stand_ins(&self) -> String {
        format!("{}_peers", self.table)
    }
}

/// A script that sets a table, in the place of one of that name.
fn with(table: &str, rules: &str) -> String {
    format!("{}table ip {table} {{\n{rules}}}\n", without(table))
}

/// A script that takes a table out. The first line makes that succeed where there is none.
fn without(table: &str) -> String {
    format!("table ip {table} {{}}\ndelete table ip {table}\n")
}

/// Only what nft takes as a name.
fn table_name(hostname: &str) -> String {
    let kept = hostname.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    format!("dmvpn_{}", kept.collect::<String>())
}

fn rules(needs: &Needs<'_>) -> String {
    let mut text = String::new();
    let redirects = redirect_rules(needs);
    let clamps = clamp_rules(needs);
    if redirects.is_empty() && clamps.is_empty() {
        return text;
    }
    if !redirects.is_empty() {
        let _ = writeln!(
            text,
            "set redirected {{ type ipv4_addr . ipv4_addr; flags dynamic,timeout; \
             timeout {REDIRECT_SECONDS}s; size {REDIRECT_PAIRS}; }}"
        );
    }
    let _ = writeln!(
        text,
        "chain forward {{\ntype filter hook forward priority mangle; policy accept;\n{redirects}{clamps}}}"
    );
    text
}

/// Came in by a tunnel that redirects and leaves by one of its domain.
fn redirect_rules(needs: &Needs<'_>) -> String {
    let mut text = String::new();
    let Some(group) = needs.log_group else { return text };
    for (settings, device) in needs.tunnels.iter().filter(|(settings, _)| settings.redirect) {
        let domain = needs.tunnels.iter().filter(|(other, _)| other.network_id == settings.network_id);
        let domain: Vec<String> = domain.map(|(_, device)| format!("\"{device}\"")).collect();
        let _ = writeln!(
            text,
            "iifname \"{device}\" oifname {{ {} }} ip saddr . ip daddr != @redirected \
             add @redirected {{ ip saddr . ip daddr }} log group {group} snaplen {SNAPLEN} queue-threshold 1",
            domain.join(", ")
        );
    }
    text
}

/// The kernel only ever lowers the option.
fn clamp_rules(needs: &Needs<'_>) -> String {
    let mut text = String::new();
    for (settings, device) in &needs.tunnels {
        for direction in ["iifname", "oifname"] {
            let mut clamp = |whose: &str, mss: u16| {
                let _ = writeln!(
                    text,
                    "{direction} \"{device}\" {whose}tcp flags syn / syn,rst tcp option maxseg size set {mss}"
                );
            };
            if let Some(mss) = settings.adjust_mss {
                clamp("", mss);
            }
            for (network, mss) in needs.lan_mss {
                clamp(&format!("ip saddr {network} "), *mss);
                clamp(&format!("ip daddr {network} "), *mss);
            }
        }
    }
    text
}

/// Has `nft` carry out a script.
fn nft(script: &str) -> io::Result<()> {
    let mut child = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(stdin) = &mut child.stdin {
        stdin.write_all(script.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(io::Error::other(said.lines().next().unwrap_or("nft failed").to_owned()))
        }
    }
}

#[cfg(test)]
mod tests;
