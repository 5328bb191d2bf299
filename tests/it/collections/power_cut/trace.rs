//! System calls of the program on the files of a directory, as `strace` notes them.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// The calls that change files or make them durable, and those that say where a write goes.
const CALLS: &str = "trace=openat,creat,open,lseek,write,writev,pwrite64,pwritev,pwritev2,ftruncate,truncate,\
fdatasync,fsync,sync_file_range,syncfs,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,\
symlink,symlinkat,copy_file_range,sendfile,fallocate,mmap";

/// Something that the program did.
#[derive(Clone, Debug)]
pub enum Step {
    /// A new file or directory.
    Made {
        path: String,
        is_dir: bool,
    },
    /// Another name of a file.
    Linked {
        from: String,
        to: String,
    },
    Renamed {
        from: String,
        to: String,
    },
    Removed {
        path: String,
    },
    Wrote {
        path: String,
        offset: Offset,
        bytes: Vec<u8>,
    },
    Cut {
        path: String,
        length: u64,
    },
    /// Everything that was done to a file or directory before the step with this number is durable.
    Synced {
        path: String,
        before: usize,
    },
    /// It wrote to its standard output.
    Reported,
}

/// The place of a write.
#[derive(Clone, Copy, Debug)]
pub enum Offset {
    At(u64),
    End,
}

/// Returns the program under `strace`, which writes its log to a file.
pub fn traced(log: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "-qq",
        "-y",
        "-xx",
        "-s",
        "100000000",
        "-e",
        CALLS,
        "-o",
    ]);
    command.arg(log).arg(env!("CARGO_BIN_EXE_alimentar"));
    command
}

/// Reads a log: what was done at and below a directory, which must not have been there before its first step.
pub fn steps(log: &str, base: &str, exists: impl Fn(&str) -> bool) -> Vec<Step> {
    let mut reader = Reader {
        base,
        files: HashMap::new(),
        made: Vec::new(),
        steps: Vec::new(),
    };
    // Calls of a thread that another one interrupted in the log, with the number of steps before them.
    let mut begun: HashMap<&str, (String, usize)> = HashMap::new();
    for line in log.lines() {
        let (thread, line) = line.split_once(' ').unwrap();
        let line = line.trim_start();
        if let Some(call) = line.strip_suffix("<unfinished ...>") {
            begun.insert(thread, (call.to_owned(), reader.steps.len()));
            continue;
        }
        let before = reader.steps.len();
        let (line, before) = match line.strip_prefix("<... ") {
            None => (line.to_owned(), before),
            Some(rest) => {
                let Some((call, before)) = begun.remove(thread) else {
                    continue;
                };
                let rest = rest.split_once(" resumed>").unwrap().1;
                (call + rest, before)
            }
        };
        if let Some(call) = Call::parse(&line) {
            reader.take(&call, before, &exists);
        }
    }
    reader.steps
}

/// A call that succeeded.
#[derive(Debug)]
struct Call {
    name: String,
    arguments: Vec<String>,
    result: u64,
}

impl Call {
    fn parse(line: &str) -> Option<Self> {
        let (name, rest) = line.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(" = ")?;
        let arguments = arguments.trim_end().strip_suffix(')')?;
        let digits = result.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self {
            name: name.to_owned(),
            // Strings are in hexadecimal digits, so that no comma is in one.
            arguments: arguments.split(", ").map(str::to_owned).collect(),
            // That of a failure begins with a minus sign, that of `mmap` with `0x`.
            result: digits.parse().ok()?,
        })
    }

    /// The path that an argument gives, absolute.
    fn path(&self, at: usize) -> String {
        let path = text(&self.arguments[at]);
        match at.checked_sub(1) {
            _ if path.starts_with('/') => path,
            Some(above) => format!("{}/{path}", self.open_path(above)),
            None => panic!("a relative path: {self:?}"),
        }
    }

    /// The path of the open file that an argument is.
    fn open_path(&self, at: usize) -> String {
        let argument = &self.arguments[at];
        let path = argument
            .split_once('<')
            .and_then(|(_, rest)| rest.rsplit_once('>'));
        path.map_or_else(String::new, |(path, _)| unescaped(path))
    }

    fn file(&self) -> u64 {
        let digits = self.arguments[0].split('<').next().unwrap();
        digits.parse().unwrap_or(u64::MAX)
    }

    fn number(&self, at: usize) -> u64 {
        self.arguments[at].parse().unwrap()
    }

    /// The bytes of a write, as many as were written.
    fn bytes(&self) -> Vec<u8> {
        let all = self.arguments[1..].join(", ");
        let strings = all.split('"').skip(1).step_by(2);
        let mut bytes: Vec<u8> = strings.flat_map(hex).collect();
        assert!(
            bytes.len() as u64 >= self.result,
            "strace cut a string short"
        );
        bytes.truncate(self.result as usize);
        bytes
    }
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.split("\\x").skip(1);
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn unescaped(text: &str) -> String {
    String::from_utf8(hex(text)).unwrap()
}

fn text(argument: &str) -> String {
    unescaped(argument.trim_matches('"'))
}

