//! The ways to this machine itself: its processes, its files, its kernel's switches.

use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::thread;

use harness::TOKEN;
use harness::attempt::{Table, attempt};
use harness::local::{PYTHON, on_this_machine};
use harness::program::Program;

use crate::setting::{Setting, TOKEN_NAME, each, unused};

/// A process that knows the token, and lets everybody who is its user look at it
/// (`PR_SET_PTRACER`, `PR_SET_PTRACER_ANY`).
const OPEN: &str = "import ctypes, signal
ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
print('open', flush=True)
signal.pause()";

/// The token's renderings, as the program takes them.
fn needles(setting: &Setting) -> Vec<String> {
    let hex = |octets: &[u8]| -> String {
        let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        digits.chars().rev().collect()
    };
    setting.leaks().renderings().map(hex).collect()
}

/// Answers whoever comes, until the process ends.
fn answer(listener: UnixListener) {
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut asked = [0; 1024];
            // Whoever breaks off has had no answer.
            let _gone = stream
                .read(&mut asked)
                .and_then(|_| stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
        }
    });
}

#[test]
fn no_process_outside_is_in_reach() {
    each("local: processes", |setting| {
        // As root and bound to root's directory, the agent is root's outside as well.
        setting.manifest(&[unused()], "bind");
        let bottle = setting.start();
        let inside = |command: &[&str]| bottle.exec(command);
        let mut table = Table::default();
        let needles = needles(setting);
        let needles: Vec<&str> = needles.iter().map(String::as_str).collect();
        let (engine, launcher) = (bottle.engine().to_string(), bottle.pid().to_string());
        // They let nobody look at them but root, not even their own user.
        let open = Program::new(PYTHON, setting.user.folder()).args(["-c", OPEN]);
        let mut open = open.env(TOKEN_NAME, TOKEN).start();
        assert_eq!(open.line(), "open");
        let is_root = rustix::process::geteuid().is_root();
        let in_place_of = |process: &str| match is_root {
            true => process.to_owned(),
            false => open.pid().to_string(),
        };
        let known = [&["processes"], &needles[..]].concat();
        table.row(
            "a process that knows the token",
            (&inside, &known),
            &["not in"],
            (&on_this_machine, &known),
        );
        for (who, process) in [("the engine", &engine), ("the launcher", &launcher)] {
            let control = in_place_of(process);
            for (name, why) in [
                ("trace", "ESRCH"),
                ("memory", "ENOENT"),
                ("signal", "ESRCH"),
            ] {
                let what = format!("{name}: {who}");
                let outside = [name, &control];
                table.row(
                    &what,
                    (&inside, &[name, process]),
                    &[why],
                    (&on_this_machine, &outside),
                );
            }
        }
        table.assert_sealed(7);
        // Every process's own, the first of them included: `env` of each.
        let environment =
            bottle.ask(&["sh", "-c", "env; cat /proc/[0-9]*/environ | tr '\\0' '\\n'"]);
        assert!(
            environment.matches("HOME=/home/agent").count() > 2,
            "{environment}"
        );
        let leaks = setting.leaks();
        leaks.stream("env").feed(environment.as_bytes());
        leaks.assert_none();
        for name in [
            "BOTTLE_BACKEND",
            "SSL_CERT_FILE",
            "XDG_STATE_HOME",
            "DOCKER_HOST",
            "SERVICE_TOKEN",
        ] {
            assert!(!environment.contains(name), "{environment}");
        }
    });
}

#[test]
fn no_descriptor_but_the_streams_is_handed_on() {
    each("local: descriptors", |setting| {
        setting.manifest(&[unused()], "none");
        // As a terminal or an editor would leave some: a directory, and a file with a secret.
        setting.user.write("secret", TOKEN);
        let leave = "exec 7</ 8<\"$1\" 9>>\"$1\"; shift; exec \"$@\"";
        let secret = setting.user.path("secret").display().to_string();
        setting.launch_through(&["sh", "-c", leave, "sh", &secret]);
        // The agent itself, for it closes what it was left before it starts another.
        let agent = |command: &[&str]| setting.user.agent_does(command);
        let left = ["sh", "-c", "exec 7</ 8</dev/null; exec \"$@\"", "sh"];
        let outside = |command: &[&str]| on_this_machine(&[&left[..], command].concat());
        let mut table = Table::default();
        table.row(
            "a descriptor",
            (&agent, &["descriptors", "1"]),
            &["none more"],
            (&outside, &["descriptors"]),
        );
        // What the launcher said to the sandbox came this way.
        let socket = ["open_to_write", "/proc/1/fd/0"];
        let anything = ["open_to_write", "/proc/self/fd/8"];
        let closed = ["ENXIO", "EACCES"];
        table.row(
            "the launcher's socket",
            (&agent, &socket),
            &closed,
            (&outside, &anything),
        );
        table.assert_sealed(2);
    });
}

