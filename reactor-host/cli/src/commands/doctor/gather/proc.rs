//! What Linux tells under `/proc`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use crate::commands::doctor::facts::{Limits, Mount, Used};

/// The file system that `path` stands on.
pub(super) fn mount_of(path: &Path) -> Option<Mount> {
    find(&fs::read("/proc/self/mountinfo").ok()?, &path.canonicalize().ok()?)
}

/// The mount of `table` with the longest path above `path`; of several there, the last one covers the others.
pub(super) fn find(table: &[u8], path: &Path) -> Option<Mount> {
    let mounts = table.split(|byte| *byte == b'\n').filter_map(parse);
    let above = mounts.filter(|mount| path.starts_with(&mount.point));
    above.max_by_key(|mount| mount.point.components().count())
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let point = PathBuf::from(OsString::from_vec(unescaped(fields.nth(4)?)));
    let options = String::from_utf8_lossy(fields.next()?).into_owned();
    let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
    let kind = String::from_utf8_lossy(kind).into_owned();
    Some(Mount { point, kind, noexec: options.split(',').any(|option| option == "noexec") })
}

/// Blanks and the like stand there in octal: `\040`.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let octal =
            after.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

/// The limits that are the system's.
pub(super) fn limits(limits: &mut Limits) {
    limits.mappings = read("/proc/sys/vm/max_map_count");
    let (instances, watches) = inotify();
    let used = |most: &str, used| read(most).map(|most| Used { most, used });
    limits.instances = used("/proc/sys/fs/inotify/max_user_instances", instances);
    limits.watches = used("/proc/sys/fs/inotify/max_user_watches", watches);
}

fn read(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// How many inotify instances and watches processes have that we may look into, which are those of this user.
fn inotify() -> (u64, u64) {
    let (mut instances, mut watches) = (0, 0);
    let user = rustix::process::geteuid().as_raw();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes.filter(|process| process.file_name().to_string_lossy().parse::<u32>().is_ok()) {
        // For root, who may look into all of them, those of others do not count.
        let own =
            process.metadata().is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == user);
        let descriptors = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        for descriptor in descriptors.filter(|_| own) {
            if fs::read_link(descriptor.path()).is_ok_and(|link| link.as_os_str() == "anon_inode:inotify") {
                let about = process.path().join("fdinfo").join(descriptor.file_name());
                instances += 1;
                watches += watches_in(&fs::read_to_string(about).unwrap_or_default());
            }
        }
    }
    (instances, watches)
}

/// The watches in what the system tells of an inotify descriptor.
pub(super) fn watches_in(about: &str) -> u64 {
    about.lines().filter(|line| line.starts_with("inotify wd:")).map(|_| 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_nearest_to_a_folder_counts() {
        let table = b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
            23 22 0:30 / /tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw,size=1g\n\
            24 22 0:31 / /mnt/my\\040disk rw,noexec master:1 shared:2 - nfs4 server:/x rw\n\
            25 23 0:32 / /tmp/inner rw - tmpfs tmpfs rw\n\
            26 22 0:33 / /over rw - ext4 a rw\n\
            27 22 0:34 / /over rw,noexec - xfs b rw\n\
            a line that is none\n";
        for (path, point, kind, noexec) in [
            ("/home/ada", "/", "ext4", false),
            ("/tmp", "/tmp", "tmpfs", true),
            ("/tmpfile", "/", "ext4", false),
            ("/tmp/inner/deep", "/tmp/inner", "tmpfs", false),
            ("/mnt/my disk/plugins", "/mnt/my disk", "nfs4", true),
            ("/over", "/over", "xfs", true),
        ] {
            let expected = Mount { point: point.into(), kind: kind.to_owned(), noexec };
            assert_eq!(find(table, Path::new(path)), Some(expected), "{path}");
        }
        assert_eq!(find(b"", Path::new("/")), None);
    }

    #[test]
    fn watches_are_counted() {
        let about = "pos:\t0\nflags:\t02004000\nmnt_id:\t15\n\
                     inotify wd:2 ino:1 sdev:1 mask:fce ignored_mask:0\ninotify wd:1 ino:2 sdev:1 mask:fce\n";
        assert_eq!(watches_in(about), 2);
        assert_eq!(watches_in(""), 0);
    }
}
