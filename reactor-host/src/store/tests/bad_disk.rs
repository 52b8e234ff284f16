//! A disk that refuses to be written: the host goes on with what it has in memory, and is told.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::*;

/// A file on a disk that can be full.
#[derive(Debug)]
struct Disk {
    file: FileBackend,
    full: Arc<AtomicBool>,
}

impl Disk {
    fn room(&self) -> io::Result<()> {
        if self.full.load(Ordering::SeqCst) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.room().and_then(|()| self.file.set_len(len))
    }
    fn sync_data(&self) -> io::Result<()> {
        self.room().and_then(|()| self.file.sync_data())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.room().and_then(|()| self.file.write(offset, data))
    }
    fn try_lock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }
    fn unlock_range(
        &self,
        start: std::ops::Bound<u64>,
        end: std::ops::Bound<u64>,
    ) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }
    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

fn on_bad_disk(folder: &Path) -> (Store, Arc<AtomicBool>) {
    let full = Arc::new(AtomicBool::new(false));
    let opener: database::Opener = Arc::new({
        let full = Arc::clone(&full);
        move |builder, path| {
            let file = FileBackend::new(files::private(true).open(path)?)?;
            builder.create_with_backend(Disk { file, full: Arc::clone(&full) })
        }
    });
    let (store, _) = Store::open_with(folder, &holder(), opener).expect("it opens");
    (store, full)
}

#[test]
fn on_a_full_disk_everything_goes_on_in_memory_and_is_written_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, full) = on_bad_disk(folder.path());
    let (a, b) = (plugin("a"), plugin("b"));
    let (tell, told) = mpsc::channel();
    store.on_failure(move |error| tell.send(error.clone()).expect("the test listens"));
    let good = store.put_state(&a, saved(1));
    good.clone().wait().expect("there is room");
    full.store(true, Ordering::SeqCst);
    let failed = store.put_state(&a, saved(2));
    let error = failed.clone().wait().expect_err("the disk is full");
    assert_eq!(error.code(), "RE0705");
    assert!(error.to_string().contains("store.redb"), "{error}");
    assert_eq!(told.recv(), Ok(error), "the listener is told");
    assert_eq!(store.flush().expect_err("still full").code(), "RE0705");
    store.quarantine(quarantined("b", 3)).wait().expect_err("the disk is full");
    store.set_rollback(&b, point(4), library(4)).wait().expect_err("the disk is full");
    assert_eq!(store.state(&a), Some(saved(2)));
    assert_eq!(store.library(&point(4).build), Ok(Some(library(4))));
    good.wait().expect("what was durable is");
    full.store(false, Ordering::SeqCst);
    store.flush().expect("there is room again");
    failed.wait().expect("it was written after all");
    drop(store);
    let store = open(folder.path());
    assert_eq!(store.state(&a), Some(saved(2)));
    assert_eq!(store.quarantine_list(), [quarantined("b", 3)]);
    assert_eq!(store.rollback(&b), Some(point(4)));
    assert_eq!(store.library(&point(4).build), Ok(Some(library(4))));
}

#[test]
fn a_store_that_is_closed_on_a_full_disk_lets_the_folder_go_with_what_it_had() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, full) = on_bad_disk(folder.path());
    store.put_state(&plugin("a"), saved(1)).wait().expect("there is room");
    full.store(true, Ordering::SeqCst);
    store.put_state(&plugin("a"), saved(2));
    assert_eq!(store.close().expect_err("the disk is full").code(), "RE0705");
    assert_eq!(open(folder.path()).state(&plugin("a")), Some(saved(1)));
}

#[test]
fn a_library_that_can_not_be_written_keeps_nothing_else_from_being_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path());
    let (a, b) = (plugin("a"), plugin("b"));
    store.set_rollback(&a, point(1), library(1)).wait().expect("written");
    // Not even root can write into a folder that is none.
    let (builds, away) = (folder.path().join("builds"), folder.path().join("away"));
    fs::rename(&builds, &away).expect("renamed");
    fs::write(&builds, "").expect("writable");
    let failed = store.apply(vec![
        Change::SetRollback { plugin: a.clone(), point: point(2), library: library(2) },
        Change::PutState { plugin: b.clone(), state: saved(1) },
    ]);
    let error = failed.clone().wait().expect_err("a file stands where the folder was");
    assert_eq!(error.code(), "RE0705");
    assert!(error.to_string().contains(&point(2).build.to_string()), "{error}");
    store.put_state(&b, saved(2)).wait().expect("this one needs no library");
    failed.clone().wait().expect_err("a later write does not make it durable");
    assert_eq!(store.flush().expect_err("it is tried again").code(), "RE0705");
    assert_eq!(store.library(&point(2).build), Ok(Some(library(2))), "it is on the heap");
    fs::remove_file(&builds).expect("it was there");
    fs::rename(&away, &builds).expect("renamed");
    store.flush().expect("it can be written now");
    failed.wait().expect("it was written after all");
    assert_eq!(store.library(&point(2).build), Ok(Some(library(2))), "it is in its file");
    drop(store);
    let store = open(folder.path());
    assert_eq!((store.rollback(&a), store.state(&b)), (Some(point(2)), Some(saved(2))));
    assert_eq!(library_files(folder.path()), [point(2).build.to_string()]);
}
