//! Two at once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::thread;

use crate::setting::{Pushed, Setting};

#[test]
fn the_second_of_two_pushes_waits_and_loses_nothing() {
    let setting = Setting::new();
    let first = setting.commit("a", "1");
    setting.git(&["checkout", "--quiet", "-b", "other", "HEAD~1"]);
    setting.commit("b", "1");
    let turnstile = setting.turnstile("pre-receive");
    thread::scope(|scope| {
        let mut one = setting.pushing(&[&format!("{first}:refs/heads/topic")]);
        let one = scope.spawn(move || Pushed::of(&mut one));
        turnstile.is_reached();

        let mut two = setting.pushing(&["HEAD:refs/heads/topic"]);
        let mut two = two.stderr(Stdio::piped()).spawn().expect("git");
        let mut text = BufReader::new(two.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.contains("bottle-gate: waiting for another push or fetch") {
            line.clear();
            assert_ne!(
                text.read_line(&mut line).expect("a line"),
                0,
                "it did not say that it waits"
            );
        }
        turnstile.open();
        one.join().expect("the first").says("[new branch]");
        let mut rest = String::new();
        text.read_to_string(&mut rest).expect("text");
        assert!(!two.wait().expect("the second").success(), "{rest}");
        assert!(rest.contains("(fetch first)"), "{rest}");
    });
    assert_eq!(setting.at_upstream("refs/heads/topic"), Some(first));
    setting.are_equal();
}
