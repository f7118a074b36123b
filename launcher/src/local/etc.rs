//! The files of `/etc` that are a sandbox's own.

use std::fs;
use std::io;

/// Names and contents of the agent's.
pub(super) const FILES: [(&str, &str); 5] = [
    (
        "passwd",
        "root:x:0:0:root:/root:/usr/sbin/nologin\n\
         agent:x:1000:1000:agent:/home/agent:/bin/sh\n\
         nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    ),
    ("group", "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n"),
    (
        "hosts",
        "127.0.0.1 localhost cred-proxy git-gate bottle\n::1 localhost\n",
    ),
    (
        "nsswitch.conf",
        "passwd: files\ngroup: files\nshadow: files\nhosts: files\nnetworks: files\n\
         services: files\nprotocols: files\n",
    ),
    // Without a server a resolver asks on loopback, where nobody answers.
    (
        "resolv.conf",
        "# nobody answers here; names are in /etc/hosts\n",
    ),
];

/// Where host names and the servers for them are told.
const FOR_NAMES: [&str; 2] = ["hosts", "resolv.conf"];

/// Names and contents of the git gate's, which finds hosts as this machine does. What its
/// links lead to is not in its sandbox, so that they are followed here.
///
/// # Errors
///
/// The file system's.
pub(super) fn gate_files() -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let mut files: Vec<(&str, Vec<u8>)> = [
        (
            "passwd",
            "gate:x:1000:1000:gate:/run/bottle-gate:/usr/sbin/nologin\n",
        ),
        ("group", "gate:x:1000:\n"),
        // Modules that ask a service of this machine would not reach it.
        (
            "nsswitch.conf",
            "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n",
        ),
    ]
    .map(|(name, text)| (name, text.into()))
    .into();
    for name in FOR_NAMES {
        match fs::read(format!("/etc/{name}")) {
            Ok(content) => files.push((name, content)),
            // glibc has a default for each.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::sandbox::{HOME, UID};
    use crate::plan::{GATE_HOST, PROXY_HOST};

    #[test]
    fn they_name_the_agent_and_the_sidecars() {
        let text = |name: &str| FILES.iter().find(|file| file.0 == name).map_or("", |f| f.1);
        assert!(text("passwd").contains(&format!("agent:x:{UID}:{UID}:agent:{HOME}:")));
        let hosts = text("hosts");
        assert!(hosts.contains(PROXY_HOST) && hosts.contains(GATE_HOST));
        assert!(!text("resolv.conf").contains("\nnameserver"));
    }

    #[test]
    fn the_gate_is_somebody_and_finds_hosts() {
        let files = gate_files().expect("readable");
        let text = |name: &str| {
            let file = files.iter().find(|file| file.0 == name);
            file.map(|file| String::from_utf8_lossy(&file.1).into_owned())
        };
        let passwd = text("passwd").expect("one");
        assert!(
            passwd.starts_with(&format!("gate:x:{UID}:{UID}:")),
            "{passwd}"
        );
        assert!(passwd.contains(crate::bottle::gate_files::DIRECTORY));
        assert!(
            text("nsswitch.conf")
                .expect("one")
                .contains("hosts: files dns\n")
        );
        assert_eq!(
            text("resolv.conf"),
            fs::read_to_string("/etc/resolv.conf").ok()
        );
    }
}
