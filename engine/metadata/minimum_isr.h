// Eligible leader replicas depend on min.insync.replicas: what else changes when that or the feature does (KIP-966).
// Pure; part of the controller's inside.
#pragma once

#include <string_view>
#include <vector>

#include "engine/metadata/elections.h"
#include "engine/metadata/image.h"

namespace odradek::metadata {

inline constexpr std::string_view kMinInsyncReplicas = "min.insync.replicas";

// min.insync.replicas of the whole cluster, as the node's file has it: with the feature it must be in the log, since
// elections depend on it.
Record ClusterMinimum(const config::PropertyMap& static_properties);

// The feature begins: one minimum for the cluster, none for single brokers.
void AddElrStart(const DecisionView& view, std::vector<Record>& records);

// The feature ends: nobody is eligible any more. Where the ISR is empty, those that were are it, or the last known
// leader, which then recovers: nothing else would say who is to lead.
void AddElrEnd(const DecisionView& view, std::vector<Record>& records);

// `records` change configurations. Where an ISR is large enough by the new minimum, it leaves no ELR (R8): it may
// commit without those.
void AddElrAfterConfigs(const DecisionView& view, std::vector<Record>& records);

}  // namespace odradek::metadata
