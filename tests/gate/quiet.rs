//! Who says nothing is given up, on either side; who is only slow is not.

use std::thread;
use std::time::{Duration, Instant};

use crate::raw::Raw;
use crate::setting::Setting;

/// Without an octet either way a connection is given up after 15 s; a busy machine sees it
/// a little later.
const QUIET: (Duration, Duration) = (Duration::from_secs(14), Duration::from_secs(19));

#[test]
fn who_says_nothing_is_given_up_and_who_compresses_is_not() {
    let test = "who says nothing is given up and who compresses is not";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    let gate = &setting.gate;
    let timed = |client: Raw| {
        let begun = Instant::now();
        client.read_to_end();
        begun.elapsed()
    };
    thread::scope(|scope| {
        let silent = scope.spawn(|| timed(Raw::connect(gate)));
        let wanting = scope.spawn(|| {
            let mut client = Raw::ask(gate, "git-upload-pack", "/app.git");
            client.read_advertisement();
            timed(client)
        });
        let half = scope.spawn(|| timed(Raw::begin_push(gate, "refs/heads/half", 6)));
        // A client that compresses says nothing for a while: 120 s are its own.
        let mut compressing = Raw::ask(gate, "git-receive-pack", "/app.git");
        compressing.read_advertisement();
        for (who, client) in [("silent", silent), ("wanting", wanting), ("half", half)] {
            let taken = client.join().expect("a thread");
            let is_right = QUIET.0 < taken && taken < QUIET.1;
            assert!(is_right, "{who}: {taken:?}\n{}", gate.log());
        }
        // It is still there, and its end is seen.
        compressing.send(b"0000");
        assert_eq!(compressing.read_pkt(), None);
    });
    gate.wait_for_children("ended", <[harness::gate::GateChild]>::is_empty);
    setting.agent.must("", &["ls-remote", &setting.url()]);
}

#[test]
fn an_upstream_that_says_nothing_is_given_up() {
    let test = "an upstream that says nothing is given up";
    let Some(setting) = Setting::new(test) else {
        return;
    };
    setting.sshd.be_silent();
    let begun = Instant::now();
    let listed = setting.agent.run("", &["ls-remote", &setting.url()]);
    assert!(!listed.status.success(), "{listed:?}");
    assert!(listed.stderr.contains("timed out"), "{listed:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(19),
        "{:?}",
        begun.elapsed()
    );
}
