//! A connection that is cut while upstream has the push in its hands: mirror and upstream are
//! equal afterwards, or it is said that nobody knows.

use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::setting::Setting;

/// Upstream dies as soon as it has the ref, and tells nobody.
const DIES_AFTERWARDS: &str = "test $1 != committed || kill -9 $PPID";

#[test]
fn what_upstream_took_before_it_was_lost_is_mirrored() {
    let setting = Setting::with("delete", true);
    let commit = setting.commit("a", "1");
    setting.hook("reference-transaction", DIES_AFTERWARDS);
    setting.arrives(&["HEAD:refs/heads/topic"]);
    assert_eq!(setting.mirrored("refs/heads/topic"), Some(commit));
    setting.arrives(&["--delete", "topic"]);
    assert_eq!(setting.mirrored("refs/heads/topic"), None);
}

#[test]
fn what_upstream_did_not_take_before_it_was_lost_is_not() {
    let setting = Setting::new();
    setting.commit("a", "1");
    setting.hook("pre-receive", "kill -9 $PPID");
    let refs = ["HEAD:refs/heads/a", "HEAD:refs/heads/b"];
    setting.is_refused(&refs, "it did not arrive at upstream: ");
}

#[test]
fn a_fate_that_nobody_knows_is_told_as_such() {
    let setting = Setting::new();
    let commit = setting.commit("a", "1");
    let away = setting.upstream().with_extension("away");
    let script = format!(
        "test $1 != committed || {{ mv \"$PWD\" {}; kill -9 $PPID; }}",
        away.display()
    );
    setting.hook("reference-transaction", &script);
    let pushed = setting.push(&["HEAD:refs/heads/topic"]);
    pushed
        .failed("it may have taken this; fetch to see")
        .says("upstream was lost");
    assert_eq!(setting.mirrored("refs/heads/topic"), None);

    std::fs::rename(away, setting.upstream()).expect("it is back");
    assert_eq!(setting.at_upstream("refs/heads/topic"), Some(commit));
    setting.fetch();
    setting.are_equal();
}

#[test]
fn upstream_that_is_lost_midway_is_not_tried_again() {
    let setting = Setting::new();
    setting.commit("a", "1");
    setting.configure_upstream("receive.advertiseAtomic", "false");
    let away = setting.upstream().with_extension("away");
    setting.hook(
        "update",
        &format!("test $1 != refs/heads/b || mv \"$PWD\" {}", away.display()),
    );
    let refs = ["a", "b", "c", "d"].map(|name| format!("HEAD:refs/heads/{name}"));
    let pushed = setting.push(&refs.each_ref().map(String::as_str));
    pushed.failed("HEAD -> c (upstream was not reached: ");
    pushed.says("HEAD -> d (upstream was gone before its turn came)");
    std::fs::rename(away, setting.upstream()).expect("it is back");
    assert_eq!(setting.at_upstream("refs/heads/c"), None);
    setting.are_equal();
}

#[test]
fn a_client_that_is_killed_leaves_no_half_push() {
    let setting = Setting::new();
    let commit = setting.commit("a", "1");
    let turnstile = setting.turnstile("pre-receive");
    let mut push = setting.pushing(&["HEAD:refs/heads/topic"]);
    let mut client = push
        .process_group(0)
        .stderr(Stdio::null())
        .spawn()
        .expect("git");
    turnstile.is_reached();
    // As the relay ends a connection: the whole group at once.
    let group = i32::try_from(client.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("a group");
    kill_process_group(group, Signal::KILL).expect("it is there");
    client.wait().expect("it ended");
    turnstile.open();
    // Whoever has the lock is done with it.
    setting.commit("b", "1");
    setting.arrives(&["HEAD:refs/heads/next"]);
    assert_eq!(setting.at_upstream("refs/heads/topic"), Some(commit));
}
