//! What the tests of others rest on.

use super::*;
use crate::Finished;
use crate::program::Program;

fn list(sshd: &Sshd, url: &str, identity: &Path, key: &str) -> Finished {
    let home = tempfile::tempdir().expect("a home");
    let known = home.path().join("known_hosts");
    fs::write(&known, sshd.known_hosts(key)).expect("known_hosts");
    let ssh = format!(
        "ssh -F /dev/null -o IdentityAgent=none -o IdentitiesOnly=yes -o BatchMode=yes \
         -o StrictHostKeyChecking=yes -o UserKnownHostsFile={} -i {}",
        known.display(),
        identity.display()
    );
    let git = Program::new("git", home.path()).args(["ls-remote", "--symref", url]);
    git.env("GIT_SSH_COMMAND", ssh).run()
}

#[test]
fn it_serves_the_key_alone_and_can_be_stopped_and_begun_again() {
    let test = "it serves the key alone and can be stopped and begun again";
    let Some(mut sshd) = Sshd::start(test) else {
        return;
    };
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let upstream = sshd.repository(format.name(), format);
        let tip = upstream.commit("main", "First", &[("file", b"one\n")]);
        let url = sshd.url(&upstream);
        let key = sshd.host_key();

        let listed = list(&sshd, &url, &sshd.identity(), &key);
        assert!(listed.status.success(), "{listed:?}\n{}", sshd.log());
        let wanted = format!("ref: refs/heads/main\tHEAD\n{tip}\tHEAD\n{tip}\trefs/heads/main\n");
        assert_eq!(listed.stdout, wanted);

        let stranger = list(&sshd, &url, &sshd.strange_identity(), &key);
        assert!(
            stranger.stderr.contains("Permission denied"),
            "{stranger:?}"
        );
        let impostor = list(&sshd, &url, &sshd.identity(), &sshd.other_host_key());
        let complaint = "Host key verification failed";
        assert!(impostor.stderr.contains(complaint), "{impostor:?}");

        sshd.stop();
        let stopped = list(&sshd, &url, &sshd.identity(), &key);
        assert!(stopped.stderr.contains("Connection refused"), "{stopped:?}");
        sshd.start_again();
        let listed = list(&sshd, &url, &sshd.identity(), &key);
        assert_eq!(listed.stdout, wanted, "{listed:?}\n{}", sshd.log());
    }
    sshd.show_another_key();
    let upstream = sshd.repository("another", ObjectFormat::Sha1);
    let (url, key) = (sshd.url(&upstream), sshd.other_host_key());
    let listed = list(&sshd, &url, &sshd.identity(), &key);
    assert!(listed.status.success(), "{listed:?}\n{}", sshd.log());
}

#[test]
fn a_held_service_waits_until_it_is_let_go() {
    let test = "a held service waits until it is let go";
    let Some(sshd) = Sshd::start(test) else {
        return;
    };
    let upstream = sshd.repository("held", ObjectFormat::Sha1);
    let (url, key) = (sshd.url(&upstream), sshd.host_key());
    let ask = || list(&sshd, &url, &sshd.identity(), &key);
    let hold = sshd.hold(GitService::UploadPack);
    thread::scope(|scope| {
        let asked = scope.spawn(ask);
        sshd.wait_for_commands(GitService::UploadPack, 1);
        assert!(!asked.is_finished());
        drop(hold);
        let finished = asked.join().expect("a thread");
        assert!(finished.status.success(), "{finished:?}\n{}", sshd.log());
    });
    assert!(ask().status.success(), "no later one is held");
    assert_eq!(sshd.commands().len(), 2);
}
