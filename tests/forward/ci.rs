//! What CI runs is not the agent's to write, by whatever commit it would come.

use crate::setting::Setting;

const REFUSAL: &str = "it changes what CI runs with the forge's secrets (git_gate.repos.app.ci)";

/// An upstream that has a workflow and an issue template.
fn with_workflow() -> Setting {
    let setting = Setting::new();
    setting.commit(".github/workflows/test.yml", "on: push");
    setting.commit(".github/ISSUE_TEMPLATE.md", "what happened?");
    setting.push_upstream("main");
    setting
}

#[test]
fn each_place_is_one_of_cis() {
    for path in [
        ".github/workflows/a.yml",
        ".gitea/workflows/a.yml",
        ".gitea/template",
        ".forgejo/workflows/a.yml",
        ".gitlab-ci.yml",
    ] {
        let setting = Setting::new();
        setting.commit(path, "on: push");
        setting.is_refused(&["HEAD:refs/heads/topic"], REFUSAL);
        setting.git(&["tag", "--annotate", "--message", "one", "v1"]);
        setting.is_refused(&["v1"], REFUSAL);
        setting
            .and("ci", true)
            .arrives(&["HEAD:refs/heads/topic", "v1"]);
    }
}

#[test]
fn what_no_forge_reads_is_none_of_cis() {
    let setting = with_workflow();
    for path in [
        ".github/ISSUE_TEMPLATE.md",
        ".github/dependabot.yml",
        ".GitHub/workflows/a.yml",
        "sub/.github/workflows/a.yml",
        "sub/.gitlab-ci.yml",
        ".gitlab-ci.yml.md",
    ] {
        setting.commit(path, "something else");
        setting.arrives(&["HEAD:refs/heads/topic"]);
    }
}

#[test]
fn a_workflow_is_neither_changed_nor_removed() {
    let setting = with_workflow();
    setting.commit(".github/workflows/test.yml", "on: pull_request");
    let commit = setting.git(&["rev-parse", "--short=12", "HEAD"]);
    let pushed = setting.is_refused(&["HEAD:refs/heads/topic"], REFUSAL);
    pushed.says(&format!(
        "refs/heads/topic: commit {commit} changes .github/workflows"
    ));
    // Another ref that has none changes nothing about that.
    setting.git(&["tag", "before", "main~3"]);
    setting.push_upstream("before");
    setting.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    setting.git(&["rm", "--quiet", ".github/workflows/test.yml"]);
    setting.git(&["commit", "--quiet", "--message", "remove"]);
    setting.is_refused(&["HEAD:refs/heads/topic"], REFUSAL);
}

#[test]
fn no_link_takes_the_place_of_a_directory() {
    let setting = Setting::new();
    setting.commit("other/workflows/a.yml", "on: push");
    setting.arrives(&["HEAD:refs/heads/topic"]);
    setting.link("other", ".github");
    setting.is_refused(&["HEAD:refs/heads/topic"], REFUSAL);
    setting.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    setting.link("other", ".gitea");
    setting.is_refused(&["HEAD:refs/heads/topic"], REFUSAL);
}

#[test]
fn a_change_that_is_taken_back_was_there() {
    let setting = Setting::new();
    setting.commit(".gitlab-ci.yml", "job: {}");
    setting.git(&["rm", "--quiet", ".gitlab-ci.yml"]);
    setting.git(&["commit", "--quiet", "--message", "remove"]);
    setting.is_refused(&["HEAD:refs/heads/topic"], REFUSAL);
}

#[test]
fn a_change_on_the_side_of_a_merge_that_it_did_not_take_was_there() {
    let setting = Setting::new();
    setting.git(&["checkout", "--quiet", "-b", "side"]);
    setting.commit(".gitlab-ci.yml", "job: {}");
    setting.git(&["checkout", "--quiet", "main"]);
    setting.git(&[
        "merge",
        "--quiet",
        "--strategy",
        "ours",
        "--no-edit",
        "side",
    ]);
    setting.is_refused(&["HEAD:refs/heads/topic"], REFUSAL);
}

#[test]
fn a_change_in_a_merge_itself_is_found() {
    let setting = with_workflow();
    setting.git(&["checkout", "--quiet", "-b", "side"]);
    setting.commit("a", "1");
    setting.git(&["checkout", "--quiet", "main"]);
    setting.commit("b", "1");
    setting.git(&["merge", "--quiet", "--no-commit", "side"]);
    setting.commit(".github/workflows/test.yml", "on: pull_request");
    setting.is_refused(&["HEAD:refs/heads/topic"], REFUSAL);
}

