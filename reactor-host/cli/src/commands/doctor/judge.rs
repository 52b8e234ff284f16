//! What facts mean for a host. Pure.

use std::path::Path;

use reactor_abi::facts::{API_VERSION, TARGET};
use semver::Version;

use super::facts::{Facts, FolderState, Home, Host, Limits, Loader, Open, Plugins, System, Tool, Used};
use super::{Line, Verdict};

/// Copies of a few dozen plugins.
const SPACE: u64 = 256 << 20;
/// Not even one copy of a large plugin.
const NO_SPACE: u64 = 16 << 20;
/// What a generation takes, in mappings of its process: a library has five or six segments, a thread a stack.
const MAPPINGS_EACH: u64 = 8;
/// The oldest Rust that the plugin API compiles with.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Everything that there is to say, in the order in which a host needs it.
pub(super) fn judge(facts: &Facts) -> Vec<Line> {
    let mut lines = vec![system(&facts.system), loader(&facts.loader)];
    lines.extend(facts.homes.iter().flat_map(|found| home(found, facts.user)));
    if let Some(found) = &facts.plugins {
        lines.extend(plugins(found, facts.user));
    }
    if let Some(found) = &facts.host {
        lines.extend(host(found, facts.limits.mappings));
    }
    lines.extend(limits(&facts.limits));
    lines.extend([rust("rustc", &facts.rustc), rust("cargo", &facts.cargo), compiler(&facts.compiler)]);
    lines
}

fn ok(check: &'static str, found: impl Into<String>) -> Line {
    Line { check, verdict: Verdict::Ok, found: found.into(), remedy: None }
}

fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Line {
    Line { check, verdict: Verdict::Warn, found: found.into(), remedy: Some(remedy.into()) }
}

