// Quotas of users, clients and addresses (KIP-546, KIP-612). The values are carried, not computed with.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "engine/metadata/controller.h"

namespace odradek::metadata {
namespace {

using protocol::ErrorCode;
using QuotaRequest = protocol::AlterClientQuotasRequest::EntryData;
using QuotaOp = protocol::AlterClientQuotasRequest::OpData;

constexpr std::string_view kUser = "user";
constexpr std::string_view kClientId = "client-id";
constexpr std::string_view kIp = "ip";

struct QuotaDef {
  std::string_view key;
  enum class For : uint8_t { kUserOrClient, kIp } entity;
  enum class Type : uint8_t { kDouble, kLong, kInt } type;
};
constexpr QuotaDef kQuotas[] = {
    {"producer_byte_rate", QuotaDef::For::kUserOrClient, QuotaDef::Type::kLong},
    {"consumer_byte_rate", QuotaDef::For::kUserOrClient, QuotaDef::Type::kLong},
    {"request_percentage", QuotaDef::For::kUserOrClient, QuotaDef::Type::kDouble},
    {"controller_mutation_rate", QuotaDef::For::kUserOrClient, QuotaDef::Type::kDouble},
    {"connection_creation_rate", QuotaDef::For::kIp, QuotaDef::Type::kInt},
};

Failure BadQuota(std::string message) {
  return {ErrorCode::kInvalidRequest, std::move(message)};
}

// Four numbers up to 255 with dots between them.
bool IsIpv4(std::string_view text) {
  int dots = 0;
  int digits = 0;
  int number = 0;
  for (const char c : text) {
    if (c == '.') {
      if (digits == 0) return false;
      ++dots;
      digits = 0;
      number = 0;
      continue;
    }
    if (c < '0' || c > '9' || ++digits > 3) return false;
    number = number * 10 + (c - '0');
    if (number > 255) return false;
  }
  return dots == 3 && digits > 0;
}

// Up to eight groups of up to four hexadecimal digits with colons between them, one gap.
bool IsIpv6(std::string_view text) {
  int groups = 0;
  int digits = 0;
  int gaps = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != ':') {
      if (std::string_view("0123456789abcdefABCDEF").find(c) == std::string_view::npos || ++digits > 4) return false;
      if (digits == 1) ++groups;
      continue;
    }
    digits = 0;
    if (i + 1 < text.size() && text[i + 1] == ':') ++gaps;
  }
  const bool starts_alone = text.starts_with(':') && !text.starts_with("::");
  const bool ends_alone = text.ends_with(':') && !text.ends_with("::");
  if (gaps > 1 || starts_alone || ends_alone) return false;
  return gaps == 1 ? groups <= 7 : groups == 8;
}

MaybeFailure ReadEntity(const QuotaRequest& request, QuotaEntity& out) {
  if (request.entity.empty()) return BadQuota("Invalid empty client quota entity");
  for (const auto& e : request.entity) {
    if (e.entity_type != kUser && e.entity_type != kClientId && e.entity_type != kIp) {
      return BadQuota(fmt::format("Unhandled client quota entity type: {}", e.entity_type));
    }
    if (e.entity_name && e.entity_name->empty()) {
      return BadQuota(fmt::format("Empty {} not supported", e.entity_type));
    }
    if (!out.emplace(e.entity_type, e.entity_name).second) {
      return BadQuota(fmt::format("Invalid client quota entity, duplicate entity entry {}", e.entity_type));
    }
  }
  const auto ip = out.find(std::string(kIp));
  if (ip == out.end()) return std::nullopt;
  if (out.size() > 1) return BadQuota("Invalid quota entity combination, an IP is not combined with user or client id");
  // Names are not resolved: what they mean may change.
  if (!ip->second || IsIpv4(*ip->second) || IsIpv6(*ip->second)) return std::nullopt;
  return BadQuota(fmt::format("{} is not an IP address", *ip->second));
}

