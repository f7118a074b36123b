//! What a fetch brings: what the upstream has now, or a reason.

use harness::sshd::GitService;

use crate::setting::Setting;

#[test]
fn a_fetch_brings_what_upstream_has_now() {
    let Some(setting) = Setting::new("a fetch brings what upstream has now") else {
        return;
    };
    let (agent, upstream) = (&setting.agent, &setting.upstream);
    agent.clone(&setting.url(), "app");
    assert_eq!(agent.must("app", &["show", "HEAD:README"]), "one\n");
    let branch = agent.must("app", &["symbolic-ref", "--short", "HEAD"]);
    assert_eq!(branch, "main\n");

    let second = upstream.commit("main", "Second", &[("README", b"two\n")]);
    let topic = upstream.commit("topic", "Third", &[("topic", b"three\n")]);
    upstream.git(&["tag", "--annotate", "--message=one", "v1", "main"]);
    agent.must("app", &["pull", "--quiet", "--tags"]);
    assert_eq!(agent.must("app", &["rev-parse", "HEAD"]).trim(), second);
    let fetched = agent.must("app", &["rev-parse", "origin/topic"]);
    assert_eq!(fetched.trim(), topic);
    assert_eq!(agent.must("app", &["cat-file", "-t", "v1"]), "tag\n");

    // What upstream rewrites, deletes and makes its default is so here too.
    upstream.git(&["update-ref", "-d", "refs/heads/topic"]);
    upstream.git(&["update-ref", "refs/heads/main", "main~1"]);
    upstream.commit("trunk", "Fourth", &[("README", b"four\n")]);
    upstream.set_default("trunk");
    agent.must("app", &["fetch", "--quiet", "--prune"]);
    let branches = agent.must(
        "app",
        &["branch", "--remotes", "--format=%(refname:lstrip=3)"],
    );
    assert_eq!(branches.replace("HEAD\n", ""), "main\ntrunk\n");
    agent.clone(&setting.url(), "again");
    let branch = agent.must("again", &["symbolic-ref", "--short", "HEAD"]);
    assert_eq!(branch, "trunk\n");
    setting.assert_equal();
}

#[test]
fn a_fetch_fails_with_the_reason_where_upstream_is_stopped() {
    let test = "a fetch fails with the reason where upstream is stopped";
    let Some(mut setting) = Setting::new(test) else {
        return;
    };
    setting.clone("app");
    setting.sshd.stop();
    // The mirror has it all, and gives nothing of it.
    for arguments in [&["fetch"][..], &["ls-remote"], &["pull"]] {
        let fetched = setting.agent.run("app", arguments);
        assert!(!fetched.status.success(), "{arguments:?}: {fetched:?}");
        assert_eq!(fetched.stdout, "");
        let said = &fetched.stderr;
        assert!(said.contains("Connection refused"), "{arguments:?}: {said}");
        assert!(said.contains("app"), "which one: {said}");
    }
    let cloned = setting.agent.run("", &["clone", &setting.url(), "late"]);
    assert!(cloned.stderr.contains("Connection refused"), "{cloned:?}");
    setting.gate.wait_for_log(&["app", "Connection refused"]);

    setting.sshd.start_again();
    let second = setting
        .upstream
        .commit("main", "Second", &[("README", b"2\n")]);
    setting.agent.must("app", &["fetch", "--quiet"]);
    let fetched = setting.agent.must("app", &["rev-parse", "origin/main"]);
    assert_eq!(fetched.trim(), second);
}

#[test]
fn no_push_asks_upstream_for_its_refs_before_it_is_scanned() {
    let test = "no push asks upstream for its refs before it is scanned";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    setting.clone("app");
    let before = setting.sshd.commands().len();
    setting.agent.commit("app", "Clean", "file", b"clean\n");
    setting.must_push("app", &["app"]);
    let commands = setting.sshd.commands().split_off(before);
    let pushes = GitService::ReceivePack.command();
    // One connection, and that for the push itself.
    assert_eq!(commands.len(), 1, "{commands:?}");
    assert!(commands[0].starts_with(pushes), "{commands:?}");
}
