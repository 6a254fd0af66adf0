// The mistakes of BUG_ZOO.md that can be switched on in the `mutations` build, one per line; the comment says what the
// mutated code does wrong. A mutation is applied with MUTATION(context, id) at one site (context.h).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

// X(id, what the mutated code does)
#define ODRADEK_MUTATION_LIST(X)                                                    \
  X(LG01, "log end offset advances before the write")                               \
  X(LG02, "log end offset stays when the index append fails")                       \
  X(LG04, "clean-shutdown marker removed after loading instead of at start")        \
  X(LG05, "clean-shutdown marker written although loading failed")                  \
  X(LG07, "recovery accepts a torn tail: batch length only, no CRC")                \
  X(LG10, "leader-epoch checkpoint replaced without fsync")                         \
  X(LG11, "recovery does not enter leader epoch 0 into the cache")                  \
  X(LG12, "producer snapshot written without fsync")                                \
  X(LG13, "producer snapshots deleted from the recovery point on")                  \
  X(LG14, "recovery loads producer state into an instance that appends do not use") \
  X(LG16, "checkpoint writes only the partitions that are dirty now")               \
  X(LG17, "truncation into an empty or earlier segment does nothing")               \
  X(LG18, "indexes are not truncated with the log")                                 \
  X(LG19, "segment rolls by record count, not by offset delta")                     \
  X(LG20, "append goes to a segment that prefix truncation removed")                \
  X(LG22, "a failed fsync is retried and its success believed")                     \
  X(LG23, "acknowledged before the fsync that the flush policy promises")           \
  X(LG24, "rename without fsync of the directory")                                  \
  X(LG27, "batch appended although its CRC is wrong")                               \
  X(LG28, "reader finds no segment between roll and publication")                   \
  X(ID01, "duplicate batch answered OUT_OF_ORDER_SEQUENCE_NUMBER")                  \
  X(ID02, "duplicate window of one batch instead of five")                          \
  X(ID04, "duplicate recognised by first sequence only")                            \
  X(ID05, "duplicate acknowledged before the original is durable")                  \
  X(ID06, "duplicate answered with the log end offset")                             \
  X(ID07, "sequence does not wrap from 2^31-1 to 0")                                \
  X(ID08, "new producer epoch may start at any sequence")                           \
  X(ID09, "older producer epoch accepted")                                          \
  X(ID12, "producer state starts empty after restart")                              \
  X(ID14, "producer entry dropped when its records are deleted")                    \
  X(ID18, "producer state served before the last segment is replayed")              \
  X(ID19, "producer may go on before the first sequence that is known")             \
  X(ID20, "producer id block restarts at an old value")                             \
  X(LG25, "an interrupted swap of segments is dropped at the next start")           \
  X(CP01, "cleans above the high watermark")                                        \
  X(CP02, "records behind a full map are dropped")                                  \
  X(CP03, "keeps the older record of a key")                                        \
  X(CP04, "tombstone removed by the first cleaning")                                \
  X(CP05, "tombstone removed where older records were not looked at")               \
  X(CP07, "records of aborted transactions supersede committed ones")               \
  X(CP10, "aborted transactions behind the cleaned range are forgotten")            \
  X(CP11, "transaction markers dropped before their data")                          \
  X(CP12, "last batch of a producer dropped")                                       \
  X(CP13, "last batch of a cleaned range dropped")                                  \
  X(CP15, "compaction does not notice a truncation")                                \
  X(CP17, "originals are removed before the copy is renamed and synced")            \
  X(CP18, "compacts the segment that is appended to")                               \
  X(CP19, "records without key accepted in a compacted topic")                      \
  X(RT01, "retention deletes segments above the high watermark")                    \
  X(RT02, "time retention uses the first timestamp of a segment")                   \
  X(RT03, "size retention deletes one segment too many")                            \
  X(RT04, "log start offset not checkpointed")                                      \
  X(RT06, "read at a log start inside a batch answers OFFSET_OUT_OF_RANGE")         \
  X(RT07, "read below the log start offset allowed")                                \
  X(RT08, "largest timestamp of a segment survives truncation")                     \
  X(RT09, "timestamp search not bounded by the log start offset")                   \
  X(RT10, "MAX_TIMESTAMP answers the last offset of the batch")                     \
  X(RT12, "fetch between high watermark and log end answers OFFSET_OUT_OF_RANGE")   \
  X(RT13, "fetch session accepts an old epoch")                                     \
  X(RT15, "fetch session ids are used again")                                       \
  X(RT17, "partition twice in one fetch response")                                  \
  X(RT18, "batch above the size limit is never returned")                           \
  X(RT21, "Metadata answers the leader epoch before the last")                      \
  X(CL01, "client resends a failed batch behind later ones")                        \
  X(CL02, "client sequences waiting batches in another order after a gap")          \
  X(CL03, "client keeps its sequence when its epoch rises")                         \
  X(CL06, "client reuses the sequence of a timed-out batch")                        \
  X(CL07, "client rebuilds a batch differently on retry")                           \
  X(CL08, "fetch in flight applied after a seek")                                   \
  X(CL09, "consumer returns records before the fetch offset")                       \
  X(CL16, "client sequences a batch anew that may have been appended")              \
  X(RP01, "the high watermark is the leader's log end")                             \
  X(RP02, "the high watermark is what most replicas have, in sync or not")          \
  X(RP04, "a proposed removal from the ISR counts at once")                         \
  X(RP05, "a change of the ISR is reverted when its fate is unknown")               \
  X(RP06, "a late answer about the ISR ends the change after it")                   \
  X(RP07, "the high watermark rises below min.insync.replicas")                     \
  X(RP09, "a new follower truncates to its high watermark")                         \
  X(RP10, "the end of an epoch is told without saying of which one")                \
  X(RP11, "a leader's epoch begins with its first append")                          \
  X(RP12, "a follower does not compare its log with a leader that leads again")     \
  X(RP13, "a truncation to the log end keeps the epochs that begin there")          \
  X(RP17, "a leader counts fetches of other leader epochs")                         \
  X(RP18, "a fetch session checks the leader epoch once")                           \
  X(RP20, "a leader that is elected again keeps what it knew of followers")         \
  X(RP21, "a fetch that has to truncate first counts as progress")                  \
  X(RP22, "the high watermark waits for a replica that cannot join the ISR")        \
  X(RP23, "a new ISR does not move the high watermark")                             \
  X(RP24, "an answer to an earlier question of a follower is applied")              \
  X(RP27, "a follower ahead of its leader starts from the leader's start")          \
  X(RP28, "a log that begins anew keeps its high watermark")                        \
  X(RP29, "a checkpointed high watermark is believed as it is")                     \
  X(RP33, "an election takes the first live replica")                               \
  X(RP34, "an unclean leader joins the old ISR")                                    \
  X(RP35, "a fenced broker joins the ISR")                                          \
  X(RP38, "a change of the ISR is not fenced by the partition epoch")               \
  X(RP39, "a move of replicas ends before all that stay are in sync")               \
  X(RP40, "a replica is matched by the name of its topic")                          \
  X(RP42, "a follower answers OFFSET_OUT_OF_RANGE for what it has not got yet")     \
  X(RP43, "consumers are sent to replicas outside of the ISR")                      \
  X(RP44, "consumers are served in any leader epoch")                               \
  X(RP48, "below the log start the epochs are compared nevertheless")               \
  X(RP49, "who does not lead answers UNKNOWN_LEADER_EPOCH")                         \
  X(RF01, "a vote is answered before it is on disk")                                \
  X(RF02, "a follower forgets whom it voted for in its epoch")                      \
  X(RF03, "a restarted leader leads on in its epoch")                               \
  X(RF04, "metadata count as stored before they are flushed")                       \
  X(RF05, "a leader commits records of earlier epochs without one of its own")      \
  X(RF09, "a replica campaigns that does not vote")                                 \
  X(RF10, "a pre-vote is recorded as a vote")                                       \
  X(RF11, "every answer to a request for votes counts as a vote")                   \
  X(RF13, "a leader that hears from nobody does not resign")                        \
  X(RF14, "a controller decides before a record of its epoch is committed")         \
  X(RF17, "a decision of an earlier epoch is appended in a later one")              \
  X(RF21, "metadata are applied up to the log end")                                 \
  X(RF26, "a snapshot from the leader is not applied")                              \
  X(CT01, "the controller answers before its decision is committed")                \
  X(CT11, "a controller decides before it has applied what is committed")           \
  X(CT12, "of several committed batches only the first one is applied")             \
  X(CT13, "a snapshot is named by the last offset in it")                           \
  X(CT17, "a broker must know all metadata before it is unfenced")

namespace odradek::base {

enum class Mutation : uint16_t {
#define ODRADEK_MUTATION_ENUM(id, what) k##id,
  ODRADEK_MUTATION_LIST(ODRADEK_MUTATION_ENUM)
#undef ODRADEK_MUTATION_ENUM
};

struct MutationInfo {
  Mutation mutation;
  std::string_view id;
  std::string_view what;
};

inline constexpr auto kMutations = std::to_array<MutationInfo>({
#define ODRADEK_MUTATION_INFO(id, what) {Mutation::k##id, #id, what},
    ODRADEK_MUTATION_LIST(ODRADEK_MUTATION_INFO)
#undef ODRADEK_MUTATION_INFO
});

}  // namespace odradek::base
