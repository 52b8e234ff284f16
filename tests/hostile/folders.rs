//! What is done to the folder itself: mounted over, made unreadable, shared, without events, with clocks that jump.

use std::fs::{self, File, FileTimes, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use reactor_host::discover::Settings;
use reactor_host::{Event, EventKind, Host, PluginInfo, PluginStatus, Value};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, need, tell, trusted, wait};

fn builder(folder: &Path) -> reactor_host::HostBuilder {
    let settings = Settings { delete_grace: Some(Duration::ZERO), ..Settings::default() };
    trusted(Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder)).watching(settings)
}

fn which(host: &Host) -> u64 {
    let answer = host.invoke("answer", "which", &Value::Null).expect("it serves");
    answer.read::<(u64, u64)>().expect("two numbers").0
}

fn is(event: &Event, kind: fn(&EventKind) -> bool) -> Option<()> {
    (tell::is_about(event, "answer") && kind(&event.kind)).then_some(())
}

fn stopped(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Stopped { .. })
}

fn loaded(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Loaded { .. })
}

fn swapped(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Swapped { .. })
}

/// The code with which this path is listed as refused.
fn refusal(host: &Host, path: &Path) -> Option<String> {
    let row = host.list().into_iter().find(|info| info.path.as_deref() == Some(path))?;
    match row.status {
        PluginStatus::Refused(reason) => Some(reason.code),
        _ => None,
    }
}

/// A file system mounted over a folder; unmounted when dropped.
struct Mounted<'f>(&'f Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn what_is_mounted_over_the_folder_and_unmounted_is_followed() {
    let root = Folder::new();
    let plugins = root.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder");
    if need::missing("mount") {
        return;
    }
    let mount = || {
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "mode=755", "none"]).arg(&plugins);
        command.output().is_ok_and(|output| output.status.success())
    };
    if !mount() {
        let all = std::env::var_os("REACTOR_TEST_ALL").is_some_and(|value| value == "1");
        let may = rustix::process::geteuid().is_root();
        assert!(!(all && may), "REACTOR_TEST_ALL=1 asks for every test, and root can not mount here");
        println!("not run: mount missing");
        return;
    }
    drop(Mounted(&plugins));

    fs::write(plugins.join("libanswer.so"), corpus::bytes("answer-one")).expect("written");
    let host = builder(&plugins).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let _watch = host.watch().expect("the folder is followed");
    let events = host.events();
    assert!(mount(), "as before");
    let mounted = Mounted(&plugins);
    wait::event(&events, |event| is(event, stopped));
    fs::write(plugins.join("libanswer.so"), corpus::bytes("answer-two")).expect("written");
    wait::event(&events, |event| is(event, loaded));
    assert_eq!(which(&host), 2);
    drop(mounted);
    wait::event(&events, |event| is(event, swapped));
    assert_eq!(which(&host), 1);
}

#[test]
fn a_folder_that_is_made_unreadable_stops_nothing_and_is_followed_again_when_it_can_be_read() {
    const NAME: &str = "hostile::folders::a_folder_that_is_made_unreadable_stops_nothing_and_is_followed_again_when_it_can_be_read";
    const NOBODY: u32 = 65_534;
    if rustix::process::geteuid().is_root() {
        // Root reads everything: the test is run as somebody who does not.
        let this = std::env::current_exe().expect("a test binary has a path");
        corpus::library("answer-one");
        let mut command = Command::new(this);
        command.args(["--exact", NAME]).env("TMPDIR", "/tmp").uid(NOBODY).gid(NOBODY).current_dir("/");
        let Ok(output) = command.output() else {
            println!("not run: a build that other users can run is missing");
            return;
        };
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    // Built by whoever started this; cargo is not asked again, since its folder is not this user's.
    let bytes = |name: &str| fs::read(corpus::root().join(format!("target/corpus/debug/lib{name}.so")));
    let (Ok(one), Ok(two)) = (bytes("answer_one"), bytes("answer_two")) else {
        corpus::library("answer-one");
        panic!("the corpus was just built");
    };
    let root = Folder::new();
    let plugins = root.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder");
    let library = plugins.join("libanswer.so");
    fs::write(&library, one).expect("written");
    let host = builder(&plugins).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let _watch = host.watch().expect("the folder is followed");
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).expect("its own");
    set(&plugins, 0o000);
    wait::until("it is told", || refusal(&host, &plugins).as_deref() == Some("RE0151"));
    assert_eq!(which(&host), 1, "what runs goes on");
    set(&plugins, 0o755);
    wait::until("it is taken back", || refusal(&host, &plugins).is_none());
    set(&library, 0o000);
    let code = |info: &PluginInfo| info.refused_build.as_ref().map(|reason| reason.code.clone());
    wait::until("it is told", || host.list().iter().any(|info| code(info).as_deref() == Some("RE0140")));
    assert_eq!(which(&host), 1, "what runs goes on");
    let events = host.events();
    set(&library, 0o644);
    fs::write(&library, two).expect("written");
    wait::event(&events, |event| is(event, swapped));
    assert_eq!(which(&host), 2);
}

