//! The limits for one peer, each met.

use std::time::Duration;
use std::time::Instant;

use quinn::TransportConfig;
use quinn::VarInt;
use tokio::task::JoinSet;

use crate::asker::Asker;
use crate::asker::read;
use crate::attacks::asking::against;
use crate::attacks::asking::hello;
use crate::attacks::asking::with_known;
use crate::attacks::lies::Verdict;
use crate::program::Lab;
use crate::quic;
use crate::quic::runtime;
use crate::wire;
use crate::wire::Frame;

/// More requests at once than a peer may have.
pub fn requests_at_once(lab: &Lab) -> Verdict {
    against(lab, async {
        let asker = Asker::greeted(lab.honest.address, 13).await?;
        let bytes = hello().encode();
        let (mut halves, mut answers) = (Vec::new(), JoinSet::new());
        for _ in 0..40 {
            let (out, answer) = asker.begin(&bytes[..4]).await?;
            halves.push(out);
            answers.spawn(read(answer));
        }
        let mut refused = 0;
        let wait = Duration::from_millis(1_500);
        while let Ok(Some(Ok(answer))) = tokio::time::timeout(wait, answers.join_next()).await {
            match answer?.first().and_then(Frame::code) {
                Some(5) => refused += 1,
                other => return Err(format!("{other:?}")),
            }
        }
        asker.leave();
        match refused {
            8 => Ok("32 under way, 8 refused with code 5".to_owned()),
            n => Err(format!("{n} of 40 were refused")),
        }
    })
}

/// Streams beyond what the transport allows do not open.
pub fn streams(lab: &Lab) -> Verdict {
    against(lab, async {
        let asker = Asker::greeted(lab.honest.address, 14).await?;
        let mut open = Vec::new();
        // Never read, so that they do not end.
        while let Ok(Ok(pair)) =
            tokio::time::timeout(Duration::from_millis(500), asker.connection.open_bi()).await
        {
            open.push(pair);
            if open.len() > 200 {
                return Err("more than 200 streams open".to_owned());
            }
        }
        let one_way = asker.connection.open_uni();
        if tokio::time::timeout(Duration::from_millis(300), one_way)
            .await
            .is_ok()
        {
            return Err("a stream that goes one way opens".to_owned());
        }
        asker.leave();
        Ok(format!("{} open at once, none one way", open.len()))
    })
}

/// More requests a second than a peer may have; cheap ones, and those that cost as much as 51.
pub fn rate(lab: &Lab) -> Verdict {
    against(lab, async {
        let mut figures = Vec::new();
        // A bucket of 4,000, and 1,000 more a second.
        for (request, cost, many) in [(hello(), 1, 12_000), (wire::list_all(), 51, 400)] {
            let asker = Asker::greeted(lab.honest.address, 15 + cost).await?;
            let begun = Instant::now();
            let (mut answered, mut refused) = (0_u64, 0_u64);
            let mut under_way = JoinSet::new();
            for _ in 0..many {
                if under_way.len() >= 24
                    && let Some(Ok(answer)) = under_way.join_next().await
                {
                    count(answer, &mut answered, &mut refused)?;
                }
                let (asker, request) = (asker.clone(), request.clone());
                under_way.spawn(async move { asker.ask(&request).await });
            }
            while let Some(Ok(answer)) = under_way.join_next().await {
                count(answer, &mut answered, &mut refused)?;
            }
            let seconds = begun.elapsed().as_secs_f64();
            let most = (4_000.0 + 1_000.0 * (seconds + 1.0)) / cost as f64;
            asker.leave();
            if answered as f64 > most + 1.0 {
                return Err(format!("{answered} answered in {seconds:.1} s"));
            }
            if cost > 1 && refused == 0 {
                return Err(format!("all {answered} were answered"));
            }
            figures.push(format!(
                "{answered} answered, {refused} refused in {seconds:.1} s"
            ));
        }
        Ok(figures.join("; "))
    })
}

fn count(
    answer: Result<Vec<Frame>, String>,
    answered: &mut u64,
    refused: &mut u64,
) -> Result<(), String> {
    match answer?.first().and_then(Frame::code) {
        None => *answered += 1,
        Some(5) => *refused += 1,
        Some(other) => return Err(format!("refused with code {other}")),
    }
    Ok(())
}

