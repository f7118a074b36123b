//! What becomes of a push: a key is refused before anything else is looked at, what is clean
//! lands upstream.

use harness::gitleaks::{FORGE_KEY_RULE, forge_key};

use crate::setting::{Setting, assert_nothing_of_the_network};

#[test]
fn a_pushed_key_is_refused_before_the_network_is_asked() {
    let test = "a pushed key is refused before the network is asked";
    let Some(mut setting) = Setting::scanning(test) else {
        return;
    };
    setting.clone("app");
    let key = forge_key(1);
    setting.gate.must_not_tell(&key);
    let content = format!("# settings\n\ntoken = {key}\n");
    setting
        .agent
        .commit("app", "Settings", "config/it.toml", content.as_bytes());
    let commit = setting
        .agent
        .commit("app", "Away with it", "config/it.toml", b"\n");
    let before = (setting.upstream.refs(), setting.mirror());
    setting.sshd.stop();
    let connections = setting.sshd.connections();

    let pushed = setting.push("app", &["app"]);
    assert_eq!(pushed.code(), 1, "{pushed:?}");
    let said = &pushed.stderr;
    let parent = setting
        .agent
        .must("app", &["rev-parse", "--short=7", "HEAD~1"]);
    for word in [
        FORGE_KEY_RULE,
        "config/it.toml:3",
        "refs/heads/app",
        parent.trim(),
    ] {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
    assert!(!said.contains(&key), "{said}");
    assert_nothing_of_the_network(said);
    assert_eq!(setting.sshd.connections(), connections);
    assert_eq!((setting.upstream.refs(), setting.mirror()), before);

    // Rewritten without the key, it lands: nothing of the refused push has stayed.
    setting.sshd.start_again();
    setting
        .agent
        .must("app", &["reset", "--quiet", "--hard", "HEAD~2"]);
    let clean = setting
        .agent
        .commit("app", "Settings", "config/it.toml", b"none\n");
    assert_ne!(clean, commit);
    setting.must_push("app", &["app"]);
    assert_eq!(setting.upstream.value("refs/heads/app"), Some(clean));
    setting.upstream.check();
    setting.assert_equal();
}

#[test]
fn a_clean_push_lands_upstream() {
    let Some(setting) = Setting::scanning("a clean push lands upstream") else {
        return;
    };
    setting.clone("app");
    let first = setting.agent.commit("app", "First", "one", b"1\n");
    setting.must_push("app", &["app"]);
    assert_eq!(setting.upstream.value("refs/heads/app"), Some(first));

    // An update, a tag, and a second branch, all in one.
    let second = setting.agent.commit("app", "Second", "two", b"2\n");
    setting
        .agent
        .must("app", &["tag", "--annotate", "--message=two", "v2"]);
    setting.agent.must("app", &["branch", "other", "HEAD~1"]);
    setting.must_push("app", &["app", "v2", "other"]);
    let refs = setting.upstream.refs();
    assert_eq!(refs["refs/heads/app"], second);
    let tag = setting.agent.must("app", &["rev-parse", "v2"]);
    assert_eq!(refs["refs/tags/v2"], tag.trim());
    assert!(refs.contains_key("refs/heads/other"), "{refs:?}");
    assert_eq!(setting.upstream.content("app", "two"), "2\n");
    setting.upstream.check();
    setting.assert_equal();

    // Nothing new is no push at all, and what was pushed is what a fetch brings.
    setting.must_push("app", &["app"]);
    setting.agent.clone(&setting.url(), "again");
    let fetched = setting.agent.must("again", &["rev-parse", "origin/app"]);
    assert_eq!(fetched.trim(), second);
}

#[test]
fn a_clean_push_to_an_upstream_that_is_stopped_says_so_and_changes_nothing() {
    let test = "a clean push to an upstream that is stopped says so and changes nothing";
    let Some(mut setting) = Setting::scanning(test) else {
        return;
    };
    setting.clone("app");
    let commit = setting.agent.commit("app", "Clean", "file", b"clean\n");
    setting.sshd.stop();
    setting.must_refuse("app", &["app"], &["Connection refused"]);
    setting.sshd.start_again();
    setting.must_push("app", &["app"]);
    assert_eq!(setting.upstream.value("refs/heads/app"), Some(commit));
    setting.assert_equal();
}

#[test]
fn a_push_from_an_old_view_is_refused_until_it_is_merged() {
    let test = "a push from an old view is refused until it is merged";
    let Some(setting) = Setting::scanning(test) else {
        return;
    };
    setting.clone("app");
    setting.agent.commit("app", "First", "one", b"1\n");
    setting.must_push("app", &["app"]);
    // Somebody else goes on there, and the gate has not heard of it.
    let other = setting
        .upstream
        .commit("app", "Other", &[("other", b"o\n")]);
    setting.agent.commit("app", "Second", "two", b"2\n");
    let pushed = setting.push("app", &["app"]);
    assert!(!pushed.status.success(), "{pushed:?}");
    assert_eq!(setting.upstream.value("refs/heads/app"), Some(other));

    setting
        .agent
        .must("app", &["pull", "--quiet", "--rebase", "origin", "app"]);
    setting.must_push("app", &["app"]);
    assert_eq!(setting.upstream.content("app", "other"), "o\n");
    assert_eq!(setting.upstream.content("app", "two"), "2\n");
    setting.assert_equal();
}
