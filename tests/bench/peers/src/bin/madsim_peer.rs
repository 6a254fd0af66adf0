//! Echo over TcpStream, and sleepers, in madsim. Built with `--cfg madsim`.
use madsim::net::{TcpListener, TcpStream};
use madsim::runtime::{Handle, NodeHandle, Runtime};
use madsim::time::sleep;
use peers::*;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

// madsim's tasks must be Send; one thread runs them all.
static OPERATIONS: AtomicU64 = AtomicU64::new(0);

fn address(node: usize) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, (node / 250) as u8, (node % 250 + 1) as u8))
}

fn create(node: usize) -> NodeHandle {
    Handle::current().create_node().name(format!("n{node}")).ip(address(node)).build()
}

async fn echo(mut stream: TcpStream) {
    let mut message = [0u8; MESSAGE_BYTES];
    while stream.read_exact(&mut message).await.is_ok() {
        stream.write_all(&message).await.unwrap();
        stream.flush().await.unwrap();
    }
}

async fn serve(at: SocketAddr) {
    let listener = TcpListener::bind(at).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        madsim::task::spawn(echo(stream));
    }
}

async fn ask(at: SocketAddr) {
    sleep(Duration::from_millis(1)).await;
    let mut stream = TcpStream::connect(at).await.unwrap();
    let mut message = [1u8; MESSAGE_BYTES];
    loop {
        stream.write_all(&message).await.unwrap();
        stream.flush().await.unwrap();
        stream.read_exact(&mut message).await.unwrap();
        OPERATIONS.fetch_add(2, Ordering::Relaxed);
    }
}

fn start(work: Work, nodes: usize) {
    if work == Work::Sleep {
        for node in (0..nodes).map(create) {
            for _ in 0..SLEEPERS_PER_NODE {
                node.spawn(async {
                    loop {
                        sleep(Duration::from_millis(1)).await;
                        OPERATIONS.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        }
        return;
    }
    for pair in 0..nodes / 2 {
        let server = SocketAddr::new(address(2 * pair), 7);
        create(2 * pair).spawn(serve(server));
        let client = create(2 * pair + 1);
        for _ in 0..CONNECTIONS_PER_PAIR {
            client.spawn(ask(server));
        }
    }
}

fn main() {
    let arguments = arguments();
    let mut config = madsim::Config::default();
    config.net.send_latency = LATENCY_MIN..LATENCY_MAX;
    Runtime::with_seed_and_config(1, config).block_on(async move {
        start(arguments.work, arguments.nodes);
        sleep(WARM_UP).await;
        OPERATIONS.store(0, Ordering::Relaxed);
        let meter = Meter::default();
        meter.begin();
        sleep(arguments.length).await;
        meter.add(OPERATIONS.load(Ordering::Relaxed));
        meter.print();
        std::process::exit(0);
    });
}
