// rdkafka for Rust against a broker: rust_client CHECK ADDRESS TOPIC. A check that fails panics: exit status 101.
use std::time::{Duration, Instant};

use futures_executor::block_on;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer, DefaultConsumerContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

const TIMEOUT: Duration = Duration::from_secs(30);
const PARTITION_COUNT: i32 = 2;
const RECORD_COUNT: usize = 100;

fn config(address: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", address).set("message.timeout.ms", "20000");
    config
}

fn admin(address: &str) -> AdminClient<DefaultClientContext> {
    config(address).create().expect("an admin client")
}

fn create(admin: &AdminClient<DefaultClientContext>, topic: &str) {
    let new = NewTopic::new(topic, PARTITION_COUNT, TopicReplication::Fixed(1)).set("retention.ms", "60000000");
    let results = block_on(admin.create_topics([&new], &AdminOptions::new())).expect("an answer");
    assert_eq!(results, [Ok(topic.to_string())]);
}

fn send(config: &ClientConfig, topic: &str, values: &[String]) {
    let producer: ThreadedProducer<DefaultProducerContext> = config.create().expect("a producer");
    for value in values {
        let headers = OwnedHeaders::new().insert(Header { key: "length", value: Some(&value.len().to_string()) });
        let record = BaseRecord::to(topic).partition(0).key("k").payload(value).headers(headers);
        producer.send(record).map_err(|(why, _)| why).expect("room in the queue");
    }
    producer.flush(TIMEOUT).expect("every record is acknowledged");
}

fn read(address: &str, topic: &str, from: Offset, count: usize, mut look: impl FnMut(&BorrowedMessage)) {
    let consumer: BaseConsumer<DefaultConsumerContext> =
        config(address).set("group.id", "unused").set("enable.auto.commit", "false").create().expect("a consumer");
    let mut assigned = TopicPartitionList::new();
    assigned.add_partition_offset(topic, 0, from).expect("a partition");
    consumer.assign(&assigned).expect("it is assigned");
    let deadline = Instant::now() + TIMEOUT;
    let mut seen = 0;
    while seen < count {
        assert!(Instant::now() < deadline, "{seen} of {count} records within {TIMEOUT:?}");
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            look(&message.expect("a record"));
            seen += 1;
        }
    }
}

fn values(name: &str) -> Vec<String> {
    (0..RECORD_COUNT).map(|i| format!("{name} {i}")).collect()
}

fn produce(address: &str, topic: &str) {
    create(&admin(address), topic);
    let mut want = Vec::new();
    for codec in ["none", "gzip", "snappy", "lz4"] {
        for acks in ["all", "1", "0"] {
            let sent = values(&format!("{codec} {acks}"));
            send(config(address).set("compression.codec", codec).set("acks", acks), topic, &sent);
            want.extend(sent);
            // What nobody acknowledges may be overtaken by the next producer's.
            read(address, topic, Offset::Beginning, want.len(), |_| {});
        }
    }
    let mut at = 0;
    read(address, topic, Offset::Beginning, want.len(), |message| {
        let value = message.payload_view::<str>().expect("a value").expect("text");
        assert_eq!((value, message.offset()), (want[at].as_str(), at as i64));
        let length = message.headers().expect("headers").get(0).value.expect("a header");
        assert_eq!(length, value.len().to_string().as_bytes());
        at += 1;
    });
}

fn idempotent(address: &str, topic: &str) {
    create(&admin(address), topic);
    let sent = values("idempotent");
    send(config(address).set("enable.idempotence", "true").set("linger.ms", "0"), topic, &sent);
    let mut at = 0;
    read(address, topic, Offset::Beginning, sent.len(), |message| {
        assert_eq!(message.payload(), Some(sent[at].as_bytes()));
        at += 1;
    });
}

fn administer(address: &str, topic: &str) {
    let admin = admin(address);
    let options = AdminOptions::new();
    create(&admin, topic);
    let again = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
    let results = block_on(admin.create_topics([&again], &options)).expect("an answer");
    assert_eq!(results, [Err((topic.to_string(), RDKafkaErrorCode::TopicAlreadyExists))]);
    let results = block_on(admin.create_partitions([&NewPartitions::new(topic, 3)], &options)).expect("an answer");
    assert_eq!(results, [Ok(topic.to_string())]);
    let altered = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("retention.ms", "70000");
    block_on(admin.alter_configs([&altered], &options)).expect("an answer")[0].as_ref().expect("it is altered");
    let described = block_on(admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options)).expect("an answer");
    let entries = described[0].as_ref().expect("configs").entry_map();
    assert_eq!(entries["retention.ms"].value.as_deref(), Some("70000"));
    let metadata = admin.inner().fetch_metadata(Some(topic), TIMEOUT).expect("metadata");
    assert_eq!((metadata.brokers().len(), metadata.topics()[0].partitions().len()), (1, 3));
    let results = block_on(admin.delete_topics(&[topic], &options)).expect("an answer");
    assert_eq!(results, [Ok(topic.to_string())]);
}

fn offsets(address: &str, topic: &str) {
    let admin = admin(address);
    create(&admin, topic);
    send(&config(address), topic, &values("offsets"));
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(topic, 0, Offset::Offset(30)).expect("a partition");
    block_on(admin.delete_records(&before, &AdminOptions::new())).expect("they are deleted");
    let watermarks = admin.inner().fetch_watermarks(topic, 0, TIMEOUT).expect("watermarks");
    assert_eq!(watermarks, (30, RECORD_COUNT as i64));
    read(address, topic, Offset::Offset(40), RECORD_COUNT - 40, |message| assert!(message.offset() >= 40));
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [check, address, topic] = arguments.as_slice() else { panic!("usage: rust_client CHECK ADDRESS TOPIC") };
    match check.as_str() {
        "produce" => produce(address, topic),
        "idempotent" => idempotent(address, topic),
        "admin" => administer(address, topic),
        "offsets" => offsets(address, topic),
        _ => panic!("no check {check}"),
    }
}
