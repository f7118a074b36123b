//! The processes that run on a gate's behalf.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

/// The variable by which the gate's hooks find its state, and a test the gate's children.
const STATE: &str = "BOTTLE_GATE_STATE";

/// One of them.
#[derive(Clone, Debug)]
pub struct GateChild {
    /// Its process id.
    pub pid: u32,
    /// Its words, its name first.
    pub words: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, OsString>,
}

impl GateChild {
    /// All that there are for the gate with this state directory.
    pub fn of(state: &Path) -> Vec<GateChild> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // It may end while it is looked at.
            if let Some(child) = GateChild::read(pid, &entry.path())
                && child
                    .environment
                    .get(STATE)
                    .is_some_and(|path| path == state)
            {
                found.push(child);
            }
        }
        found
    }

    fn read(pid: u32, folder: &Path) -> Option<GateChild> {
        let pieces = |name: &str| -> Option<Vec<Vec<u8>>> {
            let octets = fs::read(folder.join(name)).ok()?;
            let octets = octets.strip_suffix(b"\0").unwrap_or(&octets);
            Some(
                octets
                    .split(|octet| *octet == 0)
                    .map(<[u8]>::to_vec)
                    .collect(),
            )
        };
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let variable = |octets: &Vec<u8>| {
            let equals = octets.iter().position(|octet| *octet == b'=')?;
            let value = OsString::from_vec(octets[equals + 1..].to_vec());
            Some((text(&octets[..equals]), value))
        };
        Some(GateChild {
            pid,
            words: pieces("cmdline")?.iter().map(|word| text(word)).collect(),
            environment: pieces("environ")?.iter().filter_map(variable).collect(),
        })
    }

    /// Whether one of its words, or the last part of its name, is `word`.
    pub fn has(&self, word: &str) -> bool {
        let is_name = |name: &String| name.rsplit('/').next() == Some(word);
        self.words.first().is_some_and(is_name) || self.words.iter().any(|other| other == word)
    }
}
