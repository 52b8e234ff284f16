use anstream::adapter::strip_str;
use expect_test::expect;

use super::facts::{
    Facts, Folder, FolderState, Home, Host, Limits, Loader, Mount, Open, Plugins, Running, System, Tool, Used,
};
use super::judge::judge;
use super::*;

/// A system that lacks nothing.
fn good() -> Facts {
    let open = Open {
        owner: Some(1000),
        mode: Some(0o755),
        mount: Some(Mount { point: "/".into(), kind: "ext4".to_owned(), noexec: false }),
        free_bytes: Some(20 << 30),
        writable: None,
    };
    let private = Open { owner: Some(0), mode: Some(0o1777), writable: Some(Ok(())), ..open.clone() };
    Facts {
        system: System {
            os: "linux",
            arch: "x86_64",
            kernel: Some("Linux 6.1.0".to_owned()),
            libc: Some("glibc 2.36".to_owned()),
        },
        loader: Loader::Opened("libgcc_s.so.1".to_owned()),
        user: Some(1000),
        plugins: Some(Plugins {
            folder: Folder { path: "plugins".into(), state: FolderState::Open(open) },
            usable: 6,
            refused: 0,
        }),
        homes: vec![Home {
            check: "temporary",
            option: "TMPDIR",
            folder: Folder { path: "/tmp".into(), state: FolderState::Open(private) },
        }],
        host: Some(Host::Running(Running {
            name: "dev.example.editor 1.6.0 (process 4711)".to_owned(),
            plugins: 6,
            retained: vec![("clock".to_owned(), 2)],
            mappings: Some(1200),
            ..Running::default()
        })),
        limits: Limits {
            files: Some(1024),
            threads: Some(u64::MAX),
            mappings: Some(65_530),
            watches: Some(Used { most: 192_536, used: 40 }),
            instances: Some(Used { most: 128, used: 3 }),
        },
        rustc: Tool::Found("rustc 1.95.0 (59807616e 2026-04-14)".to_owned()),
        cargo: Tool::Found("cargo 1.95.0 (abc 2026-04-14)".to_owned()),
        compiler: Tool::Found("cc (Debian 12.2.0) 12.2.0".to_owned()),
    }
}

fn private(facts: &mut Facts) -> &mut Open {
    let FolderState::Open(open) = &mut facts.homes[0].folder.state else { panic!("it is open") };
    open
}

fn plugins(facts: &mut Facts) -> &mut Plugins {
    facts.plugins.as_mut().expect("a folder")
}

fn host(facts: &mut Facts) -> &mut Running {
    let Some(Host::Running(running)) = &mut facts.host else { panic!("it runs") };
    running
}

fn open(facts: &mut Facts) -> &mut Open {
    let FolderState::Open(open) = &mut plugins(facts).folder.state else { panic!("it is open") };
    open
}

