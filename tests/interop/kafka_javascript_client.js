// @confluentinc/kafka-javascript against a broker: node kafka_javascript_client.js ADDRESS CHECK TOPIC. A check that
// fails ends with an error. Producers and admin calls go through its new interface; records are read through the older
// one, which can read partitions without a group.
const assert = require('assert');
const readline = require('readline');
const {KafkaJS, KafkaConsumer, AdminClient} = require('@confluentinc/kafka-javascript');

const [address, check, topic] = process.argv.slice(2);
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const TIMEOUT_MS = 30000;
const {ErrorCodes} = KafkaJS;
// Lost connections are the point of some checks.
const common = {'bootstrap.servers': address, 'log_level': 0, 'reconnect.backoff.max.ms': 200};
const kafka = new KafkaJS.Kafka({...common, kafkaJS: {logLevel: KafkaJS.logLevel.NOTHING}});

async function withClient(client, body) {
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.disconnect();
  }
}
const withAdmin = (body) => withClient(kafka.admin(), body);
const withProducer = (options, body) => withClient(kafka.producer({'message.timeout.ms': 60000, ...options}), body);

function create(admin, numPartitions = 1, configEntries = []) {
  return admin.createTopics({topics: [{topic, numPartitions, replicationFactor: 1, configEntries}]});
}

// All of partition 0 from an offset on.
function read(options = {}, offset = 0) {
  return new Promise((resolve, reject) => {
    const consumer = new KafkaConsumer({...common, 'group.id': 'unused', 'enable.auto.commit': false,
      'enable.partition.eof': true, ...options}, {'auto.offset.reset': 'earliest'});
    consumer.setDefaultConsumeTimeout(20);
    const seen = [];
    let timer = null;
    const finish = (error) => {
      clearTimeout(timer);
      consumer.disconnect(() => error ? reject(error) : resolve(seen));
    };
    timer = setTimeout(() => finish(new Error(`the end did not come; ${seen.length} records`)), TIMEOUT_MS);
    consumer.on('ready', () => {
      consumer.assign([{topic, partition: 0, offset}]);
      consumer.consume((error, message) => error ? finish(error) : seen.push(message));
    });
    consumer.on('partition.eof', () => finish(null));
    consumer.connect({}, (error) => error && finish(error));
  });
}

const text = (field) => field === null ? null : field.toString();
const values = (records) => records.map((record) => text(record.value));
const codesOf = async (call) => {
  try {
    await call;
  } catch (error) {
    return (error.errors || [error]).map((one) => one.code);
  }
  return [];
};
const promised = (call) => new Promise((resolve, reject) => call((error, result) => error ? reject(error) : resolve(result)));

