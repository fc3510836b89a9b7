//! The underlay's packets as a file, with the tables that let Wireshark read them.

use std::path::Path;

use dmvpn::sim::capture::to_pcapng;

use super::{Cloud, Error};

/// Writes the packets, and beside them `ikev2_decryption_table` and `esp_sa`. Wireshark finds the tables when its
/// configuration folder is that folder: `WIRESHARK_CONFIG_DIR=FOLDER tshark -r FILE`.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn write(cloud: &Cloud, path: &Path) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let table = |lines: &std::collections::BTreeSet<String>| {
        lines.iter().map(|line| format!("{line}\n")).collect::<String>()
    };
    for (path, contents) in [
        (path.to_owned(), to_pcapng(cloud.network.captured())),
        (folder.join("ikev2_decryption_table"), table(&cloud.keys.0).into_bytes()),
        (folder.join("esp_sa"), table(&cloud.keys.1).into_bytes()),
    ] {
        std::fs::write(&path, contents).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