struct Reader<'a> {
    base: &'a str,
    /// Offset of the next write of each open file.
    files: HashMap<u64, Offset>,
    /// Names that were made or removed, the last word about each last.
    made: Vec<(String, bool)>,
    steps: Vec<Step>,
}

impl Reader<'_> {
    fn is_ours(&self, path: &str) -> bool {
        path.starts_with(self.base)
    }

    fn has(&self, path: &str, existed: &impl Fn(&str) -> bool) -> bool {
        let said = self.made.iter().rev().find(|(name, _)| name == path);
        said.map_or_else(|| existed(path), |(_, is_there)| *is_there)
    }

    fn take(&mut self, call: &Call, before: usize, existed: &impl Fn(&str) -> bool) {
        match call.name.as_str() {
            "openat" => self.open(call, existed),
            "lseek" => {
                self.files.insert(call.file(), Offset::At(call.result));
            }
            "write" | "writev" => self.write(call),
            "pwrite64" | "pwritev" => {
                let path = call.open_path(0);
                if self.is_ours(&path) {
                    let offset = Offset::At(call.number(call.arguments.len() - 1));
                    self.steps.push(Step::Wrote {
                        path,
                        offset,
                        bytes: call.bytes(),
                    });
                }
            }
            "ftruncate" => {
                let path = call.open_path(0);
                if self.is_ours(&path) {
                    self.steps.push(Step::Cut {
                        path,
                        length: call.number(1),
                    });
                }
            }
            "fsync" | "fdatasync" => {
                let path = call.open_path(0);
                if self.is_ours(&path) {
                    self.steps.push(Step::Synced { path, before });
                }
            }
            _ => self.take_name(call),
        }
    }

    fn take_name(&mut self, call: &Call) {
        match call.name.as_str() {
            "mkdir" => self.make(call.path(0), true),
            "mkdirat" => self.make(call.path(1), true),
            "unlink" | "rmdir" => self.remove(call.path(0)),
            "unlinkat" => self.remove(call.path(1)),
            "rename" => self.rename(call.path(0), call.path(1)),
            "renameat" | "renameat2" => self.rename(call.path(1), call.path(3)),
            "link" => self.link(call.path(0), call.path(1)),
            "linkat" => self.link(call.path(1), call.path(3)),
            "mmap" => {}
            // Nothing here knows what a crash leaves of the others.
            _ => {
                let line = format!("{call:?}");
                let escaped: String = self.base.bytes().map(|b| format!("\\x{b:02x}")).collect();
                assert!(
                    !line.contains(&escaped),
                    "a call that this test does not know: {line}"
                );
            }
        }
    }

    fn open(&mut self, call: &Call, existed: &impl Fn(&str) -> bool) {
        let flags = &call.arguments[2];
        let offset = match flags.contains("O_APPEND") {
            true => Offset::End,
            false => Offset::At(0),
        };
        self.files.insert(call.result, offset);
        let path = call.path(1);
        if !self.is_ours(&path) || !flags.contains("O_CREAT") && !flags.contains("O_TRUNC") {
            return;
        }
        if !self.has(&path, existed) {
            self.make(path, false);
        } else if flags.contains("O_TRUNC") {
            self.steps.push(Step::Cut { path, length: 0 });
        }
    }

    fn write(&mut self, call: &Call) {
        if call.file() == 1 {
            self.steps.push(Step::Reported);
        }
        let path = call.open_path(0);
        if !self.is_ours(&path) {
            return;
        }
        let offset = self.files.get(&call.file()).copied().unwrap_or(Offset::End);
        if let Offset::At(at) = offset {
            self.files.insert(call.file(), Offset::At(at + call.result));
        }
        self.steps.push(Step::Wrote {
            path,
            offset,
            bytes: call.bytes(),
        });
    }

    fn make(&mut self, path: String, is_dir: bool) {
        if self.is_ours(&path) {
            self.made.push((path.clone(), true));
            self.steps.push(Step::Made { path, is_dir });
        }
    }

    fn remove(&mut self, path: String) {
        if self.is_ours(&path) {
            self.made.push((path.clone(), false));
            self.steps.push(Step::Removed { path });
        }
    }

    fn rename(&mut self, from: String, to: String) {
        if self.is_ours(&to) {
            self.made.push((from.clone(), false));
            self.made.push((to.clone(), true));
            self.steps.push(Step::Renamed { from, to });
        }
    }

    fn link(&mut self, from: String, to: String) {
        if self.is_ours(&to) {
            self.made.push((to.clone(), true));
            self.steps.push(Step::Linked { from, to });
        }
    }
}

/// Fails if the program wrote to a file of the directory through memory: such writes are in no log.
pub fn assert_no_writable_map(log: &str, base: &str) {
    let escaped: String = base.bytes().map(|b| format!("\\x{b:02x}")).collect();
    let maps = log
        .lines()
        .filter(|line| line.contains("mmap(") && line.contains(&escaped));
    for line in maps {
        let is_written = line.contains("MAP_SHARED") && line.contains("PROT_WRITE");
        assert!(
            !is_written,
            "a file of the store is written through memory: {line}"
        );
    }
}
