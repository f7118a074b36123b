//! An upstream that refuses: its own words reach the agent, and both sides stay equal.

use harness::gitleaks::FORGE_KEY_RULE;

use crate::setting::Setting;

#[test]
fn what_upstream_says_reaches_the_agent_and_nothing_changes() {
    let test = "what upstream says reaches the agent and nothing changes";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    setting.clone("app");
    setting.agent.commit("app", "Clean", "file", b"clean\n");
    setting
        .upstream
        .refuse("refs/heads/app", "GH006: Protected branch update failed");
    let words = ["GH006: Protected branch update failed"];
    let said = setting.must_refuse("app", &["app"], &words);
    assert!(!said.contains(FORGE_KEY_RULE));
    // With another in the same push, all or none.
    let refs = ["HEAD:refs/heads/good", "app"];
    setting.must_refuse("app", &refs, &words);
    setting.assert_equal();
}

#[test]
fn an_upstream_that_takes_refs_one_by_one_takes_those_it_will() {
    let test = "an upstream that takes refs one by one takes those it will";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    setting.clone("app");
    let commit = setting.agent.commit("app", "Clean", "file", b"clean\n");
    setting.upstream.take_refs_one_by_one();
    setting.upstream.refuse("refs/heads/bad", "not this one");
    let refs = [
        "HEAD:refs/heads/a",
        "HEAD:refs/heads/bad",
        "HEAD:refs/heads/z",
    ];
    let pushed = setting.push("app", &refs);
    assert_eq!(pushed.code(), 1, "{pushed:?}");
    let said = &pushed.stderr;
    assert!(said.contains("not this one"), "{said}");
    let line = |name: &str| {
        let lines = said.lines().filter(|line| !line.starts_with("remote:"));
        let mut lines = lines.filter(|line| line.contains(&format!("-> {name}")));
        lines
            .next()
            .unwrap_or_else(|| panic!("no {name} in {said}"))
            .to_owned()
    };
    for name in ["a", "z"] {
        let landed = setting.upstream.value(&format!("refs/heads/{name}"));
        let is_told = line(name).contains("[new branch]");
        assert_eq!(landed.is_some(), is_told, "{name}: {said}");
        assert_eq!(landed, Some(commit.clone()), "{said}");
    }
    assert!(line("bad").contains("rejected"), "{said}");
    setting.assert_equal();
}
