//! Lines typed at a router's prompt.

use dmvpn::ShowCommand;

/// Reads a command line.
pub fn show_command(data: &[u8]) {
    let line = String::from_utf8_lossy(data);
    match ShowCommand::parse(&line) {
        Ok(command) => {
            assert_eq!(ShowCommand::parse(&line).as_ref(), Ok(&command));
            drop(format!("{command:?}"));
        }
        Err(error) => drop(format!("{error} {error:?}")),
    }
}
