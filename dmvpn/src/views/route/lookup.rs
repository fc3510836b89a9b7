//! `show ip route PREFIX`.

use core::fmt;

use super::{DirectPath, PathState, Route, RouteKind, RoutePath};
use crate::views::text::{Address, Prefix};
use crate::views::time::Age;

/// One route in full: `show ip route PREFIX`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RouteLookup {
    /// The route; `None` when there is none.
    pub route: Option<Route>,
}

impl fmt::Display for RouteLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.route {
            Some(route) => route.write_in_full(f),
            None => writeln!(f, "% Network not in table"),
        }
    }
}

impl Route {
    fn write_in_full(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let supernet = if self.prefix.prefix_len() == 0 { ", supernet" } else { "" };
        writeln!(f, "Routing entry for {}{supernet}", Prefix(self.prefix))?;
        let source = match self.kind {
            RouteKind::Local | RouteKind::Connected => "connected".to_owned(),
            RouteKind::Static => "static".to_owned(),
            RouteKind::Nhrp => "nhrp".to_owned(),
            _ => format!("ospf {}", self.process.unwrap_or(1)),
        };
        let (distance, metric) = (self.distance, self.metric);
        write!(f, "  Known via \"{source}\", distance {distance}, metric {metric}")?;
        match (self.route_type, self.kind) {
            (Some(kind), _) => writeln!(f, ", type {kind}")?,
            (None, RouteKind::Connected) => writeln!(f, " (connected, via interface)")?,
            (None, RouteKind::Local) => writeln!(f, " (connected)")?,
            (None, _) => writeln!(f)?,
        }
        if !self.kind.is_configured() {
            self.write_last_update(f)?;
        }
        writeln!(f, "  Routing Descriptor Blocks:")?;
        for (index, path) in self.paths.iter().enumerate() {
            // The asterisk marks the path that the next flow takes.
            f.write_str(if index == 0 { "  * " } else { "    " })?;
            path.write_in_full(f, self.kind)?;
            writeln!(f, "      Route metric is {metric}, traffic share count is 1")?;
            if let (Some(gateway), Some(direct)) = (path.gateway, &path.direct) {
                direct.write(f, Address(gateway))?;
            }
        }
        Ok(())
    }

    /// The youngest path is the one that was updated last.
    fn write_last_update(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(path) = self.paths.iter().min_by_key(|path| path.age) else { return Ok(()) };
        let Some(gateway) = path.gateway else { return Ok(()) };
        write!(f, "  Last update from {}", Address(gateway))?;
        if let Some(interface) = &path.interface {
            write!(f, " on {interface}")?;
        }
        writeln!(f, ", {} ago", Age(path.age))
    }
}

impl RoutePath {
    fn write_in_full(&self, f: &mut fmt::Formatter<'_>, kind: RouteKind) -> fmt::Result {
        match self.gateway {
            Some(gateway) => write!(f, "{}", Address(gateway))?,
            None => f.write_str("directly connected")?,
        }
        if let Some(from) = self.from {
            write!(f, ", from {}", Address(from))?;
        }
        if !kind.is_configured() {
            write!(f, ", {} ago", Age(self.age))?;
        }
        if let Some(interface) = &self.interface {
            write!(f, ", via {interface}")?;
        }
        writeln!(f)
    }
}

impl DirectPath {
    fn write(&self, f: &mut fmt::Formatter<'_>, gateway: Address) -> fmt::Result {
        let state = self.state;
        match (state, self.fallbacks.first()) {
            (PathState::Proven, _) => writeln!(f, "      direct path to {gateway} is {state}")?,
            (_, Some(fallback)) => {
                let now = Address(fallback.gateway);
                writeln!(f, "      direct path to {gateway} is {state}, packets go by {now}")?;
            }
            (_, None) => writeln!(f, "      direct path to {gateway} is {state}, and there is no fallback")?,
        }
        for fallback in &self.fallbacks {
            let (gateway, interface) = (Address(fallback.gateway), &fallback.interface);
            writeln!(f, "      fallback {gateway}, via {interface}, when the direct path is not proven")?;
        }
        Ok(())
    }
}