fn fail(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Line {
    Line { check, verdict: Verdict::Fail, found: found.into(), remedy: Some(remedy.into()) }
}

fn system(system: &System) -> Line {
    let System { os, arch, kernel, libc } = system;
    let rest = [kernel.as_deref(), libc.as_deref()].into_iter().flatten().map(|part| format!(", {part}"));
    let found = format!("{os} {arch}{}, plugin API {API_VERSION} for {TARGET}", rest.collect::<String>());
    if *os == "linux" && *arch == "x86_64" {
        return ok("system", found);
    }
    let advice = "the tests have not run on this system: see what the book says of platforms";
    warn("system", found, advice)
}

fn loader(loader: &Loader) -> Line {
    const CHECK: &str = "loader";
    match loader {
        Loader::Opened(library) => ok(CHECK, format!("opens a private copy of {library}")),
        Loader::Absent => fail(
            CHECK,
            "this program is linked statically and has no loader",
            "build it for a target with one, such as x86_64-unknown-linux-gnu; an application can link its plugins",
        ),
        Loader::Refused(words) => fail(
            CHECK,
            format!("does not open a private copy: {words}"),
            "name another folder for private copies, or allow libraries to be loaded from this one",
        ),
        Loader::NotTried(why) => ok(CHECK, format!("not tried: {why}")),
    }
}

fn home(home: &Home, user: Option<u32>) -> Vec<Line> {
    let Home { check, option, folder } = home;
    let (check, path) = (*check, folder.path.display());
    let open = match &folder.state {
        FolderState::Open(open) => open,
        state => {
            let found = format!("{path} {}", trouble(state));
            return vec![fail(check, found, format!("make it, or name another one by {option}"))];
        }
    };
    let mut lines = Vec::new();
    if let Some(mount) = open.mount.as_ref().filter(|mount| mount.noexec) {
        lines.push(fail(
            check,
            format!(
                "{path} stands on {}, which is mounted noexec: no library can be loaded from it",
                mount.point.display()
            ),
            format!("name a folder elsewhere by {option}, or mount it with exec"),
        ));
    }
    if let Some(Err(words)) = &open.writable {
        lines.push(fail(
            check,
            format!("nothing can be written to {path}: {words}"),
            format!("name another folder by {option}"),
        ));
    }
    lines.extend(others(check, &folder.path, open, user));
    if let Some(free) = open.free_bytes {
        let found = format!("{} free in {path}", size(free));
        lines.push(match free {
            ..NO_SPACE => fail(check, found, format!("make room, or name another folder by {option}")),
            NO_SPACE..SPACE => {
                warn(check, found, "make room: each plugin, and each swap, takes a copy of its library")
            }
            _ => ok(check, found),
        });
    }
    if lines.is_empty() {
        lines.push(ok(check, format!("{path} can be used")));
    }
    lines
}

/// As many retained generations as are worth a look.
const RETAINED: usize = 16;

fn host(host: &Host, mappings: Option<u64>) -> Vec<Line> {
    const CHECK: &str = "host";
    let host = match host {
        Host::Absent => return vec![ok(CHECK, "none runs for this folder")],
        Host::Silent(why) => {
            return vec![warn(
                CHECK,
                format!("one seems to run, and gives no answer: {why}"),
                "look at that process",
            )];
        }
        Host::Running(host) => host,
    };
    let mut lines = vec![ok(CHECK, format!("{} runs {}", host.name, counted(host.plugins, "plugin")))];
    if !host.troubled.is_empty() {
        lines.push(warn(
            CHECK,
            format!("does not run: {}", host.troubled.join(", ")),
            "`reactor list` says why",
        ));
    }
    let retained: usize = host.retained.iter().map(|(_, number)| number).sum();
    if retained > 0 {
        let of: Vec<_> =
            host.retained.iter().map(|(plugin, number)| format!("{number} of {plugin}")).collect();
        let found = format!("{} retained: {}", counted(retained, "generation"), of.join(", "));
        lines.push(if retained < RETAINED {
            ok(CHECK, found)
        } else {
            warn(
                CHECK,
                found,
                "`reactor events` says what holds them; what can not be let go goes with the host",
            )
        });
    }
    for (plugin, code) in &host.quarantined {
        let remedy = format!("build it anew, or lift it: `reactor quarantine --lift {plugin}`");
        lines.push(warn(CHECK, format!("a build of {plugin} is quarantined [{code}]"), remedy));
    }
    if let Some((used, most)) = host.mappings.zip(mappings) {
        let found = format!("{} of {} mappings in use", number(Some(used)), number(Some(most)));
        let near = used > most / 5 * 4;
        lines.push(if near {
            warn(CHECK, found, "raise vm.max_map_count, or restart the host")
        } else {
            ok(CHECK, found)
        });
    }
    lines
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn plugins(plugins: &Plugins, user: Option<u32>) -> Vec<Line> {
    const CHECK: &str = "plugins";
    let Plugins { folder, usable, refused } = plugins;
    let path = folder.path.display();
    let open = match &folder.state {
        FolderState::Open(open) => open,
        FolderState::Missing => {
            let advice =
                "name the folder with the plugins; `reactor run` waits for one that is not there yet";
            return vec![fail(CHECK, format!("{path} is not there"), advice)];
        }
        state => {
            return vec![fail(
                CHECK,
                format!("{path} {}", trouble(state)),
                "name another folder, or open it",
            )];
        }
    };
    let mut lines: Vec<_> = others(CHECK, &folder.path, open, user).into_iter().collect();
    let found = format!("{usable} usable, {refused} refused in {path}");
    lines.push(if *refused > 0 {
        warn(CHECK, found, format!("`reactor list {path}` says why"))
    } else {
        ok(CHECK, found)
    });
    if let Some(mount) = open.mount.as_ref().filter(|mount| is_far(&mount.kind)) {
        lines.push(warn(
            CHECK,
            format!("{path} stands on {} ({}), which tells of no changes", mount.point.display(), mount.kind),
            "nothing, if changes may be seen two seconds late; else copy the plugins to a local folder",
        ));
    }
    lines
}

fn trouble(state: &FolderState) -> String {
    match state {
        FolderState::Missing => "is not there".to_owned(),
        FolderState::NotAFolder => "is not a folder".to_owned(),
        FolderState::Closed(words) => format!("can not be listed: {words}"),
        FolderState::Open(_) => "can be used".to_owned(),
    }
}

/// File systems whose changes are made elsewhere.
fn is_far(kind: &str) -> bool {
    ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "virtiofs", "ceph"].contains(&kind)
}

/// That others could change what is in a folder whose content is run.
fn others(check: &'static str, path: &Path, open: &Open, user: Option<u32>) -> Option<Line> {
    const STICKY: u32 = 0o1000;
    let (mode, path) = (open.mode?, path.display());
    let strangers = open.owner.zip(user).filter(|(owner, user)| owner != user && *owner != 0);
    if let Some((owner, user)) = strangers {
        let found = format!(
            "{path} belongs to user {owner}, and this is user {user}: its owner decides what code runs"
        );
        return Some(warn(check, found, "use a folder of your own"));
    }
    let writable = mode & 0o022 != 0 && mode & STICKY == 0;
    writable.then(|| {
        let whose = if mode & 0o002 != 0 { "everybody" } else { "the folder's group" };
        let found = format!(
            "{path} can be changed by {whose} (mode {:04o}): so can the code that runs",
            mode & 0o7777
        );
        warn(check, found, format!("`chmod go-w {path}`"))
    })
}

fn limits(limits: &Limits) -> Vec<Line> {
    const CHECK: &str = "limits";
    let mut lines = Vec::new();
    let mut at_least = |most: Option<u64>, least: u64, what: String, remedy: &str| {
        lines.extend(most.map(|most| if most < least { warn(CHECK, what, remedy) } else { ok(CHECK, what) }));
    };
    let files = number(limits.files);
    at_least(limits.files, 1024, format!("{files} open files"), "raise it: `ulimit -n 4096`");
    let threads = number(limits.threads);
    let what = format!("{threads} processes and threads of this user");
    at_least(limits.threads, 512, what, "raise it: `ulimit -u 4096`");
    let generations = number(limits.mappings.map(|most| most / MAPPINGS_EACH));
    let mappings = number(limits.mappings);
    let what = format!(
        "{mappings} mappings of a process, enough for about {generations} generations that are not closed"
    );
    at_least(limits.mappings, 32_768, what, "raise it: `sysctl vm.max_map_count=65530`");
    let used = [
        (limits.watches, "watched folders", "fs.inotify.max_user_watches", 64),
        (limits.instances, "followers of folders", "fs.inotify.max_user_instances", 4),
    ];
    for (limit, what, key, least) in used {
        let Some(Used { most, used }) = limit else { continue };
        let found = format!("{used} of {most} {what} in use");
        lines.push(if most.saturating_sub(used) < least {
            let remedy = format!(
                "raise it: `sysctl {key}={}`; until then changes are seen two seconds late",
                most * 4
            );
            warn(CHECK, found, remedy)
        } else {
            ok(CHECK, found)
        });
    }
    lines
}

fn rust(check: &'static str, tool: &Tool) -> Line {
    let Tool::Found(words) = tool else {
        return warn(
            check,
            "not found",
            "install Rust's toolchain: `dev` and `build` need it, `run` does not",
        );
    };
    let version = words.split(' ').nth(1).and_then(|version| Version::parse(version).ok());
    let needed = format!("{RUST}.0").parse::<Version>().or_else(|_| RUST.parse());
    match (version, needed) {
        (Some(version), Ok(needed)) if version < needed => {
            warn(check, format!("{words}; the plugin API needs {RUST}"), "update it: `rustup update`")
        }
        _ => ok(check, words),
    }
}

fn compiler(tool: &Tool) -> Line {
    const CHECK: &str = "linker";
    match tool {
        Tool::Found(words) => ok(CHECK, words),
        Tool::Missing => warn(
            CHECK,
            "no `cc`",
            "install a C compiler: Rust links by it; `dev` and `build` need it, `run` does not",
        ),
    }
}

/// `65,530`, or `any number of`.
fn number(number: Option<u64>) -> String {
    let Some(number) = number.filter(|number| *number < u64::MAX / 2) else {
        return "any number of".to_owned();
    };
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn size(bytes: u64) -> String {
    match bytes {
        ..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
