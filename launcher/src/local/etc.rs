//! The files of `/etc` that are the sandbox's own.

/// Their names and contents.
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
}
