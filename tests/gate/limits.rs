//! What a client may ask for, and how many at a time.

use std::time::Duration;

use harness::bare_repository::{BareRepository, ObjectFormat};
use harness::gate::GateChild;
use harness::sshd::GitService;

use crate::raw::Raw;
use crate::setting::Setting;

/// How many connections are served at a time.
const CONNECTIONS: usize = 16;

/// What ends with its client does so at once; this is what a busy machine makes of it.
const AT_ONCE: Duration = Duration::from_secs(5);

#[test]
fn the_seventeenth_connection_is_told_and_one_place_suffices_to_go_on() {
    let test = "the seventeenth connection is told and one place suffices to go on";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    let advertised = |raw: &mut Raw| raw.read_advertisement();
    let mut open: Vec<Raw> = (0..CONNECTIONS)
        .map(|_| Raw::ask(&setting.gate, "git-receive-pack", "/app.git"))
        .collect();
    for raw in &mut open {
        assert!(!advertised(raw).is_empty());
    }
    let error = Raw::connect(&setting.gate).read_error();
    assert!(error.contains("16"), "{error}");
    let refused = setting.agent.run("", &["ls-remote", &setting.url()]);
    assert!(refused.stderr.contains(error.trim()), "{refused:?}");

    drop(open.pop());
    setting
        .gate
        .wait_for_children("one fewer", |children| daemons(children) < CONNECTIONS);
    // Its place may be free a moment after its processes are gone.
    let begun = std::time::Instant::now();
    while !setting
        .agent
        .run("", &["ls-remote", &setting.url()])
        .status
        .success()
    {
        assert!(begun.elapsed() < AT_ONCE, "no place");
    }
    drop(open);
    let gone = setting
        .gate
        .wait_for_children("all ended", <[GateChild]>::is_empty);
    assert!(gone < AT_ONCE, "{gone:?}");
}

fn daemons(children: &[GateChild]) -> usize {
    let is_receiving = |child: &&GateChild| child.has("receive-pack");
    children.iter().filter(is_receiving).count()
}

#[test]
fn a_repository_that_is_not_there_is_refused_with_those_that_are() {
    let test = "a repository that is not there is refused with those that are";
    let Some(mut setting) = Setting::new(test) else {
        return;
    };
    // It lies beside the mirrors, and the gate was not told of it.
    let outside = setting.gate.files().mirrors().join("outside.git");
    BareRepository::init(outside, ObjectFormat::Sha1);
    let paths = [
        "/nothing.git",
        "/app",
        "app.git",
        "//app.git",
        "/./app.git",
        "/../app.git",
        "/app.git/../app.git",
        "/app.git/objects",
        "/outside.git",
        "/.bin",
        "/",
        "",
        "/~root/app.git",
        "/APP.git",
        "/app.git extra",
    ];
    for path in paths {
        for service in ["git-upload-pack", "git-receive-pack"] {
            let error = Raw::ask(&setting.gate, service, path).read_error();
            assert!(error.contains("app"), "{service} {path:?}: {error:?}");
        }
    }
    for service in [
        "git-upload-archive",
        "git-shell",
        "upload-pack",
        "",
        "sh -c",
    ] {
        let error = Raw::ask(&setting.gate, service, "/app.git").read_error();
        assert!(!error.is_empty(), "{service}");
    }
    let address = setting.gate.address();
    let url = format!("git://{address}/nothing.git");
    let cloned = setting.agent.run("", &["clone", &url]);
    assert!(cloned.stderr.contains("app"), "{cloned:?}");
    assert!(setting.gate.children().is_empty(), "nothing was begun");
    let connections = setting.sshd.connections();
    setting.sshd.stop();
    // The way in is refused before the upstream is asked.
    let error = Raw::ask(&setting.gate, "git-upload-pack", "/other.git").read_error();
    assert!(error.contains("app"), "{error}");
    assert_eq!(setting.sshd.connections(), connections);
}

#[test]
fn a_first_line_that_is_none_ends_the_connection() {
    let test = "a first line that is none ends the connection";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    let long = format!("ffff{}", "a".repeat(0xffff - 4));
    let lines: [&[u8]; 9] = [
        b"GET / HTTP/1.1\r\nHost: git-gate\r\n\r\n",
        b"0000",
        b"0001",
        b"0003",
        b"0004",
        b"zzzzgit-upload-pack /app.git\0",
        b"-001git-upload-pack /app.git\0",
        b"\0\0\0\0\0\0\0\0",
        long.as_bytes(),
    ];
    for line in lines {
        let mut raw = Raw::connect(&setting.gate);
        raw.send(line);
        let answer = raw.read_to_end();
        let start = String::from_utf8_lossy(line)
            .chars()
            .take(20)
            .collect::<String>();
        let is_error = answer.is_empty() || answer[4..].starts_with(b"ERR ");
        assert!(
            is_error,
            "{start:?}: {:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    // Nor does half a line, and its end.
    let mut raw = Raw::connect(&setting.gate);
    raw.send(b"0033git-upl");
    raw.half_close();
    raw.read_to_end();
    assert!(setting.gate.children().is_empty(), "nothing was begun");
    setting.agent.must("", &["ls-remote", &setting.url()]);
}

#[test]
fn what_a_client_has_begun_ends_with_it() {
    let test = "what a client has begun ends with it";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    let gate = &setting.gate;
    for is_reset in [false, true] {
        // While upstream is asked on its behalf.
        let asked = setting.sshd.asked(GitService::UploadPack);
        let hold = setting.sshd.hold(GitService::UploadPack);
        let client = Raw::ask(gate, "git-upload-pack", "/app.git");
        setting
            .sshd
            .wait_for_commands(GitService::UploadPack, asked + 1);
        assert!(gate.children().iter().any(|child| child.has("access-hook")));
        if is_reset {
            client.reset();
        } else {
            drop(client);
        }
        let gone = gate.wait_for_children("ended", <[GateChild]>::is_empty);
        assert!(gone < AT_ONCE, "{gone:?}");
        drop(hold);

        // Between the refs that it was told and what it wants.
        for service in ["git-upload-pack", "git-receive-pack"] {
            let mut client = Raw::ask(gate, service, "/app.git");
            assert!(!client.read_advertisement().is_empty());
            if is_reset {
                client.reset();
            } else {
                drop(client);
            }
            let gone = gate.wait_for_children("ended", <[GateChild]>::is_empty);
            assert!(gone < AT_ONCE, "{service}: {gone:?}");
        }
    }
    setting.agent.must("", &["ls-remote", &setting.url()]);
}
