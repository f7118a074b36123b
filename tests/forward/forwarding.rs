//! One push to upstream, and what it says.

use crate::setting::Setting;

#[test]
fn upstreams_hook_is_heard_and_obeyed() {
    let setting = Setting::new();
    setting.commit("a", "1");
    setting.hook(
        "pre-receive",
        "printf 'not \\033[1m today\\n\\n' >&2; exit 1",
    );
    let pushed = setting.is_refused(
        &["HEAD:refs/heads/topic"],
        "upstream: pre-receive hook declined",
    );
    // What it does to a terminal is shown instead of done.
    pushed.says("remote: bottle-gate: upstream: not \\u{1b}[1m today");
    pushed.is_silent_of("failed to push some refs to '/");
    pushed.is_silent_of("hint:");
}

#[test]
fn what_a_hook_says_of_a_push_that_it_takes_is_heard_as_well() {
    let setting = Setting::new();
    setting.commit("a", "1");
    setting.hook(
        "post-receive",
        "echo see https://forge.example/merge/1; yes | head -n 5000",
    );
    let pushed = setting.arrives(&["HEAD:refs/heads/topic"]);
    pushed.says("remote: bottle-gate: upstream: see https://forge.example/merge/1");
    assert!(pushed.lines() < 250, "{} lines", pushed.lines());
}

#[test]
fn all_or_none_where_upstream_can() {
    let setting = Setting::new();
    setting.commit("a", "1");
    setting.hook(
        "update",
        "test $1 != refs/heads/b || { echo b is protected; exit 1; }",
    );
    let refs = [
        "HEAD:refs/heads/a",
        "HEAD:refs/heads/b",
        "HEAD:refs/heads/c",
    ];
    let pushed = setting.is_refused(&refs, "b (upstream: hook declined)");
    pushed.says("upstream took none, for another ref of this push was refused");
    pushed.says("upstream: b is protected");
}

#[test]
fn one_by_one_where_upstream_can_not() {
    let setting = Setting::new();
    let commit = setting.commit("a", "1");
    setting.configure_upstream("receive.advertiseAtomic", "false");
    setting.hook("update", "echo \"$1\" >> ../order; test $1 != refs/heads/b");
    let refs = [
        "HEAD:refs/heads/c",
        "HEAD:refs/heads/b",
        "HEAD:refs/heads/a",
    ];
    let pushed = setting.push(&refs);
    pushed.failed("upstream can't take all refs or none: they are brought one by one");
    pushed.says("HEAD -> b (upstream: hook declined)");
    for name in ["refs/heads/a", "refs/heads/c"] {
        assert_eq!(setting.at_upstream(name), Some(commit.clone()));
    }
    assert_eq!(setting.at_upstream("refs/heads/b"), None);
    setting.are_equal();
    assert_eq!(
        setting.order(),
        "refs/heads/c\nrefs/heads/b\nrefs/heads/a\n"
    );

    setting.commit("a", "2");
    let atomic = [&["--atomic"], &refs[..]].concat();
    setting.is_refused(
        &atomic,
        "upstream can't take all refs or none: push without --atomic",
    );
    // A single one is all or none by itself.
    setting.arrives(&["--atomic", "HEAD:refs/heads/a"]);
}

#[test]
fn upstream_that_moved_meanwhile_keeps_what_it_has() {
    let setting = Setting::with("force", true).and("delete", true);
    setting.commit("a", "1");
    setting.arrives(&["HEAD:refs/heads/topic"]);
    let moved = setting.moves_upstream("refs/heads/topic");
    setting.commit("a", "2");
    for push in [
        &["HEAD:refs/heads/topic"][..],
        &["--force", "HEAD~2:refs/heads/topic"],
        &["--delete", "topic"],
    ] {
        setting.push(push).failed("upstream has moved, fetch first");
        assert_eq!(setting.at_upstream("refs/heads/topic"), Some(moved.clone()));
        assert_eq!(
            setting.mirrored("refs/heads/topic"),
            Some(setting.git(&["rev-parse", "HEAD~1"]))
        );
    }
    setting.fetch();
    setting.are_equal();
    setting
        .push(&["HEAD:refs/heads/topic"])
        .failed("fetch first");
}

