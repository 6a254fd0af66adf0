#include "engine/net/client_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/protocol/errors.h"
#include "engine/protocol/generated/metadata.h"
#include "engine/protocol/generated/produce.h"
#include "tests/engine/net/fake_world.h"

namespace odradek::net {
namespace {

using protocol::ApiKey;
using protocol::ApiVersionsResponse;
using protocol::MetadataRequest;
using protocol::MetadataResponse;
using protocol::ProduceRequest;
using protocol::ProduceResponse;
using testing::FakeWorld;

const env::Address kServer{"broker", 9092};

ApiVersionsResponse Offers(std::vector<ApiVersionsResponse::ApiVersion> apis) {
  ApiVersionsResponse response;
  response.api_keys = std::move(apis);
  return response;
}

struct Request {
  protocol::RequestHeader header;
  ByteBuffer bytes;
  // Decoded by the handler.
  template <typename Message>
  Message Body() const {
    protocol::Reader reader(bytes);
    protocol::RequestHeader ignored;
    EXPECT_EQ(protocol::DecodeRequestHeader(reader, ignored), protocol::RequestHeaderStatus::kOk);
    Message message;
    EXPECT_TRUE(protocol::DecodeWhole(reader, header.request_api_version, message));
    return message;
  }
};

template <typename Message>
OutParts AnswerTo(const Request& request, const Message& body, int16_t version) {
  const protocol::ResponseTo to{.key = static_cast<ApiKey>(request.header.request_api_key),
                                .version = version,
                                .correlation_id = request.header.correlation_id};
  EncodedFrame frame = EncodeFrame(to, body);
  EXPECT_FALSE(frame.error);
  return std::move(frame.parts);
}
template <typename Message>
OutParts AnswerTo(const Request& request, const Message& body) {
  return AnswerTo(request, body, request.header.request_api_version);
}

class ClientConnectionTest : public ::testing::Test {
 protected:
  // Nothing is answered where the handler gives no parts.
  using Handler = std::function<OutParts(fiber::Fiber&, const Request&)>;

  void Serve(Handler handler) {
    world_.scheduler.Spawn("server", [this, handler](fiber::Fiber& self) {
      const auto listener = world_.network.Listen(self, kServer).listener;
      const auto stream = listener->Accept(self).connection;
      server_ = static_cast<testing::FakeConnection*>(stream.get());
      FrameReader reader(*stream, pool_, {});
      while (true) {
        FrameResult frame = reader.ReadFrame(self);
        if (!frame.ok()) break;
        Request request{.header = {}, .bytes = ByteBuffer(frame.frame.bytes().begin(), frame.frame.bytes().end())};
        protocol::Reader header_reader(request.bytes);
        protocol::DecodeRequestHeader(header_reader, request.header);
        requests_.push_back(request.header);
        PartViews views;
        const OutParts answer = handler(self, request);
        AppendViews(answer, views);
        if (!views.empty()) stream->Send(self, views);
      }
      server_ = nullptr;
    });
    world_.Run();
  }

  void Connected(std::function<void(fiber::Fiber&, ClientConnection&)> body) {
    world_.scheduler.Spawn("client", [this, body](fiber::Fiber& self) {
      auto opened = ClientConnection::Open(self, world_.env, kServer, {.client_id = "me"});
      open_error_ = opened.error;
      what_ = opened.what;
      if (opened.connection == nullptr) return;
      body(self, *opened.connection);
      opened.connection->Close();
    });
    world_.Run();
  }

  static OutParts StandardVersions(const Request& request) {
    return AnswerTo(request, Offers({{0, 3, 9}, {3, 0, 12}, {18, 0, 4}}));
  }