/// Nine connections of one peer, all of them at work.
pub fn connections(lab: &Lab) -> Verdict {
    against(lab, async {
        let (mut all, mut halves) = (Vec::new(), Vec::new());
        let bytes = hello().encode();
        for _ in 0..8 {
            let asker = Asker::greeted(lab.honest.address, 20).await?;
            halves.push(asker.begin(&bytes[..3]).await?);
            all.push(asker);
        }
        let code = match Asker::silent(lab.honest.address, 20).await {
            Ok(ninth) => ninth.closed().await?,
            Err(error) => return Err(format!("the ninth: {error}")),
        };
        let open = all.iter().filter(|a| a.is_open()).count();
        if code != 2 || open != 8 {
            return Err(format!("the ninth closed with {code}, and {open} are open"));
        }
        // Another peer is not concerned.
        let other = Asker::greeted(lab.honest.address, 21).await?;
        other.greet().await?;
        // Those that end their requests give way, one for each.
        for (mut out, answer) in halves {
            let _ = out.write_all(&bytes[3..]).await;
            let _ = out.finish();
            read(answer).await?;
        }
        let mut newer = Vec::new();
        for _ in 0..8 {
            newer.push(Asker::greeted(lab.honest.address, 20).await?);
        }
        for old in &all {
            if old.closed().await? != 2 {
                return Err("an old one was closed otherwise".to_owned());
            }
        }
        newer
            .iter()
            .for_each(|a| a.connection.close(0_u32.into(), b""));
        Ok("the ninth waited and was refused; idle ones gave way".to_owned())
    })
}

/// Two hundred peers, each with a connection.
pub fn crowd(lab: &Lab) -> Verdict {
    against(lab, async {
        let mut all = Vec::new();
        for number in 1_000..1_200 {
            all.push(Asker::greeted(lab.honest.address, number).await?);
        }
        lab.serves(&lab.home())?;
        for asker in &all {
            asker.greet().await?;
        }
        let count = all.len();
        all.into_iter().for_each(Asker::leave);
        Ok(format!("{count} at once are all answered"))
    })
}

/// Reads nearly nothing of what it asks for.
fn deaf() -> TransportConfig {
    let mut transport = quic::transport();
    transport.stream_receive_window(VarInt::from_u32(1 << 10));
    transport.receive_window(VarInt::from_u32(64 << 10));
    transport
}

/// Thirty-one answers of data for each of 16 connections, none of them ever read.
pub fn unread(lab: &Lab) -> Verdict {
    let (node, envelope) = with_known(lab)?;
    let request = wire::chunks(&envelope, 0, 0, &[(0, 190)]).encode();
    runtime().block_on(async {
        // Of one connection, so many are begun at once.
        let one = Asker::with(node.address, 26, deaf()).await?;
        one.greet().await?;
        let begun = answered(&one, &request).await?;
        if begun != 4 {
            return Err(format!("{begun} answers of data were begun at once"));
        }
        let mut deaf_ones = vec![one];
        let mut streams = Vec::new();
        for n in 0..15 {
            let asker = Asker::with(node.address, 24 + n % 2, deaf()).await?;
            asker.greet().await?;
            for _ in 0..31 {
                let (mut out, answer) = asker.begin(&request).await?;
                let _ = out.finish();
                streams.push((out, answer));
            }
            deaf_ones.push(asker);
        }
        lab.serves(&lab.home())?;
        let home = lab.home();
        let ran = lab.pull(&home, &node.peer(), "known")?;
        if ran.code != Some(0) {
            return Err(format!("an honest peer gets nothing: {}", ran.err));
        }
        deaf_ones.into_iter().for_each(Asker::leave);
        Ok(())
    })?;
    let memory = node.memory_kib() >> 10;
    node.stop()?;
    Ok(format!(
        "4 begun at once of 12, 477 never read; {memory} MiB"
    ))
}

/// Counts how many of 12 answers begin while the asker reads none.
async fn answered(asker: &Asker, request: &[u8]) -> Result<usize, String> {
    let mut streams = Vec::new();
    for _ in 0..12 {
        let (mut out, answer) = asker.begin(request).await?;
        let _ = out.finish();
        streams.push(answer);
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut begun = 0;
    for stream in &mut streams {
        let mut first = [0; 1];
        let read = stream.read_exact(&mut first);
        let read = tokio::time::timeout(Duration::from_millis(20), read).await;
        begun += usize::from(matches!(read, Ok(Ok(()))));
    }
    Ok(begun)
}
