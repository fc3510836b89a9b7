//! Any cloud, and what a script asks of it.

use std::time::Duration;

use super::command::{self, Command};
use super::{Args, Cloud, Error, Report, capture, cloud};

/// How long a cloud runs of which nothing is asked.
const DEFAULT_DURATION: Duration = Duration::from_secs(60);
/// What is shown of each router at the end when no script asked for anything.
const CLOSING_VIEWS: [&str; 3] = ["show dmvpn", "show ip ospf neighbor", "show drops"];

/// One line of a script.
#[derive(Debug, Clone)]
struct Line {
    at: Duration,
    router: String,
    text: String,
    command: Command,
}

/// Runs the configurations of the command line. Every command is carried out at its time; one that takes time moves those
/// behind it.
///
/// # Errors
/// A configuration or a script with errors.
pub(super) fn run(args: &Args, report: &mut Report) -> Result<bool, Error> {
    let files = match args.configs.as_slice() {
        [] => super::guide::files(),
        paths => paths.iter().map(|path| cloud::read_file(path)).collect::<Result<_, _>>()?,
    };
    let lines = read_script(args)?;
    let mut cloud = Cloud::new(cloud::read(&files)?, args)?;
    if let Some(stranger) = lines.iter().find(|line| !cloud.routers.contains(&line.router)) {
        return Err(format!("the script names {}, which is no router here", stranger.router).into());
    }
    let mut reported = 0;
    for line in &lines {
        let at = line.at.max(cloud.network.now());
        cloud.run_until(at);
        reported = cloud.report_events(reported, report);
        let answer = command::carry_out(&mut cloud, &line.router, &line.command)?;
        report.step(at, &line.router, &line.text, &answer.text, answer.data);
        reported = cloud.report_events(reported, report);
        report.say("");
    }
    let default = if lines.is_empty() { DEFAULT_DURATION } else { Duration::ZERO };
    cloud.run_until(args.duration.unwrap_or(default).max(cloud.network.now()));
    cloud.report_events(reported, report);
    if lines.is_empty() {
        report.say("");
        for router in cloud.routers.clone() {
            for text in CLOSING_VIEWS {
                let answer = command::carry_out(&mut cloud, &router, &command::parse(text)?)?;
                report.step(cloud.network.now(), &router, text, &answer.text, answer.data);
                report.say("");
            }
        }
    }
    if let Some(path) = &args.pcap {
        capture::write(&cloud, path)?;
    }
    let leaks = cloud.network.clear_text_seen();
    for leak in leaks {
        report.event(leak.at, "underlay", &format!("CLEAR TEXT: {leak:?}"));
    }
    Ok(leaks.is_empty())
}

fn read_script(args: &Args) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    if let Some(path) = &args.script {
        let (name, text) = cloud::read_file(path)?;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('!') || line.starts_with('#') {
                continue;
            }
            lines.push(read_line(line).map_err(|error| format!("{name}:{number}: {error}"))?);
        }
    }
    for line in &args.at {
        lines.push(read_line(line).map_err(|error| format!("--at '{line}': {error}"))?);
    }
    // Stable: commands of one time keep their order.
    lines.sort_by_key(|line| line.at);
    Ok(lines)
}

fn read_line(line: &str) -> Result<Line, Error> {
    let form = "expected SECONDS HOSTNAME# COMMAND";
    let (seconds, rest) = line.trim().split_once(char::is_whitespace).ok_or(form)?;
    let seconds: f64 = seconds.parse().map_err(|_| format!("'{seconds}': {form}"))?;
    let at = Duration::try_from_secs_f64(seconds).map_err(|error| format!("'{seconds}': {error}"))?;
    let (router, text) = rest.split_once('#').ok_or(form)?;
    let (router, text) = (router.trim().to_owned(), text.trim().to_owned());
    let command = command::parse(&text)?;
    Ok(Line { at, router, text, command })
}
