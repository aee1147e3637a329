use std::{env, fs, path::Path};

use serde::Serialize;

/// A description of the machine.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gigabytes: f64,
    pub(crate) kernel: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kibibytes = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: name.map_or("an unknown processor", |(_, name)| name.trim()).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gigabytes: kibibytes.and_then(|text| text.trim().parse::<f64>().ok()).unwrap_or_default() * 1024e-9,
            // Builders of kernels append names of their own to the version.
            kernel: kernel.trim().split('-').next().unwrap_or_default().to_owned(),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cpu, cores, memory_gigabytes, kernel } = self;
        write!(f, "{cpu}, {cores} cores, {memory_gigabytes:.0} GB of memory, Linux {kernel}")
    }
}

/// The command line of this run; paths are shortened to their last part.
pub(crate) fn command_line() -> String {
    let arguments = env::args_os().skip(1).map(|argument| {
        let argument = argument.to_string_lossy().into_owned();
        let (option, value) = match argument.split_once('=') {
            Some((option, value)) => (format!("{option}="), value.to_owned()),
            None => (String::new(), argument),
        };
        let name = Path::new(&value).file_name().map(|name| name.to_string_lossy().into_owned());
        format!("{option}{}", if value.contains('/') { name.unwrap_or_default() } else { value })
    });
    ["cargo run --release -p aam-registry-benches --".to_owned()]
        .into_iter()
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}