const checks = {
  async produce() {
    await withAdmin((admin) => create(admin, 1));
    const want = [];
    for (const codec of CODECS) {
      for (const acks of [-1, 1, 0]) {
        const messages = [...Array(100).keys()].map((i) => ({
          key: i % 2 ? `k${i}` : null, value: i % 5 ? `${codec} ${acks} ${i}` : null, partition: 0,
          timestamp: `${1000 + i}`, headers: {h: [`${i}`, '']}}));
        want.push(...messages.map(({key, value}) => ({key, value})));
        await withProducer({'compression.codec': codec, acks}, async (producer) => {
          const [sent] = await producer.send({topic, messages});
          assert.strictEqual(sent.errorCode, 0);
          if (acks !== 0) assert.strictEqual(Number(sent.baseOffset), want.length - messages.length);
        });
        // What nobody acknowledges may be overtaken by the next producer's.
        if (acks !== 0) continue;
        for (let i = 0; i < 100 && (await read()).length < want.length; ++i) await new Promise((r) => setTimeout(r, 50));
      }
    }
    for (const level of ['read_uncommitted', 'read_committed']) {
      const seen = await read({'isolation.level': level, 'check.crcs': true});
      assert.deepStrictEqual(seen.map(({key, value}) => ({key: text(key), value: text(value)})), want);
      seen.forEach(({offset, timestamp, headers}, at) => {
        assert.deepStrictEqual([offset, timestamp], [at, 1000 + at % 100]);
        assert.deepStrictEqual(headers.map(({h}) => text(h)), [`${at % 100}`, '']);
      });
    }
    assert.deepStrictEqual(values(await read({}, want.length - 1)), [want.at(-1).value]);
  },
  async idempotent() {
    await withAdmin((admin) => create(admin, 1));
    const want = [...Array(2000).keys()].map(String);
    const options = {'enable.idempotence': true, 'linger.ms': 0, 'batch.num.messages': 3, 'compression.codec': 'zstd'};
    await withProducer(options, async (producer) => {
      const sent = await Promise.all(want.map((value) => producer.send({topic, messages: [{value, partition: 0}]})));
      assert.deepStrictEqual(sent.map(([one]) => Number(one.baseOffset)), [...want.keys()]);
    });
    assert.deepStrictEqual(values(await read()), want);
  },
  async admin() {
    await withAdmin(async (admin) => {
      assert(await create(admin, 2, [{name: 'max.message.bytes', value: '1000'}]));
      assert.strictEqual(await create(admin), false);  // it is there already
      assert((await admin.listTopics()).includes(topic));
      const refused = (one) => codesOf(admin.createTopics({topics: [{numPartitions: 1, replicationFactor: 1, ...one}]}));
      assert.deepStrictEqual(await refused({topic: 'bad name!'}), [ErrorCodes.ERR_TOPIC_EXCEPTION]);
      assert.deepStrictEqual(await refused({topic: 'a', replicationFactor: 3}), [ErrorCodes.ERR_INVALID_REPLICATION_FACTOR]);
      assert.deepStrictEqual(await refused({topic: 'a', configEntries: [{name: 'no.such', value: '1'}]}),
        [ErrorCodes.ERR_INVALID_CONFIG]);
      const old = AdminClient.create(common);
      await promised((done) => old.createPartitions(topic, 3, TIMEOUT_MS, done));
      assert.deepStrictEqual(await codesOf(promised((done) => old.createPartitions(topic, 2, TIMEOUT_MS, done))),
        [ErrorCodes.ERR_INVALID_PARTITIONS]);
      old.disconnect();
      const [described] = await admin.fetchTopicMetadata({topics: [topic]});
      assert.deepStrictEqual([described.name, described.isInternal, described.partitions.length], [topic, false, 3]);
      assert(described.partitions.every((one) => one.leader === 1 && one.replicas.join() === '1' && one.isr.join() === '1'));
      await withProducer({}, async (producer) => {
        assert.deepStrictEqual(await codesOf(producer.send({topic, messages: [{value: 'x'.repeat(5000)}]})),
          [ErrorCodes.ERR_MSG_SIZE_TOO_LARGE]);
      });
      await admin.deleteTopics({topics: [topic]});
      assert(!(await admin.listTopics()).includes(topic));
      assert.deepStrictEqual(await codesOf(admin.deleteTopics({topics: [topic]})), [ErrorCodes.ERR_UNKNOWN_TOPIC_OR_PART]);
    });
  },
  async offsets() {
    await withAdmin(async (admin) => {
      await create(admin);
      await withProducer({}, async (producer) => {
        for (let i = 1; i <= 5; ++i) await producer.send({topic, messages: [{value: `${i}`, timestamp: `${1000 * i}`}]});
      });
      const ends = async () => (await admin.fetchTopicOffsets(topic)).map(({low, high}) => `${low} ${high}`);
      assert.deepStrictEqual(await ends(), ['0 5']);
      const at = async (timestamp) => (await admin.fetchTopicOffsetsByTimestamp(topic, timestamp))[0].offset;
      assert.deepStrictEqual([await at(0), await at(2500), await at(5000), await at(9000)], ['0', '2', '4', '5']);
      const [deleted] = await admin.deleteTopicRecords({topic, partitions: [{partition: 0, offset: '3'}]});
      assert.strictEqual(Number(deleted.lowWatermark), 3);
      assert.deepStrictEqual(await ends(), ['3 5']);
      assert.deepStrictEqual(values(await read({}, 3)), ['4', '5']);
      assert.deepStrictEqual(values(await read({}, 0)), ['4', '5']);  // out of range: it starts anew
    });
  },
  // Sends until standard input ends, whatever happens to the broker meanwhile.
  async load() {
    await withAdmin((admin) => create(admin, 1));
    let is_stopped = false;
    readline.createInterface({input: process.stdin}).on('close', () => { is_stopped = true; });
    const sent = [];
    await withProducer({acks: -1, 'linger.ms': 1, 'enable.idempotence': true, 'compression.codec': 'lz4'}, async (producer) => {
      while (!is_stopped) {
        for (let i = 0; i < 100; ++i) {
          sent.push(producer.send({topic, messages: [{value: `${sent.length}`, partition: 0}]}));
          if (sent.length === 1) sent[0].then(() => console.log('the first is acknowledged'), () => {});
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const offsets = (await Promise.all(sent)).map(([one]) => Number(one.baseOffset));
      // Each once, in order, where it was said to be.
      assert.deepStrictEqual(offsets, [...offsets.keys()]);
    });
    const seen = await read();
    assert.deepStrictEqual(seen.map(({offset, value}) => `${offset} ${value}`), sent.map((_, i) => `${i} ${i}`));
    console.log(`${seen.length} records`);
  },
  // What `load` has left; standard input says how many records.
  async verify() {
    const count = Number(await new Promise((resolve) => process.stdin.on('data', resolve)));
    assert.deepStrictEqual(values(await read()), [...Array(count).keys()].map(String));
  },
};

checks[check]().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
