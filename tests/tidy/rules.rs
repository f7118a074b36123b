//! The rules, as a function of path and text.

use crate::code::{has, is_test_file, paths, room_of, without_prose, without_tests};

/// A file is read in one sitting.
const LINES: usize = 500;

/// Files that may say `unsafe`: none.
const UNSAFE: [&str; 0] = [];

/// What never lands, whatever the file.
const WORDS: [(&str, &str); 4] = [
    ("todo!", "nothing half-done lands"),
    ("unimplemented!", "nothing half-done lands"),
    ("dbg!", "a debug print can print a secret"),
    ("#[ignore", "a test that does not run proves nothing"),
];

const SOCKETS: &[&str] = &[
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::net::ToSocketAddrs",
    "std::os",
    "TcpStream",
    "TcpListener",
    "ToSocketAddrs",
    "socket2",
    "rustix",
    "listenfd",
];
const CLOCK: &[&str] = &[
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant",
    "SystemTime",
];
const FILES: &[&str] = &["std::fs", "std::io"];
const ENVIRONMENT: &[&str] = &["std::env"];
const TOKIO: &[&str] = &["tokio", "tokio_util", "tokio_rustls"];
const TLS: &[&str] = &["tokio_rustls", "rustls", "rustls_native_certs"];
const JSON: &[&str] = &["serde", "serde_json"];

/// One line of the table "what a room must never import" (docs/ARCHITECTURE.md).
struct Room {
    name: &'static str,
    /// First modules of the engine that it must not see.
    rooms: &'static [&'static str],
    /// Crates, paths and names that it must not use.
    names: &'static [&'static [&'static str]],
}

const ROOMS: &[Room] = &[
    Room {
        name: "message",
        rooms: &[
            "access_log",
            "admin",
            "args",
            "check",
            "clock",
            "config",
            "demo",
            "downstream",
            "engine",
            "error",
            "exchange",
            "forward",
            "health_check",
            "metrics",
            "pipes",
            "policy",
            "process",
            "route",
            "serve",
            "upstream",
            "wire",
            "worker",
        ],
        names: &[
            TOKIO,
            SOCKETS,
            &["std::net"],
            CLOCK,
            &["std::time"],
            FILES,
            ENVIRONMENT,
            JSON,
        ],
    },
    Room {
        name: "route",
        rooms: &["downstream", "upstream", "exchange", "pipes"],
        names: &[
            TOKIO,
            SOCKETS,
            CLOCK,
            FILES,
            ENVIRONMENT,
            &["httparse"],
            JSON,
        ],
    },
    Room {
        name: "policy",
        rooms: &["downstream", "upstream", "exchange", "pipes"],
        names: &[
            TOKIO,
            SOCKETS,
            CLOCK,
            FILES,
            ENVIRONMENT,
            &["httparse"],
            JSON,
        ],
    },
    Room {
        name: "forward",
        rooms: &["downstream", "upstream", "exchange", "pipes"],
        names: &[
            TOKIO,
            SOCKETS,
            CLOCK,
            FILES,
            ENVIRONMENT,
            &["httparse"],
            JSON,
        ],
    },
    Room {
        name: "config",
        rooms: &["wire", "downstream", "upstream", "exchange", "pipes"],
        names: &[TOKIO],
    },
    Room {
        name: "wire",
        rooms: &[
            "message",
            "route",
            "policy",
            "forward",
            "config",
            "downstream",
            "upstream",
            "exchange",
            "pipes",
        ],
        names: &[TLS, JSON, &["httparse"]],
    },
    Room {
        name: "downstream",
        rooms: &["upstream", "exchange", "pipes"],
        names: &[TLS, &["Secret"], JSON, &["clap"]],
    },
    Room {
        name: "upstream",
        rooms: &["downstream", "exchange", "pipes"],
        names: &[JSON, &["clap"]],
    },
    Room {
        name: "exchange",
        rooms: &["args", "config", "pipes"],
        names: &[
            TLS,
            JSON,
            &["httparse", "clap", "TcpListener", "listenfd", "Listeners"],
        ],
    },
    Room {
        name: "access_log",
        rooms: &[
            "message",
            "policy",
            "forward",
            "upstream",
            "downstream",
            "exchange",
            "pipes",
        ],
        names: &[&["Secret", "FieldLine", "FieldSection"], JSON],
    },
    Room {
        name: "metrics",
        rooms: &[
            "message",
            "policy",
            "forward",
            "upstream",
            "downstream",
            "exchange",
            "pipes",
        ],
        names: &[&["Secret", "FieldLine", "FieldSection"], JSON],
    },
];

