//! Ends that come too early: signals, `SIGKILL`, failing steps, a sidecar that dies.

use std::io::Read;

use rustix::process::Signal;

use crate::rig::{IMAGE, Rig, eventually, finish, send, text, until_line};

/// Every step of a start, as it is told on a pipe.
const STEPS: [&str; 6] = [
    "looking for the image of cred-proxy",
    "creating two networks",
    "starting the sidecars",
    "trying the seal",
    "copying the work directory",
    "starting the agent",
];

#[test]
fn a_start_that_is_killed_at_any_step_is_found_and_removed_by_cleanup_alone() {
    let Some(rig) = Rig::new() else { return };
    let work = rig.place.path().join("work");
    std::fs::create_dir(&work).expect("made");
    let directory = work.display().to_string();
    let options = ["--mode", "copy", "--directory", &directory];
    let mut bystander = rig
        .start(&[], &["cat"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("a launcher");
    let _error = until_line(&mut bystander, "starting the agent");
    let names = |launcher: u32| {
        let objects = rig.objects_of(launcher).into_iter();
        objects
            .map(|object| object.name)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let before = names(bystander.id());
    let theirs = rig.states();
    for step in STEPS {
        let mut child = rig
            .start(&options, &["sleep", "1000"])
            .spawn()
            .expect("a launcher");
        let launcher = child.id();
        let _error = until_line(&mut child, step);
        child.kill().expect("killed");
        child.wait().expect("its end");
        let mut slugs = rig.states();
        slugs.retain(|slug| !theirs.contains(slug));
        for slug in slugs {
            // The next start tells of it before it makes anything.
            let next = rig
                .command(&["plan", "--image", "nowhere/x:1"])
                .output()
                .expect("a start");
            let told = text(&next.stderr);
            assert!(
                told.contains(&format!("bottle cleanup {slug}")),
                "{step}: {told}"
            );
            // What Docker was about to make when its client died may come a moment later.
            eventually(step, || {
                let clean = rig.command(&["cleanup", &slug, "--yes"]).output();
                assert!(clean.expect("a cleanup").status.success());
                rig.objects_of(launcher).is_empty() && !rig.states().contains(&slug)
            });
        }
        assert_eq!(rig.objects_of(launcher), [], "{step}");
    }
    assert_eq!(before.len(), 5, "{before:?}");
    assert_eq!(names(bystander.id()), before, "nothing else was removed");
    let launcher = bystander.id();
    drop(bystander.stdin.take());
    finish(bystander);
    rig.assert_nothing_left(launcher);
}

#[test]
fn a_signal_ends_a_start_at_any_step_and_nothing_is_left() {
    let Some(rig) = Rig::new() else { return };
    let signals = [
        ("looking for the image of cred-proxy", Signal::INT, 130),
        ("starting the sidecars", Signal::TERM, 143),
        ("trying the seal", Signal::INT, 130),
        ("starting the agent", Signal::HUP, 129),
    ];
    for (step, signal, code) in signals {
        let mut child = rig
            .start(&[], &["sleep", "1000"])
            .spawn()
            .expect("a launcher");
        let launcher = child.id();
        let mut error = until_line(&mut child, step);
        send(&child, signal);
        let mut rest = String::new();
        error.read_to_string(&mut rest).expect("the rest");
        let (output, _) = finish(child);
        assert_eq!(output.status.code(), Some(code), "{step}: {rest}");
        rig.assert_nothing_left(launcher);
    }
}

#[test]
fn an_agent_may_take_an_interrupt_for_itself() {
    let Some(rig) = Rig::new() else { return };
    let script = "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done";
    let mut child = rig
        .start(&[], &["sh", "-c", script])
        .spawn()
        .expect("a launcher");
    let launcher = child.id();
    let mut out = child.stdout.take().expect("standard output");
    let mut ready = [0; 6];
    out.read_exact(&mut ready).expect("it is ready");
    send(&child, Signal::INT);
    let (output, _) = finish(child);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    rig.assert_nothing_left(launcher);
}

#[test]
fn what_can_not_start_says_why_in_a_sentence_and_leaves_nothing() {
    let Some(rig) = Rig::new() else { return };
    let script = rig.place.path().join("cred-proxy");
    std::fs::write(&script, "#!/bin/sh\n").expect("written");
    let script = script.display().to_string();
    let upstream = ["--upstream", "https://127.0.0.1:9"];
    let not_static = [
        "plan",
        "--image",
        IMAGE,
        "--engine",
        &script,
        upstream[0],
        upstream[1],
    ];
    let no_engine = [
        "plan",
        "--image",
        IMAGE,
        "--engine",
        "/no/such",
        upstream[0],
        upstream[1],
    ];
    let rows: [(&[&str], &[&str]); 3] = [
        (
            &["plan", "--image", "nowhere/x:1", "--", "true"],
            &["nowhere/x:1", "docker pull"],
        ),
        (
            &not_static,
            &["not a 64-bit ELF", "cargo build --release --bin cred-proxy"],
        ),
        (&no_engine, &["/no/such", "No such file", "--engine"]),
    ];
    for (words, sentence) in rows {
        let child = rig.command(words).spawn().expect("a launcher");
        let launcher = child.id();
        let (output, _) = finish(child);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            sentence.iter().all(|part| told.contains(part)),
            "{sentence:?} in {told}"
        );
        rig.assert_nothing_left(launcher);
    }
}

#[test]
fn without_an_engine_one_sentence_says_what_to_do() {
    let Some(rig) = Rig::new() else { return };
    let socket = format!("unix://{}", rig.place.path().join("docker.sock").display());
    for words in [
        &["plan", "--image", IMAGE][..],
        &["list"],
        &["cleanup"],
        &["logs", "a-22222"],
    ] {
        let output = rig
            .command(words)
            .env("DOCKER_HOST", &socket)
            .output()
            .expect("an end");
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(
            told.contains("docker.sock") && told.contains("apt-get install docker.io"),
            "{told}"
        );
    }
    assert_eq!(rig.states(), [""; 0]);
}

#[test]
fn a_sidecar_that_dies_is_seen_and_told() {
    let Some(rig) = Rig::new() else { return };
    let mut child = rig
        .start(&[], &["cat"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("a launcher");
    let launcher = child.id();
    let mut error = until_line(&mut child, "starting the agent");
    let proxy = rig
        .objects_of(launcher)
        .into_iter()
        .find(|o| o.name.ends_with("-cred-proxy"));
    let proxy = proxy.expect("the sidecar").name;
    let listed = text(&rig.command(&["list"]).output().expect("a list").stdout);
    assert!(
        listed.contains("tester") && listed.contains("healthy"),
        "{listed}"
    );
    // The launcher watches from the moment that the agent runs.
    eventually("the agent runs", || listed_as_running(&rig));
    rig.block_on(rig.docker.signal_container(&proxy, "SIGKILL"))
        .expect("killed");
    let mut told = String::new();
    while !told.contains("cred-proxy ended with exit code 137") {
        let read = std::io::BufRead::read_line(&mut error, &mut told).expect("a line");
        assert!(read > 0, "{told}");
    }
    drop(child.stdin.take());
    let (output, _) = finish(child);
    assert_eq!(
        output.status.code(),
        Some(0),
        "the agent goes on to its own end"
    );
    rig.assert_nothing_left(launcher);
}

fn listed_as_running(rig: &Rig) -> bool {
    text(&rig.command(&["list"]).output().expect("a list").stdout).contains("running")
}
