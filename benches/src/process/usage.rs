use std::{collections::HashMap, fs, time::Duration};

/// Linux reports the processor time of processes in hundredths of a second, whatever the kernel's own
/// tick is (`USER_HZ`, proc(5)).
const TICK: Duration = Duration::from_millis(10);

/// The processor time of a process and its descendants so far.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let processes: HashMap<u32, Stat> = pids.filter_map(|pid| Some((pid, stat(pid)?))).collect();
    let ticks = processes.keys().filter(|one| is_below(&processes, **one, pid)).map(|one| processes[one].ticks);
    TICK * u32::try_from(ticks.sum::<u64>()).unwrap_or(u32::MAX)
}

/// Whether a process is `root` or a descendant of it.
fn is_below(processes: &HashMap<u32, Stat>, mut pid: u32, root: u32) -> bool {
    // The process table is not read at one instant, so it may contain a cycle.
    for _ in 0..processes.len() {
        if pid == root {
            return true;
        }
        let Some(stat) = processes.get(&pid) else { return false };
        pid = stat.parent;
    }
    false
}

struct Stat {
    parent: u32,
    ticks: u64,
}

fn stat(pid: u32) -> Option<Stat> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Stat> {
    // The name in parentheses may contain any character, including parentheses.
    let fields: Vec<_> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) anonymous: u64,
}

/// The memory of a process according to `status` of proc(5).
pub(crate) fn memory(pid: u32) -> Option<Memory> {
    parse_memory(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn parse_memory(text: &str) -> Option<Memory> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
    };
    Some(Memory { resident: field("VmRSS:")?, anonymous: field("RssAnon:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_are_found_behind_any_name() {
        let line = "42 (a ) (b) S 7 42 42 0 -1 4194560 100 0 0 0 120 30 5 6 20 0 1 0 100 1000 10";
        let stat = parse_stat(line).expect("a line of proc(5)");
        assert_eq!((stat.parent, stat.ticks), (7, 150));
    }

    #[test]
    fn the_whole_tree_counts() {
        let stat = |parent| Stat { parent, ticks: 1 };
        let processes = HashMap::from([(1, stat(0)), (2, stat(1)), (3, stat(2)), (4, stat(3)), (9, stat(1))]);
        let below: Vec<_> = [1, 2, 3, 4, 9].map(|pid| is_below(&processes, pid, 2)).into();
        assert_eq!(below, [false, true, true, true, false]);
    }

    #[test]
    fn memory_is_told_in_kibibytes() {
        let status = "Name:\tx\nVmHWM:\t  300 kB\nVmRSS:\t     200 kB\nRssAnon:\t     150 kB\nRssFile:\t 50 kB\n";
        assert_eq!(parse_memory(status), Some(Memory { resident: 204_800, anonymous: 153_600 }));
        assert_eq!(parse_memory("Name:\tx\n"), None);
    }
}