  BufferPool pool_;
  FakeWorld world_;
  testing::FakeConnection* server_ = nullptr;
  std::vector<protocol::RequestHeader> requests_;
  CallError open_error_ = CallError::kNone;
  std::string what_;
};

TEST_F(ClientConnectionTest, NegotiatesAndMatchesPipelinedAnswersInOrder) {
  Serve([](fiber::Fiber&, const Request& request) {
    if (request.header.request_api_key == 18) return StandardVersions(request);
    MetadataResponse response;
    response.cluster_id = request.Body<MetadataRequest>().topics->at(0).name;
    return AnswerTo(request, response);
  });
  std::vector<std::string> answers;
  Connected([&](fiber::Fiber& self, ClientConnection& connection) {
    EXPECT_EQ(connection.PickVersion<MetadataRequest>(), 12);
    EXPECT_EQ(connection.PickVersion(ApiKey::kFetch, {4, 18}), -1);
    std::vector<PendingCallPtr> calls;
    for (const char* name : {"a", "b", "c"}) {
      MetadataRequest request;
      request.topics.emplace(1);
      request.topics->at(0).name = name;
      calls.push_back(connection.Start(request, 12, {}));
    }
    for (const auto& call : calls) {
      auto result = connection.Await<MetadataResponse>(self, call);
      EXPECT_TRUE(result.ok()) << result.what;
      answers.push_back(result.response.cluster_id.value_or("null"));
    }
  });
  EXPECT_EQ(answers, (std::vector<std::string>{"a", "b", "c"}));
  ASSERT_EQ(requests_.size(), 4u);
  EXPECT_EQ(requests_[0].request_api_version, 4);
  EXPECT_EQ(requests_[3].client_id, "me");
}

TEST_F(ClientConnectionTest, FallsBackToTheVersionOfApiVersionsThatTheBrokerNames) {
  Serve([](fiber::Fiber&, const Request& request) {
    if (request.header.request_api_version > 2) {
      auto refused = Offers({{18, 0, 2}});
      refused.error_code = protocol::ToWire(protocol::ErrorCode::kUnsupportedVersion);
      return AnswerTo(request, refused, 0);
    }
    return StandardVersions(request);
  });
  Connected(
      [&](fiber::Fiber&, ClientConnection& connection) { EXPECT_EQ(connection.PickVersion<ProduceRequest>(), 9); });
  EXPECT_EQ(open_error_, CallError::kNone);
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[1].request_api_version, 2);
}

TEST_F(ClientConnectionTest, FallsBackToVersionZeroWhenTheBrokerNamesNone) {
  Serve([](fiber::Fiber&, const Request& request) {
    if (request.header.request_api_version > 0) {
      auto refused = Offers({});
      refused.error_code = protocol::ToWire(protocol::ErrorCode::kUnsupportedVersion);
      return AnswerTo(request, refused, 0);
    }
    return StandardVersions(request);
  });
  Connected([&](fiber::Fiber&, ClientConnection&) {});
  EXPECT_EQ(open_error_, CallError::kNone);
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[1].request_api_version, 0);
}

TEST_F(ClientConnectionTest, ReportsARefusedConnection) {
  Connected([&](fiber::Fiber&, ClientConnection&) {});
  EXPECT_EQ(open_error_, CallError::kConnect);
  EXPECT_EQ(what_, "broker:9092: connection refused");
}

TEST_F(ClientConnectionTest, ATimeoutFailsTheConnectionAndEveryCallOnIt) {
  Serve([](fiber::Fiber&, const Request& request) {
    return request.header.request_api_key == 18 ? StandardVersions(request) : OutParts();
  });
  Connected([&](fiber::Fiber& self, ClientConnection& connection) {
    const MonoTime before = self.Now();
    const auto patient = connection.Start(MetadataRequest(), 12, {});
    const auto hasty = connection.Start(MetadataRequest(), 12, {.timeout = Duration::Millis(50)});
    const auto second = connection.Await<MetadataResponse>(self, hasty);
    EXPECT_EQ(self.Now() - before, Duration::Millis(50));
    const auto first = connection.Await<MetadataResponse>(self, patient);
    EXPECT_EQ(self.Now() - before, Duration::Millis(50));
    EXPECT_EQ(first.error, CallError::kDisconnected);
    EXPECT_EQ(second.error, CallError::kTimedOut);
    EXPECT_EQ(second.delivery, Delivery::kMaybeSent);
    EXPECT_FALSE(connection.is_open());
    const auto late = connection.Call<MetadataRequest, MetadataResponse>(self, MetadataRequest(), 12);
    EXPECT_EQ(late.error, CallError::kDisconnected);
    EXPECT_EQ(late.delivery, Delivery::kNotSent);
  });
}

TEST_F(ClientConnectionTest, ADisconnectFailsEveryCallInFlight) {
  Serve([this](fiber::Fiber&, const Request& request) {
    if (request.header.request_api_key == 18) return StandardVersions(request);
    server_->Reset();
    return OutParts();
  });
  Connected([&](fiber::Fiber& self, ClientConnection& connection) {
    const auto a = connection.Start(MetadataRequest(), 12, {});
    const auto b = connection.Start(MetadataRequest(), 12, {});
    EXPECT_EQ(connection.Await<MetadataResponse>(self, a).error, CallError::kDisconnected);
    EXPECT_EQ(connection.Await<MetadataResponse>(self, b).error, CallError::kDisconnected);
  });
}

