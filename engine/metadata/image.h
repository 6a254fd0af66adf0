// What the metadata log says: a fold of its records, and nothing else. The controller folds at once what it writes,
// brokers fold what is committed; both get equal images (PROPERTIES.md M1, M6). Copies share their topics, so that a
// published version costs pointers. A plain value of its owner; never suspends.
//
//  1. Apply() either folds the whole record or leaves the image as it was and says why.
//  2. The fold of image.ToRecords(kMetadataVersionMax) is an image equal to `image`.
//  3. Every configuration of a topic belongs to one that exists.
//
// Source: KIP-500, KIP-631; FEATURES.md 3.5.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/ids.h"
#include "engine/base/uuid.h"
#include "engine/config/def.h"
#include "engine/metadata/record.h"
#include "engine/metadata/topic_table.h"

namespace odradek::metadata {

struct ListenerState {
  std::string name;
  std::string host;
  uint16_t port = 0;
  int16_t security_protocol = 0;
  friend bool operator==(const ListenerState&, const ListenerState&) = default;
};

struct LevelRange {
  int16_t min = 0;
  int16_t max = 0;
  friend bool operator==(const LevelRange&, const LevelRange&) = default;
};

struct BrokerState {
  NodeId id;
  BrokerEpoch epoch;
  Uuid incarnation_id;
  std::vector<ListenerState> listeners;
  std::map<std::string, LevelRange> features;
  std::optional<std::string> rack;
  bool fenced = true;
  bool in_controlled_shutdown = false;
  std::vector<Uuid> log_dirs;
  std::vector<Uuid> cordoned_log_dirs;
  // May lead and may be added to an ISR.
  bool is_active() const { return !fenced && !in_controlled_shutdown; }
  friend bool operator==(const BrokerState&, const BrokerState&) = default;
};

// The values are those of ConfigRecord and of the requests.
enum class ResourceType : int8_t { kTopic = 2, kBroker = 4, kBrokerLogger = 8, kClientMetrics = 16, kGroup = 32 };
struct ConfigResource {
  ResourceType type = ResourceType::kTopic;
  std::string name;  // of a broker: its node id, or empty for the default of the cluster
  friend auto operator<=>(const ConfigResource&, const ConfigResource&) = default;
};

// The next id of the producer id blocks, and who got the last block.
struct ProducerIdState {
  NodeId broker_id = kNoNode;
  BrokerEpoch broker_epoch{-1};
  ProducerId next{0};
  friend bool operator==(const ProducerIdState&, const ProducerIdState&) = default;
};

// Whose quotas: a name by entity type ("user", "client-id", "ip"); nullopt: the default of the type (KIP-546).
using QuotaEntity = std::map<std::string, std::optional<std::string>>;

class Image {
 public:
  // Error: the record contradicts the image (it changes what does not exist), or is of a level that we do not know.
  absl::Status Apply(const Record& record);

  const TopicMap& topics() const { return topics_.by_name(); }
  const std::map<NodeId, BrokerState>& brokers() const { return brokers_; }
  const std::map<ConfigResource, config::PropertyMap>& configs() const { return configs_; }
  // Finalized levels; a level of 0 is not listed.
  const std::map<std::string, int16_t>& features() const { return features_; }
  const ProducerIdState& producer_ids() const { return producer_ids_; }
  // Values by the quota's name. They are never computed with here.
  const std::map<QuotaEntity, std::map<std::string, double>>& client_quotas() const { return client_quotas_; }

  // nullptr: none. Valid until the image changes.
  const TopicState* FindTopic(std::string_view name) const { return topics_.Find(name); }
  const TopicState* FindTopicById(const TopicId& id) const { return topics_.FindById(id); }
  // The same as something to keep. REQUIRES: the image is not changed any more.
  std::shared_ptr<const TopicState> ShareTopic(std::string_view name) const { return topics_.Share(name); }
  std::shared_ptr<const TopicState> ShareTopicById(const TopicId& id) const { return topics_.ShareById(id); }
  const PartitionState* FindPartition(std::string_view topic, PartitionIndex partition) const;
  const BrokerState* FindBroker(NodeId id) const;
  const config::PropertyMap* FindConfigs(const ConfigResource& resource) const;
  const protocol::RegisterControllerRecord* FindController(NodeId id) const;
  // nullopt: no record has set it yet, and kMetadataVersionMax is written.
  std::optional<MetadataVersion> metadata_version() const;

  // Records of features that this version does not act upon (ACLs, SCRAM, tokens), and of controllers: kept, so that no
  // snapshot loses them.
  int64_t passive_record_count() const { return static_cast<int64_t>(passive_.size()); }

  // The image as records, in an order that Apply() accepts: a snapshot's content. What the level cannot carry is left
  // out, as in Kafka.
  std::vector<Record> ToRecords(MetadataVersion level) const;

  friend bool operator==(const Image&, const Image&) = default;

 private:
  friend class RecordApplier;
  // Number of the record's type and what identifies the thing in it.
  using PassiveKey = std::tuple<int16_t, std::string>;
  static std::string ControllerKey(int32_t id);

  TopicTable topics_;
  std::map<NodeId, BrokerState> brokers_;
  std::map<ConfigResource, config::PropertyMap> configs_;
  std::map<std::string, int16_t> features_;
  ProducerIdState producer_ids_;
  std::map<QuotaEntity, std::map<std::string, double>> client_quotas_;
  std::map<PassiveKey, Record> passive_;
};

// Folds a change into the partition that it is about. Error: the change leaves replicas without directories; the
// partition stays as it was.
absl::Status Merge(const protocol::PartitionChangeRecord& change, PartitionState& into);

// A 64-bit hash of the image's content: equal images have equal ones, on every node and from every compiler.
uint64_t Fingerprint(const Image& image);

// What a partition's state breaks of PROPERTIES.md R8; nullopt: nothing. `min_isr` is capped at the replica count.
std::optional<std::string> StructureProblem(const PartitionState& partition, int32_t min_isr);

// The fold of a log with its metadata transactions (KIP-868): records between BeginTransaction and EndTransaction are
// in image(), which the controller decides on, but not in visible(), which brokers act on, until the transaction ends.
class Fold {
 public:
  Fold() = default;
  explicit Fold(Image image) : image_(std::move(image)) {}
  absl::Status Apply(const Record& record);
  const Image& image() const { return image_; }
  const Image& visible() const { return before_transaction_ ? *before_transaction_ : image_; }
  bool in_transaction() const { return before_transaction_.has_value(); }

 private:
  Image image_;
  std::optional<Image> before_transaction_;
};

}  // namespace odradek::metadata