#[test]
fn a_root_of_its_own_begins_without_ci() {
    let setting = Setting::new();
    setting.git(&["checkout", "--quiet", "--orphan", "root"]);
    setting.commit("a", "1");
    setting.arrives(&["HEAD:refs/heads/topic"]);
    setting.git(&["checkout", "--quiet", "--orphan", "other"]);
    setting.commit(".forgejo/workflows/a.yml", "on: push");
    setting.is_refused(&["HEAD:refs/heads/other"], REFUSAL);
}

#[test]
fn upstreams_own_changes_are_merged_and_rebased() {
    let setting = with_workflow();
    setting.git(&["checkout", "--quiet", "-b", "topic", "main~2"]);
    setting.commit("a", "1");
    // A branch that began before upstream had the workflow.
    setting.arrives(&["topic"]);
    setting.git(&["merge", "--quiet", "--no-edit", "main"]);
    setting.arrives(&["topic"]);
    // One commit that carries all that upstream made meanwhile.
    setting.git(&["checkout", "--quiet", "-b", "squashed", "main~2"]);
    setting.git(&["merge", "--quiet", "--squash", "main"]);
    setting.git(&["commit", "--quiet", "--message", "squashed"]);
    setting.arrives(&["squashed"]);
}

#[test]
fn an_old_workflow_of_upstreams_stays_in_a_branch_that_has_it() {
    let setting = with_workflow();
    setting.git(&["checkout", "--quiet", "-b", "topic"]);
    setting.commit("a", "1");
    setting.git(&["checkout", "--quiet", "main"]);
    setting.commit(".github/workflows/test.yml", "on: pull_request");
    setting.push_upstream("main");
    setting.arrives(&["topic"]);
}

#[test]
fn an_old_workflow_does_not_come_back() {
    let setting = with_workflow().and("protect_default", false);
    setting.git(&["tag", "v1"]);
    setting.push_upstream("v1");
    setting.commit(".github/workflows/test.yml", "on: pull_request");
    setting.push_upstream("main");
    setting.git(&["checkout", "--quiet", "v1", "--", ".github/workflows"]);
    setting.git(&["commit", "--quiet", "--message", "as it was"]);
    setting.is_refused(&["HEAD:refs/heads/main"], REFUSAL);
    // A branch of the same push whose own it is does not vouch for another.
    for _ in 0..2 {
        setting
            .push(&["v1:refs/heads/old", "HEAD:refs/heads/main"])
            .failed(REFUSAL);
    }
    setting.are_equal();
}

#[test]
fn a_branch_is_rebased_with_the_workflow_that_upstream_gave_it() {
    let setting = Setting::with("force", true);
    setting.git(&["checkout", "--quiet", "-b", "topic"]);
    setting.commit(".gitlab-ci.yml", "job: {}");
    setting.push_upstream("topic");
    setting.git(&["checkout", "--quiet", "main"]);
    setting.commit("a", "1");
    setting.push_upstream("main");
    setting.git(&["checkout", "--quiet", "topic"]);
    setting.git(&["rebase", "--quiet", "main"]);
    // It is that branch's, and nobody else's before upstream has it.
    setting.is_refused(&["topic:refs/heads/other"], REFUSAL);
    setting.arrives(&["--force", "topic"]);
    setting.arrives(&["topic:refs/heads/other"]);
}

#[test]
fn the_ref_that_changes_it_is_told_from_the_others() {
    let setting = Setting::new();
    let commit = setting.commit("a", "1");
    setting.commit(".gitlab-ci.yml", "job: {}");
    let pushed = setting.push(&["HEAD~1:refs/heads/fine", "HEAD:refs/heads/ci"]);
    pushed
        .failed("git_gate.repos.app.ci")
        .says("HEAD~1 -> fine");
    assert_eq!(setting.at_upstream("refs/heads/fine"), Some(commit));
    assert_eq!(setting.at_upstream("refs/heads/ci"), None);
    setting.are_equal();
}

#[test]
fn what_is_no_commit_runs_no_ci() {
    let setting = Setting::new();
    setting.git(&["tag", "blob", "HEAD:readme"]);
    setting.git(&["tag", "tree", "HEAD^{tree}"]);
    setting.arrives(&["blob", "tree"]);
}