#[test]
fn a_good_system_gives_no_cause_for_complaint() {
    let lines = judge(&good());
    let text: Vec<_> = lines.iter().map(|line| strip_str(&super::text(line)).to_string()).collect();
    expect![[r#"
        ok    system     linux x86_64, Linux 6.1.0, glibc 2.36, plugin API 1.0.0 for x86_64-unknown-linux-gnu
        ok    loader     opens a private copy of libgcc_s.so.1
        ok    temporary  20 GiB free in /tmp
        ok    plugins    6 usable, 0 refused in plugins
        ok    host       dev.example.editor 1.6.0 (process 4711) runs 6 plugins
        ok    host       2 generations retained: 2 of clock
        ok    host       1,200 of 65,530 mappings in use
        ok    limits     1,024 open files
        ok    limits     any number of processes and threads of this user
        ok    limits     65,530 mappings of a process, enough for about 8,191 generations that are not closed
        ok    limits     40 of 192536 watched folders in use
        ok    limits     3 of 128 followers of folders in use
        ok    rustc      rustc 1.95.0 (59807616e 2026-04-14)
        ok    cargo      cargo 1.95.0 (abc 2026-04-14)
        ok    linker     cc (Debian 12.2.0) 12.2.0"#]]
    .assert_eq(&text.join("\n"));
    assert!(lines.iter().all(|line| line.verdict == Verdict::Ok));
}

#[test]
fn each_trouble_is_one_line_that_says_what_to_do() {
    type Break = fn(&mut Facts);
    let cases: [(&str, Verdict, &str, Break); 27] = [
        ("system", Verdict::Warn, "macos aarch64", |facts| {
            (facts.system.os, facts.system.arch) = ("macos", "aarch64");
        }),
        ("loader", Verdict::Fail, "statically", |facts| facts.loader = Loader::Absent),
        ("loader", Verdict::Fail, "failed to map segment", |facts| {
            facts.loader = Loader::Refused("failed to map segment from shared object".to_owned());
        }),
        ("temporary", Verdict::Fail, "mounted noexec", |facts| {
            private(facts).mount = Some(Mount { noexec: true, ..Mount::default() });
        }),
        ("temporary", Verdict::Fail, "read-only", |facts| {
            private(facts).writable = Some(Err("read-only file system".to_owned()));
        }),
        ("temporary", Verdict::Fail, "8 MiB free", |facts| private(facts).free_bytes = Some(8 << 20)),
        ("temporary", Verdict::Warn, "100 MiB free", |facts| private(facts).free_bytes = Some(100 << 20)),
        ("temporary", Verdict::Fail, "is not there", |facts| {
            facts.homes[0].folder.state = FolderState::Missing;
        }),
        ("temporary", Verdict::Warn, "everybody", |facts| private(facts).mode = Some(0o777)),
        ("plugins", Verdict::Fail, "is not there", |facts| {
            plugins(facts).folder.state = FolderState::Missing;
        }),
        ("plugins", Verdict::Fail, "not a folder", |facts| {
            plugins(facts).folder.state = FolderState::NotAFolder;
        }),
        ("plugins", Verdict::Fail, "permission denied", |facts| {
            plugins(facts).folder.state = FolderState::Closed("permission denied".to_owned());
        }),
        ("plugins", Verdict::Warn, "6 usable, 2 refused", |facts| plugins(facts).refused = 2),
        ("plugins", Verdict::Warn, "its owner decides", |facts| open(facts).owner = Some(1001)),
        ("plugins", Verdict::Warn, "the folder's group", |facts| open(facts).mode = Some(0o775)),
        ("plugins", Verdict::Warn, "nfs4", |facts| {
            open(facts).mount = Some(Mount { kind: "nfs4".to_owned(), ..Mount::default() });
        }),
        ("host", Verdict::Warn, "gives no answer", |facts| {
            facts.host = Some(Host::Silent("the socket is in use".to_owned()));
        }),
        ("host", Verdict::Warn, "notes, welcome-card", |facts| {
            host(facts).troubled = vec!["notes".to_owned(), "welcome-card".to_owned()];
        }),
        ("host", Verdict::Warn, "40 generations retained: 40 of clock", |facts| {
            host(facts).retained = vec![("clock".to_owned(), 40)];
        }),
        ("host", Verdict::Warn, "greeting is quarantined [RE0522]", |facts| {
            host(facts).quarantined = vec![("greeting".to_owned(), "RE0522".to_owned())];
        }),
        ("host", Verdict::Warn, "60,000 of 65,530", |facts| host(facts).mappings = Some(60_000)),
        ("limits", Verdict::Warn, "256 open files", |facts| facts.limits.files = Some(256)),
        ("limits", Verdict::Warn, "8,000 mappings", |facts| facts.limits.mappings = Some(8000)),
        ("limits", Verdict::Warn, "8190 of 8192", |facts| {
            facts.limits.watches = Some(Used { most: 8192, used: 8190 });
        }),
        ("limits", Verdict::Warn, "128 of 128", |facts| {
            facts.limits.instances = Some(Used { most: 128, used: 128 });
        }),
        ("rustc", Verdict::Warn, "1.80.1", |facts| {
            facts.rustc = Tool::Found("rustc 1.80.1 (3f5fd8dd4 2024-08-06)".to_owned());
        }),
        ("linker", Verdict::Warn, "no `cc`", |facts| facts.compiler = Tool::Missing),
    ];
    for (check, verdict, says, cause) in cases {
        let mut facts = good();
        cause(&mut facts);
        let lines = judge(&facts);
        let bad: Vec<_> = lines.iter().filter(|line| line.verdict != Verdict::Ok).collect();
        let [line] = bad[..] else { panic!("{says}: one line, not {bad:#?}") };
        assert_eq!((line.check, line.verdict), (check, verdict), "{line:?}");
        assert!(line.found.contains(says), "{says}: {line:?}");
        assert!(line.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{line:?}");
    }
}

#[test]
fn what_a_system_does_not_say_is_no_trouble() {
    let mut facts = good();
    (facts.plugins, facts.host) = (None, Some(Host::Absent));
    facts.limits = Limits::default();
    *private(&mut facts) = Open::default();
    facts.loader = Loader::NotTried("there is nothing to try it with");
    assert!(judge(&facts).iter().all(|line| line.verdict == Verdict::Ok), "{:#?}", judge(&facts));
}
