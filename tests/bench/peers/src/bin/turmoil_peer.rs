//! Echo over TcpStream, and sleepers, in turmoil. The tick is the longest that keeps what is simulated: turmoil's cost
//! is per host and tick, and a longer one than the default of a millisecond is what it is fastest with.
use peers::*;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use turmoil::net::{TcpListener, TcpStream};

async fn echo(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut message = [0u8; MESSAGE_BYTES];
    while stream.read_exact(&mut message).await.is_ok() {
        stream.write_all(&message).await.unwrap();
    }
}

async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind("0.0.0.0:7").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::task::spawn_local(echo(stream));
    }
}

async fn ask(server: String, meter: Meter) {
    tokio::time::sleep(Duration::from_millis(1)).await;
    let mut stream = TcpStream::connect((server.as_str(), 7)).await.unwrap();
    let mut message = [1u8; MESSAGE_BYTES];
    loop {
        stream.write_all(&message).await.unwrap();
        stream.read_exact(&mut message).await.unwrap();
        meter.add(2);
    }
}

async fn ask_all(server: String, meter: Meter) -> turmoil::Result {
    for _ in 0..CONNECTIONS_PER_PAIR {
        tokio::task::spawn_local(ask(server.clone(), meter.clone()));
    }
    std::future::pending().await
}

async fn sleep_all(meter: Meter) -> turmoil::Result {
    for _ in 0..SLEEPERS_PER_NODE {
        let meter = meter.clone();
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
                meter.add(1);
            }
        });
    }
    std::future::pending().await
}

fn main() {
    let arguments = arguments();
    let tick = Duration::from_millis(std::env::var("TURMOIL_TICK_MS").map_or(1, |ms| ms.parse().unwrap()));
    let mut sim = turmoil::Builder::new()
        .rng_seed(1)
        .tick_duration(tick)
        .min_message_latency(LATENCY_MIN)
        .max_message_latency(LATENCY_MAX)
        .simulation_duration(WARM_UP + arguments.length + Duration::from_secs(1))
        .build();
    let meter = Meter::default();
    if arguments.work == Work::Sleep {
        for node in 0..arguments.nodes {
            let meter = meter.clone();
            sim.host(format!("n{node}"), move || sleep_all(meter.clone()));
        }
    } else {
        for pair in 0..arguments.nodes / 2 {
            sim.host(format!("s{pair}"), serve);
            let meter = meter.clone();
            sim.host(format!("c{pair}"), move || ask_all(format!("s{pair}"), meter.clone()));
        }
    }
    while sim.elapsed() < WARM_UP {
        sim.step().unwrap();
    }
    meter.begin();
    while sim.elapsed() < WARM_UP + arguments.length {
        sim.step().unwrap();
    }
    meter.print();
}
