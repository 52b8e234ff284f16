//! Good plugins among many that are broken in many ways.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use reactor_host::{PluginStatus, Value};
use reactor_tests::corpus;
use reactor_tests::folder::Folder;

const KINDS: usize = 20;

/// A library of the corpus under another id of the same length.
fn answer(id: &str) -> Vec<u8> {
    corpus::patched(&corpus::bytes("answer-one"), "id = \"answer\"", &format!("id = \"{id}\""))
}

fn manifest(id: &str) -> String {
    format!("schema = 1\nid = \"{id}\"\nversion = \"1.0.0\"\napi = \"^1\"\n")
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, bytes).expect("written");
}

/// Makes something broken, and answers the path that will be told, with the codes that may be.
fn broken(plugins: &Path, number: usize) -> (PathBuf, &'static [&'static str]) {
    if (13..18).contains(&(number % KINDS)) {
        return broken_folder(&plugins.join(format!("own{number}")), number);
    }
    let path = plugins.join(format!("libx{number}.so"));
    let codes = broken_library(&path, number);
    (path, codes)
}

/// A lone library.
fn broken_library(lone: &Path, number: usize) -> &'static [&'static str] {
    let good = corpus::bytes("answer-one");
    let mut patched = good.clone();
    match number % KINDS {
        0 => {
            write(lone, &good[..good.len() * (number / KINDS + 1) / 12]);
            &["RE0121"]
        }
        1 => {
            write(lone, b"");
            &["RE0121"]
        }
        2 => {
            write(lone, "no library, only words\n".repeat(number + 3).as_bytes());
            &["RE0120"]
        }
        3 => {
            let from = good.len() / 2;
            patched[from..].fill(0);
            write(lone, &patched);
            &["RE0123"]
        }
        4 => {
            // e_type: a program.
            patched[16] = 2;
            write(lone, &patched);
            &["RE0122"]
        }
        5 => {
            // e_machine: RISC-V.
            patched[18] = 243;
            write(lone, &patched);
            &["RE0147"]
        }
        6 => {
            // e_phnum: far too many.
            patched[56..58].copy_from_slice(&[0xff, 0x7f]);
            write(lone, &patched);
            &["RE0121", "RE0124"]
        }
        7 => {
            write(lone, b"!<arch>\nnothing in it, but long enough to be looked at as a library is");
            &["RE0122"]
        }
        8 => {
            symlink("/dev/null", lone).expect("linked");
            &["RE0141"]
        }
        9 => {
            assert!(std::process::Command::new("mkfifo").arg(lone).status().expect("mkfifo").success());
            &["RE0141"]
        }
        10 => {
            symlink(lone, lone).expect("linked");
            &["RE0140"]
        }
        11 => {
            symlink(lone.with_file_name("nowhere"), lone).expect("linked");
            &["RE0140"]
        }
        12 => {
            write(lone, &answer(&format!("w-{number:04}")));
            fs::set_permissions(lone, fs::Permissions::from_mode(0o666)).expect("its own");
            &["RE0164"]
        }
        18 => {
            write(lone, &good);
            write(&lone.with_extension("toml"), manifest("elsewhere").as_bytes());
            &["RE0119"]
        }
        _ => {
            let ours = format!("fingerprint={}", reactor_abi::facts::FINGERPRINT_HEX);
            let old =
                corpus::patched(&answer(&format!("f-{number:04}")), &ours, "fingerprint=0123456789abcdef");
            write(lone, &old);
            &["RE0302"]
        }
    }
}

/// A folder of its own.
fn broken_folder(own: &Path, number: usize) -> (PathBuf, &'static [&'static str]) {
    let good = corpus::bytes("answer-one");
    match number % KINDS {
        13 => {
            let path = own.join("plugin.toml");
            write(&path, b"schema = 1\nid = ");
            (path, &["RE0102"])
        }
        14 => {
            let path = own.join("plugin.toml");
            write(&path, manifest(&format!("n-{number:04}")).replace("version", "versoin").as_bytes());
            (path, &["RE0103"])
        }
        15 => {
            write(&own.join("plugin.toml"), manifest("lonely").as_bytes());
            (own.join("liblonely.so"), &["RE0143"])
        }
        16 => {
            write(&own.join("liba.so"), &good);
            write(&own.join("libb.so"), &good);
            (own.to_owned(), &["RE0144"])
        }
        _ => {
            write(&own.join("libc.so"), &answer(&format!("o-{number:04}")));
            fs::set_permissions(own, fs::Permissions::from_mode(0o777)).expect("its own");
            (own.to_owned(), &["RE0164"])
        }
    }
}

#[test]
fn ten_good_plugins_among_two_hundred_broken_ones_run_and_each_broken_one_is_explained() {
    let folder = Folder::new();
    let told: Vec<_> = (0..200).map(|number| broken(folder.path(), number)).collect();
    let good: Vec<String> = (0..10).map(|number| format!("good-{number}")).collect();
    for id in &good {
        folder.put(&format!("lib{id}.so"), &answer(id));
    }
    let host = reactor_tests::host(folder.path());
    let report = host.start().expect("the host starts");
    for id in &good {
        let answer = host.invoke(id, "which", &Value::Null).expect("it serves");
        assert_eq!(answer.read::<(u64, u64)>().expect("two numbers").0, 1, "{id}");
    }
    let list = host.list();
    for (number, (path, codes)) in told.iter().enumerate() {
        let row = list.iter().find(|info| info.path.as_ref() == Some(path));
        let row = row.unwrap_or_else(|| panic!("{number}: {} is not listed", path.display()));
        let (PluginStatus::Refused(reason) | PluginStatus::Failed(reason)) = &row.status else {
            panic!("{number}: {row:?}")
        };
        assert!(codes.contains(&reason.code.as_str()), "{number}: {codes:?} expected: {reason:?}");
        let name = path.file_name().expect("a name").to_string_lossy();
        assert!(reason.message.contains(&*name), "{number}: `{name}` is not in: {}", reason.message);
    }
    assert_eq!(report.failures().count(), 200);
    assert_eq!(list.len(), 210, "each is listed once");
}