#[test]
fn no_socket_of_this_machine_is_in_reach() {
    each("local: sockets", |setting| {
        let path = setting.user.path("docker.sock");
        answer(UnixListener::bind(&path).expect("a socket"));
        let bus = setting.user.path("bus");
        answer(UnixListener::bind(&bus).expect("a socket"));
        let name = format!("bottle-test/{}", setting.user.agent());
        let address = SocketAddr::from_abstract_name(&name).expect("an address");
        answer(UnixListener::bind_addr(&address).expect("a socket"));
        let (path, bus) = (path.display().to_string(), bus.display().to_string());
        setting.user.export("DOCKER_HOST", format!("unix://{path}"));
        setting
            .user
            .export("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={bus}"));
        setting.manifest(&[unused()], "bind");
        let bottle = setting.start();
        let inside = |command: &[&str]| bottle.exec(command);
        let mut table = Table::default();
        let abstract_name = format!("@{name}");
        for (what, why, arguments) in [
            ("the Docker socket", "ENOENT", ["unix", &path]),
            ("the session's bus", "ENOENT", ["unix", &bus]),
            (
                "an abstract socket",
                "ECONNREFUSED",
                ["unix", &abstract_name],
            ),
        ] {
            table.row(
                what,
                (&inside, &arguments),
                &[why],
                (&on_this_machine, &arguments),
            );
        }
        table.assert_sealed(3);
        let environment = bottle.ask(&["env"]);
        assert!(!environment.contains("DBUS"), "{environment}");
    });
}

/// Calls that need nothing to be there, and what each ends with.
const CALLS: [(&str, &str, &[&str]); 9] = [
    ("a raw socket of IP", "EPERM", &["raw", "icmp"]),
    (
        "a raw socket of the link",
        "EAFNOSUPPORT",
        &["raw", "packet"],
    ),
    ("a mount", "EPERM", &["mount", "/usr", "/tmp"]),
    ("a user namespace", "ENOSPC", &["namespace"]),
    ("a mount namespace", "EPERM", &["namespace", "mount"]),
    ("a network namespace", "EPERM", &["namespace", "net"]),
    ("a process namespace", "EPERM", &["namespace", "pid"]),
    ("the hypervisor", "EAFNOSUPPORT", &["hypervisor"]),
    ("the user's keyring", "EPERM", &["keyring"]),
];

#[test]
fn the_kernel_does_nothing_for_an_agent_that_it_does_for_root() {
    each("local: the kernel", |setting| {
        setting.manifest(&[unused()], "bind");
        let bottle = setting.start();
        let inside = |command: &[&str]| bottle.exec(command);
        // Who may do it all: root, in a mount namespace of its own.
        let mut alone = vec!["unshare", "--mount"];
        if !rustix::process::geteuid().is_root() {
            alone.extend(["--user", "--map-root-user", "--net"]);
        }
        let outside = |command: &[&str]| on_this_machine(&[&alone[..], command].concat());
        let mut table = Table::default();
        let mut rows = CALLS.len();
        for (what, why, arguments) in CALLS {
            table.row(what, (&inside, arguments), &[why], (&outside, arguments));
        }
        // What root alone may do outside shows nothing where nobody is root.
        if rustix::process::geteuid().is_root() {
            let switches = [
                "/proc/sys/kernel/core_pattern",
                "/proc/sys/kernel/hostname",
                "/proc/sys/vm/drop_caches",
                "/proc/sysrq-trigger",
            ];
            // Not every kernel has the last.
            for path in switches.into_iter().filter(|path| Path::new(path).exists()) {
                let arguments = ["open_to_write", path];
                let why = ["EROFS", "EACCES", "ENOENT"];
                table.row(path, (&inside, &arguments), &why, (&outside, &arguments));
                rows += 1;
            }
        }
        table.assert_sealed(rows);
        for line in [
            "CapEff:\t0000000000000000",
            "CapPrm:\t0000000000000000",
            "CapBnd:\t0000000000000000",
            "CapAmb:\t0000000000000000",
            "NoNewPrivs:\t1",
            "Seccomp:\t2",
        ] {
            let status = bottle.ask(&["cat", "/proc/self/status"]);
            assert!(status.contains(line), "{line} in {status}");
        }
        assert_eq!(bottle.ask(&["id", "-u"]), "1000\n");
    });
}

