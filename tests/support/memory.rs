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

/// How many files and pipes this process has open, how many threads it has, and how many mappings.
///
/// # Panics
///
/// As [`private_bytes`].
pub fn handles() -> [u64; 3] {
    let entries = |path: &str| std::fs::read_dir(path).expect("Linux tells").count() as u64;
    let mappings = std::fs::read_to_string("/proc/self/maps").expect("Linux tells").lines().count() as u64;
    [entries("/proc/self/fd"), entries("/proc/self/task"), mappings]
}
