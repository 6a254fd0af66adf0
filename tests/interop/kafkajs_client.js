// kafkajs against a broker: node kafkajs_client.js ADDRESS CHECK TOPIC. A check that fails ends with an error.
const assert = require('assert');
const {Kafka, CompressionTypes, ConfigResourceTypes, logLevel} = require('kafkajs');

const [address, check, topic] = process.argv.slice(2);
const kafka = new Kafka({clientId: 'interop', brokers: [address], logLevel: logLevel.NOTHING, retry: {retries: 2}});

async function withAdmin(body) {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await body(admin);
  } finally {
    await admin.disconnect();
  }
}

async function withProducer(options, body) {
  const producer = kafka.producer(options);
  await producer.connect();
  try {
    await body(producer);
  } finally {
    await producer.disconnect();
  }
}

async function highWatermark(admin) {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets.reduce((sum, partition) => sum + Number(partition.high), 0);
}

const checks = {
  async produce() {
    await withAdmin(async (admin) => {
      await admin.createTopics({topics: [{topic, numPartitions: 2}], waitForLeaders: true});
      for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
        for (const acks of [-1, 1, 0]) {
          await withProducer({}, async (producer) => {
            const messages = [...Array(100).keys()].map((i) => ({key: `k${i}`, value: `v${i}`, headers: {h: 'x'}}));
            const sent = await producer.send({topic, acks, compression, messages});
            if (acks !== 0) assert(sent.every((one) => one.errorCode === 0 && Number(one.baseOffset) >= 0));
          });
        }
      }
      for (let i = 0; i < 100 && await highWatermark(admin) < 600; ++i) await new Promise((r) => setTimeout(r, 50));
      assert.strictEqual(await highWatermark(admin), 600);
    });
  },
  async idempotent() {
    await withAdmin(async (admin) => {
      await admin.createTopics({topics: [{topic, numPartitions: 1}], waitForLeaders: true});
      await withProducer({idempotent: true, maxInFlightRequests: 1}, async (producer) => {
        for (let i = 0; i < 20; ++i) await producer.send({topic, messages: [{value: `${i}`}]});
      });
      assert.strictEqual(await highWatermark(admin), 20);
    });
  },
  async admin() {
    await withAdmin(async (admin) => {
      assert(await admin.createTopics({topics: [{topic, numPartitions: 2,
        configEntries: [{name: 'retention.ms', value: '60000'}]}]}));
      assert((await admin.listTopics()).includes(topic));
      await admin.createPartitions({topicPartitions: [{topic, count: 3}]});
      const {topics} = await admin.fetchTopicMetadata({topics: [topic]});
      assert.strictEqual(topics[0].partitions.length, 3);
      const cluster = await admin.describeCluster();
      assert.strictEqual(cluster.brokers.length, 1);
      assert.strictEqual(cluster.controller, cluster.brokers[0].nodeId);
      const resource = {type: ConfigResourceTypes.TOPIC, name: topic};
      const described = await admin.describeConfigs({resources: [resource], includeSynonyms: true});
      const retention = described.resources[0].configEntries.find((e) => e.configName === 'retention.ms');
      assert.strictEqual(retention.configValue, '60000');
      await admin.alterConfigs({validateOnly: false,
        resources: [{...resource, configEntries: [{name: 'retention.ms', value: '70000'}]}]});
      await admin.deleteTopics({topics: [topic]});
      assert(!(await admin.listTopics()).includes(topic));
    });
  },
  async offsets() {
    await withAdmin(async (admin) => {
      await admin.createTopics({topics: [{topic, numPartitions: 1}], waitForLeaders: true});
      await withProducer({}, async (producer) => {
        for (let i = 1; i <= 5; ++i) await producer.send({topic, messages: [{value: 'v', timestamp: `${1000 * i}`}]});
      });
      const [{high, low}] = await admin.fetchTopicOffsets(topic);
      assert.deepStrictEqual([low, high], ['0', '5']);
      assert.strictEqual((await admin.fetchTopicOffsetsByTimestamp(topic, 2500))[0].offset, '2');
      await admin.deleteTopicRecords({topic, partitions: [{partition: 0, offset: '3'}]});
      assert.strictEqual((await admin.fetchTopicOffsets(topic))[0].low, '3');
    });
  },
};

checks[check]().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
