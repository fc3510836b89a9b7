//! Counters and states for a monitoring system, in the text format of Prometheus (version 0.0.4).

use core::fmt;

/// What a router counts, by family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Metrics {
    /// The families, each name once.
    pub families: Vec<MetricFamily>,
}

/// One name with its samples.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MetricFamily {
    /// The name, as `dmvpn_peers`; that of a counter ends with `_total`.
    pub name: &'static str,
    /// What it is, in a line.
    pub help: &'static str,
    /// Whether it only ever grows.
    pub kind: MetricKind,
    /// The samples.
    pub samples: Vec<MetricSample>,
}

/// How a number behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum MetricKind {
    /// It goes up and down.
    Gauge,
    /// It grows, and is zero after a restart.
    Counter,
}

/// One number.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MetricSample {
    /// Label names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The number.
    pub value: u64,
}

impl Metrics {
    /// Adds a family.
    pub(crate) fn family(
        &mut self,
        name: &'static str,
        help: &'static str,
        samples: impl IntoIterator<Item = (Vec<(&'static str, String)>, u64)>,
    ) {
        let kind = if name.ends_with("_total") { MetricKind::Counter } else { MetricKind::Gauge };
        let samples = samples.into_iter().map(|(labels, value)| MetricSample { labels, value }).collect();
        self.families.push(MetricFamily { name, help, kind, samples });
    }

    /// The number with this name and these labels, in any order.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        let family = self.families.iter().find(|family| family.name == name)?;
        let fits = |sample: &&MetricSample| {
            sample.labels.len() == labels.len()
                && labels.iter().all(|(name, value)| {
                    sample.labels.iter().any(|(own, content)| own == name && content == value)
                })
        };
        family.samples.iter().find(fits).map(|sample| sample.value)
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for family in self.families.iter().filter(|family| !family.samples.is_empty()) {
            let kind = match family.kind {
                MetricKind::Gauge => "gauge",
                MetricKind::Counter => "counter",
            };
            writeln!(f, "# HELP {} {}", family.name, family.help)?;
            writeln!(f, "# TYPE {} {kind}", family.name)?;
            for sample in &family.samples {
                f.write_str(family.name)?;
                for (index, (name, value)) in sample.labels.iter().enumerate() {
                    let open = if index == 0 { '{' } else { ',' };
                    write!(f, "{open}{name}=\"{}\"", Escaped(value))?;
                }
                let close = if sample.labels.is_empty() { "" } else { "}" };
                writeln!(f, "{close} {}", sample.value)?;
            }
        }
        Ok(())
    }
}

/// A label's value: the format has three characters that stand for something else.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => write!(f, "{other}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_prometheus() {
        let mut metrics = Metrics::default();
        metrics.family(
            "a_total",
            "All a.",
            [(vec![("who", "x\"\\\ny".to_owned()), ("b", "c".to_owned())], 7)],
        );
        metrics.family("b", "One b.", [(Vec::new(), 1)]);
        metrics.family("c", "No c.", []);
        assert_eq!(
            metrics.to_string(),
            "# HELP a_total All a.\n# TYPE a_total counter\na_total{who=\"x\\\"\\\\\\ny\",b=\"c\"} 7\n\
             # HELP b One b.\n# TYPE b gauge\nb 1\n"
        );
        assert_eq!(metrics.value("a_total", &[("b", "c"), ("who", "x\"\\\ny")]), Some(7));
        assert_eq!(metrics.value("a_total", &[("b", "c")]), None);
        assert_eq!(metrics.value("b", &[]), Some(1));
    }
}