/// The launcher's rooms that have something which they must never import. The git gate is a
/// program of its own: all that it knows is what it is told.
const LAUNCHER_ROOMS: &[Room] = &[
    Room {
        name: "gate",
        rooms: &[
            "args",
            "bottle",
            "commands",
            "deploy_keys",
            "docker",
            "host",
            "local",
            "manifest",
            "plan",
        ],
        names: &[],
    },
    Room {
        name: "plan",
        rooms: &["args", "bottle", "commands", "docker", "host", "local"],
        names: &[&["std::fs", "std::net", "std::env", "tokio"]],
    },
    Room {
        name: "deploy_keys",
        rooms: &["args", "bottle", "commands", "docker", "local"],
        names: &[&["tokio"]],
    },
];

/// The one file that names each of these packages.
const AT_HOME: [(&str, &str); 2] = [
    ("bollard", "launcher/src/docker"),
    ("ureq", "launcher/src/deploy_keys/client.rs"),
];

/// The rooms that the table names.
pub(crate) fn rooms() -> impl Iterator<Item = &'static str> {
    ROOMS.iter().map(|room| room.name)
}

/// Every breach of the rules in this file, a line each.
pub(crate) fn breaches(path: &str, text: &str) -> Vec<String> {
    let code = without_prose(text);
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LINES {
        found.push(format!("{path}: {lines} lines; a file has at most {LINES}"));
    }
    for (word, why) in WORDS {
        if has(&code, word) {
            found.push(format!("{path}: {word}: {why}"));
        }
    }
    if has(&code, "unsafe") && !UNSAFE.contains(&path) {
        found.push(format!(
            "{path}: unsafe stands in no file that is not named here"
        ));
    }
    if !is_test_file(path) {
        imports(path, without_tests(&code), &mut found);
    }
    found
}

fn imports(path: &str, code: &str, found: &mut Vec<String>) {
    for (package, home) in AT_HOME {
        let is_elsewhere = path.starts_with("launcher/src/") && !path.starts_with(home);
        if is_elsewhere && has(code, package) {
            found.push(format!("{path}: {package} stands in {home} alone"));
        }
    }
    if let Some(inside) = path.strip_prefix("launcher/src/") {
        return crosses(path, code, room(LAUNCHER_ROOMS, inside), found);
    }
    let Some(inside) = path.strip_prefix("engine/src/") else {
        return;
    };
    let head_file = inside.starts_with("message/") && inside.ends_with("_head.rs");
    if has(code, "httparse") && !head_file {
        found.push(format!(
            "{path}: httparse stands in message/*_head.rs alone"
        ));
    }
    crosses(path, code, room(ROOMS, inside), found);
}

/// The room that a file below `src` stands in.
fn room<'r>(rooms: &'r [Room], inside: &str) -> Option<&'r Room> {
    let name = inside.split(['/', '.']).next().unwrap_or_default();
    rooms.iter().find(|room| room.name == name)
}

