//! Every kind of repository and every version of the protocol.

use harness::bare_repository::ObjectFormat;
use harness::gate::{Gate, GateFiles};
use harness::git_agent::GitAgent;
use harness::gitleaks::{FORGE_KEY_RULE, forge_key};
use harness::sshd::Sshd;

use crate::setting::Setting;

#[test]
fn every_version_of_the_protocol_is_served() {
    let test = "every version of the protocol is served";
    let Some(setting) = Setting::scanning(test) else {
        return;
    };
    for version in ["0", "1", "2"] {
        let protocol = format!("protocol.version={version}");
        let clone = ["-c", &protocol, "clone", "--quiet", &setting.url(), version];
        setting.agent.must("", &clone);
        let commit = setting
            .agent
            .commit(version, "Clean", version, b"content\n");
        let branch = format!("version-{version}");
        let target = format!("HEAD:refs/heads/{branch}");
        setting
            .agent
            .must(version, &["-c", &protocol, "push", "origin", &target]);
        let landed = setting.upstream.value(&format!("refs/heads/{branch}"));
        assert_eq!(landed, Some(commit));
        let key = forge_key(4);
        setting.agent.commit(version, "Key", "key", key.as_bytes());
        let arguments = ["-c", &protocol, "push", "origin", &target];
        let pushed = setting.agent.run(version, &arguments);
        assert!(pushed.stderr.contains(FORGE_KEY_RULE), "{pushed:?}");
        let other = setting
            .upstream
            .commit(&branch, "Other", &[("other", b"o\n")]);
        setting
            .agent
            .must(version, &["-c", &protocol, "fetch", "--quiet"]);
        let seen = format!("origin/{branch}");
        let fetched = setting.agent.must(version, &["rev-parse", &seen]);
        assert_eq!(fetched.trim(), other);
    }
    setting.assert_equal();
}

#[test]
fn a_repository_named_by_sha_256_is_served() {
    let test = "a repository named by SHA-256 is served";
    let Some((sshd, mut files)) = Sshd::start(test).zip(GateFiles::new(test)) else {
        return;
    };
    let upstream = sshd.repository("app", ObjectFormat::Sha256);
    upstream.commit("main", "First", &[("README", b"one\n")]);
    files.add("app", &sshd, &upstream);
    let gate = Gate::start(files);
    let agent = GitAgent::of(&gate);
    let setting = Setting {
        gate,
        agent,
        upstream,
        sshd,
    };
    setting.clone("app");
    let commit = setting.agent.commit("app", "Clean", "file", b"clean\n");
    assert_eq!(commit.len(), 64);
    setting.must_push("app", &["app"]);
    assert_eq!(setting.upstream.value("refs/heads/app"), Some(commit));
    let key = forge_key(5);
    setting.gate.must_not_tell(&key);
    setting.agent.commit("app", "Key", "key", key.as_bytes());
    setting.must_refuse("app", &["app"], &[FORGE_KEY_RULE, "key:1"]);
    setting
        .upstream
        .commit("main", "Second", &[("README", b"two\n")]);
    setting.agent.must("app", &["fetch", "--quiet"]);
    setting.assert_equal();
}

#[test]
fn an_upstream_without_branches_has_no_default_to_protect() {
    let test = "an upstream without branches has no default to protect";
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let Some((sshd, mut files)) = Sshd::start(test).zip(GateFiles::new(test)) else {
            return;
        };
        let upstream = sshd.repository("app", format);
        files.scan_for_nothing();
        files.add("app", &sshd, &upstream);
        let gate = Gate::start(files);
        let agent = GitAgent::of(&gate);
        let setting = Setting {
            gate,
            agent,
            upstream,
            sshd,
        };
        let format = format!("--object-format={}", format.name());
        setting.agent.must("", &["init", "--quiet", &format, "app"]);
        setting
            .agent
            .must("app", &["remote", "add", "origin", &setting.url()]);
        setting.agent.must("app", &["ls-remote", "origin"]);
        let first = setting.agent.commit("app", "First", "file", b"1\n");
        setting.must_push("app", &["main"]);
        assert_eq!(setting.upstream.value("refs/heads/main"), Some(first));
        setting.assert_equal();
        // Now it has one.
        setting.agent.commit("app", "Second", "file", b"2\n");
        setting.must_refuse("app", &["main"], &["git_gate.repos.app.protect_default"]);
        setting.agent.clone(&setting.url(), "again");
        let content = setting.agent.must("again", &["show", "main:file"]);
        assert_eq!(content, "1\n");
    }
}
