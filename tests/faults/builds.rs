//! Builds that do not fit: refused by code, and what runs goes on.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use reactor_host::{Host, PluginStatus, Value, value};
use reactor_tests::corpus::{self, patched};
use reactor_tests::drifted::{self, Drift};
use reactor_tests::folder::Folder;
use reactor_tests::puppet::Script;
use reactor_tests::{tell, trusted};

/// The two fields of a type that crosses the boundary, the other way round. Nothing but the check of the layout tells.
const SWAPPED_FIELDS: Drift = Drift {
    name: "swapped-fields",
    file: "src/ffi/root.rs",
    from: "    pub status: Status,\n    /// The instance, to be passed back to `call` and `destroy`; null when there is none.\n    \
           pub instance: *mut u8,\n",
    to: "    pub instance: *mut u8,\n    /// How it went.\n    pub status: Status,\n",
};

/// Fewer counters in a binding: a frozen type of another size.
const FEWER_COUNTERS: Drift = Drift {
    name: "fewer-counters",
    file: "src/ffi.rs",
    from: "pub const SHARDS: usize = 32;",
    to: "pub const SHARDS: usize = 16;",
};

/// A build that does not fit.
struct Misfit {
    what: &'static str,
    library: Vec<u8>,
    /// A manifest beside it.
    manifest: Option<&'static str>,
    /// The code with which it is refused.
    code: &'static str,
    /// What the message names.
    named: &'static str,
    /// The code with which its dependant is refused, when there was no build before.
    dependant: &'static str,
}

fn misfits() -> Vec<Misfit> {
    let good = corpus::bytes("do-as-told");
    let target = format!("target={}", reactor_abi::facts::TARGET);
    let elsewhere = format!("{}?", &target[..target.len() - 1]);
    #[rustfmt::skip]
    let table = vec![
        Misfit { what: "made for another API",        library: patched(&good, "api = \"^1\"", "api = \"^9\""), manifest: None, code: "RE0401", named: "^9",           dependant: "RE0409" },
        Misfit { what: "fields the other way round",  library: drifted::library("do-as-told", &SWAPPED_FIELDS),    manifest: None, code: "RE0312", named: "field_name:instance",      dependant: "RE0417" },
        Misfit { what: "other frozen types",          library: drifted::library("do-as-told", &FEWER_COUNTERS),    manifest: None, code: "RE0302", named: reactor_abi::facts::FINGERPRINT_HEX, dependant: "RE0417" },
        Misfit { what: "no entry",                    library: patched(&good, "reactor_plugin_v1", "reactor_plugin_v0"), manifest: None, code: "RE0307", named: "reactor_plugin_v1", dependant: "RE0417" },
        Misfit { what: "another target",              library: patched(&good, &target, &elsewhere),                manifest: None, code: "RE0304", named: reactor_abi::facts::TARGET, dependant: "RE0417" },
        Misfit { what: "two versions",                library: good.clone(), manifest: Some("schema = 1\nid = \"do-as-told\"\nversion = \"2.0.0\"\napi = \"^1\""), code: "RE0119", named: "2.0.0", dependant: "RE0404" },
        Misfit { what: "two ids",                     library: good.clone(), manifest: Some("schema = 1\nid = \"do-as-we-like\"\nversion = \"1.0.0\"\napi = \"^1\""), code: "RE0119", named: "do-as-we-like", dependant: "RE0404" },
        Misfit { what: "another application's",       library: good, manifest: Some("schema = 1\nid = \"do-as-told\"\nversion = \"1.0.0\"\napi = \"^1\"\n[host]\napp = \"dev.other\""), code: "RE0402", named: "dev.other", dependant: "RE0409" },
    ];
    table
}

/// What is wrong with the file or the plugin in it.
fn refusal(host: &Host, file: &std::path::Path) -> (String, String) {
    let list = host.list();
    let info = list.iter().find(|info| info.path.as_deref() == Some(file)).expect("it is listed");
    let reason = match (&info.status, &info.refused_build) {
        (PluginStatus::Refused(reason) | PluginStatus::Failed(reason), _) | (_, Some(reason)) => reason,
        other => panic!("{other:?}"),
    };
    (reason.code.clone(), reason.message.clone())
}

#[test]
fn a_build_that_does_not_fit_is_refused_by_code_and_nobody_else_is_harmed() {
    let good = corpus::bytes("do-as-told");
    for Misfit { what, library, manifest, code, named, dependant } in misfits() {
        for after_a_good_one in [false, true] {
            let folder = Folder::new();
            folder.put("libanswer.so", &corpus::bytes("answer-one"));
            if after_a_good_one {
                folder.put("libdo_as_told.so", &good);
            }
            let (text, entry) = Script::new("dependant").needs(&["do-as-told"]).build();
            let builder = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path());
            let host = trusted(builder).plugin(text, entry).build().expect("a host");
            host.start().expect("the host starts");

            if let Some(manifest) = manifest {
                folder.put("do_as_told.toml", manifest.as_bytes());
            }
            let file = folder.put("libdo_as_told.so", &library);
            let report = host.rescan().expect("the host runs");
            let (found, message) = refusal(&host, &file);
            assert_eq!(found, code, "{what}: {message}");
            assert!(message.contains(named), "{what}: `{named}` is not in: {message}");
            let told = report.failures().any(|outcome| format!("{outcome:?}").contains(code));
            assert!(told, "{what}: {report:#?}");
            assert_eq!(
                host.invoke("answer", "which", &Value::Null).expect("it serves"),
                value!([1, 1]),
                "{what}"
            );
            let through = host.invoke("dependant", "mark", &Value::Null);
            if after_a_good_one {
                assert!(through.is_ok(), "{what}: {through:?}");
                assert!(host.invoke("do-as-told", "echo", &value!(1)).is_ok(), "{what}");
            } else {
                let PluginStatus::Refused(reason) = tell::status(&host, "dependant") else {
                    panic!("{what}: {:?}", host.list())
                };
                assert_eq!(reason.code, dependant, "{what}: {}", reason.message);
                assert_eq!(tell::error(through).0, "RE0601", "{what}");
            }

            if manifest.is_some() {
                folder.remove("do_as_told.toml");
            }
            folder.put("libdo_as_told.so", &good);
            let report = host.rescan().expect("the host runs");
            assert!(report.is_ok(), "{what}: {report:#?}");
            assert_eq!(tell::mark(&host, "dependant"), "dependant", "{what}: it is back");
        }
    }
}

#[test]
fn a_name_that_is_no_utf_8_is_taken_as_it_is_or_refused_by_code() {
    let folder = Folder::new();
    let name = |bytes: &[u8]| folder.path().join(OsStr::from_bytes(bytes));
    std::fs::write(name(b"lib\xff\xfe.so"), corpus::bytes("answer-one")).expect("a file");
    let inside = name(b"plugin-\xff");
    std::fs::create_dir(&inside).expect("a folder");
    std::fs::write(inside.join("libdo_as_told.so"), corpus::bytes("do-as-told")).expect("a file");
    let manifest = "schema = 1\nid = \"do-as-told\"\nversion = \"1.0.0\"\napi = \"^1\"";
    std::fs::write(inside.join("plugin.toml"), manifest).expect("a file");
    let host = reactor_tests::host(folder.path());
    let report = host.start().expect("the host starts");
    assert_eq!(host.invoke("answer", "which", &Value::Null).expect("it serves").to_string(), "[1,1]");
    let (code, message, _) = tell::failure(&report, "do-as-told");
    assert_eq!(code, "RE0313", "{message}");
    assert!(message.contains("rename"), "{message}");
}
