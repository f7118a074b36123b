//! A scanner that is not there, is not well, or does not tell the truth: nothing passes.

use harness::gate::Gate;

use crate::setting::{Setting, assert_nothing_of_the_network};

#[test]
fn no_start_without_a_scanner_that_can_scan() {
    let test = "no start without a scanner that can scan";
    let Some((_sshd, _upstream, mut files)) = Setting::parts(test) else {
        return;
    };
    let scripts = [
        "exit 127",
        "exit 0",
        "kill -9 $$",
        // A version of it that knows `detect` and `protect`, but not `stdin`.
        "[ \"$1\" = version ] && echo 8.18.0 && exit 0\n\
         echo 'Error: unknown command \"stdin\" for \"gitleaks\"' >&2; exit 1",
    ];
    for script in scripts {
        files.scan_by_script(script);
        files = fails(files, script);
    }
    files.scan_by(&["/no/such/scanner"]);
    files = fails(files, "none");
    files.scan_by(&[]);
    fails(files, "no words");
}

#[track_caller]
fn fails(files: harness::gate::GateFiles, script: &str) -> harness::gate::GateFiles {
    let Err((files, finished)) = Gate::try_start(files) else {
        panic!("it started: {script}");
    };
    assert_eq!(finished.code(), 1, "{script}: {finished:?}");
    let said = finished.stderr.to_lowercase();
    assert!(said.contains("scan"), "{script}: {finished:?}");
    files
}

#[test]
fn whatever_a_scanner_does_but_its_work_refuses_the_push() {
    let test = "whatever a scanner does but its work refuses the push";
    let mut real = String::new();
    let Some(setting) = Setting::with(test, |files| {
        real = files.scanner()[0].clone();
        files.scan_by_script(&format!("exec '{real}' \"$@\""));
    }) else {
        return;
    };
    setting.clone("app");
    setting.agent.commit("app", "Clean", "file", b"clean\n");
    let count = "n=$(cat | wc -c)";
    let told = "echo \"1:00AM INF scanned ~$n bytes ($n bytes) in 1ms\" >&2; echo '[]'";
    let scripts = [
        // It says that all is well, and has not looked.
        "cat > /dev/null; echo '[]'".to_owned(),
        "echo '[]'".to_owned(),
        "exit 0".to_owned(),
        // Or has looked at a part, or at more.
        format!("{count}; n=$((n - 1)); {told}"),
        format!("{count}; n=$((n + 1)); {told}"),
        format!("n=$(head -c 100 | wc -c); {told}"),
        format!("n=0; {told}"),
        // It fails in ways of its own.
        "cat > /dev/null; echo 'ERR no configuration' >&2; exit 1".to_owned(),
        "cat > /dev/null; exit 127".to_owned(),
        "cat > /dev/null; kill -9 $$".to_owned(),
        "cat > /dev/null; kill -15 $$".to_owned(),
        // It has findings, and does not say which; or says none.
        format!("{count}; {told}; exit 42"),
        format!("{count}; echo nonsense; exit 42"),
        format!("{count}; {told} | sed s/../nonsense/"),
        format!("{count}; {told}; exit 3"),
        // The real one, with a setting that blinds it.
        format!("exec '{real}' version"),
        format!("exec '{real}' \"$@\" --enable-rule no-such-rule"),
    ];
    for script in scripts {
        let path = setting.gate.files().scanner()[0].clone();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        let said = setting.must_refuse("app", &["app"], &["remote:"]);
        assert!(said.to_lowercase().contains("scan"), "{script}: {said}");
        assert_nothing_of_the_network(&said);
    }
    let path = setting.gate.files().scanner()[0].clone();
    std::fs::remove_file(&path).expect("a script");
    setting.must_refuse("app", &["app"], &["remote:"]);
    // Well again, it lets pass what is clean.
    std::fs::write(&path, format!("#!/bin/sh\nexec '{real}' \"$@\"\n")).expect("a script");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, executable).expect("a file of ours");
    setting.must_push("app", &["app"]);
    setting.assert_equal();
}
