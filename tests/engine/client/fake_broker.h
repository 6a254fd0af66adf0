// A few brokers in memory that speak enough of Kafka's protocol to test clients against: logs of real batches, the
// sequence rules of idempotent producers, fetch sessions, and faults that a test scripts. They judge what they are
// sent: a batch that breaks a rule is an error that the test sees.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/net/frame_reader.h"
#include "engine/net/message.h"
#include "engine/protocol/errors.h"
#include "engine/protocol/generated/api_versions.h"
#include "engine/protocol/generated/fetch.h"
#include "engine/protocol/generated/init_producer_id.h"
#include "engine/protocol/generated/list_offsets.h"
#include "engine/protocol/generated/metadata.h"
#include "engine/protocol/generated/offset_for_leader_epoch.h"
#include "engine/protocol/generated/produce.h"
#include "engine/record/builder.h"
#include "engine/record/control.h"
#include "engine/record/validate.h"
#include "tests/engine/net/fake_world.h"

namespace odradek::client::testing {

using protocol::ErrorCode;

struct Request {
  int32_t node = 0;
  protocol::RequestHeader header;
  std::shared_ptr<ByteBuffer> bytes;
  protocol::ApiKey key() const { return static_cast<protocol::ApiKey>(header.request_api_key); }
  template <typename Message>
  Message Body() const {
    protocol::Reader reader(*bytes);
    protocol::RequestHeader ignored;
    EXPECT_EQ(protocol::DecodeRequestHeader(reader, ignored), protocol::RequestHeaderStatus::kOk);
    Message message;
    EXPECT_TRUE(protocol::DecodeWhole(reader, header.request_api_version, message)) << reader.error().ToString();
    return message;
  }
};

// What happens to one batch of a Produce request.
struct ProduceFault {
  enum class Append { kYes, kNo } append = Append::kYes;
  ErrorCode error = ErrorCode::kNone;
  enum class Then { kAnswer, kDisconnect, kSilence } then = Then::kAnswer;
};

// What happens to a request of any kind.
enum class RequestFault { kNone, kDisconnect, kSilence };

struct StoredBatch {
  ByteBuffer bytes;
  record::BatchHeader header;
};

struct FakePartition {
  struct Producer {
    int16_t epoch = -1;
    std::deque<record::BatchHeader> recent;  // as stored, the last five
  };
  int32_t leader = 1;
  int32_t leader_epoch = 0;
  std::vector<StoredBatch> log;
  int64_t log_start_offset = 0;
  int64_t end_offset = 0;
  std::optional<int64_t> last_stable_offset;
  std::vector<protocol::FetchResponse::AbortedTransaction> aborted;
  std::map<int64_t, Producer> producers;
  std::map<int32_t, ErrorCode> followers;  // nodes that serve consumers too, or refuse them
  int32_t preferred_replica = -1;          // where the leader sends consumers
};

struct FakeTopic {
  TopicId id;
  std::map<int32_t, FakePartition> partitions;
};

// Every attempt to produce, in the order of arrival.
struct ProduceAttempt {
  MonoTime at;
  int32_t node = 0;
  TopicPartition tp;
  record::BatchHeader header;
  ByteBuffer bytes;
  ErrorCode error = ErrorCode::kNone;  // of the rules, before faults
};

class FakeCluster {
 public:
  explicit FakeCluster(net::testing::FakeWorld& world) : world_(world) {}
  // Ends the world: its fibers use the cluster.
  ~FakeCluster() { world_.loop.Kill(world_.scheduler); }

  void AddTopic(const std::string& name, int32_t partition_count);
  void StartNode(int32_t node);
  static env::Address AddressOf(int32_t node) { return {"broker" + std::to_string(node), 9092}; }

  FakePartition& partition(const std::string& topic, int32_t index) { return topics.at(topic).partitions.at(index); }
  // A batch that nobody sent: as a broker stores it.
  void Store(FakePartition& partition, ByteBuffer bytes);
  // The values in a partition's log, joined by commas.
  std::string Values(const std::string& topic, int32_t index);

  // Scripts; the default is no fault.
  std::function<ProduceFault(const ProduceAttempt&)> produce_fault;
  std::function<RequestFault(fiber::Fiber&, const Request&)> request_fault;
  std::function<void(protocol::FetchResponse&)> fetch_edit;
  std::function<std::optional<net::OutParts>(const Request&)> answer;  // instead of what is built in
  int32_t throttle_millis = 0;                                         // in answers to Produce and Fetch
  std::map<int16_t, std::pair<int16_t, int16_t>> versions;  // ranges that replace the usual ones; {0, -1}: not offered

  std::map<std::string, FakeTopic> topics;
  std::vector<int32_t> nodes;
  std::vector<ProduceAttempt> attempts;
  std::vector<protocol::FetchRequest> fetches;
  std::vector<std::pair<int32_t, MonoTime>> fetch_arrivals;  // node and time, beside `fetches`
  std::vector<int32_t> closed_sessions;
  std::map<protocol::ApiKey, int> counts;
  int64_t next_producer_id = 1000;
  ErrorCode init_producer_id_error = ErrorCode::kNone;
  fiber::WaitQueue appended;

  template <typename Message>
  net::OutParts AnswerTo(const Request& request, const Message& body) {
    const protocol::ResponseTo to{.key = request.key(),
                                  .version = request.header.request_api_version,
                                  .correlation_id = request.header.correlation_id};
    net::EncodedFrame frame = net::EncodeFrame(to, body);
    EXPECT_FALSE(frame.error) << frame.error->ToString();
    return std::move(frame.parts);
  }

 private:
  struct Answered {
    net::OutParts parts;
    bool disconnect = false;
  };
  struct Session {
    int32_t epoch = 0;  // -1: closed
    std::map<std::pair<Uuid, int32_t>, protocol::FetchRequest::Partition> partitions;
  };

  void RunNode(fiber::Fiber& self, int32_t node);
  void RunConnection(fiber::Fiber& self, int32_t node, env::Connection& stream);
  Answered Handle(fiber::Fiber& self, const Request& request);
  net::OutParts HandleApiVersions(const Request& request);
  net::OutParts HandleMetadata(const Request& request);
  net::OutParts HandleInitProducerId(const Request& request);
  net::OutParts HandleListOffsets(const Request& request);
  net::OutParts HandleEpochs(const Request& request);
  Answered HandleProduce(const Request& request);
  net::OutParts HandleFetch(fiber::Fiber& self, const Request& request);
  bool FillFetch(const Request& request, const Session& session, protocol::FetchResponse& response);
  void FillPartition(const Request& request, FakePartition& stored, const protocol::FetchRequest::Partition& wanted,
                     protocol::FetchResponse::PartitionData& out);
  FakePartition* Find(Uuid id, int32_t index);
  std::pair<ErrorCode, int64_t> Append(FakePartition& partition, ProduceAttempt& attempt);

  net::testing::FakeWorld& world_;
  net::BufferPool pool_;
  std::map<int32_t, Session> sessions_;
  int32_t last_session_ = 0;
  std::vector<std::shared_ptr<ByteBuffer>> kept_;
};

}  // namespace odradek::client::testing
