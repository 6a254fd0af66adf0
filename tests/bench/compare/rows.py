"""The rows of the table: what is run against a broker and which figures count. A row yields windows, one broker after
the other and back (ABAB), so that what the machine does meanwhile meets both."""
import os
import time

GB = 1_000_000_000
BATCH_16 = ('--records', 16, '--record-bytes', 1024, '--connections', 4, '--in-flight', 5)
BATCH_256 = ('--records', 256, '--record-bytes', 1024, '--connections', 4, '--in-flight', 5)
SINGLE = ('--records', 1, '--record-bytes', 100, '--in-flight', 1)
TWELVE = ('--partitions', 12)


class Figure:
    """One figure of a row; `reach` is the ratio ours : Kafka's that is wanted, a bound from below or from above."""

    def __init__(self, key, unit, at_least=None, at_most=None):
        self.key, self.unit, self.at_least, self.at_most = key, unit, at_least, at_most

    def reached(self, ratio):
        if self.at_least is not None:
            return ratio >= self.at_least
        return ratio <= self.at_most if self.at_most is not None else None

    def wanted(self):
        if self.at_least is not None:
            return f'≥ {self.at_least:g}'
        return f'≤ 1/{1 / self.at_most:g}' if self.at_most is not None else ''


class Row:
    def __init__(self, name, what, figures):
        self.name, self.what, self.figures = name, what, figures


def settle():
    """What the last window left behind is over before the next one."""
    time.sleep(0.3)


