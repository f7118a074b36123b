//! Bottles that run as they should.

use std::io::Write;
use std::process::Stdio;

use crate::rig::{Rig, finish, text};

/// What the engine of the example gets.
const TOKEN: &str = "t0ken-that-no-one-sees";

#[test]
fn an_agent_reaches_cred_proxy_and_its_exit_code_and_streams_are_the_launchers() {
    let Some(rig) = Rig::new() else { return };
    let script = "cat; echo to-err >&2; env; cat ~/.config/tea/config.yml; id; \
        wget -S -O- http://cred-proxy:9099/svc/x; exit 7";
    let mut child = rig
        .start(&[], &["sh", "-c", script])
        .stdin(Stdio::piped())
        .spawn()
        .expect("a launcher");
    let launcher = child.id();
    let mut input = child.stdin.take().expect("standard input");
    input.write_all(b"through and through\n").expect("written");
    drop(input);
    let (output, _) = finish(child);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(7), "{err}");
    assert!(out.starts_with("through and through\n"), "{out}");
    assert!(err.contains("to-err\n") && !out.contains("to-err"), "{err}");
    for part in [
        "GREETING=hello\n",
        "HOME=/home/agent\n",
        "logins: []",
        "uid=1000(agent)",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    // Nothing listens at the upstream: the answer is cred-proxy's own.
    assert!(err.contains("502 Bad Gateway"), "{err}");
    assert!(!out.contains(TOKEN) && !err.contains(TOKEN));
    rig.assert_nothing_left(launcher);
}

#[test]
fn a_copied_work_directory_is_a_copy_and_a_bound_one_is_guarded() {
    let Some(rig) = Rig::new() else { return };
    let work = rig.place.path().join("work");
    std::fs::create_dir_all(work.join("hooks")).expect("made");
    std::fs::write(work.join("file"), "theirs").expect("written");
    let directory = work.display().to_string();

    let copy = ["--mode", "copy", "--directory", &directory];
    let script = "cat file; touch new; echo; ls /work";
    let child = rig
        .start(&copy, &["sh", "-c", script])
        .spawn()
        .expect("a launcher");
    let launcher = child.id();
    let (output, _) = finish(child);
    assert_eq!(
        text(&output.stdout),
        "theirs\nfile\nhooks\nnew\n",
        "{}",
        text(&output.stderr)
    );
    assert!(!work.join("new").exists());
    rig.assert_nothing_left(launcher);

    let bind = [
        "--mode",
        "bind",
        "--directory",
        &directory,
        "--guard",
        "hooks",
        "--guard",
        "absent",
    ];
    let script = "touch new hooks/x; touch absent/x; ls; cat file";
    let child = rig
        .start(&bind, &["sh", "-c", script])
        .spawn()
        .expect("a launcher");
    let launcher = child.id();
    let (output, _) = finish(child);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(out, "absent\nfile\nhooks\nnew\ntheirs", "{err}");
    assert_eq!(err.matches("Read-only file system").count(), 2, "{err}");
    assert!(work.join("new").exists());
    assert!(!work.join("absent").exists(), "the mount point is removed");
    assert_eq!(
        std::fs::read_dir(work.join("hooks")).expect("it").count(),
        0
    );
    rig.assert_nothing_left(launcher);
}

#[test]
fn two_bottles_of_one_agent_live_in_one_directory_at_once() {
    let Some(rig) = Rig::new() else { return };
    let work = rig.place.path().join("work");
    std::fs::create_dir(&work).expect("made");
    let directory = work.display().to_string();
    let bind = ["--mode", "bind", "--directory", &directory];
    // Each waits for the other's file.
    let meet = |own: &str, other: &str| {
        let script = format!("touch {own}; until ls {other}; do :; done; exit 3");
        let start = rig.start(&bind, &["sh", "-c", &script]).spawn();
        start.expect("a launcher")
    };
    let (one, two) = (meet("one", "two"), meet("two", "one"));
    let launchers = [one.id(), two.id()];
    for child in [one, two] {
        let (output, _) = finish(child);
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    }
    for launcher in launchers {
        rig.assert_nothing_left(launcher);
    }
}

#[test]
fn nothing_that_docker_shows_holds_the_token() {
    let Some(rig) = Rig::new() else { return };
    let mut child = rig
        .start(&[], &["cat"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("a launcher");
    let launcher = child.id();
    let _error = crate::rig::until_line(&mut child, "starting the agent");
    let containers = rig.objects_of(launcher);
    let shown = containers
        .iter()
        .filter(|o| o.kind == launcher::docker::Kind::Container);
    let names: Vec<&str> = shown.map(|object| object.name.as_str()).collect();
    assert!(names.len() >= 2, "{names:?}");
    let inspected = std::process::Command::new("curl")
        .args(["-s", "--unix-socket"])
        .arg(rig.docker.socket())
        .args(
            names
                .iter()
                .map(|name| format!("http://docker/containers/{name}/json")),
        )
        .output()
        .expect("curl");
    let inspected = text(&inspected.stdout);
    assert!(inspected.contains("--tokens-stdin"), "{inspected}");
    assert!(!inspected.contains(TOKEN));
    drop(child.stdin.take());
    finish(child);
    rig.assert_nothing_left(launcher);
}
