//! Is this process sealed off? Looked at from inside, before anything is handed out.

use std::fs;
use std::path::Path;

/// The namespaces that must be the sandbox's own.
pub(super) const NAMESPACES: [&str; 7] = ["user", "pid", "net", "mnt", "ipc", "uts", "cgroup"];

/// The namespaces of this process, such as `net:[4026531840]`.
///
/// # Errors
///
/// A sentence: `/proc` can't be read.
pub(super) fn namespaces() -> Result<Vec<String>, String> {
    let look = |name: &&str| {
        let path = Path::new("/proc/self/ns").join(name);
        let link = fs::read_link(&path);
        let link = link.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(link.to_string_lossy().into_owned())
    };
    NAMESPACES.iter().map(look).collect()
}

/// Refuses where something of the host is in reach. `outside`: the host's namespaces.
///
/// # Errors
///
/// A sentence that says what.
pub(super) fn check(outside: &[String]) -> Result<(), String> {
    let own = namespaces()?;
    if let Some(shared) = own.iter().find(|own| outside.contains(own)) {
        return Err(format!("the sandbox shares {shared} with the host"));
    }
    if outside.len() != NAMESPACES.len() {
        return Err("the host's namespaces are not known".to_owned());
    }
    if rustix::process::getuid().is_root() || rustix::process::geteuid().is_root() {
        return Err("the agent would be root in the sandbox".to_owned());
    }
    let capabilities = rustix::thread::capabilities(None).map_err(|error| error.to_string())?;
    let any = capabilities.effective | capabilities.permitted | capabilities.inheritable;
    if !any.is_empty() {
        return Err(format!("the sandbox has capabilities: {any:?}"));
    }
    match rustix::thread::no_new_privs() {
        Ok(true) => {}
        Ok(false) => return Err("programs in the sandbox may gain privileges".to_owned()),
        Err(error) => return Err(error.to_string()),
    }
    let devices = fs::read_to_string("/proc/net/dev").map_err(|error| error.to_string())?;
    match other_devices(&devices).as_slice() {
        [] => Ok(()),
        others => Err(format!(
            "the sandbox has network devices: {}",
            others.join(", ")
        )),
    }
}

/// Every network device but loopback in the table `/proc/net/dev`.
fn other_devices(table: &str) -> Vec<&str> {
    let names = table
        .lines()
        .skip(2)
        .filter_map(|line| line.split_once(':'));
    names
        .map(|(name, _)| name.trim())
        .filter(|name| *name != "lo")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Inter-|   Receive\n face |bytes\n";

    #[test]
    fn loopback_is_the_one_device_of_a_sealed_place() {
        assert_eq!(other_devices(&format!("{HEAD}    lo:   0 0\n")), [""; 0]);
        let open = format!("{HEAD}    lo:   0 0\n  eth0: 1 2\nwlan0:3 4\n");
        assert_eq!(other_devices(&open), ["eth0", "wlan0"]);
    }

    #[test]
    fn this_process_is_not_sealed() {
        let own = namespaces().expect("/proc");
        assert_eq!(own.len(), NAMESPACES.len());
        let shared = check(&own).expect_err("it is where it is");
        assert!(shared.starts_with("the sandbox shares user:["), "{shared}");
        assert!(check(&[]).is_err());
    }
}
