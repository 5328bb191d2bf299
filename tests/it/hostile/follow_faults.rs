//! Following under hard conditions: nodes that are killed, readers while old versions go, circles,
//! publishers who withdraw and who are not trusted any more, clocks that are years off.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::answer;
use crate::support::is_sound;
use crate::support::labs::Labs;
use crate::support::labs::held;
use crate::support::labs::told;
use crate::support::lines;
use crate::support::need::Need;
use crate::support::program;
use crate::support::run;
use crate::support::serving::Serving;
use crate::support::wait::until;

fn pin(home: &Path, node: &Serving) {
    std::fs::create_dir_all(home).unwrap();
    let line = format!("{} {}\n", node.addr(), node.node_id());
    std::fs::write(home.join("known_peers"), line).unwrap();
}

fn settings(home: &Path, text: &str) {
    std::fs::create_dir_all(home).unwrap();
    std::fs::write(home.join("serve.toml"), text).unwrap();
}

/// At a home that has a key, with its passphrase.
fn keyed(home: &Path, words: &[&str]) -> Value {
    let mut command = program(home);
    command.arg("--json").env("ALIMENTAR_PASSPHRASE", "pass");
    let out = command.args(words).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{words:?}: {said}");
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Publishes a version; its content id.
fn publish(home: &Path, (name, version): (&str, &str), bytes: &[u8]) -> String {
    // Beside the home: what lies in one is not indexed.
    let path = home.with_extension("rows.jsonl");
    std::fs::write(&path, bytes).unwrap();
    let path = path.to_str().unwrap();
    let words = ["registry", "index", path, "--name", name, "--sign"];
    let done = keyed(home, &[&words[..], &["--version", version]].concat());
    done["content_id"].as_str().unwrap().to_owned()
}

#[test]
fn follower_that_is_killed_repeatedly_resumes() {
    let labs = Labs::here();
    labs.publisher(&[1]);
    let publisher = labs.serve(0, &["--no-mdns"]);
    pin(&labs.home(1), &publisher);
    settings(&labs.home(1), "bandwidth_limit = \"8M\"\n");
    let follow = ["--no-mdns", "--follow", "lab-a"];
    let mut ids = Vec::new();
    for round in 0..6_u64 {
        let version = format!("1.{round}.0");
        let bytes = lines(20_000, round);
        ids.push(labs.publish(&version, &bytes));
        let killed = labs.serve(1, &follow);
        std::thread::sleep(Duration::from_millis(150 + round * 113 % 600));
        // SIGKILL.
        drop(killed);
        // Every visible dataset is whole.
        for id in held(&labs.home(1)) {
            let verified = answer(&labs.home(1), &["registry", "verify", &id]);
            assert_eq!(verified["content"], "ok");
        }
    }
    let follower = labs.serve(1, &follow);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    labs.arrives(1, &ids);
    assert_eq!(follower.stop().0, Some(0));
    for id in ids {
        let verified = answer(&labs.home(1), &["registry", "verify", id]);
        assert_eq!(verified["content"], "ok");
    }
    is_sound(&labs.home(1));
    // Each of them came by being followed, whenever the node was killed: old ones go.
    settings(&labs.home(1), "keep_versions = 1\n");
    let follower = labs.serve(1, &follow);
    until("one version is left", || held(&labs.home(1)).len() == 1);
    assert_eq!(follower.stop().0, Some(0));
    publisher.stop();
}

/// The middle gives up old versions while they are read there and pulled from there.
#[test]
fn follower_retires_versions_while_others_read_them() {
    let labs = Labs::here();
    labs.publisher(&[1, 2]);
    let publisher = labs.serve(0, &["--no-mdns"]);
    pin(&labs.home(1), &publisher);
    let follow = ["--no-mdns", "--follow", "lab-a"];
    settings(&labs.home(1), "keep_versions = 1\n");
    let middle = labs.serve(1, &follow);
    pin(&labs.home(2), &middle);
    let slow = "keep_versions = 1\nbandwidth_limit = \"4M\"\n";
    settings(&labs.home(2), slow);
    let last = labs.serve(2, &follow);
    let (mut newest, mut read, mut gone) = (String::new(), 0, 0);
    for round in 0..5_u64 {
        let bytes = lines(8_000, round);
        newest = labs.publish(&format!("1.{round}.0"), &bytes);
        labs.arrives(1, &[&newest]);
        for n in 0..3 {
            let copy: PathBuf = labs.dir.path().join(format!("copy-{round}-{n}"));
            let to = copy.to_str().unwrap();
            let out = run(&labs.home(1), &["registry", "checkout", &newest, to]);
            match out.status.success() {
                true => {
                    assert!(std::fs::read(&copy).unwrap() == bytes, "other bytes");
                    read += 1;
                }
                // It is not there any more, and says so.
                false => {
                    assert_eq!(out.status.code(), Some(3), "{out:?}");
                    gone += 1;
                }
            }
        }
    }
    assert!(read > 0, "{gone}");
    labs.arrives(2, &[&newest]);
    for n in [1, 2] {
        until("one version is left", || held(&labs.home(n)).len() == 1);
    }
    for node in [last, middle, publisher] {
        let (code, events) = node.stop();
        assert_eq!(code, Some(0));
        assert!(told(&events, "trouble").is_empty(), "{events:?}");
    }
    for n in [1, 2] {
        let verified = answer(&labs.home(n), &["registry", "verify", &newest]);
        assert_eq!(verified["content"], "ok");
        is_sound(&labs.home(n));
    }
}

#[test]
fn mutual_followers_come_to_rest_and_heed_withdrawals() {
    let labs = Labs::here();
    let homes = [labs.home(0), labs.home(1)];
    let names = ["lab-a", "lab-b"];
    let keys = [0, 1].map(|n| {
        let made = keyed(&homes[n], &["registry", "keygen", "--name", names[n]]);
        made["public_key"].as_str().unwrap().to_owned()
    });
    for (n, other) in [(0, 1), (1, 0)] {
        let words = ["registry", "trust", "add", names[other], &keys[other]];
        answer(&homes[n], &words);
    }
    let a = labs.serve(0, &["--no-mdns", "--follow", "lab-b"]);
    pin(&homes[1], &a);
    let b = labs.serve(1, &["--no-mdns", "--follow", "lab-a"]);
    let of_a = publish(&homes[0], ("alpha", "1.0.0"), &lines(500, 1));
    let of_b = publish(&homes[1], ("beta", "1.0.0"), &lines(500, 2));
    labs.arrives(1, &[&of_a]);
    labs.arrives(0, &[&of_b]);
    // A withdrawn dataset stays where it is, and later nodes do not fetch it.
    let reason = ["--reason", "wrong"];
    let words = ["registry", "withdraw", "alpha@1.0.0"];
    keyed(&homes[0], &[&words[..], &reason].concat());
    let knows = || {
        let list = answer(&homes[1], &["registry", "list", "--all"]);
        list.to_string().contains("withdrawn")
    };
    until("the withdrawal is known", knows);
    let key = keys[0].clone();
    std::fs::create_dir_all(labs.home(2)).unwrap();
    answer(&labs.home(2), &["registry", "trust", "add", "lab-a", &key]);
    pin(&labs.home(2), &a);
    let late = labs.serve(2, &["--no-mdns", "--follow", "lab-a"]);
    let next = publish(&homes[0], ("alpha", "1.1.0"), &lines(600, 1));
    labs.arrives(2, &[&next]);
    labs.arrives(1, &[&next]);
    assert_eq!(held(&labs.home(2)), std::slice::from_ref(&next));
    // Trust ends while the node runs.
    answer(
        &homes[1],
        &["--yes", "registry", "trust", "remove", "lab-a"],
    );
    let unwanted = publish(&homes[0], ("alpha", "1.2.0"), &lines(700, 1));
    labs.arrives(2, &[&unwanted]);
    // By then it would have been there as well.
    std::thread::sleep(Duration::from_secs(1));
    let all = answer(&homes[1], &["registry", "list", "--all"]);
    assert!(!all.to_string().contains(&unwanted), "{all}");
    // A circle comes to rest: each version came once.
    for (node, times) in [(a, 1), (b, 2), (late, 2)] {
        let (code, events) = node.stop();
        assert_eq!(code, Some(0));
        assert_eq!(told(&events, "followed").len(), times, "{events:?}");
        assert!(told(&events, "compared").len() < 60, "{events:?}");
    }
}

/// A program whose clock on the wall is off; `None` where there is no libfaketime, and the test may go
/// on without.
fn off(mut command: Command, offset: &str) -> Option<Command> {
    let folder = format!("/usr/lib/{}-linux-gnu/faketime", std::env::consts::ARCH);
    let library = Path::new(&folder).join("libfaketimeMT.so.1");
    if !library.exists() {
        Need::Faketime.is_missing(&format!("no `{}`", library.display()));
        return None;
    }
    command.env("LD_PRELOAD", library).env("FAKETIME", offset);
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Some(command)
}

#[test]
fn followers_with_wrong_clocks_follow() {
    let bind = ["--bind", "127.0.0.1", "--no-mdns"];
    for (publishing, following) in [("+3650d", "+0d"), ("-3650d", "+0d"), ("+0d", "+3650d")] {
        let labs = Labs::here();
        labs.publisher(&[1]);
        let Some(command) = off(labs.command(0), publishing) else {
            return;
        };
        let publisher = Serving::of(command, &bind);
        pin(&labs.home(1), &publisher);
        let follow = [&bind[..], &["--follow", "lab-a"]].concat();
        let follower = Serving::of(off(labs.command(1), following).unwrap(), &follow);
        let path = labs.dir.path().join("corpus.jsonl");
        std::fs::write(&path, lines(300, 1)).unwrap();
        let mut index = off(program(&labs.home(0)), publishing).unwrap();
        index.args(["--json", "registry", "index", path.to_str().unwrap()]);
        index.args(["--name", "corpus", "--sign", "--version", "1.0.0"]);
        let out = index.env("ALIMENTAR_PASSPHRASE", "pass").output().unwrap();
        let done: Value = serde_json::from_slice(&out.stdout).unwrap();
        let first = done["content_id"].as_str().unwrap().to_owned();
        labs.arrives(1, &[&first]);
        // A later version by a clock that was put right.
        let second = labs.publish("1.1.0", &lines(400, 1));
        labs.arrives(1, &[&first, &second]);
        for node in [publisher, follower] {
            let (code, events) = node.stop();
            assert_eq!(code, Some(0));
            assert!(told(&events, "trouble").is_empty(), "{events:?}");
        }
        is_sound(&labs.home(1));
    }
}
