//! `show`: asks a running router and prints what it says.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::control::{default_socket, folder};
use super::{Error, ShowArgs, clock};

/// Clears the screen and goes to its top (ECMA-48 ED and CUP).
const CLEAR_SCREEN: &str = "\x1b[2J\x1b[H";

/// Asks, and prints the answer; with `--watch` again and again.
#[must_use]
pub fn show(args: &ShowArgs) -> ExitCode {
    loop {
        match ask(args) {
            Ok(answer) => {
                if args.watch.is_some() {
                    print!("{CLEAR_SCREEN}");
                }
                print!("{answer}");
                let _ = io::stdout().flush();
                let refused = answer.lines().any(|line| line.starts_with("% "));
                let Some(seconds) = args.watch.filter(|_| !refused) else {
                    return if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS };
                };
                clock::sleep(Duration::from_secs(seconds));
            }
            Err(error) => {
                eprintln!("show: {error}");
                return ExitCode::from(2);
            }
        }
    }
}

fn ask(args: &ShowArgs) -> Result<String, Error> {
    let path = match (&args.control, &args.router) {
        (Some(path), _) => path.clone(),
        (None, Some(name)) => default_socket(name),
        (None, None) => only_socket()?,
    };
    let mut stream = UnixStream::connect(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let json = if args.json { "json " } else { "" };
    writeln!(stream, "{json}{}", args.command.join(" "))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn only_socket() -> Result<PathBuf, Error> {
    let folder = folder();
    let shown = folder.display();
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{shown}: {error}"))?;
    let all = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut sockets: Vec<PathBuf> =
        all.filter(|path| path.extension().is_some_and(|end| end == "sock")).collect();
    sockets.sort();
    match sockets.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(format!("no router has a socket in {shown}").into()),
        several => {
            let names = several.iter().filter_map(|path| path.file_stem()?.to_str());
            let names = names.collect::<Vec<_>>().join(", ");
            Err(format!("several routers run here: say which, --router {names}").into())
        }
    }
}
