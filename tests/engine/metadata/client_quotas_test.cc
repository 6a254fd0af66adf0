#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/metadata/controller.h"
#include "tests/engine/metadata/cluster.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

using Entry = protocol::AlterClientQuotasRequest::EntryData;

Entry QuotaOf(std::vector<protocol::AlterClientQuotasRequest::EntityData> entity, const std::string& key,
              double value) {
  Entry entry;
  entry.entity = std::move(entity);
  entry.ops.push_back({key, value, false});
  return entry;
}

ErrorCode AlterQuota(Cluster& cluster, const Entry& entry) {
  protocol::AlterClientQuotasRequest request;
  request.entries.push_back(entry);
  const auto response = cluster.Do(cluster.controller().AlterClientQuotas(request));
  const auto& answer = response.entries.at(0);
  EXPECT_EQ(answer.entity.size(), entry.entity.size());
  EXPECT_EQ(answer.error_code == 0, !answer.error_message.has_value());
  return static_cast<ErrorCode>(answer.error_code);
}

TEST(ClientQuotas, AreSetChangedAndRemoved) {  // KIP-546
  Cluster cluster(1);
  Entry entry = QuotaOf({{"user", "u"}, {"client-id", std::nullopt}}, "producer_byte_rate", 1000);
  EXPECT_EQ(AlterQuota(cluster, entry), ErrorCode::kNone);
  const QuotaEntity entity = {{"client-id", std::nullopt}, {"user", "u"}};
  EXPECT_THAT(cluster.image().client_quotas(),
              ElementsAre(Pair(entity, ElementsAre(Pair("producer_byte_rate", 1000)))));
  const Offset end = cluster.end();
  std::swap(entry.entity[0], entry.entity[1]);
  EXPECT_EQ(AlterQuota(cluster, entry), ErrorCode::kNone);
  EXPECT_EQ(cluster.end(), end);  // nothing new
  entry.ops[0].value = 2000;
  AlterQuota(cluster, entry);
  EXPECT_EQ(cluster.image().client_quotas().at(entity).at("producer_byte_rate"), 2000);
  entry.ops[0].remove = true;
  AlterQuota(cluster, entry);
  EXPECT_THAT(cluster.image().client_quotas(), IsEmpty());
  const Offset after = cluster.end();
  EXPECT_EQ(AlterQuota(cluster, entry), ErrorCode::kNone);
  EXPECT_EQ(cluster.end(), after);
}

