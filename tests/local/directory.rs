//! A bound work directory, and what the host runs or obeys in it.

use std::fs;
use std::path::Path;

use harness::attempt::Table;
use harness::local::on_this_machine;
use rustix::process::Signal;

use crate::setting::{Setting, each, unused};

/// Two repositories that are alike; one of them is going to be bound.
fn repositories(setting: &Setting) {
    for place in ["work", "control"] {
        for folder in [".git/hooks", ".git/objects"] {
            setting.user.make_folder(&Path::new(place).join(folder));
        }
        setting
            .user
            .write(&format!("{place}/.git/config"), "[core]\n\tbare = false\n");
        setting
            .user
            .write(&format!("{place}/.git/HEAD"), "ref: refs/heads/main\n");
    }
    setting.user.make_folder(Path::new("control/.bottle"));
}

#[test]
fn what_the_host_runs_in_a_bound_directory_is_out_of_reach() {
    each("local: a bound directory", |setting| {
        repositories(setting);
        setting.manifest(&[unused()], "bind");
        let bottle = setting.start();
        let work = bottle.ask(&["pwd"]).trim().to_owned();
        assert_eq!(Path::new(&work), setting.user.work());
        let control = setting.user.path("control").display().to_string();
        let inside = |command: &[&str]| bottle.exec(command);
        let mut table = Table::default();
        table.host_obeys((&inside, &work), (&on_this_machine, &control));
        // A parent is not the agent's, though it leads to what is.
        let up = setting.user.folder().display().to_string();
        let away = |root: &str| [format!("{root}/work"), format!("{root}/away")];
        let [here, there] = away(&up);
        setting.user.make_folder(Path::new("control/work"));
        let [free, aside] = away(&control);
        table.row(
            "a parent",
            (&inside, &["rename", &here, &there]),
            &["EBUSY", "EACCES", "EROFS", "EXDEV"],
            (&on_this_machine, &["rename", &free, &aside]),
        );
        table.assert_sealed(7);
        let script =
            "echo mine >file && cat file && printf '[core]\\n\\thooksPath = evil\\n' >>.git/config";
        assert_eq!(bottle.ask(&["sh", "-c", script]), "mine\n");
        let file = fs::read_to_string(setting.user.path("work/file"));
        assert_eq!(file.expect("a file"), "mine\n");
        let ended = bottle.end_by(Signal::TERM);
        assert!(ended.stderr.contains("hooksPath = evil"), "{ended:#?}");
        let mut names: Vec<_> = fs::read_dir(setting.user.work())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        assert_eq!(names, [".git", "file"], "the mount points are gone");
        let hooks = fs::read_dir(setting.user.path("work/.git/hooks"));
        assert_eq!(hooks.expect("a folder").count(), 0);
    });
}

#[test]
fn a_copied_directory_stays_as_it_was() {
    each("local: a copied directory", |setting| {
        setting.user.write("work/file", "theirs\n");
        setting.manifest(&[], "copy");
        let script = "cat file && echo mine >file && cat file && pwd && touch new && mkdir .git";
        let said = setting.user.agent_does(&["sh", "-c", script]);
        assert_eq!(
            (said.code(), said.stdout.as_str()),
            (0, "theirs\nmine\n/work\n"),
            "{said:#?}"
        );
        let file = fs::read_to_string(setting.user.path("work/file"));
        assert_eq!(file.expect("a file"), "theirs\n");
        assert_eq!(
            fs::read_dir(setting.user.work()).expect("a folder").count(),
            1
        );
    });
}
