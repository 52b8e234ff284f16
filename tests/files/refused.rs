//! Files that can not be used.

use reactor_host::{Host, PluginInfo, PluginStatus};
use reactor_tests::folder::Folder;
use reactor_tests::{corpus, tell, wait};

use super::{Watched, echoes};

/// What is wrong with a library, and the code that says so.
fn broken(good: &[u8]) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let mut zero_tail = good.to_vec();
    let from = zero_tail.len() / 2;
    zero_tail[from..].fill(0);
    vec![
        ("garbage", b"this is no library at all".repeat(100), "RE0120"),
        ("empty", Vec::new(), "RE0121"),
        ("truncated", good[..good.len() * 6 / 10].to_vec(), "RE0121"),
        ("without its end", good[..good.len() - 1].to_vec(), "RE0121"),
        ("with a tail of zeros", zero_tail, "RE0123"),
    ]
}

#[test]
fn garbage_dropped_in_is_refused_with_its_code_and_the_others_go_on() {
    let watched = Watched::new(None);
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let generation = watched.loaded("answer");
    for (what, bytes, _) in broken(&corpus::bytes("do-as-told")) {
        let path = watched.folder.put("libdo_as_told.so", &bytes);
        let (code, message) = watched.refused(&path);
        assert!(code.starts_with("RE01"), "{what}: {code} {message}");
        assert!(message.contains("libdo_as_told.so"), "{what}: the message names the file: {message}");
        let is_it = |info: &PluginInfo| {
            info.path.as_ref() == Some(&path)
                && matches!(&info.status, PluginStatus::Refused(reason) if reason.message == message)
        };
        wait::until("it is listed with the reason", || watched.host.list().iter().any(is_it));
        assert_eq!(watched.which(), (1, generation));
    }
    watched.folder.put("libdo_as_told.so", &corpus::bytes("do-as-told"));
    watched.loaded("do-as-told");
}

#[test]
fn a_broken_build_over_a_running_one_is_refused_and_the_running_one_goes_on() {
    let watched = Watched::new(None);
    let path = watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let generation = watched.loaded("answer");
    for (what, bytes, expected) in broken(&corpus::bytes("answer-two")) {
        watched.folder.put("libanswer.so", &bytes);
        let (code, message) = watched.refused(&path);
        assert_eq!(code, expected, "{what}: {message}");
        assert_eq!(watched.which(), (1, generation), "{what}");
        assert_eq!(tell::status(&watched.host, "answer"), PluginStatus::Running { generation });
    }
    wait::until("the list shows the build that was refused", || {
        watched.host.list().remove(0).refused_build.is_some_and(|reason| reason.code.starts_with("RE01"))
    });
    watched.folder.put("libanswer.so", &corpus::bytes("answer-two"));
    watched.swapped("answer");
    assert_eq!(watched.which().0, 2);
}

#[test]
fn a_refusal_is_taken_back_when_the_good_file_returns() {
    let watched = Watched::new(None);
    let path = watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let generation = watched.loaded("answer");
    watched.folder.put("libanswer.so", &corpus::bytes("answer-two")[..1_000]);
    watched.refused(&path);
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    wait::until("the list forgets the refusal", || {
        let list = watched.host.list();
        list.len() == 1 && list[0].refused_build.is_none()
    });
    assert_eq!(watched.which(), (1, generation));
}

#[test]
fn a_library_of_another_abi_is_refused_with_both_fingerprints_and_never_opened() {
    let data = Folder::new();
    let folder = Folder::new();
    let ours = format!("fingerprint={}", reactor_abi::facts::FINGERPRINT_HEX);
    let theirs = "fingerprint=0123456789abcdef";
    let path = folder.put("libanswer.so", &corpus::patched(&corpus::bytes("answer-one"), &ours, theirs));
    folder.put("libdo_as_told.so", &corpus::bytes("do-as-told"));
    let builder =
        Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path()).data_dir(data.path());
    let host = reactor_tests::trusted(builder).build().expect("a host");
    let report = host.start().expect("the host starts");
    let (code, message, serving) = tell::failure(&report, "answer");
    assert_eq!((code.as_str(), serving), ("RE0302", None));
    for named in ["0123456789abcdef", reactor_abi::facts::FINGERPRINT_HEX, &path.display().to_string()] {
        assert!(message.contains(named), "`{named}` is not in: {message}");
    }
    let staged = super::private::staged(data.path());
    assert_eq!(staged.len(), 1, "a private copy was made of the other one only: {staged:?}");
    echoes(&host, "do-as-told");
}

#[test]
fn a_manifest_that_disagrees_with_the_embedded_one_is_refused_with_both_values() {
    let base = [("id", "\"answer\""), ("version", "\"1.0.0\""), ("api", "\"^1\"")];
    for (key, value) in [("id", "\"other\""), ("version", "\"1.0.1\""), ("api", "\"^1.0.0\"")] {
        let watched = Watched::new(None);
        let lines = base.map(|(name, own)| format!("{name} = {}", if name == key { value } else { own }));
        watched.folder.put("answer.toml", format!("schema = 1\n{}\n", lines.join("\n")).as_bytes());
        let path = watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
        let (code, message) = watched.refused(&path);
        assert_eq!(code, "RE0119", "{message}");
        for named in [key, value.trim_matches('"'), "answer.toml"] {
            assert!(message.contains(named), "`{named}` is not in: {message}");
        }
        assert!(watched.host.list().iter().all(|info| !matches!(info.status, PluginStatus::Running { .. })));
    }
}

#[test]
fn a_slip_in_a_manifest_is_told_with_file_line_and_column() {
    let watched = Watched::new(None);
    let manifest = watched.folder.put("answer.toml", b"schema = 1\nid = \"answer\"\nversoin = \"1.0.0\"\n");
    watched.folder.put("libanswer.so", &corpus::bytes("answer-one"));
    let list = || watched.host.list();
    wait::until("it is listed", || !list().is_empty());
    let PluginStatus::Refused(reason) = list().remove(0).status else { panic!("{:?}", list()) };
    assert_eq!(reason.code, "RE0103");
    let place = format!("{}:3:1", manifest.display());
    assert!(reason.message.contains(&place) && reason.message.contains("versoin"), "{}", reason.message);
}

#[test]
fn native_code_is_not_loaded_unless_the_embedder_accepts_it() {
    let folder = Folder::new();
    let built = Host::builder("dev.reactor.tests", "1.0.0").plugins_dir(folder.path()).build();
    assert_eq!(built.err().map(|error| error.code()), Some("RE0801"));
}
