//! What steers the gate: `gate.json`, and nothing that stands in its environment or its home.

use std::ffi::OsString;
use std::fs;

use harness::gate::Gate;
use harness::gitleaks::{FORGE_KEY_RULE, forge_key};
use harness::sshd::GitService;

use crate::setting::Setting;

/// Settings of git and gitleaks that would blind or divert them.
const HOSTILE: [(&str, &str); 16] = [
    ("GIT_SSH_COMMAND", "/bin/false"),
    ("GIT_SSH", "/bin/false"),
    ("GIT_PROXY_COMMAND", "/bin/false"),
    ("GIT_DIR", "/nowhere"),
    ("GIT_OBJECT_DIRECTORY", "/nowhere"),
    ("GIT_ALTERNATE_OBJECT_DIRECTORIES", "/nowhere"),
    ("GIT_NAMESPACE", "elsewhere"),
    ("GIT_TRACE", "/dev/stderr"),
    ("GIT_TRACE_PACKET", "/dev/stderr"),
    ("GIT_CONFIG_PARAMETERS", "'core.hooksPath=/nowhere'"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    ("GIT_EXEC_PATH", "/nowhere"),
    ("GITLEAKS_CONFIG_TOML", "title = \"blind\""),
    ("SSH_AUTH_SOCK", "/nowhere"),
    ("SSH_ASKPASS", "/bin/false"),
    ("LANGUAGE", "de"),
];

/// Settings of git by its environment, the same.
const DIVERTED: [(&str, &str); 3] = [
    ("core.hooksPath", "/nowhere"),
    ("core.sshCommand", "/bin/false"),
    ("url.file:///nowhere/.insteadOf", "ssh://"),
];

/// A configuration of gitleaks that sees nothing.
const BLIND: &str = "[extend]\nuseDefault = false\n[[allowlists]]\nregexes = ['''.*''']\n";

/// The variables that what runs on the gate's behalf may have, besides git's own that
/// receive-pack and git daemon set.
const KNOWN: [&str; 14] = [
    "PATH",
    "HOME",
    "LC_ALL",
    "LANG",
    "TMPDIR",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "BOTTLE_GATE_STATE",
    "BOTTLE_GATE_MIRRORS",
    "BOTTLE_GATE_REPOSITORY",
];

#[test]
fn nothing_in_its_environment_or_home_steers_the_gate() {
    let test = "nothing in its environment or home steers the gate";
    let Some(setting) = Setting::with(test, |files| {
        let folder = files.folder().to_owned();
        let blind = folder.join("blind.toml");
        fs::write(&blind, BLIND).expect("a file");
        fs::write(folder.join(".gitleaks.toml"), BLIND).expect("a file");
        fs::write(files.state().join(".gitleaks.toml"), BLIND).expect("a file");
        files.export("GITLEAKS_CONFIG", &blind);
        for (name, value) in HOSTILE {
            files.export(name, value);
        }
        for (index, (key, value)) in DIVERTED.into_iter().enumerate() {
            files.export(&format!("GIT_CONFIG_KEY_{index}"), key);
            files.export(&format!("GIT_CONFIG_VALUE_{index}"), value);
        }
        files.export("GIT_CONFIG_COUNT", "3");
        let settings = "[core]\n\thooksPath = /nowhere\n\tsshCommand = false\n\
             [receive]\n\tprocReceiveRefs = refs/nowhere\n[color]\n\tui = always\n";
        fs::write(folder.join(".gitconfig"), settings).expect("a file");
        fs::write(files.state().join(".gitconfig"), settings).expect("a file");
        fs::create_dir(files.state().join(".ssh")).expect("a folder");
        let diverted = "Host *\n\tProxyCommand false\n\tStrictHostKeyChecking no\n";
        fs::write(files.state().join(".ssh/config"), diverted).expect("a file");
    }) else {
        return;
    };
    setting.clone("app");
    setting.agent.commit("app", "Clean", "file", b"clean\n");

    // Looked at while they stand still, every child has what is known here and no more, and
    // nothing of what the gate was given.
    let is_known = |name: &str, value: &OsString| {
        let given = HOSTILE.iter().chain(&DIVERTED).map(|(_, value)| *value);
        let is_given = given.into_iter().any(|given| value == given);
        (KNOWN.contains(&name) || name.starts_with("GIT_")) && !is_given
    };
    let mut seen = 0;
    for service in [GitService::UploadPack, GitService::ReceivePack] {
        let asked = setting.sshd.asked(service);
        let hold = setting.sshd.hold(service);
        let arguments: &[&str] = match service {
            GitService::UploadPack => &["fetch", "--quiet"],
            GitService::ReceivePack => &["push", "--quiet", "origin", "app"],
        };
        let client = setting.agent.start("app", arguments);
        setting.sshd.wait_for_commands(service, asked + 1);
        for child in setting.gate.children() {
            seen += 1;
            for (name, value) in &child.environment {
                assert!(
                    is_known(name, value),
                    "{name}={value:?} of {:?}",
                    child.words
                );
            }
            let home = child.environment.get("HOME");
            assert_eq!(home, Some(&setting.gate.files().state().into()));
        }
        drop(hold);
        let finished = client.end();
        assert!(finished.status.success(), "{finished:?}");
    }
    assert!(seen >= 6, "git daemon, its service, hook, git, ssh: {seen}");

    let key = forge_key(6);
    setting.gate.must_not_tell(&key);
    setting.agent.commit("app", "Key", "key", key.as_bytes());
    setting.must_refuse("app", &["app"], &[FORGE_KEY_RULE]);
    setting.assert_equal();
}

#[test]
fn a_configuration_that_is_not_understood_is_refused() {
    let test = "a configuration that is not understood is refused";
    let Some((_sshd, _upstream, mut files)) = Setting::parts(test) else {
        return;
    };
    files.scan_for_nothing();
    let fails = |files, word: &str| {
        let (files, finished) = Gate::fail_to_start(files);
        assert_eq!(finished.code(), 1, "{finished:?}");
        assert!(
            finished.stderr.contains(word),
            "no {word:?} in {finished:?}"
        );
        assert!(finished.stderr.contains("gate.json"), "{finished:?}");
        files
    };
    files.policy("app")["forse"] = true.into();
    files = fails(files, "forse");
    files
        .policy("app")
        .as_object_mut()
        .expect("a map")
        .remove("forse");
    files.repository("app")["identity"] = "key".into();
    files = fails(files, "identity");
    files
        .repository("app")
        .as_object_mut()
        .expect("a map")
        .remove("identity");
    files.policy("app")["max_push_mib"] = "many".into();
    files = fails(files, "many");
    files.policy("app")["max_push_mib"] = 1.into();
    files
        .policy("app")
        .as_object_mut()
        .expect("a map")
        .remove("ci");
    fails(files, "ci");
}