MaybeFailure CheckQuotaValue(const QuotaDef& def, double value) {
  // Also what is no number at all.
  if (!(value > 0)) return BadQuota(fmt::format("Quota {} must be greater than 0", def.key));
  if (def.type == QuotaDef::Type::kDouble) return std::nullopt;
  const bool is_int = def.type == QuotaDef::Type::kInt;
  // 2^63 is the first that does not fit; its predecessor is no value of the type.
  const double end = is_int ? 2147483648.0 : 9223372036854775808.0;
  if (value >= end) return BadQuota(fmt::format("Proposed value for {} is too large", def.key));
  if (std::trunc(value) != value) return BadQuota(fmt::format("{} cannot be a fractional value.", def.key));
  return std::nullopt;
}

MaybeFailure CheckQuota(const QuotaEntity& entity, const QuotaOp& op) {
  const auto wanted = entity.contains(std::string(kIp)) ? QuotaDef::For::kIp : QuotaDef::For::kUserOrClient;
  const auto has_name = [&](const QuotaDef& def) { return def.key == op.key && def.entity == wanted; };
  const auto* const def = std::find_if(std::begin(kQuotas), std::end(kQuotas), has_name);
  if (def == std::end(kQuotas)) return BadQuota(fmt::format("Invalid configuration key {}", op.key));
  return op.remove ? std::nullopt : CheckQuotaValue(*def, op.value);
}

// The entry's records, or why there are none.
MaybeFailure ChangeQuotas(const Image& image, const QuotaRequest& request, const QuotaEntity& entity,
                          std::vector<Record>& records) {
  const auto current = image.client_quotas().find(entity);
  std::set<std::string_view> keys;
  for (const QuotaOp& op : request.ops) {
    if (!keys.insert(op.key).second) return BadQuota(fmt::format("Duplicate quota key {}", op.key));
    MaybeFailure failure = CheckQuota(entity, op);
    if (failure) return failure;
    const bool has_any = current != image.client_quotas().end();
    const auto at = has_any ? current->second.find(op.key) : std::map<std::string, double>::const_iterator();
    const bool has_it = has_any && at != current->second.end();
    if (op.remove ? !has_it : has_it && at->second == op.value) continue;
    protocol::ClientQuotaRecord record;
    for (const auto& [type, name] : entity) record.entity.push_back({type, name});
    record.key = op.key;
    if (!op.remove) record.value = op.value;
    record.remove = op.remove;
    records.emplace_back(std::move(record));
  }
  return std::nullopt;
}

}  // namespace

Outcome<protocol::AlterClientQuotasResponse> Controller::AlterClientQuotas(
    const protocol::AlterClientQuotasRequest& request) const {
  Outcome<protocol::AlterClientQuotasResponse> outcome;
  std::set<QuotaEntity> seen;
  for (const QuotaRequest& entry : request.entries) {
    QuotaEntity entity;
    std::vector<Record> records;
    MaybeFailure failure = ReadEntity(entry, entity);
    if (!failure && !seen.insert(entity).second) failure = BadQuota("The request names this entity more than once");
    if (!failure) failure = ChangeQuotas(image(), entry, entity, records);
    const size_t bound = static_cast<size_t>(options_.records_per_request_max);
    if (!failure && outcome.records.size() + records.size() > bound) {
      failure = Failure{ErrorCode::kPolicyViolation, fmt::format("A request may lead to at most {} records", bound)};
    }
    auto& answer = outcome.response.entries.emplace_back();
    answer.error_message = std::nullopt;
    for (const auto& e : entry.entity) answer.entity.push_back({e.entity_type, e.entity_name});
    if (failure) {
      answer.error_code = protocol::ToWire(failure->code);
      answer.error_message = failure->message;
    } else {
      std::move(records.begin(), records.end(), std::back_inserter(outcome.records));
    }
  }
  if (request.validate_only) outcome.records.clear();
  return outcome;
}

}  // namespace odradek::metadata