#[test]
fn a_folder_without_events_is_followed_by_polling() {
    let folder = Folder::new();
    let path = folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let host = builder(folder.path()).poll_every(Duration::from_millis(5)).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let watch = host.watch().expect("the folder is polled");
    let events = host.events();
    folder.put("libanswer.so", &corpus::bytes("answer-two"));
    wait::event(&events, |event| is(event, swapped));
    assert_eq!(which(&host), 2);
    fs::remove_file(path).expect("removed");
    wait::event(&events, |event| is(event, stopped));
    // Looks come by the clock, whatever happens; what does not change is not read.
    let before = watch.effort();
    wait::until("it looks on", || watch.effort().looks > before.looks + 20);
    assert_eq!(watch.effort().files_read, before.files_read, "an empty folder holds nothing to read");
    assert_eq!(watch.effort().pulses, 0, "no look is made twice");
}

#[test]
fn times_that_lie_change_nothing_about_what_is_taken() {
    let bytes = corpus::bytes("answer-one");
    let folder = Folder::new();
    let path = folder.put("libanswer.so", &bytes);
    let host = builder(folder.path()).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let _watch = host.watch().expect("the folder is followed");
    let day = Duration::from_hours(24);
    let now = SystemTime::now();
    let times = [SystemTime::UNIX_EPOCH, now + 36_500 * day, now, now - 365 * day];
    for (number, time) in times.into_iter().enumerate() {
        let events = host.events();
        // The same size, and the time of the file before: only bytes tell.
        let version = format!("version = \"1.0.{}\"", number + 1);
        let next = corpus::patched(&bytes, "version = \"1.0.0\"", &version);
        let set = |path: &Path| {
            let file = File::options().write(true).open(path).expect("its own");
            file.set_times(FileTimes::new().set_modified(time)).expect("its own");
        };
        set(&path);
        fs::write(&path, next).expect("written in place");
        set(&path);
        wait::event(&events, |event| is(event, swapped));
        let version = semver::Version::new(1, 0, u64::try_from(number + 1).expect("small"));
        wait::until("the list says so", || host.list().remove(0).version.as_ref() == Some(&version));
    }
}

#[test]
fn a_folder_that_others_can_write_to_is_refused_with_its_code_and_what_runs_goes_on() {
    let root = Folder::new();
    let plugins = root.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder");
    let set = |mode| fs::set_permissions(&plugins, Permissions::from_mode(mode)).expect("its own");
    fs::write(plugins.join("libanswer.so"), corpus::bytes("answer-one")).expect("written");
    set(0o777);
    let host = builder(&plugins).build().expect("a host");
    let report = host.start().expect("the host starts");
    let failure = format!("{:?}", report.failures().next().expect("it is refused"));
    for part in ["RE0164", "mode 0777", "owner", "chmod go-w", &plugins.display().to_string()] {
        assert!(failure.contains(part), "`{part}` is not in: {failure}");
    }
    assert_eq!(refusal(&host, &plugins).as_deref(), Some("RE0164"));

    let _watch = host.watch().expect("the folder is followed");
    let events = host.events();
    set(0o755);
    wait::event(&events, |event| is(event, loaded));
    set(0o707);
    wait::until("it is told", || refusal(&host, &plugins).as_deref() == Some("RE0164"));
    fs::write(plugins.join("libanswer.so"), corpus::bytes("answer-two")).expect("written");
    let report = host.swap("answer").expect("the host runs");
    assert!(!report.is_ok(), "nothing is taken from there: {report:?}");
    assert_eq!(which(&host), 1, "what runs goes on");
    set(0o700);
    wait::event(&events, |event| is(event, swapped));
    assert_eq!(which(&host), 2);
}

#[test]
fn who_develops_may_allow_shared_folders() {
    let root = Folder::new();
    let plugins = root.path().join("plugins");
    fs::create_dir(&plugins).expect("a folder");
    fs::write(plugins.join("libanswer.so"), corpus::bytes("answer-one")).expect("written");
    fs::set_permissions(&plugins, Permissions::from_mode(0o777)).expect("its own");
    let host = builder(&plugins).allow_shared_folders(true).build().expect("a host");
    assert!(host.start().expect("the host starts").is_ok());
    let _watch = host.watch().expect("the folder is followed");
    let events = host.events();
    fs::write(plugins.join("libanswer.so"), corpus::bytes("answer-two")).expect("written");
    wait::event(&events, |event| is(event, swapped));
    assert_eq!(which(&host), 2);
}