/// What of a file's imports its room must never see.
fn crosses(path: &str, code: &str, room: Option<&Room>, found: &mut Vec<String>) {
    let Some(room) = room else {
        return;
    };
    let name = room.name;
    for used in paths(code) {
        let other = room_of(&used, path);
        if other.is_some_and(|other| room.rooms.contains(&other.as_str())) {
            found.push(format!("{path}: {name} must never see {used}"));
        }
        for forbidden in room.names.iter().copied().flatten() {
            let below = used
                .strip_prefix(forbidden)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
            let named =
                !forbidden.contains("::") && used.split("::").any(|word| word == *forbidden);
            let core = forbidden.replacen("std", "core", 1);
            let in_core = used
                .strip_prefix(&core)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
            if below || named || (in_core && core != "core::net") {
                found.push(format!(
                    "{path}: {name} must never use {forbidden} ({used})"
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(path: &str, text: &str, part: &str) {
        let found = breaches(path, text);
        let hit = found.iter().any(|line| line.contains(part));
        assert!(hit, "{part:?} is not in {found:?} of {path}");
        assert!(found.iter().all(|line| line.starts_with(path)), "{found:?}");
    }

    fn is_clean(path: &str, text: &str) {
        let found = breaches(path, text);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn a_planted_breach_of_each_line_of_the_table_is_found() {
        for (path, text, part) in [
            ("message/body.rs", "use tokio::io::AsyncRead;", "tokio"),
            ("message/body.rs", "use std::time::Duration;", "std::time"),
            (
                "message/body.rs",
                "use std::{fmt, net::IpAddr};",
                "std::net",
            ),
            ("message/body.rs", "let x = std::env::var(y);", "std::env"),
            ("message/body.rs", "use std::fs;", "std::fs"),
            (
                "message/body.rs",
                "use crate::wire::ReadBuffer;",
                "crate::wire",
            ),
            (
                "message/body.rs",
                "use crate::{limits::Limits, policy};",
                "crate::policy",
            ),
            (
                "message/body.rs",
                "use super::super::policy;",
                "super::super::policy",
            ),
            ("message/body.rs", "httparse::parse_headers(x)", "httparse"),
            ("message/mod.rs", "use serde_json::Value;", "serde_json"),
            ("route/table.rs", "use std::time::Instant;", "Instant"),
            (
                "route/table.rs",
                "use crate::upstream::Pool;",
                "crate::upstream",
            ),
            ("policy/rule.rs", "let x: serde_json::Value;", "serde_json"),
            ("policy/rule.rs", "use std::net::TcpStream;", "TcpStream"),
            (
                "forward/via.rs",
                "use crate::{downstream as d};",
                "crate::downstream",
            ),
            ("forward/via.rs", "use tokio_util::sync::X;", "tokio_util"),
            ("config/mod.rs", "tokio::spawn(x)", "tokio"),
            ("config/mod.rs", "use crate::exchange;", "crate::exchange"),
            (
                "upstream/pool.rs",
                "use crate::pipes::Dial;",
                "crate::pipes",
            ),
            (
                "wire/batch.rs",
                "use crate::message::Step;",
                "crate::message",
            ),
            (
                "downstream/client.rs",
                "use tokio_rustls::TlsStream;",
                "tokio_rustls",
            ),
            ("downstream/client.rs", "fn x(secret: &Secret) {}", "Secret"),
            (
                "downstream/client.rs",
                "use crate::upstream::x;",
                "crate::upstream",
            ),
            (
                "upstream/pool.rs",
                "use super::super::downstream;",
                "downstream",
            ),
            ("exchange/mod.rs", "use rustls::X;", "rustls"),
            ("exchange/mod.rs", "use clap::Parser;", "clap"),
            (
                "exchange/mod.rs",
                "use tokio::net::TcpListener;",
                "TcpListener",
            ),
            ("access_log.rs", "fn x(s: &Secret) {}", "Secret"),
            ("metrics.rs", "use crate::message::FieldLine;", "FieldLine"),
        ] {
            finds(&format!("engine/src/{path}"), text, part);
        }
        for (path, text, part) in [
            ("plan.rs", "use bollard::Docker;", "bollard"),
            ("deploy_keys/gitea.rs", "use ureq::Agent;", "ureq"),
            ("gate/serve.rs", "use crate::plan::Plan;", "crate::plan"),
            ("plan/make.rs", "use std::fs;", "std::fs"),
            ("deploy_keys/mod.rs", "use tokio::task;", "tokio"),
        ] {
            finds(&format!("launcher/src/{path}"), text, part);
        }
    }

    #[test]
    fn a_planted_word_or_length_is_found() {
        let path = "engine/src/anything.rs";
        finds(path, "fn x() { todo!() }", "todo!");
        finds(path, "fn x() { unimplemented!(\"y\") }", "unimplemented!");
        finds(path, "dbg!(x);", "dbg!");
        finds(path, "#[ignore = \"slow\"]\nfn x() {}", "#[ignore");
        finds(path, "unsafe { x() }", "unsafe");
        finds(path, &"\n".repeat(501), "501 lines");
        finds(
            "tests/wire/x.rs",
            "#[test]\n#[ignore]\nfn x() {}",
            "#[ignore",
        );
    }

    #[test]
    fn what_is_allowed_is_not_found() {
        is_clean(
            "engine/src/message/request_head.rs",
            "use httparse::Header;",
        );
        is_clean(
            "engine/src/message/body.rs",
            "use crate::limits::Limits; use super::framing::X;",
        );
        is_clean(
            "engine/src/message/body.rs",
            "// tokio, std::net, todo!\nlet x = \"unsafe tokio\";",
        );
        is_clean(
            "engine/src/message/body.rs",
            "\n#[cfg(test)]\nmod tests {\nuse std::fs;\n}",
        );
        is_clean("engine/src/message/tests.rs", "use tokio::io;");
        is_clean(
            "engine/src/config/mod.rs",
            "use serde_json::Value; use std::fs;",
        );
        is_clean("engine/src/upstream/tls.rs", "use tokio_rustls::rustls;");
        is_clean(
            "engine/src/exchange/mod.rs",
            "use crate::upstream::U; use crate::downstream::D;",
        );
        is_clean("launcher/src/docker.rs", "use bollard::Docker;");
        is_clean(
            "engine/src/route/table.rs",
            "use std::net::IpAddr; use core::time::Duration;",
        );
    }
}
