//! The demonstration: it holds in a bottle, and its checks fail where there is none.

use harness::program::Program;
use harness::{binary, require};

use std::fs;
use std::net::TcpListener;

/// What the tour looks for, put together so that this file is no find.
fn mark() -> String {
    ["demo", "token", "planted"].join("-")
}

#[test]
fn the_demonstration_holds_and_leaves_nothing() {
    if require::program("local: the demonstration", "bwrap").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let scratch = folder.path().join("tmp");
    fs::create_dir(&scratch).expect("a folder");
    let demo = Program::new(binary::bottle(), folder.path())
        .args(["demo", "--engine"])
        .arg(binary::cred_proxy())
        .env("TMPDIR", &scratch);
    let played = demo.run();
    assert_eq!(played.code(), 0, "{played:#?}");
    assert!(played.stdout.ends_with("All of it held.\n"), "{played:#?}");
    assert!(!played.stdout.contains("FAILED"), "{played:#?}");
    let checks = played.stdout.matches("\n  ok: ").count();
    assert_eq!(checks, 19, "{played:#?}");
    let left = fs::read_dir(&scratch).expect("a folder").count();
    assert_eq!(left, 0, "its own folder");
    let state = folder.path().join(".local/state/bottle");
    let left = fs::read_dir(state).map_or(0, Iterator::count);
    assert_eq!(left, 0, "state of a bottle");
}

#[test]
fn an_engine_without_the_service_is_told() {
    if require::program("local: no demonstration", "bwrap").is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let demo = Program::new(binary::bottle(), folder.path());
    let told = demo.args(["demo", "--engine", "/bin/true"]).run();
    assert_eq!(told.code(), 1, "{told:#?}");
    assert!(told.stderr.contains("/bin/true"), "{told:#?}");
    assert!(told.stderr.contains("no demonstration"), "{told:#?}");
}

/// A sandbox with holes: the host's network, a home, a token in a variable and in a file.
#[test]
fn the_tour_finds_what_leaks() {
    let Some(bubblewrap) = require::program("local: a leaking sandbox", "bwrap") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let planted = folder.path().join("planted");
    fs::write(&planted, mark()).expect("a file");
    let service = TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    let address = service.local_addr().expect("its address");
    let own = binary::bottle().display().to_string();
    let home = folder.path().display().to_string();
    let mut leaking = Program::new(bubblewrap, folder.path()).args([
        "--unshare-user",
        "--unshare-pid",
        "--uid",
        "1000",
        "--ro-bind",
        "/usr",
        "/usr",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
    ]);
    for name in ["bin", "lib", "lib64"] {
        leaking = leaking.args(["--symlink", &format!("usr/{name}"), &format!("/{name}")]);
    }
    let tour = leaking
        .args([
            "--bind",
            &home,
            &home,
            "--ro-bind",
            &own,
            "/run/bottle/bottle",
            "--setenv",
            "PLANTED",
            &mark(),
        ])
        .args([
            "--",
            "/run/bottle/bottle",
            "tour",
            "--service",
            &address.to_string(),
            "--home",
            &home,
        ])
        .run();
    assert_eq!(
        tour.code(),
        125,
        "there is no proxy to speak with: {tour:#?}"
    );
    for found in [
        "its network is loopback and nothing else",
        "not in environment or arguments",
        "not in any file",
        "straight to the service",
        "the user's home",
    ] {
        let line = format!("  FAILED: {found}");
        assert!(tour.stdout.contains(&line), "{found}: {tour:#?}");
    }
    assert!(tour.stderr.contains("the tour broke off"), "{tour:#?}");
}
