#include "engine/protocol/api.h"

#include <algorithm>

#include "engine/base/check.h"

namespace odradek::protocol {

const ApiInfo* FindApi(int16_t key) {
  const std::span<const ApiInfo> apis = AllApis();
  const auto at = std::ranges::lower_bound(apis, static_cast<ApiKey>(key), {}, &ApiInfo::key);
  return at != apis.end() && at->key == static_cast<ApiKey>(key) ? &*at : nullptr;
}

const ApiInfo& InfoOf(ApiKey key) {
  const ApiInfo* api = FindApi(static_cast<int16_t>(key));
  REQUIRES(api != nullptr);
  return *api;
}

}  // namespace odradek::protocol
