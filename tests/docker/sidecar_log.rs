//! What a person sees of bottles that run: the list, and what a sidecar writes.

use harness::docker::RunningBottle;
use harness::origin::Origin;
use rustix::process::Signal;

use crate::setting::{Setting, bearer};

fn call(bottle: &RunningBottle, path: &str) {
    let url = format!("http://cred-proxy:9099/api/{path}");
    bottle.ask(&["curl", "-sS", &url]);
}

#[test]
fn a_bottle_that_runs_is_listed_with_its_age_and_health() {
    let Some(setting) = Setting::new("docker: a list") else {
        return;
    };
    let url = format!("https://{}:9", setting.outer.address());
    setting.manifest(&[bearer("/api/", &url)]);
    let bottle = setting.host.start();
    let listed = setting.host.run(&["list"]);
    assert_eq!(listed.code(), 0, "{listed:#?}");
    let head = listed.stdout.lines().next().unwrap_or_default();
    let head: Vec<&str> = head.split_whitespace().collect();
    let columns = ["SLUG", "AGENT", "AGE", "STATE", "CRED-PROXY", "GIT-GATE"];
    assert_eq!(head, columns);
    let mut rows = listed.stdout.lines();
    let row = rows.find(|line| line.starts_with(bottle.slug()));
    let row: Vec<&str> = row.expect("a row").split_whitespace().collect();
    let [_, agent, age, state, health, "-"] = row[..] else {
        panic!("{row:?}");
    };
    assert_eq!(agent, setting.host.agent());
    assert_eq!((state, health), ("running", "healthy"));
    let age = age.strip_suffix('s').map(str::parse::<u32>);
    assert!(age.is_some_and(|age| age.is_ok()), "{row:?}");
}

#[test]
fn a_sidecars_log_is_shown_and_followed_to_its_end() {
    let Some(setting) = Setting::new("docker: logs") else {
        return;
    };
    let service = Origin::on(
        setting.outer.listener(),
        Some(setting.tls()),
        |_, answer| answer.whole("200 OK", &[], b"fine"),
    );
    setting.manifest(&[bearer("/api/", &service.url())]);
    let bottle = setting.host.start();
    call(&bottle, "first");
    let log = |words: &[&str]| setting.host.run(&[&["logs"], words].concat());
    let slug = bottle.slug().to_owned();
    for words in [&[slug.as_str()][..], &[&slug, "cred-proxy"]] {
        let said = log(words);
        assert_eq!(said.code(), 0, "{said:#?}");
        let log = said.stdout + &said.stderr;
        assert!(log.contains("/first"), "{words:?}: {log}");
    }

    let follower = setting.host.bottle(&["logs", &slug, "--follow"]).start();
    let follows = |path: &'static str| {
        let has = move |lines: &[String]| {
            let is_it = |line: &String| line.contains(path);
            lines.iter().any(is_it).then_some(())
        };
        let seen = follower.stdout().wait(path, has);
        seen.unwrap_or_else(|| panic!("{path}: {}", follower.stderr().text()));
    };
    follows("/first");
    // It is made only once the first has been shown: this is live.
    call(&bottle, "second");
    follows("/second");

    for (words, told) in [
        (
            &[slug.as_str(), "agent"][..],
            "on its terminal and not kept",
        ),
        (&[&slug, "git-gate"], "has no sidecar git-gate"),
        (&["nobody-22222"], "there is no bottle nobody-22222"),
    ] {
        let refused = log(words);
        assert_eq!(refused.code(), 2, "{words:?}: {refused:#?}");
        assert_eq!(refused.stdout, "", "{words:?}");
        assert_eq!(refused.stderr.lines().count(), 1, "{refused:#?}");
        assert!(refused.stderr.contains(told), "{words:?}: {refused:#?}");
    }

    assert_eq!(bottle.stop().code(), 128 + Signal::TERM.as_raw());
    let ended = follower.finish();
    assert_eq!(ended.code(), 0, "{ended:#?}");
    assert!(!ended.stdout.contains(harness::TOKEN), "{ended:#?}");
}