TEST(ClientQuotas, EntitiesAreChecked) {  // KIP-546, KIP-612
  Cluster cluster(1);
  const auto code = [&](std::vector<protocol::AlterClientQuotasRequest::EntityData> entity, const std::string& key) {
    return AlterQuota(cluster, QuotaOf(std::move(entity), key, 5));
  };
  EXPECT_EQ(code({}, "producer_byte_rate"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code({{"group", "g"}}, "producer_byte_rate"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code({{"user", ""}}, "producer_byte_rate"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code({{"user", "a"}, {"user", "b"}}, "producer_byte_rate"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code({{"ip", "10.0.0.1"}, {"user", "a"}}, "connection_creation_rate"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code({{"user", "a"}}, "connection_creation_rate"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code({{"ip", "10.0.0.1"}}, "producer_byte_rate"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code({{"user", "a"}}, "no_such_rate"), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code({{"ip", "10.0.0.1"}}, "connection_creation_rate"), ErrorCode::kNone);
  EXPECT_EQ(code({{"ip", std::nullopt}}, "connection_creation_rate"), ErrorCode::kNone);
  EXPECT_EQ(code({{"client-id", "c"}}, "request_percentage"), ErrorCode::kNone);
}

TEST(ClientQuotas, AddressesAreNumbers) {
  Cluster cluster(1);
  const auto code = [&](const std::string& ip) {
    return AlterQuota(cluster, QuotaOf({{"ip", ip}}, "connection_creation_rate", 5));
  };
  for (const std::string good : {"0.0.0.0", "255.1.2.3", "::1", "::", "fe80::1:2", "1:2:3:4:5:6:7:8"}) {
    EXPECT_EQ(code(good), ErrorCode::kNone) << good;
  }
  for (const std::string bad : {"1.2.3", "1.2.3.256", "1.2.3.4.5", "1..2.3", "host", "1:2:3", "1::2::3",
                                ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::1", "12345::"}) {
    EXPECT_EQ(code(bad), ErrorCode::kInvalidRequest) << bad;
  }
}

TEST(ClientQuotas, ValuesAreChecked) {  // KIP-546
  Cluster cluster(1);
  const auto code = [&](const std::string& key, double value) {
    return AlterQuota(cluster, QuotaOf({{"user", "a"}}, key, value));
  };
  EXPECT_EQ(code("producer_byte_rate", 0), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code("producer_byte_rate", -1), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code("producer_byte_rate", 1.5), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code("producer_byte_rate", 1e19), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code("producer_byte_rate", std::numeric_limits<double>::quiet_NaN()), ErrorCode::kInvalidRequest);
  EXPECT_EQ(code("consumer_byte_rate", 9e18), ErrorCode::kNone);
  EXPECT_EQ(code("request_percentage", 12.5), ErrorCode::kNone);
  EXPECT_EQ(code("controller_mutation_rate", 0.1), ErrorCode::kNone);
  EXPECT_EQ(AlterQuota(cluster, QuotaOf({{"ip", "::1"}}, "connection_creation_rate", 2147483648.0)),
            ErrorCode::kInvalidRequest);
  EXPECT_EQ(AlterQuota(cluster, QuotaOf({{"ip", "::1"}}, "connection_creation_rate", 2147483647.0)), ErrorCode::kNone);
}

TEST(ClientQuotas, EntriesFailOneByOneAndWhole) {
  Cluster cluster(1);
  protocol::AlterClientQuotasRequest request;
  request.entries.push_back(QuotaOf({{"user", "a"}}, "producer_byte_rate", 5));
  request.entries[0].ops.push_back({"consumer_byte_rate", -5, false});
  request.entries.push_back(QuotaOf({{"user", "b"}}, "producer_byte_rate", 5));
  request.entries.push_back(QuotaOf({{"user", "b"}}, "consumer_byte_rate", 5));
  request.entries.push_back(QuotaOf({{"user", "c"}}, "producer_byte_rate", 5));
  request.entries[3].ops.push_back(request.entries[3].ops[0]);
  const auto response = cluster.Do(cluster.controller().AlterClientQuotas(request));
  EXPECT_NE(response.entries[0].error_code, 0);
  EXPECT_EQ(response.entries[1].error_code, 0);
  EXPECT_NE(response.entries[2].error_code, 0);  // named a second time
  EXPECT_NE(response.entries[3].error_code, 0);  // one quota twice
  EXPECT_THAT(cluster.image().client_quotas(), SizeIs(1));
}

TEST(ClientQuotas, DryRunAndBound) {
  ControllerOptions options;
  options.records_per_request_max = 1;
  Cluster cluster(1, options);
  protocol::AlterClientQuotasRequest request;
  request.entries.push_back(QuotaOf({{"user", "a"}}, "producer_byte_rate", 5));
  request.entries.push_back(QuotaOf({{"user", "b"}}, "producer_byte_rate", 5));
  const auto outcome = cluster.controller().AlterClientQuotas(request);
  EXPECT_THAT(outcome.records, SizeIs(1));
  EXPECT_EQ(outcome.response.entries[1].error_code, protocol::ToWire(ErrorCode::kPolicyViolation));
  request.validate_only = true;
  EXPECT_THAT(cluster.controller().AlterClientQuotas(request).records, IsEmpty());
}

}  // namespace
}  // namespace odradek::metadata
