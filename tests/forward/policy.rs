//! The table of what may be pushed, key by key.

use crate::setting::Setting;

#[test]
fn a_branch_and_a_tag_arrive() {
    let setting = Setting::new();
    let commit = setting.commit("a", "1");
    setting.git(&["tag", "--annotate", "--message", "one", "v1"]);
    setting
        .arrives(&["HEAD:refs/heads/topic", "v1"])
        .is_silent_of("bottle-gate");
    assert_eq!(setting.at_upstream("refs/heads/topic"), Some(commit));
    assert!(setting.at_upstream("refs/tags/v1").is_some());
    let next = setting.commit("a", "2");
    setting.arrives(&["HEAD:refs/heads/topic"]);
    assert_eq!(setting.at_upstream("refs/heads/topic"), Some(next));
}

#[test]
fn a_ref_that_no_pattern_allows_stays() {
    let setting = Setting::new();
    setting.commit("a", "1");
    setting.is_refused(
        &["HEAD:refs/notes/x"],
        "no pattern allows this ref (git_gate.repos.app.allow)",
    );
    let setting = Setting::with("allow", vec!["refs/heads/agent/*"]);
    setting.commit("a", "1");
    setting.arrives(&["HEAD:refs/heads/agent/a/b"]);
    setting.is_refused(&["HEAD:refs/heads/other"], "git_gate.repos.app.allow");
}

#[test]
fn the_default_branch_is_protected() {
    let setting = Setting::new();
    setting.commit("a", "1");
    let words = "it is the default branch (git_gate.repos.app.protect_default)";
    setting.is_refused(&["HEAD:refs/heads/main"], words);
    setting
        .is_refused(&["--delete", "main"], words)
        .says("git_gate.repos.app.delete");
    let setting = setting.and("protect_default", false);
    setting.arrives(&["HEAD:refs/heads/main"]);
}