#[test]
fn no_file_of_this_machine_is_in_reach_but_the_system() {
    each("local: files", |setting| {
        setting.user.write("home/private", TOKEN);
        let theirs = tempfile::NamedTempFile::new_in("/var/tmp").expect("a file");
        let theirs = theirs.path().display().to_string();
        setting.manifest(&[unused()], "none");
        let bottle = setting.start();
        let inside = |command: &[&str]| bottle.exec(command);
        let mut table = Table::default();
        let needles = needles(setting);
        let needles: Vec<&str> = needles.iter().map(String::as_str).collect();
        // The system's own files are no secret, and many.
        let everywhere = [&["files", "/", "-/usr"], &needles[..]].concat();
        let folder = setting.user.folder().display().to_string();
        let there = [&["files", &folder], &needles[..]].concat();
        table.row(
            "a file with the token",
            (&inside, &everywhere),
            &["not in"],
            (&on_this_machine, &there),
        );
        let private = setting.user.path("home/private").display().to_string();
        let manifest = setting
            .user
            .path("config/bottle/manifest.json")
            .display()
            .to_string();
        let state = setting
            .user
            .path("state/bottle")
            .join(bottle.slug())
            .display()
            .to_string();
        let absent = [
            &private,
            &manifest,
            &state,
            &theirs,
            "/root",
            "/var",
            "/run/lock",
            "/etc/shadow",
            "/etc/ssl/private",
            "/sys",
            "/boot",
        ];
        // Not every machine has all of them; nobody misses the first four.
        let here: Vec<&str> = absent
            .into_iter()
            .filter(|path| Path::new(path).exists())
            .collect();
        for path in &here {
            let arguments = ["there", path];
            table.row(
                path,
                (&inside, &arguments),
                &["ENOENT"],
                (&on_this_machine, &arguments),
            );
        }
        assert!(here.len() > 4, "{here:?}");
        table.assert_sealed(here.len() + 1);
        assert_lists(
            &bottle.ask(&["ls", "-A", "/"]),
            &[
                "bin", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "proc", "run",
                "sbin", "tmp", "usr", "work",
            ],
        );
        assert_lists(
            &bottle.ask(&["ls", "-A", "/etc"]),
            &[
                "alternatives",
                "ca-certificates",
                "group",
                "hosts",
                "ld.so.cache",
                "ld.so.conf",
                "ld.so.conf.d",
                "nsswitch.conf",
                "passwd",
                "pki",
                "resolv.conf",
                "ssl",
            ],
        );
        assert_lists(
            &bottle.ask(&["ls", "-A", "/run", "/tmp", "/home"]),
            &["/run:", "bottle", "/tmp:", "/home:", "agent", ""],
        );
        let write = attempt(&inside, &["write", "/usr/bin/evil"]);
        assert_eq!((write.done, write.why.as_str()), (false, "EROFS"));
        let write = attempt(&inside, &["write", "/etc/evil"]);
        assert_eq!((write.done, write.why.as_str()), (false, "EROFS"));
        drop(bottle);
    });
}

/// Fails unless every line is one of these.
fn assert_lists(text: &str, known: &[&str]) {
    let strange: Vec<&str> = text.lines().filter(|line| !known.contains(line)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert!(!text.is_empty());
}

/// The first process inside is bubblewrap's, and an agent may trace it.
#[test]
fn the_first_process_is_limited_as_the_agent_is() {
    each("local: limits", |setting| {
        setting.manifest(&[unused()], "none");
        let limits = "^Max (processes|open files|core file size|data size) ";
        let command = ["grep", "-hE", limits, "/proc/1/limits", "/proc/self/limits"];
        let said = setting.user.agent_does(&command);
        assert_eq!(said.code(), 0, "{said:#?}");
        let lines: Vec<&str> = said.stdout.lines().collect();
        assert_eq!(lines.len(), 8, "{said:#?}");
        assert_eq!(lines[..4], lines[4..], "{said:#?}");
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("Max processes") && line.contains(" 4096 "))
        );
    });
}
