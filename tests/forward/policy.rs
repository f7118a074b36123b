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
    let words = "no pattern allows this ref (git_gate.repos.app.allow)";
    setting.is_refused(&["HEAD:refs/notes/x"], words);
    let setting = Setting::with("allow", vec!["refs/heads/agent/*"]);
    setting.commit("a", "1");
    setting.arrives(&["HEAD:refs/heads/agent/a/b"]);
    setting.is_refused(&["HEAD:refs/heads/other"], "git_gate.repos.app.allow");
}

#[test]
fn a_ref_that_no_fetch_would_refresh_is_not_kept() {
    let setting = Setting::with("allow", vec!["refs/notes/*"]);
    let first = setting.commit("a", "1");
    // Both sides can't be equal in it: the gate mirrors branches and tags.
    setting.push(&["HEAD:refs/notes/x"]).says("[new reference]");
    assert_eq!(setting.at_upstream("refs/notes/x"), Some(first));
    let second = setting.commit("a", "2");
    setting.push(&["HEAD:refs/notes/x"]).says("[new reference]");
    assert_eq!(setting.at_upstream("refs/notes/x"), Some(second));
    // Upstream's own rule: no history is lost that the gate never saw.
    setting
        .push(&["--force", "HEAD~1:refs/notes/x"])
        .failed("upstream has moved");
    assert_eq!(setting.mirrored("refs/notes/x"), None);
}

#[test]
fn the_default_branch_is_protected() {
    let setting = Setting::new();
    setting.commit("a", "1");
    let words = "it is the default branch (git_gate.repos.app.protect_default)";
    setting.is_refused(&["HEAD:refs/heads/main"], words);
    let pushed = setting.is_refused(&["--delete", "main"], words);
    pushed.says("it deletes a ref (git_gate.repos.app.delete)");
    let setting = setting.and("protect_default", false);
    setting.arrives(&["HEAD:refs/heads/main"]);
}

#[test]
fn an_upstream_without_branches_has_no_default() {
    let setting = Setting::new();
    setting.empty_upstream();
    setting.arrives(&["HEAD:refs/heads/main"]);
    setting.commit("a", "1");
    setting.is_refused(
        &["HEAD:refs/heads/main"],
        "git_gate.repos.app.protect_default",
    );
}

#[test]
fn history_is_rewritten_only_where_force_is_permitted() {
    let setting = Setting::new();
    setting.commit("a", "1");
    setting.git(&["tag", "v1"]);
    setting.arrives(&["HEAD:refs/heads/topic", "v1"]);
    setting.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let other = setting.commit("a", "2");
    let words = "it rewrites history (git_gate.repos.app.force)";
    setting.is_refused(&["--force", "HEAD:refs/heads/topic"], words);
    // A tag is moved also where it is moved forward.
    setting.git(&["checkout", "--quiet", "v1"]);
    let later = setting.commit("b", "1");
    setting.is_refused(&["--force", "HEAD:refs/tags/v1"], words);

    let setting = setting.and("force", true);
    setting.arrives(&[
        "--force",
        &format!("{other}:refs/heads/topic"),
        "HEAD:refs/tags/v1",
    ]);
    assert_eq!(setting.at_upstream("refs/heads/topic"), Some(other));
    assert_eq!(setting.at_upstream("refs/tags/v1"), Some(later));
}

#[test]
fn refs_are_deleted_only_where_that_is_permitted() {
    let setting = Setting::new();
    setting.git(&["tag", "v1"]);
    setting.arrives(&["HEAD:refs/heads/topic", "v1"]);
    setting.is_refused(
        &["--delete", "topic"],
        "it deletes a ref (git_gate.repos.app.delete)",
    );
    setting.is_refused(
        &["--delete", "v1"],
        "it deletes a ref (git_gate.repos.app.delete)",
    );
    let setting = setting.and("delete", true);
    setting.arrives(&["--delete", "topic", "v1"]);
    assert_eq!(setting.at_upstream("refs/heads/topic"), None);
    assert_eq!(setting.at_upstream("refs/tags/v1"), None);
}

#[test]
fn the_other_refs_of_a_push_arrive_unless_it_is_atomic() {
    let setting = Setting::new();
    let commit = setting.commit("a", "1");
    let both = ["HEAD:refs/heads/main", "HEAD:refs/heads/topic"];
    let pushed = setting.is_refused(&[&["--atomic"], &both[..]].concat(), "protect_default");
    pushed.says("another ref of this push is refused, and it is all or none");
    setting
        .push(&both)
        .failed("protect_default")
        .says("HEAD -> topic");
    assert_eq!(setting.at_upstream("refs/heads/topic"), Some(commit));
    setting.are_equal();
}
