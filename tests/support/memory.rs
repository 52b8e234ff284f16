//! What this process holds for itself alone.

/// The private memory of this process, in bytes.
///
/// # Panics
///
/// Where the system does not tell: it is Linux that does.
pub fn private_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux tells");
    let kilobytes = |name: &str| -> u64 {
        let line = text.lines().find(|line| line.starts_with(name)).expect("the field is there");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    };
    (kilobytes("Private_Dirty:") + kilobytes("Private_Clean:")) * 1024
}

/// How many files and pipes this process has open, how many threads it has, how many mappings, and how many of those are
/// of files.
///
/// # Panics
///
/// As [`private_bytes`].
pub fn handles() -> [u64; 4] {
    let entries = |path: &str| std::fs::read_dir(path).expect("Linux tells").count() as u64;
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux tells");
    let (all, of_files) = (maps.lines().count(), maps.lines().filter(|line| line.contains('/')).count());
    [entries("/proc/self/fd"), entries("/proc/self/task"), all as u64, of_files as u64]
}
