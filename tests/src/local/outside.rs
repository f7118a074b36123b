//! What is outside, as far as these tests have one: a host in a network namespace of the
//! test's own. It takes connections, answers names, and has the address of the service that
//! tells a cloud's machine its credentials.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::PYTHON;
use crate::attempt::PEER;
use crate::process::Finished;
use crate::program::{Program, Running};
use crate::require;
use crate::user::number;

/// Where clouds have that service.
pub const METADATA: &str = "169.254.169.254";

/// Becomes the host: says that it is in its namespaces, waits for the cable, takes its
/// addresses, and serves.
const BECOME: &str = r#"
set -e
ip link set lo up
printf 'nameserver %s\n' "$3" >"$1/resolv.conf"
mount --bind "$1/resolv.conf" /etc/resolv.conf
echo here
read -r cable
if [ "$cable" = cable ]; then
    ip address add "$3/30" dev eth0
    ip address add "$4/64" dev eth0 nodad
    ip link set eth0 up
fi
exec "$5" -c "$2" "$6"
"#;

/// A running host; it and its network go away with the value.
pub struct Outside {
    host: Running,
    is_joined: bool,
    v4: Ipv4Addr,
    v6: Ipv6Addr,
    _folder: tempfile::TempDir,
}

impl Outside {
    /// As root: a host at the other end of a cable from this machine. Else: a host that is
    /// alone, with loopback. Where the machine lacks what it takes: a skip told under the name
    /// of `test`.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn new(test: &str) -> Option<Outside> {
        for name in ["ip", "unshare", "nsenter", "setpriv"] {
            require::program(test, name)?;
        }
        let is_joined = rustix::process::geteuid().is_root();
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path();
        // Of the block for tests of devices (RFC 2544), a network of two; of the local ones
        // (RFC 4193), one of which nobody else here has the same.
        let (process, index) = unique();
        let block = (process.wrapping_mul(64) + index) % (1 << 15);
        let near = Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 1).to_bits() + 4 * block);
        let far = Ipv4Addr::from_bits(near.to_bits() + 1);
        let halves = [(process >> 16) as u16, process as u16];
        let v6 = |last| Ipv6Addr::new(0xfdbc, halves[0], halves[1], index as u16, 0, 0, 0, last);
        let (v4, far_v6) = match is_joined {
            true => (far, v6(2)),
            false => (Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST),
        };
        // Nothing of it outlives this thread.
        let mut words = vec!["--pdeathsig", "KILL", "unshare", "--net", "--mount"];
        if !is_joined {
            words.extend(["--user", "--map-root-user"]);
        }
        let mut host = Program::new("setpriv", place)
            .args(words)
            .args(["sh", "-c", BECOME, "host"])
            .arg(place)
            .args([PEER, &v4.to_string(), &far_v6.to_string(), PYTHON, METADATA])
            .start();
        assert_eq!(host.line(), "here", "{}", host.stderr().text());
        if is_joined {
            join(place, host.pid(), near, v6(1));
        }
        host.tell(if is_joined { "cable" } else { "alone" });
        assert_eq!(host.line(), "ready", "{}", host.stderr().text());
        Some(Outside {
            host,
            is_joined,
            v4,
            v6: far_v6,
            _folder: folder,
        })
    }

    /// Its address, IPv4.
    pub fn v4(&self) -> String {
        self.v4.to_string()
    }

    /// Its address, IPv6.
    pub fn v6(&self) -> String {
        self.v6.to_string()
    }

    /// How an attempt to reach it ends where there is no way.
    pub fn no_way(&self) -> [&'static str; 2] {
        match self.is_joined {
            true => ["ENETUNREACH", "EADDRNOTAVAIL"],
            false => ["ECONNREFUSED"; 2],
        }
    }

    /// Runs a command where it can be reached: on this machine, if there is a cable.
    ///
    /// # Panics
    /// When it hangs.
    pub fn beside(&self, command: &[&str]) -> Finished {
        match self.is_joined {
            true => on_this_machine(command),
            false => self.within(command),
        }
    }

    /// Runs a command on the host itself, which asks itself for names.
    ///
    /// # Panics
    /// When it hangs.
    pub fn within(&self, command: &[&str]) -> Finished {
        let process = self.host.pid().to_string();
        let mut words = vec!["--target", &process, "--net", "--mount"];
        if !self.is_joined {
            words.extend(["--user", "--preserve-credentials"]);
        }
        words.push("--");
        words.extend(command);
        Program::new("nsenter", Path::new("/")).args(words).run()
    }
}

/// Runs a command on this machine, as whoever runs the tests.
///
/// # Panics
/// When it hangs.
pub fn on_this_machine(command: &[&str]) -> Finished {
    let (program, words) = command.split_first().expect("a program");
    Program::new(program, Path::new("/")).args(words).run()
}

/// This process, and a number that nothing else in it has.
fn unique() -> (u32, u32) {
    let number = number();
    let (process, index) = number.split_once('x').expect("two numbers");
    let value = |text| u32::from_str_radix(text, 16).expect("a number");
    (value(process), value(index))
}

/// Lays a cable from this machine into the network namespace of `process`.
fn join(place: &Path, process: u32, v4: Ipv4Addr, v6: Ipv6Addr) {
    let (own, index) = unique();
    let name = format!("bt{own:x}x{index:x}");
    let process = process.to_string();
    let (v4, v6) = (format!("{v4}/30"), format!("{v6}/64"));
    let lay = [
        "link", "add", &name, "type", "veth", "peer", "name", "eth0", "netns", &process,
    ];
    let steps: [&[&str]; 4] = [
        &lay,
        &["address", "add", &v4, "dev", &name],
        &["address", "add", &v6, "dev", &name, "nodad"],
        &["link", "set", &name, "up"],
    ];
    for step in steps {
        let said = Program::new("ip", place).args(step).run();
        assert!(said.status.success(), "{step:?}: {said:#?}");
    }
}
