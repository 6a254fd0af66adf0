//! Command line and clock of the two programs: `PEER echo|sleep NODES VIRTUAL_MS` prints operations and CPU seconds.
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

pub const MESSAGE_BYTES: usize = 64;
pub const CONNECTIONS_PER_PAIR: usize = 8;
pub const SLEEPERS_PER_NODE: usize = 10;
pub const LATENCY_MIN: Duration = Duration::from_millis(1);
pub const LATENCY_MAX: Duration = Duration::from_millis(10);
/// Connections are made before the measured time begins.
pub const WARM_UP: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, PartialEq)]
pub enum Work {
    Echo,
    Sleep,
}

#[derive(Clone, Copy)]
pub struct Arguments {
    pub work: Work,
    pub nodes: usize,
    pub length: Duration,
}

pub fn arguments() -> Arguments {
    let words: Vec<String> = std::env::args().collect();
    let usage = "usage: PEER echo|sleep NODES VIRTUAL_MS";
    assert!(words.len() == 4, "{usage}");
    let work = match words[1].as_str() {
        "echo" => Work::Echo,
        "sleep" => Work::Sleep,
        _ => panic!("{usage}"),
    };
    let length = Duration::from_millis(words[3].parse().expect(usage));
    Arguments { work, nodes: words[2].parse().expect(usage), length }
}

/// User and system time of the process: the simulators replace the clocks that Rust would ask.
pub fn cpu_seconds() -> f64 {
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) }, 0);
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// Operations in the measured time, and when it began.
#[derive(Clone, Default)]
pub struct Meter {
    count: Rc<Cell<u64>>,
    begun_at: Rc<Cell<f64>>,
}

impl Meter {
    pub fn add(&self, count: u64) {
        self.count.set(self.count.get() + count);
    }
    pub fn begin(&self) {
        self.count.set(0);
        self.begun_at.set(cpu_seconds());
    }
    pub fn print(&self) {
        println!("{} {:.6}", self.count.get(), cpu_seconds() - self.begun_at.get());
    }
}