class Produce(Row):
    """Windows on a topic of their own, which is deleted behind them."""

    def __init__(self, name, what, figures, arguments, requests):
        super().__init__(name, what, figures)
        self.arguments, self.requests = arguments, requests

    def prepare(self, broker):
        broker.boot()
        # 3 GB before the first window: by then Kafka's code is compiled and the page cache is warm.
        self.window(broker, (*BATCH_16, *TWELVE), 3 * GB // 16_600)
        self.window(broker, self.arguments, self.requests)

    def measure(self, broker):
        return self.window(broker, self.arguments, self.requests)

    @staticmethod
    def window(broker, arguments, requests):
        topic = broker.new_topic()
        measured = broker.load('produce', topic, *arguments, '--requests', requests, '--warm-up', requests // 20)
        broker.load('delete', topic)
        settle()
        return measured


class Fetch(Row):
    def __init__(self, name, what, figures, connections):
        super().__init__(name, what, figures)
        self.connections = connections

    def prepare(self, broker):
        broker.boot()
        broker.load('produce', 'stored', *BATCH_16, *TWELVE, '--requests', 3 * GB // 16_600)
        os.sync()
        self.measure(broker)

    def measure(self, broker):
        measured = broker.load('fetch', 'stored', '--connections', self.connections, '--bytes', 3 * GB)
        settle()
        return measured


class Tail(Row):
    def prepare(self, broker):
        broker.boot()
        Produce.window(broker, (*BATCH_16, *TWELVE), 3 * GB // 16_600)
        self.measure(broker)

    def measure(self, broker):
        topic = broker.new_topic()
        measured = broker.load('tail', topic, '--seconds', 4)
        broker.load('delete', topic)
        settle()
        return measured


class FreshRow(Row):
    """A row whose windows each begin with a broker that was never started."""
    fresh = True


class Boot(FreshRow):
    def measure(self, broker):
        measured = broker.boot()
        time.sleep(2)
        measured['idle_resident_mb'] = broker.memory()['resident_bytes'] / 1e6
        return measured


class Crash(FreshRow):
    """SIGKILL with unflushed data, then until the first record is acknowledged."""

    def __init__(self, name, what, figures, gigabytes):
        super().__init__(name, what, figures)
        self.gigabytes = gigabytes

    def measure(self, broker):
        broker.boot()
        broker.load('produce', 'crash', *BATCH_16, *TWELVE, '--requests', self.gigabytes * GB // 16_600)
        broker.kill()
        return broker.boot(topic='crash', create_partitions=0)


class Memory(FreshRow):
    def measure(self, broker):
        broker.boot()
        time.sleep(3)
        measured = {'idle_mb': broker.memory()['resident_bytes'] / 1e6}
        for row in (ROWS['B1'], ROWS['B2'], ROWS['B3']):
            row.window(broker, row.arguments, row.requests)
        measured['after_load_mb'] = broker.memory()['resident_bytes'] / 1e6
        return measured


class ManyPartitions(FreshRow):
    """10,000 partitions: creation, memory, a clean stop and a start."""

    def measure(self, broker):
        broker.boot()
        before = broker.memory()
        measured = {'create_seconds': broker.load('create', 'many')['seconds']}
        after = broker.memory()
        measured['resident_mb'] = after['resident_bytes'] / 1e6
        measured['bytes_per_partition'] = (after['anonymous_bytes'] - before['anonymous_bytes']) / 10_000
        broker.stop()
        measured['boot_seconds'] = broker.boot(create_partitions=0)['seconds']
        measured['resident_mb_after_boot'] = broker.memory()['resident_bytes'] / 1e6
        return measured


class Growth(FreshRow):
    """More partitions, more connections; each against the small one of the same broker."""

    def measure(self, broker):
        broker.boot()
        Produce.window(broker, (*BATCH_16, *TWELVE), 60_000)
        measured = {}
        for name, partitions in (('few', 10), ('many', 10_000)):
            done = Produce.window(broker, (*BATCH_16, '--partitions', partitions), 60_000)
            measured[f'{name}_partitions_mb_per_s'] = done['mb_per_s']
        for name, connections in (('few', 10), ('many', 5_000)):
            done = Produce.window(broker, (*SINGLE, *TWELVE, '--connections', connections), 200_000)
            measured[f'{name}_connections_requests_per_s'] = done['requests_per_s']
        measured['partitions_ratio'] = measured['many_partitions_mb_per_s'] / measured['few_partitions_mb_per_s']
        measured['connections_ratio'] = (measured['many_connections_requests_per_s'] /
                                         measured['few_connections_requests_per_s'])
        measured['bytes_per_connection'] = broker.load('idle', 'none', '--connections', 5_000)['bytes_per_connection']
        return measured


ROWS = {row.name: row for row in (
    Produce('B1', 'produce, acks=1, 12 partitions, 4 connections × 5 in flight, batches of 16 × 1 KiB',
            [Figure('mb_per_s', 'MB/s', at_least=2.7), Figure('cpu_seconds_per_gb', 'core-s/GB', at_most=1 / 4)],
            (*BATCH_16, *TWELVE), 60_000),
    Produce('B2', 'the same with batches of 256 × 1 KiB',
            [Figure('mb_per_s', 'MB/s', at_least=1.5), Figure('cpu_seconds_per_gb', 'core-s/GB', at_most=1 / 2.2)],
            (*BATCH_256, *TWELVE), 6_000),
    Produce('B3', 'one 100 B record per batch, 12 partitions, 64 connections × 1 in flight',
            [Figure('requests_per_s', 'requests/s', at_least=3.3),
             Figure('cpu_micros_per_request', 'µs CPU/request', at_most=1 / 4.5)],
            (*SINGLE, *TWELVE, '--connections', 64), 250_000),
    Fetch('B6', 'fetch 3 GB from the page cache, 1 connection, bytes discarded',
          [Figure('mb_per_s', 'MB/s', at_least=1), Figure('cpu_seconds_per_gb', 'core-s/GB', at_most=1)], 1),
    Fetch('B6-4', 'the same with 4 connections',
          [Figure('mb_per_s', 'MB/s', at_least=1), Figure('cpu_seconds_per_gb', 'core-s/GB', at_most=1)], 4),
    Tail('B6t', '64 consumers long-polling a partition each while 2,000 records/s of 100 B arrive',
         [Figure('p50_micros', 'µs p50', at_most=1 / 3), Figure('p99_micros', 'µs p99'),
          Figure('cpu_micros_per_record', 'µs CPU/record', at_most=1 / 4)]),
    Boot('B8', 'exec to the first acknowledged record, empty directory',
         [Figure('seconds', 's', at_most=1 / 150), Figure('idle_resident_mb', 'MB resident when idle')]),
    Memory('B9', 'resident memory, idle and after B1–B3',
           [Figure('idle_mb', 'MB idle', at_most=1 / 24), Figure('after_load_mb', 'MB after B1–B3', at_most=1 / 12)]),
    Crash('B11', 'SIGKILL with 3 GB unflushed in 12 partitions, exec to the first acknowledged record',
          [Figure('seconds', 's', at_most=1 / 12)], 3),
    Crash('B11-1', 'the same with 1 GB', [Figure('seconds', 's')], 1),
    ManyPartitions('B12', '10 topics × 1,000 partitions until every leader is visible (B12), memory with them (B9), '
                   'clean stop, exec to the first acknowledged record (B8p)',
                   [Figure('create_seconds', 's to create', at_most=1 / 20),
                    Figure('resident_mb', 'MB resident', at_most=1 / 12),
                    Figure('boot_seconds', 's to start again', at_most=1 / 40),
                    Figure('bytes_per_partition', 'B/partition')]),
    Growth('B13', 'B1 at 10 and 10,000 partitions, B3 at 10 and 5,000 connections',
           [Figure('partitions_ratio', '× with 10,000 partitions'),
            Figure('connections_ratio', '× with 5,000 connections'),
            Figure('bytes_per_connection', 'B per idle connection')]),
)}