#[test]
fn a_tag_that_upstream_has_already_stays() {
    let setting = Setting::new();
    let other = setting.moves_upstream("refs/tags/v1");
    setting
        .push(&["HEAD:refs/tags/v1"])
        .failed("upstream has moved, fetch first (already exists)");
    assert_eq!(setting.at_upstream("refs/tags/v1"), Some(other));
    assert_eq!(setting.mirrored("refs/tags/v1"), None);
}

#[test]
fn what_upstream_has_already_is_mirrored() {
    let setting = Setting::new();
    let commit = setting.commit("a", "1");
    setting.git(&["push", "--quiet", "../upstream", "HEAD:refs/heads/topic"]);
    assert_eq!(setting.mirrored("refs/heads/topic"), None);
    setting.arrives(&["HEAD:refs/heads/topic"]);
    assert_eq!(setting.mirrored("refs/heads/topic"), Some(commit));
}

#[test]
fn what_upstream_takes_under_another_name_did_not_arrive_by_this_one() {
    let setting = Setting::new();
    setting.commit("a", "1");
    setting.configure_upstream("receive.procReceiveRefs", "refs/heads/");
    let answer = "000eversion=1\\n0000\
                  0017ok refs/heads/topic\
                  0023option refname refs/changes/0010000";
    setting.hook(
        "proc-receive",
        &format!("printf '{answer}'; cat > /dev/null"),
    );
    setting.is_refused(&["HEAD:refs/heads/topic"], "it did not arrive at upstream");
}

#[test]
fn an_unreachable_upstream_changes_nothing() {
    let setting = Setting::new();
    setting.commit("a", "1");
    let gone = setting.upstream().with_extension("gone");
    std::fs::rename(setting.upstream(), &gone).expect("it goes");
    let before = crate::setting::refs(&setting.mirror());
    let pushed = setting.push(&["HEAD:refs/heads/topic"]);
    pushed
        .failed("(upstream was not reached: fatal: '")
        .says("does not appear to be a git repository");
    assert_eq!(crate::setting::refs(&setting.mirror()), before);
    std::fs::rename(gone, setting.upstream()).expect("it is back");
    setting.arrives(&["HEAD:refs/heads/topic"]);
}

#[test]
fn push_options_are_not_offered() {
    let setting = Setting::new();
    setting.commit("a", "1");
    let push = ["--push-option", "ci.skip", "HEAD:refs/heads/topic"];
    setting.is_refused(&push, "the receiving end does not support push options");
    setting.configure_mirror("receive.advertisePushOptions", "true");
    setting.is_refused(&push, "push options are not forwarded: push without them");
    setting.arrives(&["HEAD:refs/heads/topic"]);
}

#[test]
fn many_refs_are_one_push() {
    let setting = Setting::new();
    setting.hook("pre-receive", "echo push >> ../order");
    let refs: Vec<String> = (0..300)
        .map(|number| format!("HEAD:refs/heads/b{number}"))
        .collect();
    setting.arrives(&refs.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(setting.order(), "push\n");
    assert!(setting.at_upstream("refs/heads/b299").is_some());
}

#[test]
fn a_mirror_that_can_not_follow_is_told_of_and_follows_the_next_fetch() {
    let setting = Setting::new();
    setting.arrives(&["HEAD:refs/heads/topic"]);
    // Upstream has a folder now where the mirror has a branch.
    setting.git(&["push", "--quiet", "../upstream", "--delete", "topic"]);
    let pushed = setting.push(&["HEAD:refs/heads/topic/one"]);
    pushed.says("HEAD -> topic/one");
    pushed.says("upstream has it, the gate's mirror only after a fetch: ");
    assert!(setting.at_upstream("refs/heads/topic/one").is_some());
    assert_eq!(setting.mirrored("refs/heads/topic/one"), None);
    setting.fetch();
    setting.are_equal();
}

#[test]
fn a_repository_of_sha256_is_no_other() {
    let setting = Setting::of("sha256").and("force", true).and("delete", true);
    setting.commit("a", "1");
    setting.arrives(&["HEAD:refs/heads/topic"]);
    setting.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let commit = setting.commit("a", "2");
    assert_eq!(commit.len(), 64);
    setting.arrives(&["--force", "HEAD:refs/heads/topic"]);
    assert_eq!(setting.at_upstream("refs/heads/topic"), Some(commit));
    setting.commit(".gitlab-ci.yml", "job: {}");
    setting.is_refused(&["HEAD:refs/heads/topic"], "git_gate.repos.app.ci");
    setting.arrives(&["--delete", "topic"]);
}