TEST_F(ClientConnectionTest, ACallWithoutAnswerEndsWhenItIsSent) {
  Serve([](fiber::Fiber&, const Request& request) {
    if (request.header.request_api_key == 18) return StandardVersions(request);
    return request.header.request_api_key == 0 ? OutParts() : AnswerTo(request, MetadataResponse());
  });
  Connected([&](fiber::Fiber& self, ClientConnection& connection) {
    const auto silent = connection.Start(ProduceRequest(), 9, {.answer = Answer::kNone});
    const auto loud = connection.Start(MetadataRequest(), 12, {});
    EXPECT_TRUE(connection.Await<ProduceResponse>(self, silent).ok());
    EXPECT_TRUE(connection.Await<MetadataResponse>(self, loud).ok());
  });
}

TEST_F(ClientConnectionTest, AWrongCorrelationIdFailsTheConnection) {
  Serve([](fiber::Fiber&, const Request& request) {
    Request other = request;
    if (request.header.request_api_key == 3) other.header.correlation_id = 77;
    return request.header.request_api_key == 18 ? StandardVersions(request) : AnswerTo(other, MetadataResponse());
  });
  Connected([&](fiber::Fiber& self, ClientConnection& connection) {
    const auto result = connection.Call<MetadataRequest, MetadataResponse>(self, MetadataRequest());
    EXPECT_EQ(result.error, CallError::kBadResponse);
    EXPECT_EQ(result.what, "an answer with correlation id 77 where 1 was next");
  });
}

TEST_F(ClientConnectionTest, AnUndecodableAnswerNamesTheField) {
  Serve([](fiber::Fiber&, const Request& request) {
    if (request.header.request_api_key == 18) return StandardVersions(request);
    OutParts parts = AnswerTo(request, MetadataResponse());
    auto& bytes = std::get<ByteBuffer>(parts[0]);
    bytes.resize(bytes.size() - 1);
    StoreBigEndian(bytes.data(), static_cast<int32_t>(bytes.size() - 4));
    return parts;
  });
  Connected([&](fiber::Fiber& self, ClientConnection& connection) {
    const auto result = connection.Call<MetadataRequest, MetadataResponse>(self, MetadataRequest());
    EXPECT_EQ(result.error, CallError::kBadResponse);
    EXPECT_THAT(result.what, ::testing::HasSubstr("at byte"));
  });
}

TEST_F(ClientConnectionTest, AnUnknownApiIsNotSent) {
  Serve([](fiber::Fiber&, const Request& request) { return AnswerTo(request, Offers({{18, 0, 4}})); });
  Connected([&](fiber::Fiber& self, ClientConnection& connection) {
    const auto result = connection.Call<MetadataRequest, MetadataResponse>(self, MetadataRequest());
    EXPECT_EQ(result.error, CallError::kUnsupportedVersion);
    EXPECT_EQ(result.delivery, Delivery::kNotSent);
  });
}

TEST_F(ClientConnectionTest, RecordsTravelWithoutACopy) {
  std::string got;
  Serve([&](fiber::Fiber&, const Request& request) {
    if (request.header.request_api_key == 18) return StandardVersions(request);
    const auto body = request.Body<ProduceRequest>();
    got = AsString(body.topic_data.at(0).partition_data.at(0).records.bytes());
    return AnswerTo(request, ProduceResponse());
  });
  Connected([&](fiber::Fiber& self, ClientConnection& connection) {
    auto records = std::make_shared<const std::string>(5000, 'r');
    ProduceRequest request;
    request.topic_data.emplace_back();
    request.topic_data[0].partition_data.emplace_back();
    request.topic_data[0].partition_data[0].records = protocol::RecordsField(AsBytes(*records));
    const auto call = connection.Start(request, 9, {.keep_alive = records});
    EXPECT_EQ(records.use_count(), 2);
    EXPECT_TRUE(connection.Await<ProduceResponse>(self, call).ok());
    EXPECT_EQ(records.use_count(), 1);
  });
  EXPECT_EQ(got, std::string(5000, 'r'));
}

}  // namespace
}  // namespace odradek::net
